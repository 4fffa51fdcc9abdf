"""A screen as a row of plain values: for the tile that lists screens and for the API, always without its id."""

from __future__ import annotations

from datetime import datetime

from live.screen_report import Command
from live.screens import ScreenView

SAID = {"board", "query", "build", "width", "height", "ratio", "hidden", "kiosk"}
SAID |= {"frame_age_s", "paint_ms", "paint_worst_ms", "heap_mb", "up_s", "errors", "last_error"}


def screen_row(view: ScreenView, build: str, now: datetime) -> dict[str, object]:
    """Seconds, milliseconds, megabytes and aware moments; `old` is another build than this server's."""
    screen, report = view.screen, view.screen.report
    return {
        "screen": screen.key,
        "name": screen.name,
        "wall": screen.is_wall,
        "state": view.state,
        "first_at": screen.first_at,
        "heard_at": screen.heard_at,
        "silent_s": round(view.silent_s, 1),
        "old": report.build != build,
        "heaps_mb": list(screen.heaps),
        **report.model_dump(include=SAID),
        "command": command_row(view.command, now) if view.command else None,
    }


def command_row(command: Command, now: datetime) -> dict[str, object]:
    return {
        "id": command.id,
        "kind": command.order.kind,
        "state": command.state(now),
        "given_at": command.given_at,
        "done_at": command.done_at,
        "problem": command.problem,
    }
