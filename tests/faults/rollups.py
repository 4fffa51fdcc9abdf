"""Compares every rollup with what its view would make of its whole source: whatever rollups there are."""

from __future__ import annotations

import re

from queries.client import ClickHouse
from queries.migrate import FOLDER
from queries.statement import Statement

VIEWS = """
SELECT create_table_query, as_select FROM system.tables
WHERE database = currentDatabase() AND engine = 'MaterializedView' ORDER BY name
"""
COLUMNS = """
SELECT name, type FROM system.columns
WHERE database = currentDatabase() AND table = {table:String} ORDER BY position
"""
TARGET = re.compile(r"\bTO (?:\w+\.)?`?(\w+)`?")
CHANGES = re.compile(
    r"^(?:CREATE MATERIALIZED VIEW (?:IF NOT EXISTS )?(\w+) TO (\w+)|DROP VIEW (?:IF EXISTS )?(\w+))", re.MULTILINE
)
STATE = re.compile(r"(Simple)?AggregateFunction\((\w+)(\([^)]*\))?,")


def kept_by_views() -> set[str]:
    """The tables that the migrations' views keep."""
    views: dict[str, str] = {}
    for path in sorted(FOLDER.glob("*.sql")):
        for made, target, dropped in CHANGES.findall(path.read_text("utf-8")):
            if dropped:
                views.pop(dropped, None)
            else:
                views[made] = target
    return set(views.values())


def rollup_rows(clickhouse: ClickHouse) -> dict[str, tuple[int, int]]:
    """For each rollup: how many rows it has when merged, and how many of them its source disagrees with."""
    found = {}
    for create, select in clickhouse.read(Statement("views", VIEWS)).rows:
        match = TARGET.search(create)
        assert match, create
        table = match[1]
        columns = clickhouse.read(Statement("columns", COLUMNS, {"table": table})).rows
        merged, keys = [], []
        for name, kind in columns:
            state = STATE.match(kind)
            if state is None:
                keys.append(name)
            else:
                function = state[2] + ("" if state[1] else "Merge") + (state[3] or "")
                merged.append(f"toString({function}({name})) AS {name}_merged")
        chosen, by = ", ".join([*keys, *merged]), ", ".join(keys)
        kept, made = (f"SELECT {chosen} FROM {source} GROUP BY {by}" for source in (table, f"({select})"))
        differ = f"SELECT count() FROM (({kept}) EXCEPT ALL ({made}))"
        missing = f"SELECT count() FROM (({made}) EXCEPT ALL ({kept}))"
        sql = f"SELECT (SELECT count() FROM ({kept})), ({differ}) + ({missing})"
        ((count, wrong),) = clickhouse.read(Statement(f"compare {table}", sql, {}, {"max_execution_time": 60})).rows
        found[table] = (int(count), int(wrong))
    return found
