"""The database's own process stops dead under the whole program and goes on: said meanwhile, right afterwards."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from queries.client import ClickHouse
from queries.listener import Listening, running
from tests.app.test_run import Wall, free_port
from tests.browser.conftest import Watch
from tests.browser.purchase import buy, clear_of_midnight, number, paid_by_hand
from tests.browser.stage import until
from tests.browser.stall import EVERY_TICK
from tests.browser.test_return import SETTLED
from tests.browser.test_wall import AGES, faces, hero

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
PATIENCE = 120.0  # seconds: for what waits on the machine, not on the wall's promises
STOPPED_S = 30.0  # at least: longer than any statement may run, and as long as a tile may be old without saying so
FILTERED = "?lang=zh&province=440000"
AMOUNTS = {"before": 1_111_111.0, "meanwhile": 222_222.0, "after": 33_333.0}
LAG = "() => document.querySelector('[data-part=lag]').textContent"
# What the header has said of the link, one after the other, in a page that is not loaded anew.
NOTE_TROUBLE = """() => {
  window.here = [];
  new MutationObserver(() => here.push(document.documentElement.dataset.trouble))
    .observe(document.documentElement, {attributeFilter: ['data-trouble']});
}"""
DIM = """(tiles) => Math.max(...tiles.map((tile) => Number(getComputedStyle(
  document.querySelector(`.board:not([hidden]) [data-tile="${tile}"] .tile-body`)).opacity)))"""


def lag_of(text: str) -> float:
    """Seconds, of what the header says."""
    count, unit = re.findall(r"([\d.]+) ?(秒|分钟)", text)[0]
    return float(count) * (60 if unit == "分钟" else 1)


@pytest.fixture
def wall(tmp_path: Path) -> Iterator[Wall]:
    """The whole program over a listener, which is a process of its own. Nothing happens in it by itself."""
    small = {"HISTORY_DAYS": "1", "RATE": "2", "SIMULATE": "false"}
    wall = Wall(tmp_path / "demo", DSN=f"listen://127.0.0.1:{free_port()}", **small)
    assert wall.process.stdout is not None
    # what it says of the stop may be more than a pipe holds, and it must not wait for a reader
    said = threading.Thread(target=sys.stdout.writelines, args=(wall.process.stdout,), daemon=True)
    said.start()
    try:
        wall.ready()
        yield wall
    finally:
        wall.process.terminate()
        try:
            wall.process.wait(60)
        finally:
            wall.process.kill()
            said.join(60)
            wall.process.stdout.close()


@pytest.fixture
def database(wall: Wall, tmp_path: Path) -> Iterator[Listening]:
    told = running(tmp_path / "demo" / "listener")
    assert told is not None and told.pid != wall.process.pid
    try:
        yield told
    finally:
        os.kill(told.pid, signal.SIGCONT)


def test_a_database_that_stops_is_said_and_goes_on_with_the_right_numbers_and_no_reload(
    wall: Wall, database: Listening, page: Page, watch: Watch
) -> None:
    with closing(ClickHouse(database.access(), readers=1)) as store:

        def bought(name: str) -> None:
            buy(store, datetime.now(UTC), AMOUNTS[name], name)

        def right() -> bool:
            text = hero(page)
            return text == paid_by_hand(store, datetime.now(UTC), text, province="440000")

        def ready() -> httpx.Response:
            return httpx.get(f"{wall.url}/readyz", timeout=60)

        clear_of_midnight(240)
        page.goto(f"{wall.url}/wall{FILTERED}")
        page.wait_for_function(SETTLED, timeout=PATIENCE * 1000)
        first = number(hero(page))
        bought("before")
        assert until(lambda: number(hero(page)) - first == AMOUNTS["before"], PATIENCE) and right()
        assert until(lambda: set(faces(page).values()) <= {"fresh", "empty"}, PATIENCE), faces(page)
        page.evaluate(NOTE_TROUBLE)

        late = threading.Thread(target=bought, args=("meanwhile",), daemon=True)
        os.kill(database.pid, signal.SIGSTOP)
        stopped, kept = time.monotonic(), hero(page)
        try:
            late.start()  # whoever brings it waits with all others
            assert until(lambda: "store does not answer" in ready().json()["reason"], PATIENCE)
            assert ready().status_code == 503
            assert until(lambda: {faces(page)[name] for name in EVERY_TICK} <= {"stale", "empty"}, PATIENCE), faces(
                page
            )
            page.wait_for_timeout(max(1.0, STOPPED_S - (time.monotonic() - stopped)) * 1000)
            assert {page.evaluate(AGES)[name][1][:2] for name in EVERY_TICK} == {"截至"}, "each says as of when"
            assert until(lambda: page.evaluate(DIM, sorted(EVERY_TICK)) < 1, PATIENCE), "and is dimmed"
            assert until(lambda: lag_of(page.evaluate(LAG)) >= 20, PATIENCE), "the header counts up"
            expect(page.locator('[data-part="link"]')).to_contain_text("数据库无应答", timeout=PATIENCE * 1000)
            assert hero(page) == kept, "the last numbers stay"
            expect(page.locator("html")).not_to_have_attribute("data-link", "cut")  # the wall itself is well
            assert httpx.get(f"{wall.url}/healthz", timeout=60).status_code == 200, "nobody has to restart it"
            troubles = page.evaluate("() => here")
            assert "ok" not in troubles[troubles.index("mute") :], "what was said once is not taken back"
            assert late.is_alive()
        finally:
            os.kill(database.pid, signal.SIGCONT)

        late.join(PATIENCE)
        assert not late.is_alive()
        assert until(right, PATIENCE) and number(hero(page)) - number(kept) == AMOUNTS["meanwhile"], hero(page)
        assert until(lambda: set(faces(page).values()) <= {"fresh", "empty"}, PATIENCE), faces(page)
        bought("after")
        assert until(lambda: number(hero(page)) - first == sum(AMOUNTS.values()), PATIENCE), hero(page)
        assert right()
        assert until(lambda: ready().status_code == 200, PATIENCE)
        expect(page.locator("html")).to_have_attribute("data-link", "ok", timeout=PATIENCE * 1000)
        assert page.evaluate("() => [Array.isArray(window.here), location.search]") == [True, FILTERED]
        expect(page.locator(".chip")).to_have_count(1)
        assert watch.errors == []
