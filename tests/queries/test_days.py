"""Business days of daily rollups: SQL and the calendar agree about every hour, or a store has no daily rollups."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from metrics.calendar import BusinessCalendar
from metrics.profile import DEMO, StoreProfile, read_profile
from queries.client import ClickHouse
from queries.days import day_clock
from queries.migrate import FOLDER, split_statements, written
from queries.statement import Statement
from tests.conftest import empty_store
from tests.queries.events import insert_random

HOURS = 24 * 366 * 2


@pytest.mark.parametrize(
    ("zone", "start", "clock"),
    [
        ("Asia/Shanghai", time(0), "Asia/Shanghai 00:00"),
        ("Asia/Shanghai", time(4), "Asia/Shanghai 04:00"),
        ("Europe/London", time(0), "Europe/London 00:00"),
        ("America/New_York", time(0), "America/New_York 00:00"),
        ("Europe/Berlin", time(4), ""),  # clocks change before four
        ("Asia/Kolkata", time(0), ""),  # begins between two hours UTC
        ("Asia/Shanghai", time(4, 30), ""),
        ("America/Santiago", time(0), ""),  # its clocks skip midnight
    ],
)
def test_a_store_has_daily_rollups_where_days_are_whole_hours(zone: str, start: time, clock: str) -> None:
    assert day_clock(StoreProfile(name="a", time_zone=zone, day_start=start)) == clock


@pytest.mark.parametrize(
    ("zone", "start"),
    [("Asia/Shanghai", 0), ("Asia/Shanghai", 4), ("Europe/London", 0), ("America/New_York", 0), ("UTC", 0)],
)
def test_sql_and_calendar_agree_about_every_hour_of_two_years(clickhouse: ClickHouse, zone: str, start: int) -> None:
    profile = StoreProfile(name="a", time_zone=zone, day_start=time(start))
    calendar, first = BusinessCalendar.of(profile), datetime(2026, 1, 1, tzinfo=UTC)
    sql = written(
        "SELECT number, {{business_day}} FROM (SELECT number, toDateTime64({first:DateTime64(0, 'UTC')} "
        "+ INTERVAL number HOUR, 0, 'UTC') AS hour FROM numbers({hours:UInt32}))",
        profile,
    )
    for number, day in clickhouse.read(Statement("days", sql, {"first": first, "hours": HOURS})).rows:
        hour = first + timedelta(hours=number)
        assert day == calendar.start_of(calendar.day_of(hour)), hour


def test_days_of_a_store_that_held_events_before_are_taken_over(clickhouse: ClickHouse) -> None:
    """A migration that runs on a filled store fills the new tables from the old; running it again adds nothing."""
    empty_store(clickhouse)
    begin = datetime(2026, 11, 5, 10, 0, tzinfo=UTC)
    insert_random(clickhouse, begin, begin + timedelta(days=2), 2_000)
    wanted = "SELECT (SELECT sum(paid__amount) FROM orders_1d), (SELECT sum(view__quantity) FROM behaviour_1d_region), "
    wanted += (
        "(SELECT uniqExactMerge(any__user_id) FROM visitors_1d), (SELECT uniqExactMerge(paid__user_id) FROM buyers_1d)"
    )
    before = clickhouse.read(Statement("daily", wanted)).rows[0]
    assert all(before)
    text = written((FOLDER / "0006_days.sql").read_text("utf-8"), read_profile(DEMO))
    for _ in range(2):
        for statement in split_statements(text):
            clickhouse.write(Statement("again", statement))
        assert clickhouse.read(Statement("daily", wanted)).rows[0] == before
    insert_random(clickhouse, begin, begin + timedelta(days=1), 500, first=2_000)
    assert clickhouse.read(Statement("daily", wanted)).rows[0][0] > before[0], "the views feed the new tables"
    empty_store(clickhouse)
