"""Answers what screens ask on every beat without Flask and Dash, which take longer over it than the answer does.

Only a question that would be answered with 200 or 204 takes this way. Whatever else comes (wrong, foreign, too long, a
first one) goes the long way with its body put back. So there is one place that refuses, and one that knows headers:
those of the first answer of the long way are given to all later ones. Hooks of Flask that this file does not know close
the shortcut: a sign-in that is checked there must not be passed by.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

import orjson
import structlog
from dash import Dash
from flask import Flask

from callbacks.guard import UPDATE, find_problem
from layouts import ids

# What Flask does before and after each request, and this file does too or has learned the outcome of.
KNOWN = {
    "Dash._setup_server",
    "guard_callbacks.<locals>.check",
    "protect.<locals>.same_origin",
    "protect.<locals>.harden",
    "wire_page.<locals>.name_build",
}
BEGIN, END = f'{{"multi":true,"response":{{"{ids.FRAME}":{{"data":'.encode(), b"}}}"
LONGEST = 64 * 1024  # bytes of a question; a longer one goes the long way
OK, NOTHING_NEW = "200 OK", "204 NO CONTENT"
PER_REQUEST = {"content-length", "date", "set-cookie"}

log = structlog.get_logger("callbacks")

Environ = dict[str, Any]
Headers = list[tuple[str, str]]


class Shortcut:
    """WSGI in front of Flask's own. `answer(ask)` as in `wire_page`."""

    def __init__(self, app: Dash, answer: Callable[[Any], str | None]) -> None:
        server: Flask = app.server
        self._app, self._server, self._answer = app, server, answer
        self._long_way = server.wsgi_app
        self._path = f"{app.config.requests_pathname_prefix}{UPDATE}"
        self._headers: dict[str, Headers] = {}  # by status, of the first answer of the long way
        self._open: bool | None = None  # not known before the first question: hooks may still be added until then

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST" or environ.get("PATH_INFO") != self._path or not self._is_open():
            return self._long_way(environ, start_response)
        body = _body(environ)
        if body is None:
            return self._long_way(environ, start_response)
        found = self._try(environ, body)
        if found is None:
            environ["wsgi.input"] = io.BytesIO(body)
            return self._long_way(environ, self._listening(start_response))
        status, text = found
        start_response(status, [*self._headers[status], *([("Content-Length", str(len(text)))] if text else [])])
        return [text] if text else []

    def _try(self, environ: Environ, body: bytes) -> tuple[str, bytes] | None:
        """Status and body, or None when the long way has to be taken."""
        if OK not in self._headers:
            return None  # before the question is answered: it would be answered twice
        origin = environ.get("HTTP_ORIGIN")
        if origin and origin.partition("://")[2] != environ.get("HTTP_HOST"):
            return None
        try:
            asked = orjson.loads(body)
            if find_problem(asked, self._app.callback_map) or asked["output"] != f"{ids.FRAME}.data":
                return None
            frame = self._answer(asked["inputs"][0].get("value"))
        except Exception:  # what is wrong is said by the long way, which meets it again
            return None
        status = NOTHING_NEW if frame is None else OK
        if status not in self._headers:
            return None  # the first "nothing new" of this process: asked once more, and nothing new again
        return status, b"" if frame is None else BEGIN + orjson.dumps(frame) + END

    def _listening(self, start_response: Callable[..., Any]) -> Callable[..., Any]:
        """Learns the headers of the long way, once for each status."""

        def started(status: str, headers: Headers, *more: Any) -> Any:
            if status in (OK, NOTHING_NEW) and status not in self._headers:
                self._headers[status] = [(name, value) for name, value in headers if name.lower() not in PER_REQUEST]
            return start_response(status, headers, *more)

        return started

    def _is_open(self) -> bool:
        if self._open is None:
            hooks = [*self._server.before_request_funcs.get(None, []), *self._server.after_request_funcs.get(None, [])]
            strange = sorted({hook.__qualname__ for hook in hooks} - KNOWN)
            self._open = not strange
            if strange:
                log.warning("the shortcut is closed: Flask has hooks that it would pass by", hooks=strange)
        return self._open


def _body(environ: Environ) -> bytes | None:
    """The body of a short JSON request whose length is told; None, and nothing read, for any other."""
    length = environ.get("CONTENT_LENGTH") or ""
    if not length.isdecimal() or int(length) > LONGEST:
        return None
    if environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() != "application/json":
        return None
    found: bytes = environ["wsgi.input"].read(int(length))
    return found
