"""Comparisons from memory: every tick's answer equals the one asked anew, at a fraction of the statements."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from core.clock import ManualClock
from metrics.ask import CURRENT, Ask, Latest, make_filters
from metrics.calendar import BusinessCalendar, Span
from metrics.catalogue import load_catalogue
from metrics.profile import StoreProfile
from metrics.reading import Answer, Reading
from metrics.regions import load_region_set
from queries.builder import Store
from queries.client import ClickHouse
from queries.closed import KEPT_S, ClosedSpans
from queries.days import serves_days
from queries.own_sources import own_of
from queries.readings import fetch
from queries.retention import kept_for
from queries.statement import Result, Statement
from tests.conftest import empty_store
from tests.queries.events import insert_random

NOON = datetime(2026, 11, 12, 4, 0, tzinfo=UTC)
PROFILE = StoreProfile(name="a")
STORE = Store(load_catalogue(), PROFILE, load_region_set("cn_provinces"))
CALENDAR = BusinessCalendar.of(PROFILE)
SUMS = ("paid_gmv", "refund_rate", "impressions", "click_rate", "average_order_value", "gmv_per_minute")
DISTINCT = ("visitors", "pay_conversion")


class Counting(ClickHouse):
    """Stands before an open store and remembers what it is asked, but for what is asked once a store."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self.__dict__.update(clickhouse.__dict__)
        self.asked: list[str] = []
        serves_days(self, PROFILE)
        kept_for(self)
        own_of(self)
        self.asked.clear()

    def read(self, statement: Statement) -> Result:
        self.asked.append(statement.name)
        return super().read(statement)


@pytest.fixture(scope="module")
def events(clickhouse: ClickHouse) -> Iterator[ClickHouse]:
    empty_store(clickhouse)
    insert_random(clickhouse, NOON - timedelta(days=8), NOON + timedelta(minutes=3), 20_000)
    for number, back in enumerate((0, 1, 7)):  # many in the very minutes that are looked at
        end = NOON - timedelta(days=back)
        insert_random(
            clickhouse, end - timedelta(minutes=1), end + timedelta(minutes=3), 900, first=20_000 + 900 * number
        )
    yield clickhouse
    empty_store(clickhouse)


def day_so_far(
    metrics: tuple[str, ...], end: datetime, by: tuple[str, ...] = (), filters: dict[str, list[str]] | None = None
) -> Ask:
    span = CALENDAR.until(CALENDAR.day_of(end), end)
    against = tuple((name, CALENDAR.same_part(span, name)) for name in ("previous_day", "previous_week"))
    return Ask("total", metrics, ((CURRENT, span), *against), by, None, make_filters(filters or {}))


def anew(clickhouse: ClickHouse, question: Ask, now: datetime) -> Answer:
    return fetch(clickhouse, STORE.catalogue, PROFILE, STORE.regions, question, now)


def rows(answer: Answer) -> object:
    assert isinstance(answer, Reading)
    return answer.rows


@pytest.mark.parametrize("seed", range(12))
def test_every_second_of_a_minute_is_answered_as_if_asked_anew(events: ClickHouse, seed: int) -> None:
    dice = random.Random(seed)
    closed = ClosedSpans(events, STORE, ManualClock(NOON))
    by = dice.choice([(), (), ("province",), ("large_region", "channel"), ("category",)])
    filters = dice.choice([{}, {}, {"province": ["440000"]}, {"channel": ["live", "search"]}])
    metrics = tuple(dice.sample(SUMS, dice.randint(1, len(SUMS)))) if dice.random() < 0.8 else DISTINCT
    if metrics == DISTINCT or filters or by:
        metrics = tuple(name for name in metrics if name != "gmv_per_minute") or ("paid_gmv",)
    for second in sorted(dice.sample(range(150), 6)):
        now = NOON + timedelta(seconds=second)
        question = day_so_far(metrics, now, by, filters)
        assert rows(closed.fetch(question, now)) == rows(anew(events, question, now)), (second, question)


def test_there_is_something_to_compare(events: ClickHouse) -> None:
    """The answers above are not equal for being empty."""
    now = NOON + timedelta(seconds=47)
    reading = ClosedSpans(events, STORE, ManualClock(NOON)).fetch(day_so_far(("paid_gmv",), now), now)
    assert isinstance(reading, Reading)
    values = [reading.total().value("paid_gmv", name) for name in (CURRENT, "previous_day", "previous_week")]
    assert all(values) and len(set(values)) == 3
    later = day_so_far(("paid_gmv",), now + timedelta(seconds=9))
    moved = anew(events, later, now)
    assert isinstance(moved, Reading) and moved.total().value("paid_gmv", "previous_week") != values[2]


def test_a_minute_of_ticks_asks_about_closed_days_once(events: ClickHouse) -> None:
    counting = Counting(events)
    closed = ClosedSpans(counting, STORE, ManualClock(NOON))
    for second in range(0, 60, 2):
        now = NOON + timedelta(seconds=second)
        closed.fetch(day_so_far(("paid_gmv", "orders_paid"), now), now)
    # the day itself on each tick; at :00 its comparisons as they are, then once with their seconds
    assert len(counting.asked) == 30 + 1 + 2, counting.asked


def test_a_late_event_of_a_closed_day_is_seen_within_a_minute(clean_store: ClickHouse) -> None:
    clock = ManualClock(NOON)
    closed = ClosedSpans(clean_store, STORE, clock)
    now = NOON + timedelta(seconds=30)
    question = Ask("course", ("paid_gmv",), day_so_far(("paid_gmv",), NOON).spans)

    def shown() -> object:
        answer = closed.fetch(question, now)
        assert isinstance(answer, Reading)
        return answer.total().value("paid_gmv", "previous_day")

    assert shown() == 0
    insert_random(clean_store, NOON - timedelta(days=1, hours=2), NOON - timedelta(days=1), 400)
    clock.advance(seconds=KEPT_S - 1)
    assert shown() == 0, "remembered"
    clock.advance(seconds=2)
    assert shown() == anew_value(clean_store, question, now) != 0


def anew_value(clickhouse: ClickHouse, question: Ask, now: datetime) -> object:
    answer = anew(clickhouse, question, now)
    assert isinstance(answer, Reading)
    return answer.total().value("paid_gmv", "previous_day")


def test_what_still_moves_is_never_remembered(events: ClickHouse) -> None:
    counting = Counting(events)
    closed = ClosedSpans(counting, STORE, ManualClock(NOON))
    current = Span(NOON - timedelta(minutes=10), NOON)
    recent = Span(NOON - timedelta(minutes=40), NOON - timedelta(minutes=30))
    for question in (
        Ask("half an hour ago", ("paid_gmv",), ((CURRENT, current), ("before", recent))),
        day_so_far(DISTINCT, NOON + timedelta(seconds=7)),
        Latest("newest", "orders", ("paid",), current),
    ):
        counting.asked.clear()
        now = NOON + timedelta(seconds=7)
        closed.fetch(question, now)
        first = len(counting.asked)
        closed.fetch(question, now)
        assert len(counting.asked) == 2 * first, question.name
