"""Which codes each dimension has in this store, read from rollups."""

from __future__ import annotations

from queries.client import ClickHouse
from queries.statement import Statement

# The narrowest table that keeps each dimension, per ledger.
TABLES = {
    "orders_1h_region": ("country", "province", "channel"),
    "behaviour_1h_region": ("country", "province", "channel"),
    "orders_1h": ("city", "room", "category", "tier"),
    "behaviour_1h": ("room", "category", "tier"),
}
LIMIT = 20_000  # codes of one dimension; more are not something to pick from a list


def load_members(clickhouse: ClickHouse) -> dict[str, frozenset[str]]:
    """The codes of each dimension that events have brought, without the empty one. Raises QueryFailedError."""
    found: dict[str, frozenset[str]] = {}
    for table, dimensions in TABLES.items():
        columns = ", ".join(f"groupUniqArray({LIMIT})({name})" for name in dimensions)
        (row,) = clickhouse.read(Statement(f"members in {table}", f"SELECT {columns} FROM {table}")).rows
        for name, codes in zip(dimensions, row, strict=True):
            found[name] = found.get(name, frozenset()) | frozenset(code for code in codes if code)
    return found


def has_events(clickhouse: ClickHouse) -> bool:
    """Whether anything was ever written to the behaviour ledger."""
    return bool(clickhouse.read(Statement("first event", "SELECT 1 FROM behaviour_events LIMIT 1")).rows)
