"""Migrations on the real engine: once, in order, twice without harm; and tables that a retry cannot fool."""

from __future__ import annotations

import re

from metrics.profile import DEMO, read_profile
from queries.client import ClickHouse
from queries.migrate import FOLDER, migrate, split_statements, written
from queries.rollups import ROLLUPS
from queries.statement import Statement


def test_migrating_again_applies_nothing(clickhouse: ClickHouse) -> None:
    assert migrate(clickhouse) == []


def test_every_statement_may_run_twice(clickhouse: ClickHouse) -> None:
    for path in sorted(FOLDER.glob("*.sql")):
        for statement in split_statements(written(path.read_text(encoding="utf-8"), read_profile(DEMO))):
            clickhouse.write(Statement(f"again {path.stem}", statement))


def test_every_table_that_receives_inserts_remembers_tokens(clickhouse: ClickHouse) -> None:
    sql = (
        "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase() "
        "AND engine LIKE '%MergeTree' AND name != 'schema_migrations'"
    )
    rows = clickhouse.read(Statement("tables", sql)).rows
    forgetful = [name for name, query in rows if not re.search(r"non_replicated_deduplication_window = [1-9]", query)]
    assert len(rows) > 10 and forgetful == []


def test_every_view_feeds_a_table_that_can_be_repaired(clickhouse: ClickHouse) -> None:
    sql = (
        "SELECT name, create_table_query FROM system.tables "
        "WHERE database = currentDatabase() AND engine = 'MaterializedView'"
    )
    views = clickhouse.read(Statement("views", sql)).rows
    assert views and all(" TO " in query for _, query in views)


def test_planner_and_tables_agree_on_dimensions_and_measures(clickhouse: ClickHouse) -> None:
    sql = "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {table:String}"
    for source in ROLLUPS:
        columns = {row[0] for row in clickhouse.read(Statement("columns", sql, {"table": source.table})).rows}
        assert columns == source.dimensions | source.columns | {source.time}, source.table


def test_a_comment_may_hold_a_semicolon() -> None:
    assert split_statements("SELECT 1 -- one;\n;\n-- nothing\n") == ["SELECT 1 -- one;\n"]
