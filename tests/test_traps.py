"""Traps of Dash, its server and the embedded engine that no room can see alone: the whole app is held against them."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from dash.development.base_component import Component

from app.main import Wall, build_wall
from app.settings import Settings
from core.clock import ManualClock
from metrics.profile import StoreProfile
from queries.client import ClickHouse
from tests.conftest import ROOT
from tests.ports import free_port
from tests.rooms import ROOMS

SCREENS = 150  # more connections than waitress takes by itself
SERVE = """
import sys
from pathlib import Path
from types import SimpleNamespace
from flask import Flask
from app.serve import run_server
from app.settings import Settings
server = Flask("x")
server.get("/healthz")(lambda: "ok")
run_server(Settings(_env_file=None, port=int(sys.argv[1])), SimpleNamespace(dash=SimpleNamespace(server=server)), "0")
"""
FORKS = re.compile(r"\bos\.(?:fork|forkpty)\b|\bmultiprocessing\b(?!\.util import Finalize\b)|\bProcessPoolExecutor\b")
ENGINE = re.compile(r"\bENGINE\s*=\s*(\w+)", re.IGNORECASE)


@pytest.fixture
def wall(clickhouse: ClickHouse, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wall:
    """The app as `make run` puts it together, on a machine that would switch Dash's development tools on."""
    for name in ("DASH_UI", "DASH_DEBUG", "DASH_HOT_RELOAD", "DASH_PROPS_CHECK", "DASH_SERVE_DEV_BUNDLES"):
        monkeypatch.setenv(name, "true")
    return build_wall(Settings(_env_file=None, store=tmp_path), clickhouse, StoreProfile(name="x"), clock)


def components(wall: Wall) -> list[Component]:
    layout = wall.dash.layout
    assert isinstance(layout, Component)
    return [layout, *layout._traverse()]  # type: ignore[no-untyped-call]


def test_no_callback_starts_a_thread_of_its_own_and_no_tick_flips_the_title(wall: Wall) -> None:
    assert wall.dash._use_async is False
    assert wall.dash.config.update_title is None


def test_development_tools_stay_off_whatever_the_environment_says(wall: Wall) -> None:
    with wall.dash.server.test_client() as client:
        page = client.get("/").text
    config = json.loads(
        page.partition('<script id="_dash-config" type="application/json">')[2].partition("</script>")[0]
    )
    assert (config["ui"], config["props_check"], config.get("hot_reload")) == (False, False, None)
    assert ".dev.js" not in page and ".development.js" not in page


def test_the_page_has_no_component_that_dies_of_one_bad_figure_or_flickers_on_a_tick(wall: Wall) -> None:
    kinds = {getattr(part, "_type", "") for part in components(wall)}
    assert "Interval" in kinds, "the search itself must find components"
    assert kinds.isdisjoint({"Graph", "Loading"})


def test_a_screen_asks_by_one_callback_and_nothing_can_switch_its_beat_off(wall: Wall) -> None:
    """`running=[(interval, "disabled", …)]` is never undone when the server dies; an output on the beat is as bad."""
    with wall.dash.server.test_client() as client:
        callbacks = client.get("/_dash-dependencies").get_json()
    asked = [callback for callback in callbacks if not callback["clientside_function"]]
    assert [callback["output"] for callback in asked] == ["frame.data"]
    assert [callback for callback in callbacks if callback.get("running")] == []
    assert [callback["output"] for callback in callbacks if callback["output"].startswith("beat.")] == []
    (beat,) = [part for part in components(wall) if part._type == "Interval"]
    assert getattr(beat, "disabled", False) is False
    assert getattr(beat, "max_intervals", -1) == -1


def test_no_frame_reaches_the_page_by_set_props() -> None:
    """What `set_props` writes into an input is kept for ever: 1.9 GB a day at a frame a second. A counter may,
    and the interval, which is written when the pace changes."""
    scripts = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "assets/js").rglob("*.js"))}
    written = [call for text in scripts.values() for call in re.findall(r"set_props\(([^,]+),", text)]
    assert sorted(written) == ["livewall.config.ids.beat", "livewall.config.ids.poke"]
    python = [path for room in ROOMS for path in (ROOT / room).rglob("*.py") if "set_props(" in path.read_text("utf-8")]
    assert python == []


def test_no_figure_object_is_built_or_walked_on_a_tick() -> None:
    """Eight `go.Figure`s cost seventy-five times what the same plain values cost."""
    heavy = re.compile(r"plotly\.(?:graph_objects|express|graph_objs)|from plotly import|\bPatch\(")
    assert heavy.search("import plotly.graph_objects as go"), "the pattern itself must work"
    files = [path for room in ("layouts", "callbacks", "live", "app") for path in (ROOT / room).rglob("*.py")]
    assert [path.name for path in files if heavy.search(path.read_text(encoding="utf-8"))] == []


def test_more_than_a_hundred_screens_are_answered() -> None:
    """Waitress stops listening at its default of 100 connections; the screens beyond starve without a word."""
    port = free_port()
    server = subprocess.Popen([sys.executable, "-c", SERVE, str(port)], cwd=ROOT, stdout=subprocess.DEVNULL)
    held: list[socket.socket] = []
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=httpx.HTTPTransport(retries=10)) as client:
            assert client.get("/healthz", timeout=60).text == "ok"
        held += [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(SCREENS)]
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=60).text == "ok"
    finally:
        for connection in held:
            connection.close()
        server.terminate()
        assert server.wait(120) == 0


def test_nothing_of_ours_forks() -> None:
    """A fork after the engine was imported, even if never opened, hangs in the child at its first statement."""
    assert FORKS.search("with ProcessPoolExecutor() as pool:"), "the pattern itself must work"
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    assert [str(path) for path in files if FORKS.search(path.read_text("utf-8"))] == []


def test_the_process_that_forks_web_processes_has_not_imported_the_engine() -> None:
    """Granian forks; each web process imports the engine for itself, when it opens the store."""
    loaded = "import sys, app.production; print(sorted({'chdb', 'clickhouse_connect'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]", said.stdout


def test_no_table_has_an_engine_that_bricks_the_embedded_store() -> None:
    """CREATE TABLE … ENGINE = Kafka fails, leaves the table, and the store never opens again."""
    texts = {
        path: re.sub(r"--.*", "", path.read_text("utf-8"))
        for path in sorted((ROOT / "queries").rglob("*"))
        if path.suffix in {".py", ".sql"} and path.name != "ddl.py"  # writes a server's tables as text, runs none
    }
    engines = {(path.name, engine) for path, text in texts.items() for engine in ENGINE.findall(text)}
    assert len(engines) > 3
    others = {(name, engine) for name, engine in engines if not engine.endswith("MergeTree")}
    assert others == {("own_apply.py", "Null")}, "Null keeps nothing and needs nothing"
