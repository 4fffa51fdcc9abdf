"""Compares the order ledger with figures that were settled elsewhere: by a bank, by a finance system."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from metrics.calendar import BusinessCalendar, Span
from metrics.profile import MONEY_SCALE, StoreProfile
from queries.client import ClickHouse
from queries.comparison import Difference, Report
from queries.days import serves_days
from queries.rebuild import rollup_sources
from queries.reconcile import Values, Work, raw_values, rollup_values
from queries.retention import kept_for
from queries.rollups import HOUR, RAW, floor_to

Settled = Mapping[tuple[date, str], int]  # (business day, code) -> ten-thousandths of the currency unit
DAILY, HOURLY = "orders_1d", "orders_1h"  # they keep every dimension that figures can be split by


def compare_settled(
    clickhouse: ClickHouse,
    profile: StoreProfile,
    days: list[date],
    settled: Settled,
    name: str,
    measure: str,
    dimension: str,
    tolerance: float,
    now: datetime,
) -> Report:
    """Compare the ledger with figures settled elsewhere, by business day and code of `dimension`.

    `measure` is paid, refunded or net; `tolerance` is in currency units. A day or code that only one side has is 0 on
    the other. Days that are not over, and those that nothing keeps any more, are not compared: the report says so.
    """
    calendar, work = BusinessCalendar.of(profile), Work(clickhouse, profile, dimension, 0.0, now)
    for day in days:
        whole = calendar.whole(day)
        if whole.end > now:
            work.skipped.append(f"{name} on {day}: the day is not over")
            continue
        ours = _ours(work, whole)
        if ours is None:
            work.skipped.append(f"{name} on {day}: neither orders nor their rollups are kept any more")
            continue
        theirs = {code: amount for (when, code), amount in settled.items() if when == day}
        for code in sorted(ours.keys() | theirs.keys()):
            parts = ours.get(code, {})
            paid, refunded = parts.get("paid__amount", 0), parts.get("refunded__amount", 0)
            actual = {"paid": paid, "refunded": refunded, "net": paid - refunded}[measure]
            expected = theirs.get(code, 0)
            work.compared += 1
            if abs(actual - expected) > tolerance * MONEY_SCALE:
                both = expected / MONEY_SCALE, actual / MONEY_SCALE
                work.differences.append(Difference("settled", name, day, dimension, code, measure, *both))
    return Report(days[0], days[-1], dimension, work.compared, tuple(work.differences), tuple(work.skipped))


def _ours(work: Work, day: Span) -> Values | None:
    """A day from single orders, or from a rollup where those are gone; None when nothing keeps it."""
    if _keeps(work, RAW["orders"], day):
        return raw_values(work, "orders", day, work.dimension)
    by_hours = all(floor_to(edge, HOUR) == edge for edge in (day.start, day.end))
    for table, fits in ((DAILY, serves_days(work.clickhouse, work.profile)), (HOURLY, by_hours)):
        if fits and _keeps(work, table, day):
            return rollup_values(work, rollup_sources()[table], day, work.dimension)
    return None


def _keeps(work: Work, table: str, day: Span) -> bool:
    kept = kept_for(work.clickhouse).get(table)
    return kept is None or day.start >= work.now - kept
