"""Changes in the browser: what it makes of them is the whole frame, and where it cannot, it asks for that."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import orjson
import pytest
from playwright.sync_api import Page

from layouts.frame import build_changes
from layouts.patch import build_patch
from tests.browser.conftest import Watch
from tests.browser.stage import ScriptedWall, make_frame, part, until
from tests.layouts.random_json import random_pair

pytestmark = pytest.mark.browser
SCRIPT = Path(__file__).resolve().parents[2] / "assets" / "js" / "28-patch.js"
APPLY = """cases => cases.map(([old, patch, wanted]) => {
  const before = JSON.stringify(old);
  const same = JSON.stringify(livewall.patched(old, patch)) === JSON.stringify(wanted);
  return same && JSON.stringify(old) === before;
})"""
REFUSE = """patch => [null, 3, 'text', [], {}].map((other) => {
  try { livewall.patched(other, patch); return false; } catch { return true; }
})"""


@pytest.fixture
def bare(page: Page) -> Page:
    page.evaluate("() => { window.livewall = {}; }")
    page.add_script_tag(path=SCRIPT)
    return page


def test_the_browser_patches_as_the_server_does(bare: Page) -> None:
    pairs = [random_pair(random.Random(seed)) for seed in range(600)]
    cases = [[old, build_patch(old, new), new] for old, new in pairs]
    done = bare.evaluate(APPLY, json.loads(json.dumps(cases)))
    assert [pairs[at] for at, good in enumerate(done) if not good] == []


def test_a_patch_for_something_else_is_refused(bare: Page) -> None:
    old = {"long": "x" * 40, "gone": 1, "in": {"b": [*range(50)]}}
    assert all(bare.evaluate(REFUSE, build_patch(old, {"long": "x" * 40, "in": {"b": [*range(49), 7]}})))


def numbered(n: int) -> str:
    moved = [*range(n, n + 40)]
    return make_frame(f"b1-{n}", {"one": part({"text": f"n{n}", "row": moved}), "two": part({"text": "still" * 60})})


def stamped(changes: str, frame: str) -> str:
    return orjson.dumps({"now": orjson.loads(frame)["now"], **orjson.loads(changes)}).decode()


def test_changes_update_a_tile_and_touch_no_other(
    scripted: ScriptedWall, page: Page, watch: Watch, without_plotly: None
) -> None:
    frames: dict[str, str] = {}

    def answer(ask: dict[str, Any]) -> str:
        frame = frames[f"b1-{ask['n']}"] = numbered(ask["n"])
        return stamped(build_changes(frames[ask["seen"]], frame), frame) if ask["seen"] else frame

    scripted.answer = answer
    page.goto(f"{scripted.url}/wall")
    page.wait_for_function("() => window.calls && window.calls.one >= 6")
    assert page.evaluate("() => window.calls.two") == 1
    assert [ask["seen"] for ask in scripted.asks].count("") == 1, "the whole was asked for once"
    kept = page.evaluate("() => { const {now, ...kept} = livewall.frame(); return kept; }")
    assert kept == {key: value for key, value in orjson.loads(frames[kept["version"]]).items() if key != "now"}
    assert watch.errors == []


@pytest.mark.parametrize("fault", ["from", "as_of", "patch"])
def test_changes_that_do_not_fit_make_the_screen_ask_for_the_whole(
    scripted: ScriptedWall, page: Page, without_plotly: None, fault: str
) -> None:
    frames: dict[str, str] = {}
    spoilt: list[int] = []

    def answer(ask: dict[str, Any]) -> str:
        frame = frames[f"b1-{ask['n']}"] = numbered(ask["n"])
        if not ask["seen"]:
            return frame
        changes = orjson.loads(stamped(build_changes(frames[ask["seen"]], frame), frame))
        if ask["n"] == 3:
            spoilt.append(ask["n"])
            changes[fault] = {"k": {"tiles": {"i": {"0": {"r": 1}}}}} if fault == "patch" else "other"
        return orjson.dumps(changes).decode()

    scripted.answer = answer
    page.goto(f"{scripted.url}/wall")
    assert until(lambda: len(scripted.asks) >= 6)
    assert spoilt == [3]
    asked = {ask["n"]: ask["seen"] for ask in scripted.asks}
    assert asked[4] == "", "the next question after the spoilt answer asks for the whole"
    assert asked[5] == "b1-4"
