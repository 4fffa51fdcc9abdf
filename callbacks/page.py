"""Wires the page: beat → gate in the browser → one server callback → fan-out in the browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State
from dash.exceptions import PreventUpdate
from flask import Flask, Response, abort, request

from callbacks.guard import UPDATE, guard_callbacks
from callbacks.shortcut import Shortcut
from core.errors import LivewallError
from layouts import ids

BUILD_HEADER = "X-Livewall-Build"


def wire_page(app: Dash, answer: Callable[[Any], str | None], build: str = "") -> None:
    """`answer(ask)` gives the frame for a question or None for nothing new; its LivewallErrors become HTTP 400.

    Every answer says of which build it is, also a refusal: a screen whose board is gone in a new version would else
    never learn of it.
    """

    @app.callback(Output(ids.FRAME, "data"), Input(ids.ASK, "data"), prevent_initial_call=True)
    def refresh(ask: Any) -> Any:
        try:
            frame = answer(ask)
        except LivewallError as problem:
            abort(400, description=str(problem))
        if frame is None:
            raise PreventUpdate
        return frame

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("livewall", "gate"),
        Output(ids.ASK, "data"),
        Input(ids.BEAT, "n_intervals"),
        Input(ids.POKE, "data"),
        State(ids.CONFIG, "data"),
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("livewall", "fan"),
        Output(ids.FANNED, "data"),
        Input(ids.FRAME, "data"),
        prevent_initial_call=True,
    )
    guard_callbacks(app)
    server: Flask = app.server

    @server.after_request
    def name_build(response: Response) -> Response:
        if build and request.path.endswith(UPDATE):
            response.headers[BUILD_HEADER] = build
        return response

    server.wsgi_app = Shortcut(app, answer)  # type: ignore[method-assign]  # as Flask's documentation does it
