"""The clock of a store's daily rollups: which business days they hold, and whether a store can have them at all."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from weakref import WeakKeyDictionary

from metrics.calendar import BusinessCalendar
from metrics.profile import StoreProfile
from queries.client import ClickHouse
from queries.statement import Statement

FIRST, YEARS = date(2000, 1, 1), 50  # the days that are looked at
TABLE = "orders_1d_region"  # any of them: all are made by one migration

_known: WeakKeyDictionary[ClickHouse, str] = WeakKeyDictionary()


@lru_cache(maxsize=64)
def day_clock(profile: StoreProfile) -> str:
    """A store's business days as 'Asia/Shanghai 00:00', or '' where they cannot be made of whole hours.

    Hours of the rollups begin on whole hours UTC, so a day that begins between two of them (India, or a business day
    from 4:30) is none. Nor is one whose beginning the clock skips or repeats, or one from four in the morning where
    clocks change: SQL and the calendar would disagree about it.
    """
    calendar = BusinessCalendar.of(profile)
    starts = [calendar.start_of(FIRST + timedelta(days=number)) for number in range(365 * YEARS)]
    offsets = {start.astimezone(calendar.zone).utcoffset() for start in starts}
    there = all(start.astimezone(calendar.zone).time() == calendar.day_start for start in starts)
    whole = all(start.minute == start.second == 0 for start in starts)
    if not whole or not there or (len(offsets) > 1 and calendar.day_start.hour):
        return ""
    return f"{profile.time_zone} {calendar.day_start:%H:%M}"


def serves_days(clickhouse: ClickHouse, profile: StoreProfile) -> bool:
    """Whether the daily rollups of this store hold the business days of this profile."""
    clock = day_clock(profile)
    if not clock:
        return False
    if clickhouse not in _known:
        sql = "SELECT comment FROM system.tables WHERE database = currentDatabase() AND name = {table:String}"
        rows = clickhouse.read(Statement("clock of daily rollups", sql, {"table": TABLE})).rows
        _known[clickhouse] = str(rows[0][0]) if rows else ""
    return _known[clickhouse] == clock
