"""The live simulator and the history it follows: no gap, no double, through restarts, pauses and failures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from core.clock import ManualClock
from core.errors import QueryFailedError, UnknownNameError
from ingest.history import HistorySummary, fill_gap, fill_history
from ingest.scenario import Scenario, load_scenario
from ingest.simulator import LiveSimulator
from ingest.world import load_world
from ingest.writer import Writer
from queries.client import ClickHouse
from queries.continuation import note_history
from queries.statement import Statement

NOON = datetime(2026, 11, 11, 4, 0, 0, 400_000, tzinfo=UTC)
SEED, RATE = 5, 40.0
# Rows and a sum of their hashes: equal only for the same rows, each as often.
DIGEST = "SELECT count(), sum(cityHash64(* EXCEPT ingested_at)) FROM "


PATIENT = {"max_execution_time": 60}  # whole ledgers are compared row by row, which no tile ever does


@pytest.fixture
def normal() -> Scenario:
    return load_scenario("normal_day", load_world())


def rows(store: ClickHouse, sql: str) -> list[tuple[object, ...]]:
    return list(store.read(Statement("test", sql, settings=PATIENT)).rows)


def behaviour(store: ClickHouse) -> list[tuple[object, ...]]:
    return rows(store, DIGEST + "behaviour_events")


def orders(store: ClickHouse) -> list[tuple[object, ...]]:
    return rows(store, DIGEST + "order_events")


def fill(store: ClickHouse, scenario: Scenario, until: datetime, hours: float = 3) -> HistorySummary:
    longest = timedelta(hours=hours)
    return fill_gap(store, scenario=scenario, seed=SEED, until=until, rate=RATE, longest=longest)


def simulator(store: ClickHouse, scenario: Scenario, clock: ManualClock, **more: object) -> LiveSimulator:
    return LiveSimulator(store, seed=SEED, rate=RATE, scenario=scenario, clock=clock, **more)  # type: ignore[arg-type]


def live(store: ClickHouse, scenario: Scenario, clock: ManualClock, seconds: int, pace: int = 1) -> None:
    running = simulator(store, scenario, clock)
    running.step()
    for _ in range(seconds // pace):
        clock.advance(seconds=pace)
        running.step()


def test_history_ends_exactly_at_the_moment_asked(clean_store: ClickHouse, normal: Scenario) -> None:
    summary = fill(clean_store, normal, NOON)
    assert summary.until == NOON.replace(microsecond=0)
    for table in ("behaviour_events", "order_events"):
        ((first, last),) = rows(clean_store, f"SELECT min(ts), max(ts) FROM {table}")
        assert isinstance(first, datetime) and isinstance(last, datetime)
        assert timedelta(0) <= summary.until - last.replace(tzinfo=UTC) < timedelta(seconds=20)
        assert timedelta(0) <= first.replace(tzinfo=UTC) - summary.start < timedelta(seconds=20)
    ((both,),) = rows(clean_store, "SELECT (SELECT count() FROM behaviour_events) + (SELECT count() FROM order_events)")
    assert both == summary.rows


def test_live_after_history_is_the_same_business_as_history_alone(clean_store: ClickHouse, normal: Scenario) -> None:
    fill(clean_store, normal, NOON + timedelta(minutes=20), hours=3)
    whole_behaviour, whole_orders = behaviour(clean_store), orders(clean_store)
    _empty(clean_store)
    fill(clean_store, normal, NOON, hours=3 - 1 / 3)
    live(clean_store, normal, ManualClock(NOON), seconds=8)
    live(clean_store, normal, ManualClock(NOON + timedelta(seconds=240)), seconds=960, pace=120)
    assert behaviour(clean_store) == whole_behaviour
    assert orders(clean_store) == whole_orders


def test_the_same_seed_and_clock_write_the_same_events(clean_store: ClickHouse, normal: Scenario) -> None:
    live(clean_store, normal, ManualClock(NOON), seconds=6)
    first = (behaviour(clean_store), orders(clean_store))
    _empty(clean_store)
    live(clean_store, normal, ManualClock(NOON), seconds=6)
    assert first[0][0][0] != 0
    assert (behaviour(clean_store), orders(clean_store)) == first


def test_an_empty_store_begins_now(clean_store: ClickHouse, normal: Scenario) -> None:
    live(clean_store, normal, ManualClock(NOON), seconds=5)
    ((first, count),) = rows(clean_store, "SELECT min(ts), count() FROM behaviour_events")
    assert isinstance(first, datetime) and isinstance(count, int)
    assert first.replace(tzinfo=UTC) >= NOON.replace(microsecond=0)
    assert count > 5 * RATE / 3


def test_a_pause_leaves_no_hole(clean_store: ClickHouse, normal: Scenario) -> None:
    clock = ManualClock(NOON)
    running = simulator(clean_store, normal, clock)
    running.step()
    for pause in (timedelta(minutes=8), timedelta(minutes=45)):
        clock.advance(seconds=pause.total_seconds())
        running.step()
    minutes = rows(clean_store, "SELECT toStartOfMinute(ts) AS m, count() FROM behaviour_events GROUP BY m ORDER BY m")
    assert len(minutes) == 53
    assert min(int(str(count)) for _, count in minutes) > RATE * 60 / 4


def test_other_settings_after_a_restart_keep_orders_coherent(clean_store: ClickHouse, normal: Scenario) -> None:
    fill(clean_store, normal, NOON, hours=6)
    clock = ManualClock(NOON)
    other = LiveSimulator(clean_store, seed=99, rate=20, scenario=normal, clock=clock)
    other.step()
    clock.advance(hours=2)
    other.step()
    assert _incoherent(clean_store) == []
    ((late,),) = rows(
        clean_store, "SELECT count() FROM order_events WHERE kind = 'refunded' AND ts > '2026-11-11 04:00:01'"
    )
    assert int(str(late)) > 0


def test_a_history_broken_off_by_a_crash_is_filled_again(clean_store: ClickHouse, normal: Scenario) -> None:
    fill(clean_store, normal, NOON, hours=1)
    note_history(clean_store, "simulator", "begun")
    summary = fill_history(clean_store, scenario=normal, seed=SEED, until=NOON, rate=2, days=1)
    assert summary.start == (NOON - timedelta(days=1)).replace(microsecond=0)
    ((found,),) = rows(
        clean_store, "SELECT (SELECT count() FROM behaviour_events) + (SELECT count() FROM order_events)"
    )
    assert found == summary.rows
    again = fill_history(clean_store, scenario=normal, seed=SEED, until=NOON, rate=2, days=1)
    assert again.rows == 0


def test_a_store_that_stood_still_for_months_begins_anew_without_open_orders(
    clean_store: ClickHouse, normal: Scenario
) -> None:
    fill(clean_store, normal, NOON - timedelta(days=100), hours=1)
    summary = fill_history(clean_store, scenario=normal, seed=SEED, until=NOON, rate=0.5, days=1)
    assert summary.start == (NOON - timedelta(days=1)).replace(microsecond=0) and summary.rows > 0


def test_history_before_live_is_not_lost_when_it_was_never_asked_for(clean_store: ClickHouse, normal: Scenario) -> None:
    live(clean_store, normal, ManualClock(NOON), seconds=5)
    before = behaviour(clean_store)
    fill_history(clean_store, scenario=normal, seed=SEED, until=NOON + timedelta(seconds=5), rate=RATE, days=1)
    assert behaviour(clean_store) == before


def test_a_store_that_fails_for_a_while_gets_everything_once(clean_store: ClickHouse, normal: Scenario) -> None:
    class Flaky:
        """Writes, and then says that it failed, at every third insert."""

        calls = 0

        def insert_arrow(self, table: str, batch: pa.Table, token: str | None = None) -> None:
            clean_store.insert_arrow(table, batch, token)
            Flaky.calls += 1
            if Flaky.calls % 3 == 0:
                raise QueryFailedError("insert", 209, "timeout", retryable=True)

    clock = ManualClock(NOON)
    running = simulator(clean_store, normal, clock, writer=Writer(Flaky(), pause=lambda _: None))
    running.step()
    for _ in range(5):
        clock.advance(seconds=1)
        running.step()
    written = (behaviour(clean_store), orders(clean_store))
    _empty(clean_store)
    live(clean_store, normal, ManualClock(NOON), seconds=5)
    assert written == (behaviour(clean_store), orders(clean_store))


def test_a_store_that_refuses_is_said_and_then_continued(clean_store: ClickHouse, normal: Scenario) -> None:
    class Refusing:
        broken = False

        def insert_arrow(self, table: str, batch: pa.Table, token: str | None = None) -> None:
            if Refusing.broken and table == "order_events":
                raise QueryFailedError("insert", 60, "no such table", retryable=False)
            clean_store.insert_arrow(table, batch, token)

    clock = ManualClock(NOON)
    running = simulator(clean_store, normal, clock, writer=Writer(Refusing(), pause=lambda _: None))
    running.step()
    clock.advance(seconds=20)
    running.step()
    Refusing.broken = True
    clock.advance(seconds=20)
    with pytest.raises(QueryFailedError):
        running.step()
    Refusing.broken = False
    clock.advance(seconds=20)
    running.step()
    written = (behaviour(clean_store), orders(clean_store))
    _empty(clean_store)
    live(clean_store, normal, ManualClock(NOON), seconds=60, pace=20)
    assert written == (behaviour(clean_store), orders(clean_store))


def test_a_scenario_begins_when_it_is_switched_on(clean_store: ClickHouse, normal: Scenario) -> None:
    fill(clean_store, normal, NOON, hours=1)
    clock = ManualClock(NOON)
    running = simulator(clean_store, normal, clock)
    running.step()
    with pytest.raises(UnknownNameError, match="payment_outage"):
        running.switch("payment_outag")
    running.switch("payment_outage")
    assert running.scenario == "payment_outage"
    for _ in range(16):
        clock.advance(seconds=60)
        running.step()
    east = "province IN ('310000','320000','330000','340000','350000','360000','370000')"
    paid = (
        f"SELECT countIf(kind = 'paid' AND {east}) / countIf(kind = 'created' AND {east}), "
        f"countIf(kind = 'paid' AND NOT {east}) / countIf(kind = 'created' AND NOT {east}), "
        f"countIf(kind = 'created' AND {east}) FROM order_events WHERE ts >= '{{}}' AND ts < '{{}}'"
    )
    ((during_east, during_rest, created),) = rows(
        clean_store, paid.format("2026-11-11 04:02:15", "2026-11-11 04:12:00")
    )
    ((after_east, _, _),) = rows(clean_store, paid.format("2026-11-11 04:12:30", "2026-11-11 04:16:00"))
    assert float(str(during_east)) < 0.12
    assert float(str(during_rest)) > 0.7
    assert float(str(after_east)) > 0.7
    assert int(str(created)) > 50
    assert _incoherent(clean_store) == []


def _incoherent(store: ClickHouse) -> list[tuple[object, ...]]:
    """Orders whose story does not hold: paid without created, refunded without paid or for more, other dimensions."""
    return rows(
        store,
        """
        SELECT order_id FROM order_events GROUP BY order_id
        HAVING countIf(kind = 'created') != 1 OR countIf(kind = 'paid') > 1
            OR countIf(kind = 'refunded') > countIf(kind = 'paid')
            OR countIf(kind = 'cancelled') + countIf(kind = 'paid') > 1
            OR sumIf(amount, kind = 'refunded') > sumIf(amount, kind = 'paid')
            OR (countIf(kind = 'paid') = 1 AND sumIf(amount, kind = 'paid') != sumIf(amount, kind = 'created'))
            OR uniqExact(user_id, session_id, channel, room, category, sku, province, city, tier, created_at,
                         units) != 1
            OR minIf(ts, kind = 'created') != any(created_at) OR min(ts) < any(created_at)
        """,
    )


def _empty(store: ClickHouse) -> None:
    tables = (
        "SELECT name FROM system.tables WHERE database = currentDatabase() "
        "AND engine LIKE '%MergeTree' AND name != 'schema_migrations'"
    )
    for (table,) in rows(store, tables):
        store.write(Statement("empty", f"TRUNCATE TABLE {table}"))


def test_every_order_has_a_story_that_holds(clean_store: ClickHouse, normal: Scenario) -> None:
    fill(clean_store, normal, NOON, hours=8)
    assert _incoherent(clean_store) == []
    # An order follows a cart of the same session with the same dimensions.
    strangers = rows(
        clean_store,
        """
        SELECT count() FROM order_events AS o
        WHERE kind = 'created' AND ts > (SELECT min(ts) + INTERVAL 11 MINUTE FROM order_events)
        AND (session_id, user_id, channel, room, category, sku, province, city, tier) NOT IN (
            SELECT session_id, user_id, channel, room, category, sku, province, city, tier
            FROM behaviour_events WHERE kind = 'cart')
        """,
    )
    assert strangers == [(0,)]
