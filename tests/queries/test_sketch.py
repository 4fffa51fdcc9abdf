"""A store of sketches: users within the stated error, exact where few or where only the raw ledger can tell."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from queries.distinct import SKETCH_ERROR
from tests.conftest import ROOT
from tests.queries.sketched_store import SCOPES


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the store answered, asked once for all tests."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.queries.sketched_store", str(tmp_path_factory.mktemp("sketched"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answers


def test_users_are_counted_within_the_stated_error(found: dict[str, Any]) -> None:
    off = []
    for name in ("two days ", "a day and an edge "):
        (counted,), exact = found[name]["counted"], found[name]["exact"]
        assert exact > 40_000
        assert abs(counted / exact - 1) < 4 * SKETCH_ERROR  # what chance leaves to one in 15,000, name
        off.append(counted != exact)
    assert any(off), "these are sketches: that they are exact would be chance"
    assert set(found["two days "]["tables"]) == {"visitors_1d"}
    assert len(found["a day and an edge channel"]["counted"]) == 2
    assert found["few "]["counted"] == [found["few "]["exact"]]
    by_category = found["a day and an edge category"]
    assert by_category["tables"] == ["behaviour_events"] and by_category["counted"] == [by_category["exact"]]


def test_users_of_random_scopes_are_within_the_stated_error_of_single_events(found: dict[str, Any]) -> None:
    rows = found["random"]
    assert len(rows) >= SCOPES
    off = [counted / exact - 1 for counted, exact, _ in rows]
    assert max(map(abs, off)) < 5 * SKETCH_ERROR, "chance does that to one of a million"
    typical = (sum(one**2 for one in off) / len(off)) ** 0.5
    assert typical < 1.5 * SKETCH_ERROR, "the stated error is that of most scopes, not of the best ones"
    tables = {table for _, _, sources in rows for table in sources}
    assert {"visitors_1d", "visitors_1h", "visitors_1m", "behaviour_events"} <= tables
    assert any("_by_" in table for table in tables)
