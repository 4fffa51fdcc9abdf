"""Reads what was refused, the register of loads, and writes into that register."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from queries.client import ClickHouse
from queries.statement import Statement

FIRST_LINES = 5


@dataclass(frozen=True, slots=True)
class Rejection:
    """Rows of one load that were refused for one reason: how many, the first lines they stood on, one example."""

    reason: str
    count: int
    lines: tuple[int, ...]
    detail: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One refused row as it was found."""

    at: datetime
    source: str
    origin: str
    line: int
    reason: str
    detail: str
    content: str


@dataclass(frozen=True, slots=True)
class LoadEntry:
    """A load in the register: a file that went in, or is on its way."""

    load_id: str
    source: str
    origin: str
    rows: int
    events: int
    rejected: int


def rejections_of(clickhouse: ClickHouse, load_id: str) -> tuple[Rejection, ...]:
    """What a load refused, by reason, most first."""
    sql = (
        f"SELECT reason, count(), groupArraySorted({FIRST_LINES})(line), argMin(detail, line) FROM dead_letters "
        "WHERE load_id = {load_id:String} GROUP BY reason ORDER BY count() DESC, reason"
    )
    found = clickhouse.read(Statement("rejections of a load", sql, {"load_id": load_id}))
    return tuple(Rejection(reason, int(count), tuple(lines), detail) for reason, count, lines, detail in found.rows)


def latest_dead_letters(clickhouse: ClickHouse, limit: int = 50) -> tuple[DeadLetter, ...]:
    """The newest refused rows, newest first."""
    sql = (
        "SELECT at, source, origin, line, reason, detail, content FROM dead_letters "
        "ORDER BY at DESC, line LIMIT {limit:UInt32}"
    )
    return tuple(DeadLetter(*row) for row in clickhouse.read(Statement("dead letters", sql, {"limit": limit})).rows)


def find_load(clickhouse: ClickHouse, load_id: str) -> LoadEntry | None:
    """The finished load with this id, or None."""
    return next((entry for entry in _entries(clickhouse, "loads", "load_id = {load_id:String}", load_id)), None)


def interrupted_loads(clickhouse: ClickHouse) -> list[LoadEntry]:
    """Loads whose events stand ready but did not all reach the ledgers."""
    return _entries(clickhouse, "loads_staged", "load_id NOT IN (SELECT load_id FROM loads)", "")


def _entries(clickhouse: ClickHouse, table: str, where: str, load_id: str) -> list[LoadEntry]:
    sql = f"SELECT load_id, source, origin, rows, events, rejected FROM {table} WHERE {where} ORDER BY at"
    return [LoadEntry(*row) for row in clickhouse.read(Statement(f"{table} entries", sql, {"load_id": load_id})).rows]


def record_staged(clickhouse: ClickHouse, entry: LoadEntry) -> None:
    """From here on the load will be finished, whatever happens to this process."""
    _record(clickhouse, "loads_staged", entry)


def record_load(clickhouse: ClickHouse, entry: LoadEntry) -> None:
    """The load is whole in the ledgers."""
    _record(clickhouse, "loads", entry)


def _record(clickhouse: ClickHouse, table: str, entry: LoadEntry) -> None:
    sql = (
        f"INSERT INTO {table} (load_id, source, origin, rows, events, rejected) SELECT {{load_id:String}}, "
        "{source:String}, {origin:String}, {rows:UInt64}, {events:UInt64}, {rejected:UInt64}"
    )
    values = {
        "load_id": entry.load_id,
        "source": entry.source,
        "origin": entry.origin,
        "rows": entry.rows,
        "events": entry.events,
        "rejected": entry.rejected,
    }
    clickhouse.write(Statement(f"record in {table}", sql, values, {"insert_deduplication_token": entry.load_id}))


def leftover_tables(clickhouse: ClickHouse, prefix: str) -> list[str]:
    """Staging tables in the store whose name begins with `prefix`."""
    sql = "SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, {prefix:String})"
    return [name for (name,) in clickhouse.read(Statement("staging tables", sql, {"prefix": prefix})).rows]
