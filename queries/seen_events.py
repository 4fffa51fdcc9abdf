"""Answers which events the store has already: by id within the window, by id, kind and time for older ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

import pyarrow as pa

from queries.client import ClickHouse
from queries.dead_letters import kept_letters
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
ID_BETWEEN = """
SELECT event_id FROM %s
WHERE source = {source:String} AND ts BETWEEN {first:DateTime64(3, 'UTC')} AND {last:DateTime64(3, 'UTC')}
"""
EVENTS = ("behaviour_events", "order_events", "markers")
BETWEEN = {table: ID_BETWEEN % table for table in EVENTS}
MANY = 5_000
UNDER_WAY = "SELECT toInt64(count()) FROM system.processes WHERE query_kind = 'Insert' AND user = currentUser()"
LEDGERS = {table: IN_LEDGER % table for table in EVENTS}


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


def _ids_between(
    clickhouse: ClickHouse, table: str, source: str, events: Sequence[tuple[str, datetime, str]]
) -> set[str]:
    """All ids of a source from the first to the last of these events' times: one statement for a large batch.

    As who brings events: who looks may not ask for so long nor so much (queries/roles.py).
    """
    times = [at for _, at, _ in events]
    values = {"source": source, "first": min(times), "last": max(times)}
    statement = Statement(f"ids of a batch in {table}", BETWEEN[table], values)
    return {str(row[0]) for row in clickhouse.read_long(statement).rows}


def missing_rows(clickhouse: ClickHouse, table: str, rows: pa.Table) -> pa.Table:
    """Those rows of a batch that the table does not have, by what names them. Raises QueryFailedError."""
    name = "load_id" if table == "dead_letters" else "event_id"
    sources, names = rows.column("source").to_pylist(), rows.column(name).to_pylist()
    found: set[tuple[str, str]] = set()
    for source in set(sources):
        places = [place for place, other in enumerate(sources) if other == source]
        wanted = [names[place] for place in places]
        if table in LEDGERS:
            kinds, times = rows.column("kind").to_pylist(), rows.column("ts").to_pylist()
            events = [(kinds[place], times[place], names[place]) for place in places]
            many = len(events) > MANY
            present = (_ids_between if many else ids_in_ledger)(clickhouse, table, source, events)
        elif table == TABLE:
            present = seen_ids(clickhouse, source, wanted)
        else:
            present = kept_letters(clickhouse, source, wanted)
        found |= {(source, one) for one in present}
    keep = [(source, one) not in found for source, one in zip(sources, names, strict=True)]
    return rows.filter(pa.array(keep, pa.bool_()))


def inserts_under_way(clickhouse: ClickHouse) -> int:
    """How many inserts of this user run: a server ends them although the process that sent them died.

    Raises QueryFailedError.
    """
    return int(clickhouse.read_long(Statement("inserts under way", UNDER_WAY)).rows[0][0])


def _pieces(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for begin in range(0, len(items), AT_ONCE):
        yield items[begin : begin + AT_ONCE]
