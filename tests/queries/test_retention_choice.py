"""Totals of time that seconds and minutes no longer keep come from hours and days: exactly, or not at all."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from core.errors import BadRequestError
from metrics.ask import CURRENT, Ask
from metrics.calendar import BusinessCalendar, Span
from metrics.catalogue import load_catalogue
from metrics.profile import StoreProfile
from metrics.reading import Reading
from metrics.regions import load_region_set
from queries.builder import Store, build_statements
from queries.client import ClickHouse
from queries.days import serves_days
from queries.joined import Group
from queries.readings import build_kept, fetch
from queries.retention import Retention, apply_retention
from queries.rollups import DAY, HOUR, MINUTE, SECOND, all_sources, cut, raw_source
from queries.statement import Statement
from tests.conftest import empty_store
from tests.queries.events import insert_random
from tests.queries.test_numbers import random_ask

NOW = datetime.now(UTC).replace(microsecond=0)  # TTLs go by the engine's own clock
PROFILE = StoreProfile(name="a")
CALENDAR = BusinessCalendar.of(PROFILE)
CATALOGUE, REGIONS = load_catalogue(), load_region_set("cn_provinces")
STORE = Store(CATALOGUE, PROFILE, REGIONS, days=True)
OLD = CALENDAR.day_of(NOW) - timedelta(days=40)
WHOLE_DAY = Span(CALENDAR.start_of(OLD), CALENDAR.end_of(OLD))
SOME_HOURS = Span(WHOLE_DAY.start + 5 * HOUR, WHOLE_DAY.start + 11 * HOUR)
THREE_DAYS = Span(CALENDAR.start_of(OLD - timedelta(days=1)), CALENDAR.end_of(OLD + timedelta(days=1)))
SPANS = {"a day": WHOLE_DAY, "whole hours": SOME_HOURS, "days": THREE_DAYS}
KEPT = Retention(raw_days=10, minute_days=10)
ORDERS, BEHAVIOUR = ("orders_created", "paid_gmv"), ("visits", "impressions")
TWINS = {
    "order_events": "SELECT sumIf(orders, kind = 'created'), sumIf(amount, kind = 'paid') / 10000",
    "behaviour_events": "SELECT sumIf(quantity, kind = 'visit'), sumIf(quantity, kind = 'impression')",
}
FINE = ("order_events", "behaviour_events", "orders_1s_total", "orders_1m_total", "behaviour_1m_total")
Figures = tuple[float, ...]


@pytest.fixture(scope="module")
def twins(clickhouse: ClickHouse) -> Iterator[tuple[ClickHouse, dict[str, Figures]]]:
    """A store that dropped what is finer than hours of an old day, and the figures that plain SQL had for it before."""
    empty_store(clickhouse)
    insert_random(clickhouse, THREE_DAYS.start, THREE_DAYS.end, 9_000)
    insert_random(clickhouse, NOW - timedelta(hours=2), NOW, 500, first=9_000)
    known = {name: plain(clickhouse, span) for name, span in SPANS.items()}
    apply_retention(clickhouse, KEPT, NOW)
    for table in FINE:
        clickhouse.write(Statement("drop now", f"OPTIMIZE TABLE {table} FINAL"))
    yield clickhouse, known
    apply_retention(clickhouse, Retention(), NOW)
    empty_store(clickhouse)


def plain(clickhouse: ClickHouse, span: Span) -> Figures:
    """What single events say, in the order of ORDERS and BEHAVIOUR."""
    where = "WHERE ts >= {start:DateTime64(3, 'UTC')} AND ts < {end:DateTime64(3, 'UTC')}"
    values = {"start": span.start, "end": span.end}
    rows = [
        clickhouse.read(Statement("twin", f"{sql} FROM {table} {where}", values)).rows[0]
        for table, sql in TWINS.items()
    ]
    return tuple(float(value) for row in rows for value in row)


def totals(span: Span, metrics: Sequence[str] = (*ORDERS, *BEHAVIOUR), *others: Span) -> Ask:
    spans = ((CURRENT, span), *((f"other{number}", other) for number, other in enumerate(others)))
    return Ask("totals", tuple(metrics), spans)


def fetched(clickhouse: ClickHouse, ask: Ask) -> Reading:
    reading = fetch(clickhouse, CATALOGUE, PROFILE, REGIONS, ask, NOW)
    assert isinstance(reading, Reading)
    return reading


def joined(clickhouse: ClickHouse, ask: Ask) -> Reading:
    group = Group(clickhouse, STORE, [ask, ask], NOW)
    for ledger in list(group.parts):
        group.run(ledger)
    return group.measured(1).read(STORE, ask, NOW)


WAYS = pytest.mark.parametrize("way", [fetched, joined])
Way = Callable[[ClickHouse, Ask], Reading]
Twins = tuple[ClickHouse, dict[str, Figures]]


def test_what_is_finer_than_hours_is_gone(twins: Twins) -> None:
    """Else the tests below would prove nothing."""
    store, known = twins
    assert serves_days(store, PROFILE)
    assert plain(store, THREE_DAYS) == (0.0,) * 4
    assert all(min(figures) > 0 for figures in known.values()) and len(set(known.values())) == len(SPANS)
    for table, time in (("orders_1s_total", "second"), ("orders_1m_total", "minute"), ("behaviour_1m_total", "minute")):
        sql = f"SELECT count() FROM {table} WHERE {time} < {{end:DateTime64(3, 'UTC')}}"
        assert store.read(Statement("gone", sql, {"end": THREE_DAYS.end})).rows[0][0] == 0


@WAYS
@pytest.mark.parametrize("name", sorted(SPANS))
def test_totals_of_old_time_equal_what_single_events_said(twins: Twins, way: Way, name: str) -> None:
    store, known = twins
    reading = way(store, totals(SPANS[name]))
    assert tuple(reading.total().value(key) for key in (*ORDERS, *BEHAVIOUR)) == known[name]
    grain = "_1h" if name == "whole hours" else "_1d"
    assert reading.sources and all(grain in table for table in reading.sources), reading.sources


@WAYS
def test_an_old_day_beside_a_recent_hour_comes_from_days_and_the_hour_from_what_answered_it_before(
    twins: Twins, way: Way
) -> None:
    store, known = twins
    recent = Span(NOW - timedelta(hours=1), NOW)
    reading = way(store, totals(recent, ORDERS, WHOLE_DAY))
    assert tuple(reading.total().value(key, "other0") for key in ORDERS) == known["a day"][:2]
    assert tuple(reading.total().value(key) for key in ORDERS) == plain(store, recent)[:2]
    assert sorted(reading.sources) == ["orders_1d_region", "orders_1s_total"]


@WAYS
@pytest.mark.parametrize("metrics", [ORDERS, BEHAVIOUR])
def test_old_time_that_hours_do_not_hold_is_refused(twins: Twins, way: Way, metrics: tuple[str, ...]) -> None:
    store, _ = twins
    ragged = Span(SOME_HOURS.start, SOME_HOURS.end + timedelta(minutes=20))
    with pytest.raises(BadRequestError, match=r"this needs \w+ from .*kept for 10 days only: ask for whole hours"):
        way(store, totals(ragged, metrics))


def test_by_minute_an_old_day_is_refused(twins: Twins) -> None:
    store, _ = twins
    with pytest.raises(BadRequestError, match="kept for 10 days only"):
        fetched(store, Ask("by minute", ORDERS, ((CURRENT, SOME_HOURS),), (), "minute"))


def test_time_that_is_kept_is_asked_as_if_all_were_kept(twins: Twins) -> None:
    store, _ = twins
    for span in (Span(NOW - timedelta(days=3), NOW), Span(NOW - timedelta(days=9), NOW), Span(NOW - HOUR, NOW)):
        for grain in (None, "minute", "hour"):
            for by in ((), ("province",)):
                ask = Ask("kept", (*ORDERS, *BEHAVIOUR, "visitors"), ((CURRENT, span),), by, grain)
                assert build_kept(store, STORE, ask, NOW) == build_statements(STORE, ask)


@pytest.mark.parametrize("seed", range(40))
def test_any_question_reads_kept_tables_only_or_is_asked_as_if_all_were_kept(seed: int) -> None:
    dice = random.Random(seed)
    ask = random_ask(dice)[0]
    plainly = build_statements(STORE, ask)
    start, end = min(span.start for _, span in ask.spans), max(span.end for _, span in ask.spans)
    moment = start + dice.random() * (end - start)
    gone = [table for built in plainly for table in built.oldest]
    since = {table: moment for table in gone if dice.random() < 0.5}
    for built, before in zip(build_statements(STORE, ask, since=since), plainly, strict=True):
        kept = all(oldest >= since.get(table, oldest) for table, oldest in built.oldest.items())
        assert kept or built == before
    assert build_statements(STORE, ask, since=dict.fromkeys(gone, start)) == plainly


@pytest.mark.parametrize("seed", range(40))
def test_pieces_cover_a_span_once_on_whole_steps_of_time_that_is_kept(seed: int) -> None:
    dice = random.Random(seed)
    measures = [measure for key in ORDERS for measure in CATALOGUE.measures_of(key)]
    sources = all_sources("orders", measures, frozenset(), DAY)
    assert [source.step for source in sources] == sorted((source.step for source in sources), reverse=True)
    assert {source.step for source in sources} == {DAY, HOUR, MINUTE, SECOND, timedelta(0)}
    start = WHOLE_DAY.start + dice.random() * timedelta(days=3)
    span = Span(start, start + dice.random() * dice.choice([HOUR, DAY, 5 * DAY]))
    since = {source.table: start + dice.uniform(-1, 1) * DAY for source in sources if dice.random() < 0.6}

    pieces = cut(span, 0, sources, CALENDAR, since)

    assert [piece.start for piece in pieces] + [span.end] == [span.start] + [piece.end for piece in pieces]
    for piece in pieces:
        assert piece.start < piece.end
        if piece.source == raw_source("orders"):
            continue
        assert piece.start >= since.get(piece.source.table, piece.start)
        for edge in (piece.start, piece.end):
            day = CALENDAR.start_of(CALENDAR.day_of(edge))
            assert edge == day if piece.source.step == DAY else not (edge - day) % piece.source.step
