"""A wall that nobody sits at: it keeps its screen on, rests its pixels, follows the day's light; and the few keys."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watch
from tests.browser.stage import ScriptedWall, counting, make_frame, part

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("without_plotly")]
PATIENCE = 120_000  # ms: for what waits on the machine
# The real wake lock, with each lock that was given kept for the test.
KEEP_LOCKS = """
  window.locks = [];
  const real = navigator.wakeLock && navigator.wakeLock.request.bind(navigator.wakeLock);
  const kept = (held) => (locks.push(held), held);
  if (real) navigator.wakeLock.request = async (kind) => kept(await real(kind));
"""
NO_LOCKS = "delete Navigator.prototype.wakeLock;"
# Moves the picture and measures it in the same moment: each second the page puts it back where it belongs.
MOVED = """(to) => {
  const root = document.documentElement, tiles = [...document.querySelectorAll('.tile')];
  Object.entries(to).forEach((one) => root.style.setProperty(...one));
  return [tiles[0].getBoundingClientRect().left, tiles.map((t) => [t.clientWidth, t.clientHeight]),
    [root.scrollWidth, root.scrollHeight]];
}"""


def opened(page: Page, wall: ScriptedWall, query: str) -> None:
    page.goto(f"{wall.url}/wall{query}")
    page.wait_for_function("() => window.calls && window.calls.one >= 1", timeout=PATIENCE)


def test_a_kiosk_keeps_its_screen_on_and_asks_again_when_the_lock_was_taken(
    scripted: ScriptedWall, page: Page, watch: Watch
) -> None:
    page.context.grant_permissions(["screen-wake-lock"])
    page.add_init_script(KEEP_LOCKS)
    opened(page, scripted, "?kiosk=1")
    page.wait_for_function("() => livewall.keepsOn() && locks.length === 1", timeout=PATIENCE)
    page.evaluate("() => locks[0].release()")  # as the browser does when the page is hidden
    page.wait_for_function("() => livewall.keepsOn() && locks.length === 2", timeout=PATIENCE)
    assert watch.errors == []


def test_without_a_wake_lock_a_kiosk_is_a_kiosk_all_the_same(scripted: ScriptedWall, page: Page, watch: Watch) -> None:
    page.add_init_script(NO_LOCKS)
    opened(page, scripted, "?kiosk=1")
    page.wait_for_function("() => window.calls.one >= 4", timeout=PATIENCE)
    assert page.evaluate("() => [livewall.keepsOn(), 'wakeLock' in navigator]") == [False, False]
    assert watch.errors == []


def test_the_picture_walks_a_pixel_at_a_time_and_nothing_is_laid_out_anew(scripted: ScriptedWall, page: Page) -> None:
    opened(page, scripted, "?kiosk=1")
    page.wait_for_function(
        "() => document.documentElement.style.getPropertyValue('--shift-x').endsWith('px')", timeout=PATIENCE
    )
    walk = page.evaluate("() => Array.from({length: 400}, (_, step) => livewall.walk(step, 6))")
    assert {tuple(place) for place in walk} == {(x, y) for x in range(-6, 7) for y in range(-6, 7)}, "every place"
    moves = [abs(a[0] - b[0]) + abs(a[1] - b[1]) for a, b in pairwise(walk)]
    assert set(moves) <= {0, 1}
    seen = [page.evaluate(MOVED, {"--shift-x": f"{shift}px", "--shift-y": f"{shift}px"}) for shift in (-6, 6)]
    assert seen[1][0] - seen[0][0] == 12
    assert seen[0][1:] == seen[1][1:]
    assert seen[0][2] == [1920, 1080]


def test_a_wall_left_alone_dims_what_never_changes_until_a_hand_comes(scripted: ScriptedWall, page: Page) -> None:
    opened(page, scripted, "?kiosk=1")
    page.evaluate("() => { const real = performance.now.bind(performance); performance.now = () => real() + 61e3; }")
    expect(page.locator("html")).to_have_attribute("data-quiet", "", timeout=PATIENCE)
    faint = "() => Number(getComputedStyle(document.querySelector('h1')).opacity) < 0.95"
    page.wait_for_function(faint, timeout=PATIENCE)
    assert page.evaluate("() => getComputedStyle(document.querySelector('[data-tile=one] .tile-body')).opacity") != "0"
    page.mouse.move(300, 300)
    expect(page.locator("html")).not_to_have_attribute("data-quiet", "")


def test_day_and_night_follow_the_servers_clock_in_the_business_zone(scripted: ScriptedWall, page: Page) -> None:
    def at(moment: str) -> None:
        def answer(ask: dict[str, Any]) -> str:
            return make_frame(f"b-{moment}-{ask['n']}", {"one": part({"text": "x"})}, now=moment)

        scripted.answer = answer

    at("2026-11-11T02:00:00.000Z")  # ten in the morning in Shanghai
    opened(page, scripted, "?theme=auto")
    expect(page.locator("html")).to_have_attribute("data-theme", "light", timeout=PATIENCE)
    at("2026-11-11T11:00:00.000Z")  # seven in the evening
    expect(page.locator("html")).to_have_attribute("data-theme", "dark", timeout=PATIENCE)
    scripted.answer = counting
    page.click('[data-choose="theme"]')  # auto → dark → light → auto
    page.click('[data-choose="theme"]')
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert page.evaluate("() => location.search") == "?theme=light"


def test_keys_open_the_full_screen_and_a_card_that_escape_closes_without_clearing_filters(
    scripted: ScriptedWall, page: Page, watch: Watch
) -> None:
    opened(page, scripted, "?province=440000&lang=en")
    page.keyboard.press("f")
    page.wait_for_function("() => document.fullscreenElement", timeout=PATIENCE)
    page.keyboard.press("f")
    page.wait_for_function("() => !document.fullscreenElement", timeout=PATIENCE)
    page.keyboard.press("?")
    expect(page.locator("dialog.keys")).to_be_visible()
    expect(page.locator("dialog.keys")).to_contain_text("Full screen")
    page.keyboard.press("Escape")
    expect(page.locator("dialog.keys")).to_be_hidden()
    assert "province" in page.evaluate("() => location.search")
    page.keyboard.press("Escape")
    page.wait_for_function("() => !location.search.includes('province')")
    assert watch.errors == []
    opened(page, scripted, "?kiosk=1")
    page.keyboard.press("?")
    assert page.locator("dialog.keys").count() == 0, "a kiosk has nobody to read it"
