"""A page with the real shell, gate and fan-out over answers that a test scripts: for what only a browser shows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from dash import Dash
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from app.static import plotly_url, serve_plotly
from callbacks.page import wire_page
from layouts.board import Board
from layouts.page import dash_options
from layouts.shell import Screen, build_shell
from locales.words import load_words
from metrics.profile import StoreProfile

ROOT = Path(__file__).resolve().parents[2]
TICK = 0.3
SHOWN = "[...document.querySelectorAll('.board:not([hidden]) .tile')]"  # all boards are in the page, one is shown

# Two kinds of tile made for these tests: one counts what it is told, one draws whatever figure it gets.
KINDS = """
window.calls = {};
livewall.kind("count", {
  mount(body) { body.innerHTML = "<b></b>"; },
  update(body, payload) {
    const name = body.closest("[data-tile]").dataset.tile;
    window.calls[name] = (window.calls[name] || 0) + 1;
    if (payload.boom) throw new Error("boom");
    body.firstChild.textContent = payload.text;
    if (payload.code) { body.dataset.filter = "province"; body.dataset.code = payload.code; body.tabIndex = 0; }
  },
});
livewall.kind("chart", {
  mount(body) { body.innerHTML = "<div style='height:100%'></div>"; },
  update(body, payload) {
    const pick = (point) => livewall.scope.toggle("province", point.location || String(point.x));
    livewall.plot(body.firstChild, payload.figure, pick);
  },
});
"""

BOARD = Board.model_validate(
    {
        "key": "wall",
        "title": {"zh": "大屏", "en": "Wall"},
        "tick": TICK,
        "columns": 4,
        "rows": 2,
        "tiles": [
            {"key": "one", "kind": "count", "area": {"column": 1, "row": 1, "width": 2, "height": 1}},
            {"key": "two", "kind": "count", "area": {"column": 3, "row": 1, "width": 2, "height": 1}},
            {"key": "plot", "kind": "chart", "area": {"column": 1, "row": 2, "width": 4, "height": 1}},
        ],
    }
)

# Boards that take turns: one that counts, one that counts and charts, one that shows alerts.
TURNS = {
    "wall": BOARD,
    "next": Board.model_validate(
        {
            "key": "next",
            "title": {"zh": "下一屏", "en": "Next"},
            "tick": TICK,
            "columns": 2,
            "rows": 1,
            "tiles": [
                {"key": "three", "kind": "count", "area": {"column": 1, "row": 1, "width": 1, "height": 1}},
                {"key": "curve", "kind": "chart", "area": {"column": 2, "row": 1, "width": 1, "height": 1}},
            ],
        }
    ),
    "watch": Board.model_validate(
        {
            "key": "watch",
            "title": {"zh": "告警屏", "en": "Watch"},
            "tick": TICK,
            "columns": 1,
            "rows": 1,
            "tiles": [{"key": "alarms", "kind": "alerts", "area": {"column": 1, "row": 1, "width": 1, "height": 1}}],
        }
    ),
}


def part(payload: dict[str, Any] | None, face: str = "fresh", as_of: datetime | None = None) -> dict[str, Any]:
    """One tile of a frame, with the digest a real one would carry."""
    moment = as_of or datetime.now(UTC)
    return {
        "v": str(hash(str(payload))),
        "face": face,
        "as_of": moment.isoformat(),
        "stale_after": 30,
        "error": None,
        "payload": payload,
        "asks": True,
    }


def make_frame(version: str, tiles: dict[str, dict[str, Any]], critical: Sequence[str] = (), **extra: Any) -> str:
    now = datetime.now(UTC).isoformat()
    head = {"day": "11月11日 周三", "iso_day": "2026-11-11", "until": "", "watermark": "12:00:00", "lag_s": 0.4}
    frame = {
        "now": now,
        "version": version,
        "boot": "b1",
        "build": "build-1",
        "board": "wall",
        "locale": "zh",
        "tick": TICK,
        "live": True,
        "as_of": now,
        "scope": "",
        "complete": True,
        "head": {**head, "firing": len(critical), "critical": list(critical), "chips": [], "notes": []},
        "tiles": tiles,
    }
    return orjson.dumps({**frame, **extra}).decode()


def counting(ask: dict[str, Any]) -> str:
    """Answers each question with its own number in the first tile and the same text in the second."""
    n = ask["n"]
    return make_frame(f"b1-{n}", {"one": part({"text": f"n{n}"}), "two": part({"text": "still"})})


@dataclass
class ScriptedWall:
    """A running page. `answer` may be swapped while it runs; `asks` are the questions it was asked."""

    port: int
    answer: Callable[[dict[str, Any]], str | None] = counting
    asks: list[dict[str, Any]] = field(default_factory=list)
    running: int = 0
    most: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def respond(self, ask: dict[str, Any]) -> str | None:
        self.asks.append(ask)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            return self.answer(ask)
        finally:
            self.running -= 1


def make_app(
    wall: ScriptedWall,
    patience_s: float = 20.0,
    boards: Mapping[str, Board] | None = None,
    tick: float = TICK,
    beat_s: float = 0.0,
) -> Dash:
    """The page's app, which gives a question up after `patience_s` and sends a heartbeat every `beat_s` (0: none);
    `app.server` takes extra routes and hooks until it is served."""
    words = {locale: load_words(locale) for locale in ("zh", "en")}
    app = Dash(__name__, assets_folder=str(ROOT / "assets"), **dash_options("test", plotly_url()))
    profile = StoreProfile(name="试验店", name_en="Test Shop")
    screen = Screen("wall", "zh", "build-1", tick, patience_s=patience_s, spread_s=0.2, beat_s=beat_s)
    app.layout = build_shell(boards or {"wall": BOARD}, screen, profile, words)
    wire_page(app, wall.respond)
    serve_plotly(app.server)
    app.index_string = app.index_string.replace("{%renderer%}", f"<script>{KINDS}</script>{{%renderer%}}")
    return app


class QuietHandler(WSGIRequestHandler):
    """No log line per request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@contextmanager
def serve(wall: ScriptedWall, app: Dash) -> Iterator[BaseWSGIServer]:
    """The page on its port, on a thread of its own, until the block ends."""
    server = make_server("127.0.0.1", wall.port, app.server, threaded=True, request_handler=QuietHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def until(condition: Callable[[], bool], seconds: float = 120.0) -> bool:
    """Look again and again until the condition holds; False when the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return condition()
