"""What the comparisons of a running wall found, kept in the store."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from queries.client import ClickHouse
from queries.comparison import Report
from queries.statement import Statement

SHOWN = 20
KEEP = """
INSERT INTO reconciliations (at, first_day, last_day, compared, differences, took_ms, worst)
SELECT {at:DateTime64(3, 'UTC')}, {first:Date}, {last:Date}, {compared:UInt64}, {differences:UInt64},
    {took:UInt64}, {worst:String}
"""
NEWEST = "SELECT at, compared, differences, took_ms FROM reconciliations ORDER BY at DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Kept:
    """The newest comparison: when, how many figures, how many differed, and how long it took."""

    at: datetime
    compared: int
    differences: int
    took_ms: int


def keep_report(clickhouse: ClickHouse, report: Report, now: datetime, took_ms: float) -> None:
    """Write one run down."""
    largest = sorted(report.differences, key=lambda found: -abs(found.amount))[:SHOWN]
    values = {
        "at": now,
        "first": report.first,
        "last": report.last,
        "compared": report.compared,
        "differences": len(report.differences),
        "took": int(took_ms),
        "worst": json.dumps([asdict(found) for found in largest], default=str, ensure_ascii=False),
    }
    clickhouse.write(Statement("keep a reconciliation", KEEP, values))


def newest_report(clickhouse: ClickHouse) -> Kept | None:
    """The newest comparison, None before the first."""
    rows = clickhouse.read(Statement("newest reconciliation", NEWEST)).rows
    return Kept(rows[0][0], int(rows[0][1]), int(rows[0][2]), int(rows[0][3])) if rows else None
