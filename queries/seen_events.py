"""Answers which events the store has already: by id within the window, by id, kind and time for older ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

import pyarrow as pa

from queries.client import ClickHouse
from queries.statement import Statement

T = TypeVar("T")

TABLE = "seen_events"
AT_ONCE = 500  # ids in one statement: they travel as parameters, and a server's address line is limited

SEEN = """
SELECT DISTINCT event_id FROM seen_events
WHERE source = {source:String} AND event_id IN {ids:Array(String)} AND until > now()
"""

# The ledgers are sorted by kind and time: each asked moment is one place in the index.
IN_LEDGER = """
SELECT DISTINCT event_id FROM %s
WHERE (kind, ts) IN (SELECT arrayJoin(arrayZip({kinds:Array(String)}, {times:Array(DateTime64(3, 'UTC'))})))
AND event_id IN {ids:Array(String)} AND source = {source:String}
"""
LEDGERS = {table: IN_LEDGER % table for table in ("behaviour_events", "order_events")}


def seen_rows(sources: Sequence[str], ids: Sequence[str], hours: int) -> pa.Table:
    """Rows that remember events for `hours` from the moment they are inserted."""
    return pa.table(
        {"source": list(sources), "event_id": list(ids), "hours": pa.array([hours] * len(ids), pa.uint16())}
    )


def seen_ids(clickhouse: ClickHouse, source: str, ids: Sequence[str]) -> set[str]:
    """Those of the ids that the source sent within the window. Raises QueryFailedError."""
    found: set[str] = set()
    for some in _pieces(ids):
        answer = clickhouse.read(Statement("seen events", SEEN, {"source": source, "ids": list(some)}))
        found |= {str(row[0]) for row in answer.rows}
    return found


def ids_in_ledger(
    clickhouse: ClickHouse, table: str, source: str, events: Sequence[tuple[str, datetime, str]]
) -> set[str]:
    """Ids of those events (kind, time, id) that stand in the ledger with that very time. Raises QueryFailedError."""
    found: set[str] = set()
    for some in _pieces(events):
        values: dict[str, Any] = {
            "source": source,
            "kinds": [kind for kind, _, _ in some],
            "times": [at for _, at, _ in some],
            "ids": [event_id for _, _, event_id in some],
        }
        answer = clickhouse.read(Statement(f"events in {table}", LEDGERS[table], values))
        found |= {str(row[0]) for row in answer.rows}
    return found


def _pieces(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for begin in range(0, len(items), AT_ONCE):
        yield items[begin : begin + AT_ONCE]
