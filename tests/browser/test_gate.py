"""The gate: one question in flight, whatever the server does, and never shut for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Response, request
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watch
from tests.browser.stage import TICK, ScriptedWall, counting, make_app, make_frame, part, serve, until

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("without_plotly")]
# The longest silence of the server that the page has looked at without calling itself cut off. It looks every second:
# with nine of them unsaid at most it is said within ten, unless the machine takes a second from the page.
NOTE_CUT = """() => {
  window.here = {unsaid: 0};
  livewall.on('second', () => {
    if (document.documentElement.dataset.link === 'cut') return;
    const {slowed, tick} = livewall.frame();  // a wall that load has slowed, and says so, asks later and is cut later
    const later = slowed ? Math.max(0, 1.5 * tick + 3 - 8) : 0;
    here.unsaid = Math.max(here.unsaid, (livewall.ran() - livewall.gate.okAt) / 1000 - later);
  });
}"""
NOTE_BACK = """(last) => {
  const body = document.querySelector('[data-tile=one] .tile-body');
  const look = () => { if (body.textContent !== last) here.back ||= body.textContent; };
  new MutationObserver(look).observe(body, {subtree: true, childList: true, characterData: true});
}"""
REFUSED = "() => livewall.gate.failures >= 3"  # asked again at the next beat, not when patience is over
UNSAID_S = "() => here.unsaid"
# Beats that met an open question, and beats that did not.
COUNT = """() => {
  window.beats = {first: livewall.gate.asked.n, free: 0, held: 0};
  const gate = dash_clientside.livewall.gate;
  dash_clientside.livewall.gate = (...given) => {
    beats[livewall.gate.asked.open ? 'held' : 'free'] += 1;
    return gate(...given);
  };
}"""
# When the page asked each question from the one that is open on, by its number.
NOTE_ASKED = """() => {
  window.askedAt = {[livewall.gate.asked.n]: livewall.gate.asked.at};
  const gate = dash_clientside.livewall.gate;
  dash_clientside.livewall.gate = (...given) => {
    const ask = gate(...given);
    askedAt[livewall.gate.asked.n] = livewall.gate.asked.at;
    return ask;
  };
}"""
# What the renderer has collected when an answer comes, and what of it is left when the answer was heard. Errors are put
# there as the renderer itself puts them: our answers give it none, those of its own parts it would keep.
COLLECT = """() => {
  window.kept = {before: [], after: []};
  const sizes = () => {
    const {history, error} = dash_stores[0].getState();
    return [history.past.length, history.future.length, error.backEnd.length, error.frontEnd.length];
  };
  const heard = livewall.resolved;
  livewall.resolved = (...given) => {
    if (!given[0].output.startsWith(`${livewall.config.ids.frame}.`)) return heard(...given);
    kept.before.push(sizes());
    heard(...given);
    kept.after.push(sizes());
    for (const type of ['backEnd', 'frontEnd']) {
      dash_stores[0].dispatch({type: 'ON_ERROR', payload: {type, error: {message: 'made up', html: ''}}});
    }
  };
}"""


def number(text: str) -> int:
    return int(text.removeprefix("n") or 0)


def test_exactly_one_request_per_tick_and_screen(scripted: ScriptedWall, page: Page, watch: Watch) -> None:
    page.goto(f"{scripted.url}/wall")
    page.wait_for_function("() => window.calls && window.calls.one >= 2")
    page.evaluate(COUNT)
    page.wait_for_function("() => beats.free >= 8")
    asked, free = page.evaluate("() => [livewall.gate.asked.n - beats.first, beats.free]")
    assert asked == free, "one question for every beat whose question before is answered, none for the others"

    def none_on_its_way() -> bool:
        page.wait_for_timeout(20)
        return len(watch.posts) == len(scripted.asks)

    assert until(none_on_its_way), "what the page sends and what the server hears is the same"
    assert scripted.most == 1
    assert watch.errors == []


def test_a_server_slower_than_the_tick_still_updates_the_page(
    scripted: ScriptedWall, page: Page, text_of: Callable[[str], str]
) -> None:
    def slow(ask: dict[str, Any]) -> str:
        time.sleep(3 * TICK)
        return counting(ask)

    scripted.answer = slow
    page.goto(f"{scripted.url}/wall")
    page.wait_for_function("() => window.calls && window.calls.one >= 3", timeout=30_000)
    assert number(text_of("one")) >= 3
    assert scripted.most == 1


def test_a_request_that_hangs_is_given_up_and_asked_again(
    free_port: int, page: Page, text_of: Callable[[str], str]
) -> None:
    wall, patience = ScriptedWall(free_port), 2.5
    release = threading.Event()
    stuck: list[int] = []

    def hang(ask: dict[str, Any]) -> str:
        stuck.append(ask["n"])
        release.wait(60)
        return counting(ask)

    with serve(wall, make_app(wall, patience)):
        page.goto(f"{wall.url}/wall")
        page.wait_for_function("() => window.calls && window.calls.one >= 2")
        page.evaluate(NOTE_ASKED)
        wall.answer = hang
        assert until(lambda: len(stuck) >= 2)
        first, second = page.evaluate("(numbers) => numbers.map((n) => askedAt[n])", sorted(stuck)[:2])
        assert second - first > 0.9 * patience * 1000, "within its patience the page does not ask a second time"
        wall.answer = counting
        release.set()
        assert until(lambda: number(text_of("one")) > max(stuck))


@pytest.mark.parametrize("failure", ["500", "json"])
def test_answers_that_are_no_frame_do_not_shut_the_gate(
    free_port: int, page: Page, failure: str, text_of: Callable[[str], str]
) -> None:
    wall = ScriptedWall(free_port)
    app = make_app(wall)
    broken = threading.Event()

    @app.server.before_request
    def fail() -> Response | None:
        if not broken.is_set() or request.method != "POST":
            return None
        if failure == "json":  # a proxy's; logins are tried in test_link.py
            return Response('{"error": "too many"}', mimetype="application/json")
        return Response("no", int(failure))

    with serve(wall, app):
        page.goto(f"{wall.url}/wall")
        page.wait_for_function("() => window.calls && window.calls.one >= 2")
        broken.set()
        page.wait_for_function(REFUSED)
        seen = number(text_of("one"))
        broken.clear()
        assert until(lambda: number(text_of("one")) > seen)


def test_a_late_answer_of_an_earlier_scope_is_not_shown(
    scripted: ScriptedWall, page: Page, text_of: Callable[[str], str]
) -> None:
    release = threading.Event()

    def answer(ask: dict[str, Any]) -> str:
        filtered = "province" in ask["query"]
        if not filtered and ask["n"] > 3:
            release.wait(60)
        tile = {"text": "filtered" if filtered else "all", "code": "440000"}
        return make_frame(f"b1-{ask['n']}", {"one": part(tile)})

    scripted.answer = answer
    page.goto(f"{scripted.url}/wall")
    assert until(lambda: scripted.running == 1 and len(scripted.asks) > 3)
    page.click('[data-tile="one"] .tile-body')
    assert until(lambda: text_of("one") == "filtered"), "a click waits for nobody: the earlier question still runs"
    release.set()
    for _ in range(15):
        time.sleep(0.1)
        assert text_of("one") == "filtered"


def test_nothing_new_costs_no_redraw_and_keeps_fresh_what_asks_nothing(scripted: ScriptedWall, page: Page) -> None:
    def answer(ask: dict[str, Any]) -> str | None:
        if ask["seen"] == "b1-1":
            return None
        return make_frame("b1-1", {"one": {**part({"text": "n1"}), "stale_after": 1.0, "asks": False}})

    scripted.answer = answer
    page.goto(f"{scripted.url}/wall")
    page.wait_for_function("() => window.calls && window.calls.one === 1")
    page.wait_for_timeout(3000)
    assert page.evaluate("() => window.calls.one") == 1
    expect(page.locator('[data-tile="one"]')).to_have_attribute("data-face", "fresh")
    expect(page.locator("html")).to_have_attribute("data-link", "ok")


def test_history_and_errors_do_not_grow_over_ticks(free_port: int, page: Page) -> None:
    wall = ScriptedWall(free_port)
    app = make_app(wall)
    posts: list[str] = []

    @app.server.before_request
    def refuse_every_fifth() -> Response | None:
        if request.method != "POST":
            return None
        posts.append(request.path)
        return Response("no", 500) if len(posts) % 5 == 0 else None

    with serve(wall, app):
        page.goto(f"{wall.url}/wall")
        page.wait_for_function("() => window.calls && window.calls.one >= 2")
        page.evaluate(COLLECT)
        page.wait_for_function("() => kept.after.length >= 15")
        before, after = page.evaluate("() => [kept.before.slice(1), kept.after]")
    assert any(past > 0 for past, *_ in before), "there is something to forget"
    assert {tuple(sizes[2:]) for sizes in before} == {(1, 1)}, "each answer meets the errors since the one before"
    assert {tuple(sizes) for sizes in after} == {(0, 0, 0, 0)}


def test_a_stopped_server_is_said_within_ten_seconds_and_its_return_needs_no_reload(
    free_port: int, page: Page, text_of: Callable[[str], str]
) -> None:
    wall = ScriptedWall(free_port)
    app = make_app(wall)
    with serve(wall, app):
        page.goto(f"{wall.url}/wall")
        page.wait_for_function("() => window.calls && window.calls.one >= 2")
        page.evaluate(NOTE_CUT)
    # what was asked before the server stopped is answered yet
    assert until(lambda: text_of("one") == f"n{wall.asks[-1]['n']}")
    last = text_of("one")
    expect(page.locator("html")).to_have_attribute("data-link", "cut", timeout=120_000)
    assert page.evaluate(UNSAID_S) <= 9
    assert "连接中断" in page.locator('[data-part="link"]').inner_text()
    opacity = "() => getComputedStyle(document.querySelector('[data-tile=one] .tile-body')).opacity"
    page.wait_for_function(f"() => ({opacity})() < 0.6")
    page.wait_for_function(REFUSED)
    assert text_of("one") == last, "the last numbers stay"
    page.evaluate(NOTE_BACK, last)
    asked = len(wall.asks)
    with serve(wall, app):
        page.wait_for_function("() => here.back")
        back = number(page.evaluate("() => here.back"))
        assert back <= wall.asks[asked]["n"] + 1, "the first or second question after the return is on the screen"
        expect(page.locator("html")).to_have_attribute("data-link", "ok")
        assert page.evaluate("() => window.here"), "the page was not loaded again"


def test_another_boot_of_the_same_build_goes_on_without_reload(
    scripted: ScriptedWall, page: Page, text_of: Callable[[str], str]
) -> None:
    page.goto(f"{scripted.url}/wall")
    page.wait_for_function("() => window.calls && window.calls.one >= 1")
    page.evaluate("() => { window.here = true; }")
    scripted.answer = lambda ask: make_frame(f"b2-{ask['n']}", {"one": part({"text": f"n{ask['n'] + 500}"})}, boot="b2")
    assert until(lambda: number(text_of("one")) > 500)
    assert page.evaluate("() => window.here")
