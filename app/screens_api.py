"""`/screens/v1/…`: what screens say of themselves, and what a desk tells them; everything sent is checked here."""

from __future__ import annotations

import hmac
import ipaddress
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from app.settings import Settings
from callbacks.wish import read_scope
from core.clock import Clock
from core.errors import BadRequestError, LivewallError, UnknownNameError, nearest
from layouts.board import Board
from live.screen_report import Command, Order, read_order, read_report
from live.screen_rows import screen_row
from live.screens import Screens
from metrics.calendar import BusinessCalendar
from metrics.catalogue import Catalogue
from metrics.scope import Dropped

PREFIX = "/screens/v1"
SHORTEST_KEY = 12
MOST_BODY = 16 * 1024
MOST_ORDERS, MOST_WRONG_KEYS, MINUTE_S = 60, 10, 60.0
SCREEN_KEYS = frozenset({"kiosk", "lang", "theme", "updown", "board", "name", "play"})  # a screen's own, not the data's

Steering = Literal["open", "key", "off"]


@dataclass(frozen=True)
class Desk:
    """Who may steer: anybody who reaches a server bound to this machine only, or who has the key."""

    key: str
    host: str

    @property
    def steering(self) -> Steering:
        if self.key:
            return "key"
        return "open" if is_loopback(self.host) else "off"

    @classmethod
    def of(cls, settings: Settings) -> Desk:
        """Raises BadRequestError, which never repeats the key."""
        key = settings.desk_key.get_secret_value().strip()
        if key and (len(key) < SHORTEST_KEY or not key.isascii() or not key.isprintable()):
            raise BadRequestError(f"DESK_KEY needs {SHORTEST_KEY} printable ASCII characters or more")
        return cls(key, settings.host)


@dataclass(frozen=True)
class ScreensApi:
    """What the routes work with. `members(dimension)` are the codes one may filter by, None for no such dimension."""

    screens: Screens
    desk: Desk
    build: str
    boards: Mapping[str, Board]
    catalogue: Catalogue
    members: Callable[[str], frozenset[str] | None]
    calendar: BusinessCalendar
    clock: Clock


class _RefusedError(Exception):
    def __init__(self, status: int, line: str) -> None:
        self.status, self.line = status, line
        super().__init__(line)


class Pace:
    """At most so many events a minute. One for the process: what it protects is one."""

    def __init__(self, most: int, clock: Clock) -> None:
        self._most, self._clock, self._lock = most, clock, threading.Lock()
        self._moments: deque[float] = deque()

    def is_spent(self) -> bool:
        with self._lock:
            limit = self._clock.monotonic() - MINUTE_S
            while self._moments and self._moments[0] <= limit:
                self._moments.popleft()
            return len(self._moments) >= self._most

    def count(self) -> None:
        with self._lock:
            self._moments.append(self._clock.monotonic())


def is_loopback(host: str) -> bool:
    """Whether a host, as a name or an address, is this machine."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def serve_screens(server: Flask, api: ScreensApi) -> None:
    """Add the routes. Each answers JSON; a refusal is one line that says what to do."""
    orders, wrong_keys = Pace(MOST_ORDERS, api.clock), Pace(MOST_WRONG_KEYS, api.clock)

    def answered(work: Callable[[Any], dict[str, Any]]) -> tuple[Response, int]:
        try:
            return jsonify(work(_body())), 200
        except _RefusedError as refused:
            return jsonify({"error": refused.line}), refused.status
        except LivewallError as problem:
            return jsonify({"error": str(problem)}), 503 if problem.retryable else 400

    @server.post(f"{PREFIX}/beat")
    def beat() -> tuple[Response, int]:
        return answered(
            lambda body: {"commands": [_handed(api, command) for command in api.screens.beat(read_report(body))]}
        )

    def rows() -> list[Any]:
        return [_plain(screen_row(view, api.build, api.clock.now())) for view in api.screens.views()]

    @server.get(f"{PREFIX}/screens")
    def screens() -> tuple[Response, int]:
        return answered(lambda _: {"build": api.build, "screens": rows()})

    @server.post(f"{PREFIX}/command")
    def command() -> tuple[Response, int]:
        def work(body: Any) -> dict[str, Any]:
            admit(api.desk, orders, wrong_keys)
            screen, order = _screen(body), check_order(api, read_order(body))
            given = api.screens.give(screen, order)
            return {"id": given.id, "expires_at": given.expires_at.isoformat(), "query": order.query}

        return answered(work)

    @server.post(f"{PREFIX}/forget")
    def forget() -> tuple[Response, int]:
        def work(body: Any) -> dict[str, Any]:
            admit(api.desk, orders, wrong_keys)
            api.screens.forget(_screen(body))
            return {"forgotten": True}

        return answered(work)


def _body() -> Any:
    """The JSON of a POST. Other types are refused: a form of a foreign page could send them without being asked."""
    if request.method != "POST":
        return None
    request.max_content_length = MOST_BODY
    try:
        if not request.is_json:
            raise _RefusedError(415, "send JSON: Content-Type: application/json")
        return request.get_json()
    except HTTPException as problem:
        raise _RefusedError(problem.code or 400, problem.description or "not JSON") from problem
    except (ValueError, RecursionError) as problem:
        raise _RefusedError(400, "not JSON") from problem


def _screen(body: Any) -> str:
    screen = body.get("screen") if isinstance(body, dict) else None
    if not isinstance(screen, str) or not 0 < len(screen) <= 64:
        raise BadRequestError("screen is the key or the name of a screen")
    return screen


def admit(desk: Desk, orders: Pace, wrong_keys: Pace) -> None:
    """Let a desk's request through, or refuse it with one line."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise _RefusedError(403, "only a page of this wall may steer screens")
    if desk.steering == "off":
        raise _RefusedError(403, "steering is off: set DESK_KEY (docs/how-to/steer-walls.md), or HOST=127.0.0.1")
    if desk.steering == "open" and not is_loopback(urlsplit(f"//{request.host}").hostname or ""):
        # another name for this machine: a proxy before the wall, or a foreign page that had its name point here
        raise _RefusedError(403, "steering from another machine needs DESK_KEY (docs/how-to/steer-walls.md)")
    if desk.steering == "key":
        _check_key(desk.key, wrong_keys)
    if orders.is_spent():
        raise _RefusedError(429, f"{MOST_ORDERS} commands in a minute are enough: try again in a minute")
    orders.count()


def _check_key(key: str, wrong_keys: Pace) -> None:
    if wrong_keys.is_spent():
        raise _RefusedError(429, "too many wrong desk keys: try again in a minute")
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    given = token.strip() if scheme.lower() == "bearer" else request.headers.get("X-Desk-Key", "")
    if not hmac.compare_digest(key.encode(), given.encode()):
        if given:
            wrong_keys.count()
        raise _RefusedError(401, "the desk key is missing or wrong" if given else "the desk key is needed")


def check_order(api: ScreensApi, order: Order) -> Order:
    """The order with its filter in the one spelling screens use. Raises UnknownNameError or BadRequestError."""
    if order.kind != "show":
        return order
    if order.board not in api.boards:
        raise UnknownNameError("board", order.board, api.boards)
    try:
        pairs = parse_qsl(order.query.lstrip("?"), keep_blank_values=False, max_num_fields=60)
    except ValueError as problem:
        raise BadRequestError("a filter of more than 60 parts") from problem
    query = urlencode([pair for pair in pairs if pair[0] not in SCREEN_KEYS], safe=",:")
    scope, dropped = read_scope(query, api.members, api.calendar, api.clock.now())
    if dropped:
        raise BadRequestError(_explain(api, dropped[0]))
    return order.model_copy(update={"query": scope.to_query()})


def _explain(api: ScreensApi, part: Dropped) -> str:
    """One line about a part of a filter that is not understood, with what was probably meant."""
    name, value = part.name[:60], part.value[:60]
    if part.reason == "unknown_filter":
        return str(UnknownNameError("filter", name, api.catalogue.dimensions))
    if part.reason == "unknown_value":
        near = nearest(value, api.members(name) or ())
        hint = f"; did you mean {' or '.join(repr(one) for one in near)}?" if near else ""
        return f"{name} has no {value!r}{hint}"
    return f"{name}={value!r} cannot be read"


def _handed(api: ScreensApi, command: Command) -> dict[str, Any]:
    """A command as its screen reads it: seconds are counted from now, whatever the clock of the screen says."""
    order, left = command.order, (command.expires_at - api.clock.now()).total_seconds()
    return {"id": command.id, "left_s": round(left, 1), **order.model_dump()}


def _plain(value: Any) -> Any:
    """Moments inside plain values as ISO texts."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return value.isoformat() if isinstance(value, datetime) else value
