"""Each kind of line stands in its room: the checker is proved on small wrong snippets, then read over the project."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from tests.rooms import ROOMS, VAGUE, offences

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
OPENINGS: dict[str, tuple[str, ...]] = {".sql": ("--",), ".css": ("/*",), ".js": ("//", "/*")}

WRONG = [
    ("live/x.py", 'rows = ask("SELECT sum(amount) FROM orders")', "SQL stands"),
    ("app/x.py", 'sql = f"""\n  INSERT INTO t VALUES"""', "SQL stands"),
    ("ingest/x.py", "drop = 'ALTER TABLE t DELETE'", "SQL stands"),
    ("alerts/x.py", "q = 'select a from b'", "SQL stands"),
    ("queries/x.py", "sql = f\"SELECT 1 FROM t WHERE province = '{code}'\"", "stranger"),
    ("queries/x.py", 'sql = f"SELECT 1 FROM t WHERE {scope.filters}"', "stranger"),
    ("queries/x.py", "part = f\" AND city IN ({', '.join(codes)})\"", "stranger"),
    ("queries/x.py", "sql = 'SELECT 1 WHERE a = %s' % value", "stranger"),
    ("queries/x.py", "sql = 'SELECT 1 WHERE a = {}'.format(value)", "stranger"),
    ("live/x.py", "import dash", "Dash is known"),
    ("metrics/x.py", "def draw():\n    from dash.exceptions import PreventUpdate", "Dash is known"),
    ("callbacks/x.py", "from dash import html", "components are drawn"),
    ("app/x.py", "import dash_bootstrap_components as dbc", "components are drawn"),
    ("layouts/x.py", "from dash import Output", "wiring stands"),
    ("app/x.py", "import dash\nx = dash.Output('a', 'b')", "wiring stands"),
    ("layouts/x.py", "import plotly.graph_objects as go", "plain dicts"),
    ("callbacks/x.py", "from plotly import express", "plain dicts"),
    ("queries/x.py", "import os\nx = os.environ['A']", "environment"),
    ("live/x.py", "from os import getenv as read\nx = read('A')", "environment"),
    ("app/main.py", "from os import environ\nx = environ.get('A')", "environment"),
    ("live/x.py", "from datetime import datetime, UTC\nx = datetime.now(UTC)", "clock"),
    ("live/x.py", "import datetime\nx = datetime.datetime.utcnow()", "clock"),
    ("live/x.py", "from datetime import datetime as dt\nx = dt.now()", "clock"),
    ("app/x.py", "from datetime import date\nx = date.today()", "clock"),
    ("ingest/x.py", "from time import sleep\nsleep(1)", "clock"),
    ("ingest/x.py", "import time\ndef go(pause=time.sleep): ...", "clock"),
    ("live/x.py", "import time\nx = time.perf_counter()", "clock"),
    ("queries/x.py", "import time\nx = time.monotonic()", "clock"),
    ("layouts/x.py", "title = '成交额'", "Chinese"),
    ("alerts/x.py", "cause = f'{n} 单'", "Chinese"),
    ("core/x.py", "import json", "opens with"),
    ("core/x.py", '"""helpers"""', "opens with"),
    ("queries/x.py", "import chdb", "chdb"),
    ("tests/x.py", "try:\n    from chdb import session\nexcept ImportError:\n    pass", "chdb"),
    ("queries/x.py", "class A:\n    import clickhouse_connect", "clickhouse_connect"),
    ("live/x.py", "x = 1  # TODO later", "promises"),
    ("live/x.py", "x = 1 +", "cannot read it"),
]

RIGHT = [
    ("live/x.py", 'note = "Select a day, or insert into the basket"'),
    ("live/x.py", 'def f():\n    """SELECT is said in queries/."""'),
    ("queries/x.py", 'sql = f"SELECT {column} FROM t WHERE province IN {parameters.bind(codes, TYPE)}"'),
    ("queries/x.py", "LINES = 5\nsql = 'SELECT groupArraySorted(%d)(line) FROM t' % LINES"),
    ("queries/x.py", 'raise ValueError(f"{len(codes)} codes are too many")'),
    ("queries/x.py", "import time\nx = time.perf_counter()"),
    ("queries/x.py", "def open_it():\n    import chdb"),
    ("queries/x.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import chdb"),
    ("core/clock.py", "import time\nx = time.monotonic()"),
    ("live/x.py", "x = clock.now() + clock.monotonic()"),
    ("layouts/x.py", "from dash import html, dcc"),
    ("callbacks/x.py", "from dash import Input, Output"),
    ("metrics/formats.py", "units = ('万', '亿')"),
    ("metrics/x.py", "x = 1  # 口径 is the definition sentence"),
    ("metrics/x.py", "x = Field(description='The 口径 of a metric')"),
]


@pytest.mark.parametrize(("path", "code", "says"), WRONG, ids=[f"{p}: {c[:40]}" for p, c, _ in WRONG])
def test_a_line_in_the_wrong_room_is_found(path: str, code: str, says: str) -> None:
    source = code if "opens with" in says else f'"""Says what it is for."""\n{code}\n'
    assert any(says in offence for offence in offences(PurePosixPath(path), source)), offences(
        PurePosixPath(path), source
    )


@pytest.mark.parametrize(("path", "code"), RIGHT, ids=[f"{p}: {c[:40]}" for p, c in RIGHT])
def test_a_line_in_its_room_is_left_alone(path: str, code: str) -> None:
    assert offences(PurePosixPath(path), f'"""Says what it is for."""\n{code}\n') == []


@pytest.mark.parametrize("room", [*ROOMS, "tests", "bench"])
def test_every_line_stands_in_its_room(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    found = [o for path in files for o in offences(PurePosixPath(path.relative_to(ROOT)), path.read_text("utf-8"))]
    assert not found, "\n" + "\n".join(found)


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert VAGUE.search("date_utils"), "the pattern itself must work"
    assert not [path for path in PYTHON if VAGUE.search(path.stem)]


def test_sql_files_stand_in_queries() -> None:
    strays = [p for room in ROOMS if room != "queries" for p in (ROOT / room).rglob("*.sql")]
    assert list((ROOT / "queries").rglob("*.sql"))
    assert not strays


def test_sql_style_sheets_and_scripts_open_with_what_they_are_for() -> None:
    files = [p for room in ("queries", "assets") for p in (ROOT / room).rglob("*") if p.suffix in OPENINGS]
    assert files
    silent = [str(p.relative_to(ROOT)) for p in files if not p.read_text("utf-8").startswith(OPENINGS[p.suffix])]
    assert not silent


def test_imports_point_downward() -> None:
    checked = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout[-3000:] + checked.stderr[-1000:]


def test_importing_the_rooms_opens_nothing_and_imports_no_chdb() -> None:
    """A process that forks after importing chdb hangs in the child, so importing our code must not import it."""
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in PYTHON if path.stem != "__main__"]
    code = f"import importlib, sys\nfor m in {modules!r}: importlib.import_module(m)\nprint('chdb' in sys.modules)"
    tried = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert tried.returncode == 0, tried.stderr[-3000:]
    assert tried.stdout.strip() == "False"
