"""The heart of a screen whose boards take turns: how old its picture is, and what it does when it is shown a board."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Response, jsonify, request
from playwright.sync_api import Page

from tests.browser.stage import TURNS, ScriptedWall, make_app, serve, until
from tests.browser.test_rotation import PATIENCE, SHOWN, turning

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600), pytest.mark.usefixtures("without_plotly")]
SLEEP = "() => livewall.sleptFor(3600e3)"


class Desk:
    """Where the heartbeats of the page go; `waiting` is handed to the next one. `away`: no page is answered."""

    def __init__(self) -> None:
        self.away, self.looks = False, 0
        self.beats: list[dict[str, Any]] = []
        self.waiting: list[dict[str, Any]] = []

    def hear(self) -> Response:
        self.beats.append(request.get_json())
        handed, self.waiting = self.waiting, []
        return jsonify({"commands": handed})

    def look(self) -> Response | None:
        if not self.away or request.path != "/wall":
            return None
        self.looks += 1
        return Response("no page", 502)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def wall(free_port: int, desk: Desk) -> Iterator[ScriptedWall]:
    wall = ScriptedWall(free_port, answer=turning)
    app = make_app(wall, boards=TURNS, beat_s=0.5)
    app.server.add_url_rule("/screens/v1/beat", view_func=desk.hear, methods=["POST"])
    app.server.before_request(desk.look)
    with serve(wall, app):
        yield wall


def test_boards_that_take_turns_are_reported_as_shown_and_stay_once_the_desk_shows_one(
    wall: ScriptedWall, desk: Desk, page: Page
) -> None:
    page.goto(f"{wall.url}/wall?play=wall:2s,next:2s&name=lobby&kiosk=1")
    assert until(lambda: {beat["board"] for beat in desk.beats} == {"wall", "next"})
    assert {beat["name"] for beat in desk.beats} == {"lobby"}
    assert {ask["query"] for ask in wall.asks} == {""}, "the name of a screen is no filter"
    desk.waiting = [{"id": "c1", "kind": "show", "board": "watch", "query": ""}]
    assert until(lambda: any(beat["done"] == [{"id": "c1", "problem": ""}] for beat in desk.beats))
    page.wait_for_function(f"() => ({SHOWN})() === 'watch'", timeout=PATIENCE)
    assert page.url == f"{wall.url}/watch?name=lobby&kiosk=1"
    assert page.evaluate("() => livewall.rotation.board()") is None


def test_a_machine_that_slept_does_not_report_a_young_picture(wall: ScriptedWall, desk: Desk, page: Page) -> None:
    page.goto(f"{wall.url}/wall?name=lobby")
    assert until(lambda: any(beat["frame_age_s"] < 60 for beat in desk.beats))
    wall.answer = lambda _: None  # nothing new: it is still the newest picture
    page.evaluate("livewall.sleptFor(61e3)")
    heard = len(desk.beats) + 2
    assert until(lambda: len(desk.beats) > heard and desk.beats[-1]["frame_age_s"] < 60)

    def gone(_: dict[str, Any]) -> str:
        raise RuntimeError("gone")

    wall.answer = gone
    # what was answered well before is handled: after the sleep it would confirm what is shown
    page.wait_for_function("() => livewall.gate.failures > 0", timeout=PATIENCE)
    page.evaluate(SLEEP)
    heard = len(desk.beats) + 2
    assert until(lambda: len(desk.beats) > heard)
    assert desk.beats[-1]["frame_age_s"] >= 3600


def test_a_picture_that_is_not_painted_any_more_is_old_though_its_scripts_run(
    wall: ScriptedWall, desk: Desk, page: Page
) -> None:
    page.goto(f"{wall.url}/wall?name=lobby")
    assert until(lambda: any(beat["paint_ms"] for beat in desk.beats) and desk.beats[-1]["frame_age_s"] < 60)
    page.evaluate("() => { window.paints = requestAnimationFrame; window.requestAnimationFrame = () => 0; }")
    asked = len(wall.asks)
    assert until(lambda: len(wall.asks) > asked + 2), "frames come and are handed out"
    page.evaluate(SLEEP)
    heard = len(desk.beats) + 2
    assert until(lambda: len(desk.beats) > heard)
    assert desk.beats[-1]["frame_age_s"] >= 3600
    page.evaluate("() => { window.requestAnimationFrame = window.paints; }")
    assert until(lambda: desk.beats[-1]["frame_age_s"] < 60)


def test_a_reload_waits_for_its_page_and_says_no_goodbye(wall: ScriptedWall, desk: Desk, page: Page) -> None:
    """A browser that shows an error would be "closed" for ever, and nobody called."""
    page.goto(f"{wall.url}/wall?name=lobby&kiosk=1")
    assert until(lambda: len(desk.beats) > 0)
    page.evaluate("() => { window.here = true; }")
    desk.away = True
    desk.waiting = [{"id": "c1", "kind": "reload"}]
    assert until(lambda: desk.looks > 0)
    heard = len(desk.beats)
    assert until(lambda: len(desk.beats) > heard + 2), "meanwhile it is heard"
    assert page.evaluate("() => window.here"), "a reload would have ended on an error"
    desk.away = False
    page.wait_for_function("() => window.livewall && !window.here", timeout=PATIENCE)
    heard = len(desk.beats)
    assert until(lambda: len(desk.beats) > heard + 1)
    assert not any(beat["bye"] for beat in desk.beats)
    page.goto("about:blank")
    # not in the last place: a beat that was on its way may be heard after it
    assert until(lambda: any(beat["bye"] for beat in desk.beats)), "a page that is left says goodbye"
