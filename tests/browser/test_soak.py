"""A wall left on for a minute: what leaks a frame or a board a turn shows here already; `make soak` looks longer."""

from __future__ import annotations

import os
from typing import Any

import pytest
from playwright.sync_api import Page

from bench.soak import Sample, growth, report, resident_mb, watch_page
from tests.browser.conftest import Watch
from tests.browser.stage import TURNS, ScriptedWall, make_app, make_frame, part, serve

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
PATIENCE = 120_000  # ms: for what waits on the machine
ROUND_S, ROUNDS = 10, 8
POINTS = 2_000  # of a figure: one that is kept a turn is 30 kB at least


def busy(ask: dict[str, Any]) -> str:
    """New numbers and a new large figure with every answer, whichever board is asked for."""
    n = ask["n"]
    line = {"type": "scatter", "mode": "lines", "y": [(n * 37 + point * 13) % 101 for point in range(POINTS)]}
    figure = part({"figure": {"data": [line], "layout": {}}})
    quiet = {"rows": [], "firing": 0, "quiet": "quiet", "unlisted": 0, "watching": str(n), "words": {}}
    tiles = {
        "wall": {"one": part({"text": f"n{n}"}), "two": part({"text": f"m{n}"}), "plot": figure},
        "next": {"three": part({"text": f"n{n}"}), "curve": figure},
        "watch": {"alarms": part(quiet)},
    }[ask["board"]]
    return make_frame(f"b1-{n}", tiles, board=ask["board"])


def test_a_rotating_wall_keeps_its_heap(free_port: int, page: Page, watch: Watch) -> None:
    wall = ScriptedWall(free_port, answer=busy)
    with serve(wall, make_app(wall, boards=TURNS, tick=0.1)):
        page.goto(f"{wall.url}/wall?kiosk=1&play=wall:4s,next:3s,watch:3s")
        page.wait_for_selector(".board:not([hidden]) .js-plotly-plot .main-svg", timeout=PATIENCE)
        # each look waits for its board: one a round
        seen = watch_page(page, ROUNDS * (ROUND_S - 2), ROUNDS, lambda: resident_mb(os.getpid()))
        assert watch.errors == []
    assert seen[-1].answers - seen[0].answers >= 20, "it ticked"
    assert seen[-1].turns >= 3, "boards took turns"
    # a short run is coarse: what the browser keeps for itself is a few percent
    assert growth([sample.heap_mb for sample in seen]) <= 1.15
    assert growth([float(sample.listeners) for sample in seen]) <= 1.25
    assert growth([sample.server_mb for sample in seen]) <= 1.1


@pytest.mark.parametrize(("heap", "share", "code"), [(20.0, 0.9, 0), (20.9, 0.9, 0), (21.1, 0.9, 1), (20.0, 0.1, 1)])
def test_a_soak_fails_when_something_grew_and_when_it_hardly_ticked(
    heap: float, share: float, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.soak.put_section", lambda *_: None)
    seen = [Sample(heap if look >= 6 else 20.0, 2_000, 190, 100 * look, 7 * look, 680.0) for look in range(8)]
    assert report(4.0, seen, share) == code
