"""Reacts: a browser's event in, a named function, values out. No arithmetic, no SQL, no markup."""

from __future__ import annotations

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, no_update
from flask import abort

from callbacks.deps import Deps
from callbacks.guard import guard_callbacks
from callbacks.live import Refresher
from core.errors import LivewallError
from layouts import ids

__all__ = ["Deps", "register"]


def register(app: Dash, deps: Deps) -> None:
    """Wire the page: beat → gate → `refresh` → fan-out. The caller sets the layout (`layouts.shell.build_shell`)."""
    refresher = Refresher(deps)

    @app.callback(Output(ids.FRAME, "data"), Input(ids.ASK, "data"), prevent_initial_call=True)
    def refresh(ask: Any) -> Any:
        try:
            frame = refresher.answer(ask)
        except LivewallError as problem:
            abort(400, description=str(problem))
        return no_update if frame is None else frame

    app.clientside_callback(
        ClientsideFunction("livewall", "gate"),
        Output(ids.ASK, "data"),
        Input(ids.BEAT, "n_intervals"),
        Input(ids.POKE, "data"),
        State(ids.CONFIG, "data"),
    )
    app.clientside_callback(
        ClientsideFunction("livewall", "fan"),
        Output(ids.FANNED, "data"),
        Input(ids.FRAME, "data"),
        prevent_initial_call=True,
    )
    guard_callbacks(app)
