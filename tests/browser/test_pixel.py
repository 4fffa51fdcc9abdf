"""The page says which marker it has painted, shows how long events take, and asks when there is something to hear."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watch
from tests.browser.stage import TICK, ScriptedWall, make_frame, part, until

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("without_plotly")]
HEAD = {
    "day": "11月11日 周三",
    "iso_day": "2026-11-11",
    "until": "",
    "watermark": "12:00:00",
    "lag_s": 0.4,
    "firing": 0,
}
EMPTY: dict[str, Any] = {"critical": [], "chips": [], "notes": []}
PIXEL = {"median": 1.234, "p95": 2.0, "worst": 2.345, "count": 7}


def frame(ask: dict[str, Any], marker: int | None, **extra: Any) -> str:
    n = ask["n"]
    return make_frame(
        f"b1-{n}", {"one": part({"text": f"n{n}"})}, head={**HEAD, **EMPTY, "marker": marker}, tick=TICK, **extra
    )


def test_a_painted_marker_is_told_once_with_the_time_since(scripted: ScriptedWall, page: Page, watch: Watch) -> None:
    scripted.answer = lambda ask: frame(ask, 1_000 + ask["n"] // 4)
    page.goto(f"{scripted.url}/wall")
    assert until(lambda: sum("painted" in ask for ask in scripted.asks) >= 4)
    told = [ask["painted"] for ask in scripted.asks if "painted" in ask]
    assert [marker for marker, _ in told] == sorted({marker for marker, _ in told}), "each once, in order"
    assert all(isinstance(held, int) and held >= 0 for _, held in told)
    shown = {1_000 + ask["n"] // 4 for ask in scripted.asks}
    assert {marker for marker, _ in told} <= shown
    assert watch.errors == []


def test_what_it_takes_is_shown_and_marked_when_it_is_more_than_promised(scripted: ScriptedWall, page: Page) -> None:
    element = page.locator('[data-part="pixel"]')
    scripted.answer = lambda ask: frame(ask, None, pixel=None)
    page.goto(f"{scripted.url}/wall")
    page.wait_for_function("() => window.calls && window.calls.one >= 2")
    expect(element).to_be_hidden()
    scripted.answer = lambda ask: frame(ask, 5, pixel=None)
    expect(element).to_have_text("端到端 —", timeout=30_000)
    scripted.answer = lambda ask: frame(ask, 5, pixel={**PIXEL, "median": 0.9})
    expect(element).to_have_text("端到端 0.9 秒 · 最慢 2.3 秒", timeout=30_000)
    expect(element).to_have_attribute("data-state", "ok")
    scripted.answer = lambda ask: frame(ask, 5, pixel=PIXEL)
    expect(element).to_have_attribute("data-state", "late", timeout=30_000)
    assert sum("painted" in ask for ask in scripted.asks) == 1, "one marker is told once"


def test_beats_move_to_where_news_comes_and_stay_there(scripted: ScriptedWall, page: Page) -> None:
    """At a tick of two seconds the server's news come half a second after each even second."""
    tick, came = 2.0, list[float]()

    def wait_s() -> float:
        return (0.5 - time.time()) % tick

    def answer(ask: dict[str, Any]) -> str:
        came.append(time.time())
        return make_frame(f"b1-{ask['n']}", {"one": part({"text": "x"})}, tick=tick, next=wait_s(), spread=0.0)

    scripted.answer = answer
    page.goto(f"{scripted.url}/wall")
    assert until(lambda: len(came) >= 10, 60)
    phases = [(moment - 0.5) % tick for moment in came[-3:]]
    assert sorted(phases)[1] < 0.3 * tick, f"beats come after the news, soon after: {phases}"
    page.wait_for_function("() => dash_component_api.getLayout('beat').props.interval === 2000")
