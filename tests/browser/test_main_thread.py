"""What a tick costs the browser's main thread, as `make bench-live` measures it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from bench.browser import per_frame, watch_ticks
from tests.browser.stage import ScriptedWall, counting

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("without_plotly")]
BUSY_MS = 60
# burns CPU of the main thread, not time on the clock: a starved machine burns no less
BURN = """(ms) => livewall.on('frame', () => {
  let sum = 0;
  for (let i = 0; i < ms * window.loops; i += 1) sum += Math.sqrt(i);
  window.sum = sum;
})"""
LOOPS = """() => {  // loops a millisecond, once the code is compiled: the fastest of many short turns
  let best = 0;
  for (let turn = 0; turn < 40; turn += 1) {
    const begun = performance.now();
    let sum = 0;
    for (let i = 0; i < 1e6; i += 1) sum += Math.sqrt(i);
    window.sum = sum;
    best = Math.max(best, 1e6 / (performance.now() - begun));
  }
  window.loops = best;
}"""


def test_work_in_a_tick_is_counted_and_waiting_is_not(scripted: ScriptedWall, page: Page) -> None:
    page.goto(f"{scripted.url}/wall")
    page.wait_for_function("() => window.calls && window.calls.one >= 3")
    page.evaluate(LOOPS)
    idle = watch_ticks(page, 12, 3)
    assert sum(look.frames for look in idle) >= 12
    assert 0 < per_frame(idle) < BUSY_MS, "0.3 s between two frames are not the page's"
    page.evaluate(BURN, BUSY_MS)
    asked = len(scripted.asks)
    busy = watch_ticks(page, 12, 3)
    assert sum(look.frames for look in busy) <= len(scripted.asks) - asked + 1, "each frame counts once"
    assert per_frame(busy) - per_frame(idle) > BUSY_MS / 3, (per_frame(busy), per_frame(idle))
    assert {look.heap_mb > 0 and look.nodes > 0 for look in busy} == {True}


def test_ticks_that_bring_nothing_end_the_measurement(scripted: ScriptedWall, page: Page) -> None:
    page.goto(f"{scripted.url}/wall")
    page.wait_for_function("() => window.calls && window.calls.one >= 1")
    scripted.answer = lambda ask: None if ask["seen"] else counting(ask)
    with pytest.raises(TimeoutError, match="of 50 frames"):
        watch_ticks(page, 50, 2, patience_s=3.0)
