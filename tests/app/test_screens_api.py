"""`/screens/v1/…` with what attackers send: shapes, rights, keys, other sites, floods; and what a desk really does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import screens_api
from app.screens_api import Desk, ScreensApi, is_loopback, serve_screens
from app.settings import Settings
from core.clock import ManualClock
from core.errors import BadRequestError
from layouts.board import load_board
from live.screen_book import BookError, MemoryBook
from live.screen_report import Screen
from live.screens import Screens
from metrics.calendar import BusinessCalendar
from metrics.catalogue import load_catalogue
from metrics.profile import StoreProfile

KEY = "correct-horse-battery"
LOBBY = {"id": "lobby-0123456789abcdef", "name": "lobby", "board": "wall", "build": "b1", "kiosk": True}
SHOW = {"screen": "lobby", "kind": "show", "board": "walls", "query": "province=440000"}
CODES = {"province": frozenset({"440000", "330000"}), "channel": frozenset({"live"})}


def client_of(clock: ManualClock, desk: Desk, book: MemoryBook | None = None) -> FlaskClient:
    server = Flask("screens")
    api = ScreensApi(
        screens=Screens(book or MemoryBook(), clock),
        desk=desk,
        build="b2",
        boards={name: load_board(name) for name in ("wall", "walls")},
        catalogue=load_catalogue(),
        members=lambda dimension: CODES.get(dimension),
        calendar=BusinessCalendar.of(StoreProfile(name="试验店")),
        clock=clock,
    )
    serve_screens(server, api)
    return server.test_client()


@pytest.fixture
def open_desk(clock: ManualClock) -> FlaskClient:
    """The wall as `make run` starts it: bound to this machine, without a key."""
    client = client_of(clock, Desk("", "127.0.0.1"))
    assert post(client, "beat", LOBBY)[0] == 200
    return client


@pytest.fixture
def keyed(clock: ManualClock) -> FlaskClient:
    client = client_of(clock, Desk(KEY, "0.0.0.0"))
    assert post(client, "beat", LOBBY)[0] == 200
    return client


def post(
    client: FlaskClient, path: str, body: Any, headers: Mapping[str, str] | None = None, host: str = "localhost:8050"
) -> tuple[int, dict[str, Any]]:
    answer = client.post(f"/screens/v1/{path}", json=body, headers=dict(headers or {}), base_url=f"http://{host}")
    return answer.status_code, answer.get_json()


def test_a_desk_tells_a_wall_and_sees_that_it_was_done(open_desk: FlaskClient, clock: ManualClock) -> None:
    status, given = post(open_desk, "command", {**SHOW, "query": "?kiosk=1&province=440000&lang=en"})
    assert status == 200 and given["query"] == "province=440000"
    clock.advance(seconds=8)
    _, handed = post(open_desk, "beat", LOBBY)
    (command,) = handed["commands"]
    assert (command["id"], command["kind"], command["board"]) == (given["id"], "show", "walls")
    assert command["left_s"] == 292
    _, after = post(open_desk, "beat", {**LOBBY, "done": [{"id": given["id"], "problem": ""}]})
    assert after == {"commands": []}
    (row,) = open_desk.get("/screens/v1/screens").get_json()["screens"]
    assert (row["name"], row["state"], row["old"], row["wall"]) == ("lobby", "ok", True, True)
    assert row["command"]["state"] == "done"
    assert row["command"]["done_at"] == "2026-11-11T04:00:08+00:00"
    assert LOBBY["id"] not in open_desk.get("/screens/v1/screens").get_data(as_text=True)


def test_a_message_a_reload_and_forgetting(open_desk: FlaskClient) -> None:
    post(open_desk, "command", {"screen": "lobby", "kind": "message", "text": "<b>开会</b>", "severity": "warning"})
    post(open_desk, "command", {"screen": "lobby", "kind": "reload"})
    _, handed = post(open_desk, "beat", LOBBY)
    assert [(one["kind"], one["text"], one["severity"]) for one in handed["commands"]] == [
        ("message", "<b>开会</b>", "warning"),
        ("reload", "", "info"),
    ]
    assert post(open_desk, "forget", {"screen": "lobby"}) == (200, {"forgotten": True})
    assert open_desk.get("/screens/v1/screens").get_json()["screens"] == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"screen": "loby"}, "unknown screen 'loby'; did you mean 'lobby'?"),
        ({"screen": ""}, "screen is the key or the name"),
        ({"screen": ["lobby"]}, "screen is the key or the name"),
        ({"screen": "x" * 65}, "screen is the key or the name"),
        ({"kind": "run"}, "kind"),
        ({"board": "wal"}, "unknown board 'wal'; did you mean"),
        ({"board": "<img src=x>"}, "board"),
        ({"query": "provinz=440000"}, "unknown filter 'provinz'; did you mean 'province'?"),
        ({"query": "province=44000"}, "province has no '44000'; did you mean '440000'"),
        ({"query": "day=2026-13-45"}, "cannot be read"),
        ({"query": "&".join(f"a{n}=1" for n in range(80))}, "more than 60 parts"),
        ({"query": "x" * 3000}, "query"),
        ({"query": {"$ne": 1}}, "query"),
        ({"kind": "message", "text": ""}, "needs a text"),
        ({"kind": "message", "text": "x", "seconds": 1e99}, "seconds"),
    ],
)
def test_a_wrong_command_is_refused_in_one_line(open_desk: FlaskClient, change: dict[str, Any], line: str) -> None:
    status, answer = post(open_desk, "command", {**SHOW, **change})
    assert status == 400
    assert line in answer["error"] and "\n" not in answer["error"] and len(answer["error"]) < 400
    assert post(open_desk, "beat", LOBBY)[1] == {"commands": []}


@pytest.mark.parametrize("path", ["beat", "command", "forget"])
@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[" * 9000, "application/json", 400),
        (b"[1]", "application/json", 400),
        (b'{"id": "\\ud800"}', "application/json", 400),
        (b'{"screen":"lobby","kind":"reload"}', "text/plain", 415),
        (b"screen=lobby&kind=reload", "application/x-www-form-urlencoded", 415),
        (b'{"x":"' + b"y" * 20_000 + b'"}', "application/json", 413),
    ],
)
def test_bodies_that_no_page_of_ours_sends(
    open_desk: FlaskClient, path: str, body: bytes, kind: str, status: int
) -> None:
    answer = open_desk.post(f"/screens/v1/{path}", data=body, content_type=kind, base_url="http://localhost")
    assert answer.status_code == status
    assert answer.get_json()["error"]


@pytest.mark.parametrize("host", ["wall.example", "10.0.0.7:8050", "localhost.evil.example", "[2001:db8::1]:80"])
def test_without_a_key_only_this_machine_may_steer(open_desk: FlaskClient, host: str) -> None:
    """A page elsewhere can have its name point at 127.0.0.1; a proxy passes on what the world asked for."""
    status, answer = post(open_desk, "command", SHOW, host=host)
    assert status == 403 and "DESK_KEY" in answer["error"]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_may_not_steer(open_desk: FlaskClient, site: str) -> None:
    assert post(open_desk, "command", SHOW, {"Sec-Fetch-Site": site})[0] == 403
    assert post(open_desk, "command", SHOW, {"Sec-Fetch-Site": "same-origin"})[0] == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "wall.example"])
def test_without_a_key_a_wall_that_others_reach_takes_no_commands(clock: ManualClock, host: str) -> None:
    client = client_of(clock, Desk("", host))
    assert post(client, "beat", LOBBY)[0] == 200, "it still hears its screens"
    status, answer = post(client, "command", SHOW)
    assert status == 403 and "set DESK_KEY" in answer["error"]


@pytest.mark.parametrize("headers", [{"X-Desk-Key": KEY}, {"Authorization": f"Bearer {KEY}"}])
def test_the_key_opens_from_anywhere(keyed: FlaskClient, headers: dict[str, str]) -> None:
    assert post(keyed, "command", SHOW, headers, host="wall.example")[0] == 200


@pytest.mark.parametrize("given", ["", "wrong", KEY[:-1], KEY + "x", KEY.upper(), "\xff" * 12])
def test_a_wrong_key_does_not(keyed: FlaskClient, given: str) -> None:
    for path in ("command", "forget"):
        status, answer = post(keyed, path, SHOW, {"X-Desk-Key": given})
        assert status == 401 and KEY not in answer["error"]


def test_keys_cannot_be_guessed_at_speed(keyed: FlaskClient, clock: ManualClock) -> None:
    for _ in range(screens_api.MOST_WRONG_KEYS):
        assert post(keyed, "command", SHOW, {"X-Desk-Key": "guess"})[0] == 401
    assert post(keyed, "command", SHOW, {"X-Desk-Key": KEY})[0] == 429
    clock.advance(seconds=61)
    assert post(keyed, "command", SHOW, {"X-Desk-Key": KEY})[0] == 200


def test_commands_have_a_pace(open_desk: FlaskClient, clock: ManualClock) -> None:
    statuses = [post(open_desk, "command", SHOW)[0] for _ in range(screens_api.MOST_ORDERS + 1)]
    assert statuses == [200] * screens_api.MOST_ORDERS + [429]
    clock.advance(seconds=61)
    assert post(open_desk, "command", SHOW)[0] == 200


def test_a_book_that_cannot_be_reached_is_503(clock: ManualClock) -> None:
    class Gone(MemoryBook):
        def screen(self, key: str) -> Screen | None:
            raise BookError("Redis does not answer")

    status, answer = post(client_of(clock, Desk("", "127.0.0.1"), Gone()), "beat", LOBBY)
    assert (status, answer) == (503, {"error": "Redis does not answer"})


@pytest.mark.parametrize(
    ("host", "mine"),
    [
        ("127.0.0.1", True), ("::1", True), ("[::1]", True), ("localhost", True), ("LOCALHOST.", True),
        ("127.8.9.1", True), ("0.0.0.0", False), ("", False), ("localhost.example", False), ("10.0.0.1", False),
    ],
)  # fmt: skip
def test_this_machine_is_known_by_its_addresses(host: str, mine: bool) -> None:
    assert is_loopback(host) is mine


@pytest.mark.parametrize("key", ["short", "ключ-ключ-ключ-ключ", "twelve\tchars!"])
def test_a_poor_desk_key_stops_the_start_without_being_repeated(key: str) -> None:
    with pytest.raises(BadRequestError, match="DESK_KEY") as refused:
        Desk.of(Settings(_env_file=None, desk_key=key))
    assert key not in str(refused.value)


def test_who_may_steer_follows_key_and_host() -> None:
    def steering(**settings: Any) -> str:
        return Desk.of(Settings(_env_file=None, **settings)).steering

    assert steering() == "open"
    assert steering(host="0.0.0.0") == "off"
    assert steering(host="0.0.0.0", desk_key=KEY) == "key"
    assert steering(desk_key=KEY) == "key"
