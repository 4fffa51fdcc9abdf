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
INSERT INTO reconciliations (at, first_day, last_day, compared, differences, contradictions, took_ms, worst)
SELECT {at:DateTime64(3, 'UTC')}, {first:Date}, {last:Date}, {compared:UInt64}, {differences:UInt64},
    {contradictions:UInt64}, {took:UInt64}, {worst:String}
"""
NEWEST = "SELECT at, compared, differences, contradictions, took_ms FROM reconciliations ORDER BY at DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Kept:
    """The newest comparison: when, how many figures, and how long it took.

    `differences` are figures of rollups or the wall unlike single events, `contradictions` those of the order ledger
    that contradict each other.
    """

    at: datetime
    compared: int
    differences: int
    contradictions: int
    took_ms: int


def keep_report(clickhouse: ClickHouse, report: Report, now: datetime, took_ms: float) -> None:
    """Write one run down."""
    largest = sorted(report.differences, key=lambda found: -abs(found.amount))[:SHOWN]
    values = {
        "at": now,
        "first": report.first,
        "last": report.last,
        "compared": report.compared,
        "differences": report.drifting,
        "contradictions": report.contradicting,
        "took": int(took_ms),
        "worst": json.dumps([asdict(found) for found in largest], default=str, ensure_ascii=False),
    }
    clickhouse.write(Statement("keep a reconciliation", KEEP, values))


def newest_report(clickhouse: ClickHouse) -> Kept | None:
    """The newest comparison, None before the first."""
    rows = clickhouse.read(Statement("newest reconciliation", NEWEST)).rows
    return Kept(rows[0][0], *map(int, rows[0][1:])) if rows else None


def drift_of(clickhouse: ClickHouse) -> dict[str, int]:
    """What the newest comparison found, by the metric that counts it; nothing before the first."""
    kept = newest_report(clickhouse)
    return {"differing_figures": kept.differences, "contradicting_figures": kept.contradictions} if kept else {}
