"""The callback address: whatever is posted to it, the answer is short, clean and the same for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from dash import Dash
from flask.testing import FlaskClient

from callbacks import register
from callbacks.deps import Deps
from layouts.page import dash_options
from layouts.shell import Screen, build_shell
from tests.callbacks.parts import asking

UPDATE = "/_dash-update-component"


def body(ask: Any, **changes: Any) -> dict[str, Any]:
    """What the page itself sends."""
    return {
        "output": "frame.data",
        "outputs": {"id": "frame", "property": "data"},
        "inputs": [{"id": "ask", "property": "data", "value": ask}],
        "changedPropIds": ["ask.data"],
        "parsedChangedPropsIds": ["ask.data"],
        **changes,
    }


@pytest.fixture(params=["the first question", "later ones"])  # those take the shortcut
def client(deps: Deps, request: pytest.FixtureRequest) -> Iterator[FlaskClient]:
    app = Dash(__name__, **dash_options("test", "/vendor/plotly.min.js"))
    app.layout = build_shell(deps.boards, Screen("wall", "zh", "build-1"), deps.profile, deps.words)
    register(app, deps)
    with app.server.test_client() as client:
        client.get("/_dash-dependencies")
        if request.param == "later ones":
            assert client.post(UPDATE, json=body(asking())).status_code == 200
            assert client.post(UPDATE, json=body(asking(seen="b1-1"))).status_code == 204
        yield client


def test_the_pages_own_question_is_answered(client: FlaskClient) -> None:
    answer = client.post(UPDATE, json=body(asking()))
    assert answer.status_code == 200
    assert '"version":"b1-1"' in answer.get_json()["response"]["frame"]["data"]


def test_nothing_new_is_an_empty_answer(client: FlaskClient) -> None:
    answer = client.post(UPDATE, json=body(asking(seen="b1-1")))
    assert (answer.status_code, answer.data) == (204, b"")


def test_every_answer_says_of_which_build_it_is_a_refusal_too(client: FlaskClient, deps: Deps) -> None:
    """A screen whose board is gone in a new version gets no frame any more: it learns of the version here."""
    answers = [client.post(UPDATE, json=body(ask)) for ask in (asking(), asking(seen="b1-1"), asking(board="gone"))]
    assert [answer.status_code for answer in answers] == [200, 204, 400]
    assert [answer.headers["X-Livewall-Build"] for answer in answers] == [deps.build] * 3
    assert "X-Livewall-Build" not in client.get("/").headers


@pytest.mark.parametrize(
    "forged",
    [
        [],
        "text",
        {},
        {"output": "frame.data"},
        body(asking(), output="secrets.data"),
        body(asking(), output={"id": 1}),
        body(asking(), output="ask.data"),
        body(asking(), outputs={"id": "other", "property": "data"}),
        body(asking(), outputs=[{"id": "frame", "property": "data"}]),
        body(asking(), inputs=[]),
        body(asking(), inputs=None),
        body(asking(), inputs="x"),
        body(asking(), inputs=[1]),
        body(asking(), inputs=[{"id": "other", "property": "data", "value": asking()}]),
        body(asking(), inputs=[{"id": {"a": 1}, "property": "data", "value": asking()}]),
        body(asking(), inputs=[{"id": "ask", "property": "data", "value": asking()}] * 2),
        body(asking(), state=[{"id": "config", "property": "data", "value": 1}]),
        body(asking(), changedPropIds=7),
        body(asking(), changedPropIds=[{"x": 1}]),
        body(None),
        body({"n": 1}),
        body(asking(locale="xx")),
        body(asking(board="other")),
    ],
    ids=lambda forged: str(forged)[:60],
)
def test_forged_requests_are_refused_without_a_traceback(client: FlaskClient, forged: Any) -> None:
    answer = client.post(UPDATE, json=forged)
    assert answer.status_code == 400
    assert len(answer.data) < 300
    assert "Traceback" not in answer.text
    assert answer.get_json()["error"]


def test_what_is_not_json_is_refused(client: FlaskClient) -> None:
    assert client.post(UPDATE, data="{", content_type="application/json").status_code == 400
    assert client.post(UPDATE, data="a=1", content_type="text/plain").status_code in (400, 415)


def test_a_page_carries_no_data_of_the_business(client: FlaskClient) -> None:
    layout = client.get("/_dash-layout").text
    assert "440000" not in layout
    assert "1234" not in layout
