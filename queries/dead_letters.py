"""Reads what was refused and which of it was settled later; keeps the register of loads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from queries.client import ClickHouse
from queries.statement import Statement

FIRST_LINES = 5
AT_ONCE = 500  # names in one statement: they travel as parameters


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


LETTERS = "dead_letters"
SETTLED = "dead_letters_settled"
# A letter of a file is named after its load, so only letters of the endpoint can be settled one by one.
OPEN = (
    "load_id NOT IN (SELECT letter_id FROM dead_letters_settled) "
    "AND ({source:String} = '' OR source = {source:String}) AND ({reason:String} = '' OR reason = {reason:String})"
)


@dataclass(frozen=True, slots=True)
class LetterGroup:
    """Open letters of one source and origin with one reason: how many, since and until when, and the newest of them."""

    source: str
    origin: str
    reason: str
    count: int
    first: datetime
    last: datetime
    line: int
    detail: str
    content: str


@dataclass(frozen=True, slots=True)
class OpenLetter:
    """One event that the endpoint refused: its name, who sent it, when, and its text."""

    letter_id: str
    source: str
    reason: str
    content: str


def letter_rows(letters: Sequence[dict[str, Any]]) -> pa.Table:
    """Letters (source, origin, line, reason, detail, content, load_id) as rows of `dead_letters`."""
    names = ("source", "origin", "reason", "detail", "content", "load_id")
    columns = {name: pa.array([letter[name] for letter in letters], pa.string()) for name in names}
    return pa.table({**columns, "line": pa.array([letter["line"] for letter in letters], pa.uint64())})


def settled_rows(verdicts: Sequence[tuple[str, str]]) -> pa.Table:
    """(letter, verdict) as rows of `dead_letters_settled`."""
    return pa.table({"letter_id": [letter for letter, _ in verdicts], "verdict": [verdict for _, verdict in verdicts]})


def open_groups(clickhouse: ClickHouse, source: str = "", reason: str = "") -> tuple[LetterGroup, ...]:
    """Open letters by source, origin and reason, most first; '' leaves a filter out. Raises QueryFailedError."""
    sql = (
        "SELECT source, origin, reason, count(), min(at), max(at), argMax(line, at), argMax(detail, at), "
        f"argMax(content, at) FROM dead_letters WHERE {OPEN} GROUP BY source, origin, reason "
        "ORDER BY count() DESC, source, origin, reason"
    )
    found = clickhouse.read(Statement("open dead letters", sql, {"source": source, "reason": reason}))
    return tuple(LetterGroup(*row) for row in found.rows)


def open_letters(clickhouse: ClickHouse, origin: str, source: str = "", reason: str = "") -> tuple[OpenLetter, ...]:
    """The open letters of an origin, oldest first, each text once. Raises QueryFailedError."""
    sql = (
        "SELECT load_id, any(source), any(reason), any(content) FROM dead_letters "
        f"WHERE origin = {{origin:String}} AND {OPEN} GROUP BY load_id ORDER BY min(at), load_id"
    )
    values = {"origin": origin, "source": source, "reason": reason}
    found = clickhouse.read(Statement("letters to retry", sql, values, {"max_execution_time": 60}))
    return tuple(OpenLetter(*row) for row in found.rows)


def known_letters(clickhouse: ClickHouse, source: str, letters: Sequence[str]) -> set[str]:
    """Those of the letters that are kept and open. Raises QueryFailedError."""
    return _kept(clickhouse, source, letters, "AND load_id NOT IN (SELECT letter_id FROM dead_letters_settled)")


def kept_letters(clickhouse: ClickHouse, source: str, letters: Sequence[str]) -> set[str]:
    """Those of the letters that are kept, open or settled. Raises QueryFailedError."""
    return _kept(clickhouse, source, letters, "")


def _kept(clickhouse: ClickHouse, source: str, letters: Sequence[str], more: str) -> set[str]:
    sql = (
        "SELECT DISTINCT load_id FROM dead_letters "
        f"WHERE source = {{source:String}} AND load_id IN {{letters:Array(String)}} {more}"
    )
    found: set[str] = set()
    for begin in range(0, len(letters), AT_ONCE):
        values = {"source": source, "letters": list(letters[begin : begin + AT_ONCE])}
        found |= {str(row[0]) for row in clickhouse.read(Statement("known letters", sql, values)).rows}
    return found


def letter_words(clickhouse: ClickHouse) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The sources and the reasons that letters have: what a filter may name."""
    sql = "SELECT groupUniqArray(source), groupUniqArray(reason) FROM dead_letters"
    ((sources, reasons),) = clickhouse.read(Statement("words of dead letters", sql)).rows
    return tuple(sorted(sources)), tuple(sorted(reasons))


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
