"""Retention on the real engine: settings become TTLs, and what is gone is said to be gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from core.errors import BadRequestError
from metrics.ask import CURRENT, Ask, Latest
from metrics.calendar import Span
from metrics.catalogue import load_catalogue
from metrics.profile import StoreProfile
from metrics.reading import Reading
from metrics.regions import load_region_set
from queries.client import ClickHouse
from queries.readings import fetch
from queries.retention import EXISTING, Retention, apply_retention, kept_for, sources
from queries.statement import Statement
from tests.queries.events import insert_random

NOW = datetime.now(UTC).replace(microsecond=0)  # TTLs go by the engine's own clock
PROFILE = StoreProfile(name="a")
FOREVER = Retention()


@pytest.fixture
def store(clean_store: ClickHouse) -> Iterator[ClickHouse]:
    yield clean_store
    apply_retention(clean_store, FOREVER, NOW)


def ask(clickhouse: ClickHouse, start: datetime, end: datetime, *by: str) -> Reading:
    question = Ask("kept", ("orders_created", "visitors"), ((CURRENT, Span(start, end)),), by)
    answer = fetch(clickhouse, load_catalogue(), PROFILE, load_region_set("cn_provinces"), question, NOW)
    assert isinstance(answer, Reading)
    return answer


def test_every_ledger_and_rollup_gets_its_ttl_once_and_loses_it_again(store: ClickHouse) -> None:
    tables = [source.table for source in sources()]
    retention = Retention(raw_days=30, minute_days=90, rollup_months=13)
    assert apply_retention(store, retention, NOW) == tables
    assert apply_retention(store, retention, NOW) == []
    kept = kept_for(store)
    assert (kept["order_events"].days, kept["orders_1s_total"].days, kept["visitors_1m"].days) == (30, 90, 90)
    assert kept["orders_1h"].days == kept["orders_1d"].days == 13 * 28
    assert apply_retention(store, Retention(raw_days=30, minute_days=90), NOW) == [
        table for table in tables if "_1h" in table or "_1d" in table
    ]
    assert apply_retention(store, FOREVER, NOW) == [
        table for table in tables if "_1h" not in table and "_1d" not in table
    ]
    left = dict(store.read(Statement("tables", EXISTING)).rows)
    assert not any("TTL" in left[table] for table in tables) and not set(kept_for(store)) & set(tables)


def test_rollups_answer_what_single_events_no_longer_can(store: ClickHouse) -> None:
    old = (NOW - timedelta(days=40)).replace(minute=0, second=0)
    insert_random(store, old, old + timedelta(hours=6), 3_000)
    insert_random(store, NOW - timedelta(hours=2), NOW, 500, first=3_000)
    before = ask(store, old, old + timedelta(hours=6), "channel").rows
    assert before
    apply_retention(store, Retention(raw_days=10), NOW)
    store.write(Statement("drop now", "OPTIMIZE TABLE order_events FINAL"))
    gone = "SELECT count() FROM order_events WHERE ts < {since:DateTime64(3, 'UTC')}"
    assert store.read(Statement("gone", gone, {"since": NOW - timedelta(days=11)})).rows[0][0] == 0
    assert ask(store, old, old + timedelta(hours=6), "channel").rows == before
    with pytest.raises(BadRequestError, match=r"_events from .* which is kept for 10 days only"):
        ask(store, old, old + timedelta(hours=6, seconds=1, milliseconds=5), "channel")
    with pytest.raises(BadRequestError, match="kept for 10 days"):
        ask(store, old, old + timedelta(hours=6), "sku")
    latest = Latest("latest", "orders", ("paid",), Span(old, old + timedelta(hours=1)))
    with pytest.raises(BadRequestError, match="kept for 10 days"):
        fetch(store, load_catalogue(), PROFILE, load_region_set("cn_provinces"), latest, NOW)


def test_a_store_of_old_data_is_not_dropped_whole(store: ClickHouse) -> None:
    insert_random(store, NOW - timedelta(days=400), NOW - timedelta(days=399), 100)
    with pytest.raises(BadRequestError, match="would drop every event"):
        apply_retention(store, Retention(raw_days=30), NOW)
    assert "order_events" not in kept_for(store)


@pytest.mark.parametrize(
    ("retention", "told"),
    [
        (Retention(minute_days=30), "MINUTE_DAYS=30 would drop every second and minute of this store"),
        (Retention(rollup_months=13), "ROLLUP_MONTHS=13 would drop every hour and day of this store"),
    ],
)
def test_rollups_of_old_data_are_not_dropped_whole(store: ClickHouse, retention: Retention, told: str) -> None:
    insert_random(store, NOW - timedelta(days=500), NOW - timedelta(days=499), 100)
    insert_random(store, NOW + timedelta(days=2), NOW + timedelta(days=3), 5, first=100)  # a clock that was wrong
    months = "|".join(f"{NOW - timedelta(days=days):%Y-%m}" for days in (500, 499))  # two when a month begins
    with pytest.raises(BadRequestError, match=f"^{told}: the newest is of ({months}).*$"):
        apply_retention(store, retention, NOW)
    assert not set(kept_for(store)) & {source.table for source in sources()}


def test_retention_that_keeps_the_newest_rows_or_is_there_already_is_taken(store: ClickHouse) -> None:
    retention = Retention(raw_days=30, minute_days=90, rollup_months=13)
    assert apply_retention(store, retention, NOW)  # a new store
    insert_random(store, NOW - timedelta(days=20), NOW - timedelta(days=19), 100)
    assert apply_retention(store, Retention(raw_days=25, minute_days=30, rollup_months=1), NOW)
    assert (
        apply_retention(store, Retention(raw_days=25, minute_days=30, rollup_months=1), NOW + timedelta(days=90)) == []
    )
    with pytest.raises(BadRequestError, match="RAW_DAYS=15 would drop every event"):
        apply_retention(store, Retention(raw_days=15), NOW)
