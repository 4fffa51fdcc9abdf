"""Compares the order ledger with figures settled elsewhere, and reads those that stand in a table of ClickHouse."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime

from core.errors import BadRequestError, nearest
from metrics.calendar import BusinessCalendar, Span
from metrics.profile import MONEY_SCALE, StoreProfile
from queries.client import ClickHouse
from queries.comparison import Difference, Report
from queries.days import serves_days
from queries.rebuild import rollup_sources
from queries.reconcile import Values, Work, raw_values, rollup_values
from queries.retention import kept_for
from queries.rollups import HOUR, RAW, floor_to
from queries.statement import Statement

Settled = Mapping[tuple[date, str], int]  # (business day, code) -> ten-thousandths of the currency unit
Cells = list[dict[str, object]]  # column -> value, a row each
TABLE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?")
COLUMNS = (
    "SELECT name FROM system.columns WHERE concat(database, '.', table) = {table:String} "
    "OR (database = currentDatabase() AND table = {table:String})"
)
MOST_ROWS = 1_000_000
DAILY, HOURLY = "orders_1d", "orders_1h"  # they keep every dimension that figures can be split by


def read_table(clickhouse: ClickHouse, table: str, columns: list[str], day: str, first: date, end: date) -> Cells:
    """These columns of a table (`database.table`, or a table of the store's database) as texts, for days [first, end).

    Asked as the user who changes tables, who alone may see those that are not ours. `day` names the column with the
    business day: a Date, a moment, or a text that begins like 2026-11-11. Raises BadRequestError and QueryFailedError.
    """
    if not TABLE.fullmatch(table):
        raise BadRequestError(f"{table[:60]!r} is no table's name: write database.table")
    there = [str(row[0]) for row in clickhouse.inspect(Statement("settled: columns", COLUMNS, {"table": table})).rows]
    if not there:
        raise BadRequestError(f"there is no table {table}, or the DSN's user may not see it")
    for column in columns:
        if column not in there:
            near = nearest(column, there)
            raise BadRequestError(
                f"{table} has no column {column!r}"
                + (f"; did you mean {near[0]!r}?" if near else f": {', '.join(there)}")
            )
    chosen = ", ".join(f"ifNull(toString({_quoted(column)}), '')" for column in columns)
    name = ".".join(_quoted(part) for part in table.split("."))
    when = f"toDateOrNull(substring(toString({_quoted(day)}), 1, 10))"  # what is no day is kept, to be named
    inside = f"ifNull({when} >= {{first:Date}} AND {when} < {{end:Date}}, 1)"
    sql = f"SELECT {chosen} FROM {name} WHERE {inside} LIMIT {MOST_ROWS + 1}"
    rows = clickhouse.inspect(Statement("settled: rows", sql, {"first": first, "end": end})).rows
    if len(rows) > MOST_ROWS:
        raise BadRequestError(f"{table} has more than {MOST_ROWS:,} rows in these days: add them up in a view")
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _quoted(name: str) -> str:
    """A column of the table, found in system.columns, as an identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


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
