"""A rollup that a crash left behind its source agrees with it again: missing, doubled, whole or in part."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from queries.client import ClickHouse
from queries.healing import MOST_SPANS, heal_rollups, touched
from queries.statement import Statement
from tests.faults.rollups import kept_by_views, rollup_rows
from tests.queries.events import insert_random

START = datetime(2026, 11, 10, 20, tzinfo=UTC)
LATER = START + timedelta(hours=6)


@pytest.mark.parametrize(
    "damage",
    [
        "TRUNCATE TABLE behaviour_1m_total",
        "ALTER TABLE orders_1m DELETE WHERE province = '440000' SETTINGS mutations_sync = 1",
        "ALTER TABLE visitors_1h DELETE WHERE 1 SETTINGS mutations_sync = 1",
        "INSERT INTO orders_1h SELECT * FROM orders_1h LIMIT 50",
    ],
)
def test_a_damaged_rollup_and_all_that_is_fed_from_it_are_mended(clean_store: ClickHouse, damage: str) -> None:
    insert_random(clean_store, START, LATER, 3_000)
    assert heal_rollups(clean_store, [START, LATER]) == []
    clean_store.write(Statement("damage", damage))
    assert any(wrong for _, wrong in rollup_rows(clean_store).values())
    hours = [START + timedelta(hours=hour) for hour in range(7)]
    assert heal_rollups(clean_store, hours)
    assert {table: wrong for table, (_, wrong) in rollup_rows(clean_store).items() if wrong} == {}
    assert heal_rollups(clean_store, hours) == []


def test_the_same_difference_is_mended_again_where_equal_inserts_are_dropped(
    clean_store: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on servers before 26, which compare the content of an INSERT … SELECT without a token."""
    monkeypatch.setitem(clean_store._writer_settings, "deduplicate_insert_select", "enable_even_for_bad_queries")
    insert_random(clean_store, START, LATER, 300)
    for _ in range(2):
        for table in ("buyers_1d", "behaviour_1m_total"):
            lost = f"ALTER TABLE {table} DELETE WHERE 1 SETTINGS mutations_sync = 1"  # and the engine's notes stay
            clean_store.write(Statement("damage", lost))
        assert heal_rollups(clean_store, [START + timedelta(hours=hour) for hour in range(7)])
        assert {table: wrong for table, (_, wrong) in rollup_rows(clean_store).items() if wrong} == {}


def test_every_view_of_the_migrations_is_compared(clean_store: ClickHouse) -> None:
    assert set(rollup_rows(clean_store)) == kept_by_views()
    assert len(kept_by_views()) > 20


def test_touched_hours_are_joined_and_bounded() -> None:
    hour = timedelta(hours=1)
    moments = [START + timedelta(minutes=90), START, START + timedelta(hours=5, seconds=1)]
    assert touched(moments) == [(START, START + 2 * hour), (START + 5 * hour, START + 6 * hour)]
    many = [START + 2 * n * hour for n in range(MOST_SPANS + 1)]
    assert touched(many) == [(START, many[-1] + hour)]
    assert touched([]) == []
