"""What pictures are taken of: frames with everything on them, and a list of screens in every state."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from flask import Response, jsonify, request
from playwright.sync_api import Page

from core.clock import ManualClock
from live.screen_book import MemoryBook
from live.screen_report import read_report
from live.screens import DARK_S, Screens
from tests.browser.other_screens import OTHERS, STATES, send
from tests.browser.pictures import DRAWN
from tests.browser.real import NOON
from tests.browser.stage import BOARD, ScriptedWall, make_app, make_frame, part, serve, until

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("without_plotly")]


def test_a_picture_waits_for_the_comparisons(scripted: ScriptedWall, page: Page) -> None:
    tiles = {tile.key: part({"text": "1"}) for tile in BOARD.tiles if tile.kind == "count"}
    figure = {"plot": part({"figure": {"data": [], "layout": {}}})}
    complete = False

    def answer(ask: dict[str, Any]) -> str:
        return make_frame(f"b1-{ask['n']}", tiles | figure, complete=complete)

    scripted.answer = answer
    page.goto(f"{scripted.url}/wall")
    page.wait_for_function("() => window.calls && window.calls.one >= 1")
    assert page.evaluate(DRAWN) is False
    complete = True
    page.wait_for_function(DRAWN)


def test_the_screens_of_a_picture_are_in_every_state_and_gone_afterwards(free_port: int, page: Page) -> None:
    clock = ManualClock(NOON)
    wall, screens = ScriptedWall(free_port), Screens(MemoryBook(), clock)
    app = make_app(wall)

    def beat() -> Response:
        screens.beat(read_report(request.get_json()))
        return jsonify({"commands": []})

    app.server.add_url_rule("/screens/v1/beat", view_func=beat, methods=["POST"])

    def states() -> Counter[str]:
        return Counter(view.state for view in screens.views())

    with serve(wall, app):
        page.goto(f"{wall.url}/wall")
        page.wait_for_function("() => window.livewall && livewall.frame()")
        send(page)
        clock.advance(seconds=DARK_S + 5)
        # those that beat come back from the dark one by one
        assert until(lambda: set(states()) == set(STATES) and states()["ok"] > states()["dark"] == 1, 30.0), states()
        page.goto("about:blank")
        walls = sum(screen["kiosk"] for screen in OTHERS)

        def all_gone() -> bool:  # each says goodbye by itself
            found = states()
            return found["closed"] >= walls and not {"dark", "frozen", "late"} & set(found)

        assert until(all_gone, 30.0), states()
