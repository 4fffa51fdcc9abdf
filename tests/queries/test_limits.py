"""Limits of statements are data, and the engine keeps to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import DefinitionError, QueryFailedError
from queries.client import ClickHouse
from queries.limits import default_limits, limits_of, load_limits
from queries.statement import Statement

SETTING = (
    "SELECT name, value FROM system.settings WHERE name IN ('max_execution_time', 'max_rows_to_read', 'max_threads')"
)


def test_tiles_run_under_the_default_and_a_persons_question_under_its_own(clickhouse: ClickHouse) -> None:
    tile = dict(clickhouse.read(Statement("total: orders", SETTING)).rows)
    assert {name: float(value) for name, value in tile.items()}.items() <= default_limits().items()
    asked = dict(clickhouse.read(Statement("request: orders", SETTING)).rows)
    wanted = default_limits() | limits_of("request: orders")
    assert {name: float(value) for name, value in asked.items()}.items() <= wanted.items() and asked != tile
    again = dict(clickhouse.read(Statement("total: orders", SETTING)).rows)
    assert again == tile, "a statement's own limits do not stay on the client"


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT number FROM numbers(600000)", "rows"),
        ("SELECT count() FROM numbers(600000000) WHERE sipHash64(number) = 7", "rows"),
        ("SELECT length(groupArray(number)) FROM numbers(450000000)", "emory"),
    ],
)
def test_what_is_too_much_is_stopped(clickhouse: ClickHouse, sql: str, said: str) -> None:
    with pytest.raises(QueryFailedError, match=said):
        clickhouse.read(Statement("too much", sql))
    assert clickhouse.read(Statement("alive", "SELECT 1")).rows == [(1,)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("default: {max_execution_time: 5}", "default"),
        ("default: {max_time: 5}", "max_time"),
        ("default: {max_threads: 0}", "max_threads"),
        ("default: [", "limits.yaml"),
    ],
)
def test_a_wrong_file_names_its_entry(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "limits.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError, match=said):
        load_limits(path)
