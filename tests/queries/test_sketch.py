"""A store of sketches: users within the stated error, exact where few or where only the raw ledger can tell."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from queries.distinct import SKETCH_ERROR
from tests.conftest import ROOT


def test_users_are_counted_within_the_stated_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.queries.sketched_store", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
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
