"""The order ticker, watermarks and the codes a store has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.errors import BadRequestError
from metrics.ask import Latest, make_filters
from metrics.calendar import Span
from metrics.catalogue import load_catalogue
from metrics.profile import StoreProfile
from metrics.reading import Listing
from metrics.regions import load_region_set
from queries.client import ClickHouse
from queries.members import load_members
from queries.readings import fetch
from queries.statement import Statement
from queries.watermark import watermarks
from tests.queries.events import insert_random

START = datetime(2026, 11, 10, 16, 0, tzinfo=UTC)
NOW = START + timedelta(hours=6)
PROFILE = StoreProfile(name="a")


def listing(
    clickhouse: ClickHouse, limit: int = 5, kinds: tuple[str, ...] = ("paid",), **filters: list[str]
) -> Listing:
    question = Latest("newest", "orders", kinds, Span(START, NOW), make_filters(filters), limit)
    answer = fetch(clickhouse, load_catalogue(), PROFILE, load_region_set("cn_provinces"), question, NOW)
    assert isinstance(answer, Listing)
    return answer


def test_newest_rows_come_first_with_amounts_in_currency_units(clean_store: ClickHouse) -> None:
    insert_random(clean_store, START, NOW, 3_000)
    sql = "SELECT event_id, amount FROM order_events WHERE kind = 'paid' ORDER BY ts DESC, event_id DESC LIMIT 5"
    right = [(event, amount / 10_000) for event, amount in clean_store.read(Statement("twin", sql)).rows]
    assert [(row["event_id"], row["amount"]) for row in listing(clean_store).rows] == right


def test_rows_are_found_however_long_ago_they_are(clean_store: ClickHouse) -> None:
    insert_random(clean_store, START, START + timedelta(minutes=10), 50)
    rows = listing(clean_store, 500, ("created", "paid"), large_region=["south"]).rows
    assert rows and {row["province"] for row in rows} == {"440000"}
    assert listing(clean_store, province=["440001"]).rows == ()


def test_an_unknown_kind_is_refused(clickhouse: ClickHouse) -> None:
    with pytest.raises(BadRequestError, match="payed"):
        listing(clickhouse, kinds=("payed",))


def test_watermarks_say_how_far_each_ledger_has_come(clean_store: ClickHouse) -> None:
    marks = watermarks(clean_store, NOW)
    assert {mark.ledger for mark in marks} == {"orders", "behaviour", "markers"}
    assert all(mark.reached is None and mark.lag_s is None for mark in marks)
    insert_random(clean_store, START, NOW, 200)
    newest = clean_store.read(Statement("newest", "SELECT max(ts) FROM order_events")).rows[0][0]
    orders = next(mark for mark in watermarks(clean_store, NOW) if mark.ledger == "orders")
    assert orders.reached == newest and orders.lag_s == (NOW - newest).total_seconds()


def test_events_from_the_future_do_not_make_a_ledger_look_fresh(clean_store: ClickHouse) -> None:
    insert_random(clean_store, START, NOW, 200)
    before = watermarks(clean_store, NOW)
    insert_random(clean_store, NOW + timedelta(days=3), NOW + timedelta(days=4), 20)
    assert watermarks(clean_store, NOW) == before


def test_members_are_the_codes_that_events_brought(clean_store: ClickHouse) -> None:
    insert_random(clean_store, START, NOW, 2_000)
    members = load_members(clean_store)
    for dimension in ("country", "province", "city", "channel", "room", "category", "tier"):
        sql = f"SELECT {dimension} FROM order_events UNION DISTINCT SELECT {dimension} FROM behaviour_events"
        right = {row[0] for row in clean_store.read(Statement("twin", sql)).rows} - {""}
        assert members[dimension] == right


STREAM = (
    "INSERT INTO order_events (ts, kind, event_id, source, amount, orders) "
    "SELECT {until:DateTime64(3, 'UTC')} - toIntervalSecond(number * {gap:UInt32}), 'paid', "
    "concat({source:String}, toString(number), toString({until:DateTime64(3, 'UTC')})), {source:String}, 1, 1 "
    "FROM numbers({count:UInt32})"
)


def stream(clickhouse: ClickHouse, source: str, until: datetime, gap: int, count: int) -> None:
    values = {"source": source, "until": until, "gap": gap, "count": count}
    clickhouse.write(Statement("a source", STREAM, values))


def orders_reach(clickhouse: ClickHouse, now: datetime) -> datetime | None:
    return next(mark.reached for mark in watermarks(clickhouse, now) if mark.ledger == "orders")


def test_a_lively_source_that_falls_silent_holds_the_watermark_back_for_ten_minutes(clean_store: ClickHouse) -> None:
    start = NOW + timedelta(days=40)
    died = start - timedelta(seconds=90)
    stream(clean_store, "dead", died, 2, 200)
    stream(clean_store, "seldom", start - timedelta(seconds=200), 100, 3)
    stream(clean_store, "live", start, 1, 60)
    assert orders_reach(clean_store, start) == died, "the live one hides nothing"
    assert orders_reach(clean_store, start + timedelta(seconds=5)) == died
    later = died + timedelta(minutes=10)
    stream(clean_store, "live", later, 1, 60)
    assert orders_reach(clean_store, later) == later


def test_gaps_that_a_source_usually_has_hold_nothing_back(clean_store: ClickHouse) -> None:
    start = NOW + timedelta(days=50)
    stream(clean_store, "dead", start - timedelta(seconds=50), 1, 300)
    stream(clean_store, "slow", start - timedelta(seconds=150), 20, 20)
    stream(clean_store, "live", start, 1, 60)
    assert orders_reach(clean_store, start) == start
    assert orders_reach(clean_store, start + timedelta(seconds=15)) == start - timedelta(seconds=50)
