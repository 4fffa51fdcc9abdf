"""Boards that take turns: drawn before they are seen, let go of when they are not, interrupted by a critical alert."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watch
from tests.browser.stage import TURNS, ScriptedWall, make_app, make_frame, part, serve, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
PATIENCE = 120_000  # ms: for what waits on the machine
CRITICAL = "payment_success:large_region:east"
BARS = {"data": [{"type": "bar", "x": ["a", "b"], "y": [1, 2]}], "layout": {"title": {"text": "bars"}}}
# Every picture the browser paints is looked at: which board is in front, and whether something in it is not drawn yet.
OBSERVE = """() => {
  window.turns = [];
  const look = () => {
    const board = livewall.stage.shown, last = turns.at(-1);
    const tiles = [...document.querySelectorAll(`[data-board="${board}"] .tile`)];
    const bare = tiles.filter((t) => t.dataset.face === 'loading' || !t.querySelector('.tile-body').firstElementChild);
    const plots = [...document.querySelectorAll(`[data-board="${board}"] .js-plotly-plot`)];
    const small = plots.filter((p) => Math.abs(p.querySelector('.main-svg').clientWidth - p.clientWidth) > 1);
    if (!last || last.board !== board) turns.push({board, bare: 0, small: 0, pictures: 0});
    turns.at(-1).bare += bare.length;
    turns.at(-1).small += small.length;
    turns.at(-1).pictures += 1;
    requestAnimationFrame(look);
  };
  look();
}"""
HELD = """(board) => [[...document.querySelectorAll(`[data-board="${board}"] .tile-body`)]
  .reduce((sum, body) => sum + body.childNodes.length, 0), livewall.viewOf(board) === undefined]"""
SHOWN = "() => livewall.stage && livewall.stage.shown"


def turning(ask: dict[str, Any], critical: tuple[str, ...] = ()) -> str:
    """Answers every board with the question's number; `watch` lists the critical alerts."""
    quiet = {"rows": [], "firing": 0, "quiet": "all quiet", "unlisted": 0, "watching": "", "words": {}}
    tiles = {
        "wall": {"one": part({"text": f"n{ask['n']}"}), "two": part({"text": "still"}), "plot": part({"figure": BARS})},
        "next": {"three": part({"text": f"n{ask['n']}"}), "curve": part({"figure": BARS})},
        "watch": {"alarms": part(quiet)},
    }[ask["board"]]
    return make_frame(f"b1-{ask['board']}-{ask['n']}", tiles, critical, board=ask["board"], scope=ask["query"])


@pytest.fixture
def wall(free_port: int) -> Iterator[ScriptedWall]:
    wall = ScriptedWall(free_port, answer=turning)
    with serve(wall, make_app(wall, boards=TURNS)):
        yield wall


# Whatever moves: transitions and animations that begin, and boards that fade instead of being gone.
MOVES = """window.moves = [];
for (const name of ['transitionrun', 'animationstart']) {
  document.addEventListener(name, (event) => moves.push(`${name} ${event.target.className}`), true);
}
new MutationObserver((changes) => {
  for (const { target } of changes) if (target.dataset.stage === 'leaving') moves.push('leaving');
}).observe(document, {subtree: true, attributes: true, attributeFilter: ['data-stage']});"""


def shows(page: Page, *boards: str) -> None:
    page.wait_for_function(f"() => {list(boards)}.includes(({SHOWN})())", timeout=PATIENCE)


def answered(page: Page, more: int) -> None:
    """More than so many questions later."""
    known = page.evaluate("() => livewall.gate.answered.n")
    page.wait_for_function(f"() => livewall.gate.answered.n > {known} + {more}", timeout=PATIENCE)


def test_boards_take_turns_drawn_before_they_are_seen_and_hold_nothing_after(
    wall: ScriptedWall, page: Page, watch: Watch
) -> None:
    page.goto(f"{wall.url}/wall?play=wall:4s,atlantis,next:4s&province=440000&lang=zh&kiosk=1", wait_until="commit")
    expect(page.locator(".note")).to_contain_text("atlantis", timeout=PATIENCE)
    page.wait_for_selector(".board:not([hidden]) .js-plotly-plot .gtitle", timeout=PATIENCE)
    page.evaluate(OBSERVE)
    page.wait_for_function("() => turns.length >= 5", timeout=PATIENCE)
    turns = page.evaluate("() => turns.slice(1, 4)")  # whole ones
    assert [turn["board"] for turn in turns] in (["wall", "next", "wall"], ["next", "wall", "next"])
    assert [(turn["bare"], turn["small"]) for turn in turns] == [(0, 0)] * 3, "no board was seen before it was drawn"
    assert all(turn["pictures"] for turn in turns)
    left = "next" if page.evaluate(SHOWN) == "wall" else "wall"
    assert until(lambda: page.evaluate(HELD, left) == [0, True], 30) or page.evaluate(SHOWN) == left
    assert {ask["query"] for ask in wall.asks} == {"province=440000"}, "screens with and without a list share frames"
    assert wall.most == 1, "the board that comes next costs no request of its own"

    # without a server it stays where it is: an empty board would be worse than old numbers
    def gone(ask: dict[str, Any]) -> str:
        raise RuntimeError("gone")

    wall.answer = gone
    expect(page.locator("html")).to_have_attribute("data-link", "cut", timeout=PATIENCE)
    # the board that waits for an answer: one that had its answer before the server was gone still had its turn
    page.wait_for_function("() => livewall.rotation.warming() !== null", timeout=PATIENCE)
    stood = page.evaluate(SHOWN)
    page.wait_for_timeout(9_000)  # two turns
    assert page.evaluate(SHOWN) == stood
    assert page.evaluate("() => turns.at(-1).bare") == 0
    wall.answer = turning
    shows(page, "next" if stood == "wall" else "wall")
    assert [line for line in watch.errors if "Failed to load resource" not in line] == []


def test_boards_that_turn_while_a_question_is_open_cost_no_second_one(
    wall: ScriptedWall, page: Page, without_plotly: None
) -> None:
    """A server so slow that a question is always on its way when the clock brings the next board."""

    def slow(ask: dict[str, Any]) -> str:
        time.sleep(0.9)
        return turning(ask)

    wall.answer = slow
    page.goto(f"{wall.url}/wall?play=wall:4s,next:4s&lang=zh&kiosk=1")
    shows(page, "wall", "next")
    page.evaluate(OBSERVE)
    page.wait_for_function("() => turns.length >= 5", timeout=PATIENCE)
    assert wall.most == 1


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_who_wants_less_motion_sees_boards_change_without_any(
    wall: ScriptedWall, page: Page, without_plotly: None, motion: Literal["reduce", "no-preference"]
) -> None:
    page.emulate_media(reduced_motion=motion)
    page.add_init_script(MOVES)
    page.goto(f"{wall.url}/wall?play=wall:3s,next:3s,watch:3s&lang=zh")
    for board in ("wall", "next", "watch", "wall"):
        shows(page, board)
    moved = set(page.evaluate("() => moves"))
    assert "leaving" in moved and len(moved) > 1 if motion == "no-preference" else moved == set()


def test_a_critical_alert_takes_the_stage_once_and_gives_it_back(
    wall: ScriptedWall, page: Page, without_plotly: None
) -> None:
    page.goto(f"{wall.url}/wall?play=wall:3s,next:3s&lang=zh")
    shows(page, "wall", "next")
    wall.answer = lambda ask: turning(ask, (CRITICAL,))
    shows(page, "watch")
    expect(page.locator('[data-part="play"]')).to_contain_text("严重告警")
    page.wait_for_timeout(4_000)
    assert page.evaluate(SHOWN) == "watch", "longer than a turn"
    page.evaluate("() => livewall.sleptFor(61e3)")  # a minute later
    shows(page, "next", "wall")
    answered(page, 8)
    assert page.evaluate(SHOWN) != "watch", "the same alert does not come back"
    expect(page.locator('[data-part="alerts"]')).to_have_text("1 条告警")
    wall.answer = lambda ask: turning(ask, (CRITICAL, "another::"))
    shows(page, "watch")
    wall.answer = turning
    shows(page, "next", "wall")  # resolved: at once


def test_hands_move_and_stop_the_rotation_and_a_reload_goes_on_there(
    wall: ScriptedWall, page: Page, without_plotly: None, watch: Watch
) -> None:
    page.goto(f"{wall.url}/wall?play=wall:1m,next:1m,watch:1m&lang=zh")
    shows(page, "wall", "next", "watch")
    order = ["wall", "next", "watch"]
    page.keyboard.press(" ")
    expect(page.locator('[data-part="play"]')).to_contain_text("已暂停", timeout=PATIENCE)
    answered(page, 4)  # the minute may have been over at the key: then the next board still came
    first = page.evaluate(SHOWN)
    page.keyboard.press("ArrowRight")
    second = order[(order.index(first) + 1) % 3]
    shows(page, second)
    asked = len(wall.asks)
    assert until(lambda: len(wall.asks) > asked + 6, 60)
    assert {ask["board"] for ask in wall.asks[asked + 1 :]} == {second}, "boards that nobody sees are not asked for"
    page.reload()
    shows(page, second)
    expect(page.locator('[data-part="play"]')).to_contain_text("已暂停", timeout=PATIENCE)
    page.keyboard.press("ArrowLeft")
    shows(page, first)
    page.keyboard.press(" ")
    expect(page.locator('[data-part="play"]')).not_to_contain_text("已暂停", timeout=PATIENCE)
    assert watch.errors == []


def test_a_list_is_read_forgivingly_and_within_bounds(
    wall: ScriptedWall, page: Page, without_plotly: None, text_of: Callable[[str], str]
) -> None:
    page.goto(f"{wall.url}/wall?play=atlantis,%3Cimg%20src=x%20onerror=window.hacked=1%3E&lang=zh")
    assert until(lambda: text_of("one").startswith("n"), 60), "a list without any known board is no list"
    expect(page.locator(".note")).to_have_count(2)
    assert page.locator(".note img").count() == 0
    expect(page.locator('[data-part="play"]')).to_be_hidden()

    def read(text: str) -> Any:
        return page.evaluate("(text) => livewall.rotation.read(text, ['a', 'b-c'])", text)

    def steps(text: str) -> list[tuple[str, int]]:
        return [(step["board"], step["ms"]) for step in read(text)["steps"]]

    assert steps("a,b-c:40s, a:2m ,b-c:7") == [("a", 30_000), ("b-c", 40_000), ("a", 120_000), ("b-c", 7_000)]
    assert steps("a:0s,a:99999m") == [("a", 2_000), ("a", 3_600_000)]
    assert read("a:soon,,z:5s")["unknown"] == ["a:soon", "z"]
    assert len(steps(",".join(["a"] * 500))) == 20
