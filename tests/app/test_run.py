"""The whole program as a person starts it: a wall from an empty folder, commands beside it, a clean end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT
from tests.ports import free_port

PATIENCE_S = 300
TMALL = ROOT / "tests" / "data" / "tmall_small.csv"


def environment(store: Path, **more: str) -> dict[str, str]:
    small = {"STORE": str(store), "HISTORY_DAYS": "1", "RATE": "2", "PORT": str(free_port())}
    return {**os.environ, **small, **more}


def command(store: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", *words],
        cwd=ROOT,
        env=environment(store, **more),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )


class Wall:
    """A wall in a process of its own."""

    def __init__(self, store: Path, **more: str) -> None:
        wanted = environment(store, **more)
        self.url = f"http://127.0.0.1:{wanted['PORT']}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app", "run"],
            cwd=ROOT,
            env=wanted,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ready(self) -> None:
        for _ in range(PATIENCE_S * 4):
            try:
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                assert self.process.poll() is None, self.process.communicate()[0]
            time.sleep(0.25)
        raise AssertionError("the wall did not get ready")

    def end(self) -> str:
        """Press Ctrl-C; returns what the terminal said."""
        self.process.send_signal(signal.SIGINT)
        words, _ = self.process.communicate(timeout=PATIENCE_S)
        return words


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def wall(store: Path) -> Iterator[Wall]:
    wall = Wall(store)
    try:
        wall.ready()
        yield wall
    finally:
        wall.process.kill()
        wall.process.wait()


def test_the_page_and_its_parts_are_served(wall: Wall) -> None:
    assert httpx.get(f"{wall.url}/healthz", timeout=60).text == "ok\n"
    page = httpx.get(f"{wall.url}/wall", timeout=60)
    assert page.status_code == 200 and "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    plotly = httpx.get(f"{wall.url}/vendor/plotly.min.js", headers={"Accept-Encoding": "gzip"}, timeout=60)
    assert plotly.headers["Content-Encoding"] == "gzip" and "immutable" in plotly.headers["Cache-Control"]
    assert len(plotly.content) > 1_000_000


def test_the_api_answers_as_the_command_does(wall: Wall, store: Path) -> None:
    asked = {"metrics": "created_gmv,orders_created", "by": "province", "from": "2020-01-01", "to": "2020-01-02"}
    heard = httpx.get(f"{wall.url}/api/v1/metrics/query", params=asked, timeout=60)
    assert heard.status_code == 200, heard.text
    words = [f"--{name}={value}" for name, value in asked.items()]
    said = command(store, "query", *words, "--format=json")
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["rows"] == heard.json()["rows"] == []


def test_a_wrong_name_is_told_with_the_right_one(wall: Wall, store: Path) -> None:
    asked = {"metrics": "paid_gvm", "from": "2020-01-01"}
    heard = httpx.get(f"{wall.url}/api/v1/metrics/query", params=asked, timeout=60)
    assert heard.status_code == 400 and "paid_gmv" in heard.json()["did_you_mean"]
    said = command(store, "query", "--metrics=paid_gvm", "--from=2020-01-01")
    assert said.returncode == 2 and "did you mean 'paid_gmv'" in said.stderr and "Traceback" not in said.stderr


def test_a_second_wall_on_the_store_says_who_holds_it(wall: Wall, store: Path) -> None:
    said = command(store, "run")
    assert said.returncode == 1 and f"held by the wall at {wall.url}" in said.stderr
    assert "Traceback" not in said.stderr


def test_another_scenario_reaches_the_running_wall(wall: Wall, store: Path) -> None:
    said = command(store, "simulate", "--scenario=hot_sku")
    assert said.returncode == 0 and "now plays the scenario hot_sku" in said.stdout, said.stderr
    assert command(store, "simulate", "--scenario=hot_skew").returncode == 2


def test_real_events_do_not_enter_a_simulated_store(wall: Wall, store: Path) -> None:
    said = command(store, "load", "tmall", str(TMALL))
    assert said.returncode == 2 and "set STORE=var/tmall" in said.stderr


def test_strangers_do_not_reach_the_local_api(wall: Wall) -> None:
    for headers in ({}, {"X-Livewall-Token": "guess"}):
        assert httpx.post(f"{wall.url}/local/load", json={}, headers=headers, timeout=60).status_code == 403


def test_a_post_from_another_site_is_refused(wall: Wall) -> None:
    for headers, status in (({}, 405), ({"Origin": wall.url}, 405), ({"Origin": "https://elsewhere.example"}, 403)):
        assert httpx.post(f"{wall.url}/healthz", headers=headers, timeout=60).status_code == status


def test_ctrl_c_ends_cleanly_and_the_next_start_goes_on(wall: Wall, store: Path) -> None:
    wall.ready()
    assert "Stopped; the data stays" in wall.end() and wall.process.returncode == 0
    assert not (store / "wall.json").exists()
    again = Wall(store)
    try:
        again.ready()
        words = again.end()
        assert "Filling" not in words and "Traceback" not in words and again.process.returncode == 0
    finally:
        again.process.kill()


def test_a_file_is_on_the_wall_with_one_command_and_a_second_load_changes_nothing(tmp_path: Path) -> None:
    wall = Wall(tmp_path / "tmall", LOAD=f"tmall {TMALL}")
    try:
        wall.ready()
        asked = {"metrics": "orders_created", "from": "2020-01-01", "to": "2021-01-01"}
        heard = httpx.get(f"{wall.url}/api/v1/metrics/query", params=asked, timeout=60)
        count = heard.json()["rows"][0]["values"]["orders_created"]
        assert count > 0
        said = command(tmp_path / "tmall", "load", "tmall", str(TMALL))
        assert said.returncode == 0 and "already loaded" in said.stdout, said.stdout + said.stderr
        refused = command(tmp_path / "tmall", "simulate")
        assert refused.returncode == 2 and "real data" in refused.stderr
    finally:
        words = wall.end()
    assert "rows rejected" in words


def test_a_wrong_setting_stops_with_one_line(tmp_path: Path) -> None:
    said = command(tmp_path, "run", PORT="none")
    assert said.returncode == 2 and said.stderr.startswith("PORT='none'")
    said = command(tmp_path, "run", LOAD="tmal nothing.csv")
    assert said.returncode == 2 and "did you mean 'tmall'" in said.stderr
    said = command(tmp_path, "run", LOAD="tmall nothing.csv")
    assert said.returncode == 2 and "there is no file nothing.csv" in said.stderr
