"""The shortcut answers as Flask and Dash do, or lets them answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from dash import Dash
from flask import Response, abort, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.security import protect
from callbacks.page import wire_page
from callbacks.shortcut import LONGEST, Shortcut
from core.errors import BadRequestError
from layouts.page import dash_options
from layouts.shell import Screen, build_shell
from tests.callbacks.parts import asking, make_deps
from tests.callbacks.test_guard import UPDATE, body
from tests.conftest import ManualClock

FRAME = json.dumps({"version": "b1-1", "text": '成交额 ≈ 1.2 亿 \u2028 </script> \\ " 🛒'})


class Counting:
    """An answer that says what the question wants, and counts."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def __call__(self, ask: Any) -> str | None:
        self.asked.append(ask)
        if not isinstance(ask, dict) or ask.get("board") == "gone":
            raise BadRequestError("no such board")
        if ask["board"] == "broken":
            raise RuntimeError("boom")
        return None if ask["seen"] else FRAME


def make(clock: ManualClock, answer: Callable[[Any], str | None], hook: Callable[[], None] | None = None) -> Dash:
    deps = make_deps(clock)
    app = Dash(__name__, **dash_options("test", "/vendor/plotly.min.js"))
    app.layout = build_shell(deps.boards, Screen("wall", "zh", "build-1"), deps.profile, deps.words)
    wire_page(app, answer, "build-1")
    protect(app)
    if hook is not None:
        app.server.before_request(hook)
    return app


@pytest.fixture
def answer() -> Counting:
    return Counting()


@pytest.fixture
def app(clock: ManualClock, answer: Counting) -> Dash:
    return make(clock, answer)


@pytest.fixture
def client(app: Dash) -> FlaskClient:
    """Past the first question of each kind."""
    client: FlaskClient = app.server.test_client()
    assert client.post(UPDATE, json=body(asking())).status_code == 200
    assert client.post(UPDATE, json=body(asking(seen="b1-1"))).status_code == 204
    return client


def long_way(app: Dash) -> FlaskClient:
    """A client that Flask and Dash answer."""
    shortcut = app.server.wsgi_app
    assert isinstance(shortcut, Shortcut)
    with patch.object(app.server, "wsgi_app", shortcut._long_way):
        client: FlaskClient = app.server.test_client()
    client.application.wsgi_app = shortcut._long_way  # type: ignore[method-assign]
    return client


def said(answer: TestResponse) -> tuple[int, Any, list[tuple[str, str]]]:
    """Status, body as a browser reads it (Dash escapes what HTML would need) and headers but the length."""
    read = answer.get_json() if answer.status_code == 200 else answer.data
    return answer.status_code, read, sorted(entry for entry in answer.headers.items() if entry[0] != "Content-Length")


def dispatched(app: Dash) -> list[str]:
    """The paths that Flask itself handles from now on."""
    seen: list[str] = []
    handle = app.server.full_dispatch_request

    def counted() -> Response:
        seen.append(request.path)
        return handle()

    app.server.full_dispatch_request = counted  # type: ignore[method-assign]
    return seen


@pytest.mark.parametrize("ask", [asking(), asking(seen="b1-1")])
def test_an_answer_is_the_same_both_ways_and_flask_is_not_asked(app: Dash, client: FlaskClient, ask: Any) -> None:
    seen = dispatched(app)
    short = said(client.post(UPDATE, json=body(ask)))
    assert seen == []
    assert short[1] == (b"" if ask["seen"] else {"multi": True, "response": {"frame": {"data": FRAME}}})
    assert short == said(long_way(app).post(UPDATE, json=body(ask)))
    assert seen == [UPDATE]


def test_no_question_is_answered_twice(app: Dash, answer: Counting) -> None:
    client = app.server.test_client()
    for _ in range(3):
        client.post(UPDATE, json=body(asking()))
    assert len(answer.asked) == 3
    for _ in range(3):  # but the first "nothing new" of a process
        client.post(UPDATE, json=body(asking(seen="b1-1")))
    assert len(answer.asked) == 3 + 3 + 1


WRONG: dict[str, dict[str, Any]] = {
    "no JSON": {"data": b"{", "content_type": "application/json"},
    "a text": {"data": b"text", "content_type": "text/plain"},
    "a form": {"data": json.dumps(body(asking())), "content_type": "application/x-www-form-urlencoded"},
    "a list": {"json": []},
    "another callback": {"json": body(asking(), output="secrets.data")},
    "other inputs": {"json": body(asking(), inputs=[])},
    "no such board": {"json": body(asking(board="gone"))},
    "no object": {"json": body("text")},
    "an answer that breaks": {"json": body(asking(board="broken"))},
    "another site": {"json": body(asking()), "headers": {"Origin": "https://evil.example"}},
    "another port": {"json": body(asking()), "headers": {"Origin": "http://localhost:1"}},
    "too long": {"json": body(asking(query="x" * 300_000))},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_refused_by_the_long_way(app: Dash, client: FlaskClient, wrong: str) -> None:
    app.server.config["PROPAGATE_EXCEPTIONS"] = False
    short = said(client.post(UPDATE, **WRONG[wrong]))
    assert short[0] in (400, 403, 413, 415, 500)
    assert short == said(long_way(app).post(UPDATE, **WRONG[wrong]))


def test_a_long_question_is_answered_all_the_same(app: Dash, client: FlaskClient) -> None:
    seen = dispatched(app)
    assert client.post(UPDATE, json=body(asking(query="x" * LONGEST))).status_code == 200
    assert seen == [UPDATE]


def test_a_page_of_the_same_site_takes_it(app: Dash, client: FlaskClient) -> None:
    seen = dispatched(app)
    assert client.post(UPDATE, json=body(asking()), headers={"Origin": "http://localhost"}).status_code == 200
    assert seen == []


def test_nothing_but_the_questions_of_screens_takes_it(app: Dash, client: FlaskClient) -> None:
    seen = dispatched(app)
    assert client.get("/_dash-layout").status_code == 200
    client.get(UPDATE)
    assert seen == ["/_dash-layout", UPDATE]


def test_a_hook_that_it_does_not_know_closes_it(clock: ManualClock, answer: Counting) -> None:
    allowed = [True]

    def sign_in() -> None:
        if not allowed[0]:
            abort(401)

    client = make(clock, answer, sign_in).server.test_client()
    assert [client.post(UPDATE, json=body(asking())).status_code for _ in range(3)] == [200, 200, 200]
    allowed[0] = False
    asked = len(answer.asked)
    assert client.post(UPDATE, json=body(asking())).status_code == 401
    assert len(answer.asked) == asked, "nobody is answered who has not signed in"


def test_a_cookie_of_one_answer_is_not_given_to_others(clock: ManualClock, answer: Counting) -> None:
    app = make(clock, answer)
    handle = app.server.full_dispatch_request

    def with_cookie() -> Response:
        made = handle()
        made.set_cookie("who", "me")
        return made

    app.server.full_dispatch_request = with_cookie  # type: ignore[method-assign]
    client: FlaskClient = app.server.test_client(use_cookies=False)
    first, second = (client.post(UPDATE, json=body(asking())) for _ in range(2))
    assert ("Set-Cookie" in first.headers, "Set-Cookie" in second.headers) == (True, False)
