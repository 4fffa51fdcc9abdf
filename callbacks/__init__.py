"""Reacts: a browser's event in, a named function, values out. No arithmetic, no SQL, no markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dash import Dash

    from callbacks.deps import Deps


def register(app: Dash, deps: Deps) -> None:
    """Install every callback of the wall. The caller sets the layout (`layouts.shell.build_shell`)."""
    from callbacks.live import Refresher
    from callbacks.page import wire_page

    wire_page(app, Refresher(deps).answer, deps.build)
