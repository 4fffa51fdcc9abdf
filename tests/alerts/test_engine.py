"""The engine over a real ledger: complete minutes only, silence is not zero, nothing is forgotten."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from alerts.model import MinVolume, Rule
from core.errors import QueryFailedError
from queries.client import ClickHouse
from queries.statement import Statement
from tests.alerts.ledger import NOON, OUTAGE, STALE, WORDS, Shop, of

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def shop(clean_store: ClickHouse) -> Shop:
    made = Shop(clean_store)
    for back in range(3, 0, -1):
        made.minute(NOON - back * MINUTE)
    return made


def test_an_outage_in_one_region_fires_within_two_minutes_and_resolves_by_itself(shop: Shop) -> None:
    begun = NOON + 12 * SECOND  # payments in the east fail from here on
    fired = None
    states = []
    for number in range(12):
        start = NOON + number * MINUTE
        failing = number < 5
        shop.put("paid", start, 3 if number == 0 else 0, over_s=12)
        shop.minute(start, east=0.0 if failing else 0.86)
        for second in (2, 4, 30):
            as_of = start + MINUTE + second * SECOND
            shop.reached = as_of
            views = shop.observe(as_of)
            if fired is None and views[0].state == "firing":
                fired = as_of
        states.append({view.code: view.state for view in views})
    assert fired is not None and fired - begun <= 2 * MINUTE
    assert states[1]["east"] == "firing" and "south" not in states[1]
    assert [state.get("east", "calm") for state in states][5:9] == ["firing", "recovering", "resolved", "resolved"]
    assert of(views, "outage", "east").state == "resolved"


def test_a_minute_is_judged_once_its_allowed_lateness_is_over(clean_store: ClickHouse) -> None:
    """Payments come 40 seconds late: judged at once the minute would look like an outage."""
    states = {}
    for lateness in (3.0, 45.0):
        clean_store.write(Statement("empty", "TRUNCATE TABLE order_events"))
        shop = Shop(clean_store, lateness_s=lateness)
        shop.minute(NOON - MINUTE)
        for number in range(2):
            start = NOON + number * MINUTE
            shop.minute(start, east=0.0)
            shop.reached = start + MINUTE + 5 * SECOND
            views = shop.observe(shop.reached)
            shop.put("paid", start, 18)
            shop.reached = start + MINUTE + 46 * SECOND
            views = shop.observe(shop.reached)
        states[lateness] = {view.code: view.state for view in views if view.rule == "outage"}
    assert states[3.0].get("east") == "firing"
    assert states[45.0].get("east") is None


def test_a_firing_view_says_what_where_and_what_next(shop: Shop) -> None:
    for number in range(2):
        shop.minute(NOON + number * MINUTE, east=0.05)
    shop.reached = NOON + 2 * MINUTE + 3 * SECOND
    view = shop.observe(shop.reached)[0]
    assert (view.rule, view.code, view.state, view.severity) == ("outage", "east", "firing", "critical")
    assert view.value == pytest.approx(0.05) and view.limit == 0.45 and view.unit == "ratio"
    assert view.since == view.evaluated_at == NOON + 2 * MINUTE
    assert view.cause["zh"] == "华东 支付成功率 5.00% < 45.0%，近2分钟，创建订单 40"
    assert view.cause["en"] == "East payment success 5.00% < 45.0% over 2 min, orders created 40"


def test_a_minute_that_is_not_complete_never_fires(shop: Shop) -> None:
    shop.put("created", NOON, 60)  # the payments of this minute have not arrived yet
    shop.reached = NOON + 59 * SECOND
    for second in (5, 30, 59):
        assert of(shop.observe(NOON + second * SECOND), "outage").state == "inactive"
    shop.put("paid", NOON, 55)
    shop.reached = NOON + MINUTE + 3 * SECOND
    assert of(shop.observe(shop.reached), "outage").state == "inactive"


def test_events_may_be_late_by_the_allowed_seconds(shop: Shop) -> None:
    shop.put("created", NOON, 60)
    shop.reached = NOON + MINUTE + 2 * SECOND
    assert of(shop.observe(shop.reached), "outage").state == "inactive"
    assert of(shop.observe(NOON + MINUTE + 3 * SECOND), "outage", "east").state == "firing"


def test_each_minute_is_asked_once_however_many_ticks(shop: Shop) -> None:
    shop.minute(NOON)
    shop.reached = NOON + 90 * SECOND
    for second in range(4, 30, 2):
        shop.observe(NOON + MINUTE + second * SECOND)
    assert len(shop.asked) == 1


def test_missed_minutes_are_caught_up_but_not_without_end(shop: Shop) -> None:
    shop.reached = NOON + 4 * SECOND
    shop.observe(shop.reached)
    for number in range(4):
        shop.minute(NOON + number * MINUTE, east=0.0)
    shop.reached = NOON + 4 * MINUTE + 4 * SECOND
    view = shop.observe(shop.reached)[0]
    assert view.state == "firing" and view.since == NOON + MINUTE
    shop.asked.clear()
    shop.reached = NOON + 5 * 60 * MINUTE
    shop.observe(shop.reached + 4 * SECOND)
    assert len(shop.asked) == 10


def test_a_region_without_any_row_counts_as_zero(clean_store: ClickHouse) -> None:
    gone = Rule(
        key="gone", name=WORDS, metric="orders_created", type="change", by="large_region", window_minutes=2, limit=-0.8,
        min_volume=MinVolume(metric="orders_created", value=10), owner="o", action=WORDS,
    )  # fmt: skip
    shop = Shop(clean_store, (gone,))
    for number in range(2):
        shop.minute(NOON - timedelta(days=1) + number * MINUTE)
        shop.put("created", NOON + number * MINUTE, 20, "440000")  # nothing at all from the east today
    shop.reached = NOON + 2 * MINUTE + 3 * SECOND
    views = shop.observe(shop.reached)
    assert [(view.code, view.state, view.value) for view in views] == [("east", "firing", -1.0)]
    assert views[0].cause["en"] == "East orders created -100.0%: 0, same time yesterday 40, over 2 min"


def test_a_source_that_stops_holds_the_rules_and_fires_the_stale_one(clean_store: ClickHouse) -> None:
    shop = Shop(clean_store, (OUTAGE, STALE))
    for number in range(2):
        shop.minute(NOON + number * MINUTE, east=0.0)
    shop.reached = NOON + 2 * MINUTE + 3 * SECOND
    assert of(shop.observe(shop.reached), "outage", "east").state == "firing"
    assert of(shop.observe(shop.reached), "stale").state == "inactive"
    for second in range(4, 600, 10):  # nothing arrives any more
        views = shop.observe(NOON + 2 * MINUTE + second * SECOND)
    assert of(views, "outage", "east").state == "firing", "missing data never resolves"
    stale = of(views, "stale")
    assert stale.state == "firing" and stale.cause["en"].startswith("No new data in the order stream for")
    start = NOON + 12 * MINUTE
    for number in range(6):
        shop.minute(start + number * MINUTE)
        shop.reached = start + (number + 1) * MINUTE + 3 * SECOND
        views = shop.observe(shop.reached)
    assert of(views, "stale").state == of(views, "outage", "east").state == "resolved"


def test_an_empty_store_is_no_data_and_a_finished_data_set_is_not_stalled(clean_store: ClickHouse) -> None:
    shop = Shop(clean_store, (OUTAGE, STALE))
    assert {view.state for view in shop.observe(NOON + 40 * SECOND)} == {"no_data"}
    shop.minute(NOON - timedelta(days=900))
    assert {view.state for view in shop.observe(NOON + 2 * MINUTE)} == {"no_data"}


def test_zeros_are_zeros_while_another_ledger_moves(clean_store: ClickHouse) -> None:
    few = Rule(key="few", name=WORDS, metric="orders_created", window_minutes=1, limit=1, owner="o", action=WORDS)
    shop = Shop(clean_store, (few,))
    shop.minute(NOON)
    shop.behaviour = NOON + 3 * MINUTE + 5 * SECOND
    assert shop.observe(NOON + 3 * MINUTE + 5 * SECOND)[0].state == "firing"


def test_states_survive_a_restart_and_a_broken_file_starts_anew(clean_store: ClickHouse, tmp_path: Path) -> None:
    path = tmp_path / "alerts.json"
    shop = Shop(clean_store, (OUTAGE,), state_path=path)
    for number in range(2):
        shop.minute(NOON + number * MINUTE, east=0.0)
    shop.reached = NOON + 2 * MINUTE + 3 * SECOND
    before = shop.observe(shop.reached)
    shop.restarted()
    shop.asked.clear()
    assert shop.observe(shop.reached + SECOND) == before
    assert shop.asked == [], "a minute that was judged is not judged again"
    path.write_text('{"format": 1, "rules": {"outage"')
    shop.restarted()
    assert of(shop.observe(shop.reached + SECOND), "outage", "east").state == "firing"


def test_an_edited_rule_starts_anew_but_new_words_do_not(clean_store: ClickHouse, tmp_path: Path) -> None:
    shop = Shop(clean_store, (OUTAGE,), state_path=tmp_path / "alerts.json")
    for number in range(2):
        shop.minute(NOON + number * MINUTE, east=0.0)
    shop.reached = NOON + 2 * MINUTE + 3 * SECOND
    shop.observe(shop.reached)
    shop.rules = (OUTAGE.model_copy(update={"owner": {"zh": "别人", "en": "someone else"}}),)
    shop.restarted()
    assert of(shop.observe(shop.reached), "outage", "east").state == "firing"
    shop.rules = (OUTAGE.model_copy(update={"limit": -1.0}),)
    shop.restarted()
    assert of(shop.observe(shop.reached), "outage").state == "inactive"


def test_a_failed_statement_is_shown_holds_the_state_and_is_asked_again(shop: Shop) -> None:
    for number in range(2):
        shop.minute(NOON + number * MINUTE, east=0.0)
    shop.reached = NOON + 2 * MINUTE + 3 * SECOND
    shop.observe(shop.reached)
    shop.minute(NOON + 2 * MINUTE, east=0.0)
    shop.reached = NOON + 3 * MINUTE + 3 * SECOND
    shop.broken = QueryFailedError("alerts", 159, "took too long", retryable=True)
    views = shop.observe(shop.reached)
    assert [(view.code, view.state) for view in views] == [("east", "firing"), (None, "error")]
    assert "took too long" in views[1].cause["zh"]
    shop.broken = None
    asked = len(shop.asked)
    shop.observe(shop.reached + SECOND)
    assert len(shop.asked) == asked, "not again at once"
    assert [view.state for view in shop.observe(shop.reached + 11 * SECOND)] == ["firing"]


def test_rules_about_the_same_rows_share_one_ask(clean_store: ClickHouse) -> None:
    twin = OUTAGE.model_copy(update={"key": "twin", "metric": "orders_paid"})
    shop = Shop(clean_store, (OUTAGE, twin))
    shop.minute(NOON)
    shop.reached = NOON + MINUTE + 3 * SECOND
    shop.observe(shop.reached)
    assert [ask.metrics for ask in shop.asked] == [("create_to_pay_rate", "orders_created", "orders_paid")]
