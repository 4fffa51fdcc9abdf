"""Where a producer of events stopped, and which of its orders are still open: what it needs to go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from queries.client import ClickHouse
from queries.statement import Statement

NEWEST = "SELECT toInt64(count()), max(ts) FROM {table}"
LAST = """
SELECT toInt64(count()), toUnixTimestamp64Milli(max(ts)) FROM {table}
WHERE source = {{source:String}} AND ts > {{since:DateTime64(3, 'UTC')}}
"""
# How far before a ledger's newest event to look, in turn: reading all of a large one takes seconds.
REACHES = (timedelta(hours=2), timedelta(days=2), timedelta(days=36_500))

OPEN_ORDERS = """
SELECT
    order_id,
    any(user_id) AS user_id,
    any(session_id) AS session_id,
    any(channel) AS channel,
    any(room) AS room,
    any(category) AS category,
    any(sku) AS sku,
    any(province) AS province,
    any(city) AS city,
    any(tier) AS tier,
    anyIf(amount, kind = 'created') AS amount,
    anyIf(units, kind = 'created') AS units,
    toUnixTimestamp64Milli(any(created_at)) AS created_ms,
    toInt64(countIf(kind = 'paid')) AS paid
FROM order_events
WHERE source = {source:String} AND ts >= {since:DateTime64(3, 'UTC')} AND created_at >= {since:DateTime64(3, 'UTC')}
GROUP BY order_id
HAVING countIf(kind = 'created') > 0 AND countIf(kind IN ('cancelled', 'refunded')) = 0
"""

OPEN_COLUMNS = (
    *("order_id", "user_id", "session_id", "channel", "room", "category", "sku", "province", "city", "tier"),
    *("amount", "units", "created_ms", "paid"),
)

NOTED = "SELECT count() FROM loads WHERE load_id = {load_id:String}"

NOTE = """
INSERT INTO loads (load_id, source, origin, rows, events, rejected)
SELECT {load_id:String}, {source:String}, 'history', {rows:UInt64}, {rows:UInt64}, 0
"""

OTHERS = """
SELECT (SELECT count() FROM behaviour_events WHERE source != {source:String})
     + (SELECT count() FROM order_events WHERE source != {source:String})
"""

FILLED_TABLES = """
SELECT name FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
AND (name IN ('behaviour_events', 'order_events') OR match(name, '_1[smhd](_|$)'))
"""


@dataclass(frozen=True, slots=True)
class LastEvents:
    """Epoch milliseconds of a producer's newest event in each ledger; None for none."""

    behaviour: int | None
    orders: int | None


def last_events(clickhouse: ClickHouse, source: str) -> LastEvents:
    """How far a producer got. Raises QueryFailedError."""
    return LastEvents(*(_last_event(clickhouse, table, source) for table in ("behaviour_events", "order_events")))


def _last_event(clickhouse: ClickHouse, table: str, source: str) -> int | None:
    ((count, newest),) = clickhouse.read_long(Statement(f"newest of {table}", NEWEST.format(table=table))).rows
    if not count:
        return None
    for reach in REACHES:
        values = {"source": source, "since": newest - reach}
        ((count, moment),) = clickhouse.read_long(Statement(f"last {table}", LAST.format(table=table), values)).rows
        if count:
            return int(moment)
    return None


def open_orders(clickhouse: ClickHouse, source: str, since: datetime) -> dict[str, list[Any]]:
    """A producer's orders created since an aware moment and neither cancelled nor refunded, as columns by name.

    Times are epoch milliseconds, `paid` is 1 for orders already paid.
    """
    # Reading half a million orders of a busy store takes longer than a tile may.
    answer = clickhouse.read_long(Statement("open orders", OPEN_ORDERS, {"source": source, "since": since}))
    if not answer.rows:  # then the embedded engine does not tell the names of the columns either
        return {name: [] for name in OPEN_COLUMNS}
    columns = zip(*answer.rows, strict=True)
    return {name: list(column) for name, column in zip(answer.columns, columns, strict=True)}


def is_broken_off(clickhouse: ClickHouse, source: str) -> bool:
    """Whether a producer's history was begun and never came to its end."""
    return _is_noted(clickhouse, source, "begun") and not _is_noted(clickhouse, source, "whole")


def note_history(clickhouse: ClickHouse, source: str, stage: Literal["begun", "whole"], rows: int = 0) -> None:
    """Note how far a producer's history is; noting it again changes nothing."""
    if not _is_noted(clickhouse, source, stage):
        parameters = {"load_id": f"history of {source} {stage}", "source": source, "rows": rows}
        clickhouse.write(Statement(f"note a history {stage}", NOTE, parameters))


def _is_noted(clickhouse: ClickHouse, source: str, stage: str) -> bool:
    parameters = {"load_id": f"history of {source} {stage}"}
    return bool(clickhouse.read(Statement("state of a history", NOTED, parameters)).rows[0][0])


def empty_ledgers(clickhouse: ClickHouse, source: str) -> bool:
    """Empty the ledgers and rollups of a store that holds a producer's events and no others; tells whether it did."""
    last = last_events(clickhouse, source)
    others = clickhouse.read_long(Statement("events of others", OTHERS, {"source": source})).rows[0][0]
    if others or (last.behaviour is None and last.orders is None):
        return False
    for (table,) in clickhouse.read(Statement("tables of a history", FILLED_TABLES)).rows:
        clickhouse.write(Statement(f"empty {table}", f"TRUNCATE TABLE {table}"))
    return True
