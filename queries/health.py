"""How well the data are: what stands on the data health board, one topic a question."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from core.errors import UnknownNameError
from metrics.ask import Facts
from metrics.reading import Findings
from metrics.snapshot import of_business
from queries.builder import MOMENT
from queries.client import ClickHouse
from queries.dead_letters import OPEN
from queries.reconciliations import newest_report
from queries.rollups import RAW
from queries.sources import reached_by_source
from queries.statement import Statement
from queries.watermark import watermarks

Rows = list[Mapping[str, object]]
MOST = 8
STATEMENTS_S = 300.0  # statements of so many seconds are looked at
LATELY = timedelta(days=7)
PER_MINUTE = " UNION ALL ".join(
    f"SELECT '{ledger}', toInt64(intDiv(toUnixTimestamp(ts), 60)) AS minute, toInt64(count()) FROM {table} "
    f"WHERE ts >= {{since:{MOMENT}}} AND ts < {{now:{MOMENT}}} GROUP BY minute"
    for ledger, table in RAW.items()
)
COURSE = 60  # minutes that the course of rows per minute covers
RECENT = 5  # minutes whose mean is the figure
LETTERS = (
    f"SELECT toString(reason), toInt64(count()) AS found FROM dead_letters WHERE at > {{since:{MOMENT}}} AND {OPEN} "
    "GROUP BY reason ORDER BY found DESC, reason LIMIT 8"
)
PARTS = (
    "SELECT table, toInt64(count()), toInt64(sum(bytes_on_disk)) FROM system.parts "
    "WHERE active AND database = currentDatabase() GROUP BY table"
)
# The disk of the tables first: a listener has one for backups beside it.
DISKS = "SELECT name, toInt64(total_space), toInt64(free_space) FROM system.disks ORDER BY name != 'default', name"


def fetch_facts(clickhouse: ClickHouse, question: Facts, now: datetime) -> Findings:
    """Rows of {label, value, unit} of one topic; none for who may see a part of the store only.

    Raises UnknownNameError for a topic there is not.
    """
    if question.topic not in TOPICS:
        raise UnknownNameError("topic of data health", question.topic, TOPICS)
    if question.filters:
        return Findings(question, (), now)
    return Findings(question, tuple(TOPICS[question.topic](clickhouse, now)), now)


def _row(label: str, value: float | None, unit: str, tone: str = "", **more: Any) -> Mapping[str, object]:
    return {"label": label, "value": value, "unit": unit, "tone": tone, **more}


def _ask(clickhouse: ClickHouse, name: str, sql: str, **values: Any) -> list[tuple[Any, ...]]:
    return list(clickhouse.read(Statement(f"health: {name}", sql, values)).rows)


def _lag(seconds: float) -> str:
    return "good" if seconds < 30 else "warning" if seconds < 180 else "bad"


def _sources(clickhouse: ClickHouse, now: datetime) -> Rows:
    """Who is furthest behind comes first: with many sources it must not be one of those left out."""
    found = reached_by_source(clickhouse, now).items()
    lags = sorted((-(now - reached).total_seconds(), ledger, source or "-") for (ledger, source), reached in found)
    return [_row(source, -lag, "duration", _lag(-lag), kind=ledger) for lag, ledger, source in lags[:MOST]]


def _ledgers(clickhouse: ClickHouse, now: datetime) -> Rows:
    return [
        _row(mark.ledger, mark.lag_s, "duration", _lag(mark.lag_s or 0), kind="ledger", at=mark.reached)
        for mark in of_business(watermarks(clickhouse, now))
        if mark.reached is not None
    ]


def _letters(clickhouse: ClickHouse, now: datetime) -> Rows:
    """Those that nobody settled yet."""
    found = _ask(clickhouse, "dead letters", LETTERS, since=now - LATELY, source="", reason="")
    return [_row(reason, count, "count", "warning", kind="reason") for reason, count in found]


def _reconciliation(clickhouse: ClickHouse, _now: datetime) -> Rows:
    kept = newest_report(clickhouse)
    if kept is None:
        return []
    return [
        _row("differences", kept.differences, "count", "bad" if kept.differences else "good", kind="fact"),
        _row("contradictions", kept.contradictions, "count", "warning" if kept.contradictions else "good", kind="fact"),
        _row("compared", kept.compared, "count", kind="fact"),
        _row("compared_at", None, "count", kind="fact", at=kept.at),
        _row("took", kept.took_ms / 1000, "duration", kind="fact"),
    ]


def _rows_per_minute(clickhouse: ClickHouse, now: datetime) -> Rows:
    """The mean of the last complete minutes of each ledger, with the course of the last hour."""
    end = now.replace(second=0, microsecond=0)
    since = end - timedelta(minutes=COURSE)
    first = int(since.timestamp()) // 60
    counts = {ledger: [0] * COURSE for ledger in RAW}
    for ledger, minute, count in _ask(clickhouse, "rows per minute", PER_MINUTE, since=since, now=end):
        counts[ledger][minute - first] = count
    return [
        _row(ledger, sum(course[-RECENT:]) / RECENT, "count", kind="ledger", course=course)
        for ledger, course in counts.items()
        if any(course)
    ]


def _parts(clickhouse: ClickHouse, _now: datetime) -> Rows:
    found = sorted(_ask(clickhouse, "parts", PARTS), key=lambda row: (-row[1], row[0]))
    return [
        _row(table, count, "count", "bad" if count > 1000 else "warning" if count > 300 else "", kind="table")
        for table, count, _ in found[:MOST]
    ]


def _disk(clickhouse: ClickHouse, _now: datetime) -> Rows:
    used = sum(size for _, _, size in _ask(clickhouse, "store", PARTS))
    rows = [_row("store", used, "bytes", kind="fact")]
    for _name, total, free in _ask(clickhouse, "disks", DISKS)[:1]:
        tone = "bad" if free < total * 0.05 else "warning" if free < total * 0.15 else "good"
        rows.append(_row("free", free, "bytes", tone, kind="fact"))
    return rows


def _statements(clickhouse: ClickHouse, _now: datetime) -> Rows:
    """The slowest of the last minutes by name, with the longest time each."""
    oldest, slowest = time.perf_counter() - STATEMENTS_S, defaultdict[str, float](float)
    for moment, name, took in tuple(clickhouse.recent):
        if moment >= oldest and not name.startswith(("health:", "reconcile")):
            slowest[name] = max(slowest[name], took)
    ranked = sorted(slowest.items(), key=lambda pair: -pair[1])[:MOST]
    return [_row(name, took, "ms", "bad" if took > 2000 else "warning" if took > 500 else "") for name, took in ranked]


TOPICS: dict[str, Callable[[ClickHouse, datetime], Rows]] = {
    "sources": _sources,
    "ledgers": _ledgers,
    "letters": _letters,
    "reconciliation": _reconciliation,
    "rows": _rows_per_minute,
    "parts": _parts,
    "disk": _disk,
    "statements": _statements,
}
