"""Every screen that shows this wall: how it is, what it shows, how hard its browser works; the worst first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from core.errors import DefinitionError
from layouts.board import Tile
from layouts.parts import WAITING, sparkline, title_of
from layouts.view import PlanContext, View
from metrics.ask import SCREENS, Facts, Question
from metrics.catalogue import Catalogue
from metrics.formats import format_clock, format_duration

STATES = ("dark", "frozen", "late", "hidden", "ok", "closed")
SHOWN = 120
GROWN = 1.25  # a heap that grew by a quarter over what is remembered is worth a look
GROWN_MB = 20.0

Row = Mapping[str, Any]


def check(tile: Tile, catalogue: Catalogue) -> None:
    if tile.metrics or tile.by or set(tile.options) - {"shown"}:
        raise DefinitionError(
            "board", tile.key, "a list of screens takes no metrics and no `by`; its option is `shown`"
        )


def plan(tile: Tile, context: PlanContext) -> dict[str, Question]:
    return {"screens": Facts("screens", SCREENS)}


def draw(tile: Tile, view: View) -> dict[str, Any]:
    t = view.words.t
    payload: dict[str, Any] = {"title": title_of(tile, view, t("tile.screens.title"))}
    found = view.findings("screens")
    if found is None:
        return payload | WAITING
    if not found.rows:
        return payload | {"empty": t("tile.screens.none")}
    walls = [row for row in found.rows if row["wall"]]
    shown = found.rows[: int(tile.options.get("shown", SHOWN))]
    more = len(found.rows) - len(shown)
    return payload | {
        "summary": t("tile.screens.summary", walls=len(walls), viewers=len(found.rows) - len(walls)),
        "counts": [
            {"state": state, "text": f"{count} {t(f'tile.screens.state.{state}')}"}
            for state in STATES
            if (count := sum(row["state"] == state for row in walls))
        ],
        "rows": [_row(view, row) for row in shown],
        "more": t("tile.screens.more", count=more) if more else "",
    }


def _row(view: View, row: Row) -> dict[str, Any]:
    state, heard = str(row["state"]), row["state"] in ("ok", "late", "frozen", "hidden")
    return {
        "key": row["screen"],
        "state": state,
        "state_label": view.words.t(f"tile.screens.state.{state}"),
        "name": row["name"],
        "role": view.words.t("tile.screens.wall" if row["wall"] else "tile.screens.viewer"),
        "wall": row["wall"],
        "board": row["board"],
        "query": row["query"],
        "filter": write_filter(view, str(row["query"])),
        "size": _size(row),
        "age": _seconds(view, row["frame_age_s"]) if heard else "—",
        "paint": _milliseconds(row["paint_ms"], row["paint_worst_ms"]),
        "heap": "—" if row["heap_mb"] is None else f"{row['heap_mb']:.0f} MB",
        "heap_grows": grows(row["heaps_mb"]),
        "spark": sparkline(row["heaps_mb"]),
        "build": str(row["build"])[:7] or "—",
        "old": row["old"],
        "heard": _seconds(view, row["silent_s"]),
        "up": _seconds(view, row["up_s"]),
        "errors": row["errors"],
        "last_error": row["last_error"],
        "command": _command(view, row["command"]) if row["command"] else None,
    }


def write_filter(view: View, query: str) -> str:
    """A screen's address as people say it: names of codes; what is no filter of ours stands as it came."""
    try:
        pairs = parse_qsl(query, max_num_fields=60)
    except ValueError:
        return query[:60]
    parts = []
    for name, value in pairs:
        codes = value.split(",")
        known = name in view.catalogue.dimensions
        parts.append(" ".join(view.label(name, code) for code in codes) if known else f"{name}={value}")
    return " · ".join(parts)


def grows(heaps: list[float]) -> bool:
    """Whether the last quarter of the readings lies clearly above the second: a leak, not a garbage collection."""
    if len(heaps) < 12:
        return False
    quarter = len(heaps) // 4
    before, after = sorted(heaps[quarter : 2 * quarter]), sorted(heaps[-quarter:])
    low, high = before[len(before) // 2], after[len(after) // 2]
    return high > low * GROWN and high - low > GROWN_MB


def _size(row: Row) -> str:
    if not row["width"]:
        return "—"
    ratio = "" if row["ratio"] == 1 else f" @{row['ratio']:g}"
    return f"{row['width']}×{row['height']}{ratio}"


def _seconds(view: View, seconds: float | None) -> str:
    return "—" if seconds is None else str(format_duration(seconds, view.locale))


def _milliseconds(middle: float | None, worst: float | None) -> str:
    if middle is None:
        return "—"
    return f"{middle:.0f} ms" if worst is None else f"{middle:.0f} / {worst:.0f} ms"


def _command(view: View, command: Row) -> dict[str, str]:
    """What became of the newest command, with the moment it was done or given."""
    state, done = str(command["state"]), command["done_at"]
    moment = done if isinstance(done, datetime) else command["given_at"]
    return {
        "id": str(command["id"]),
        "state": state,
        "text": view.words.t(
            f"tile.screens.command.{state}",
            what=view.words.t(f"tile.screens.kind.{command['kind']}"),
            time=format_clock(moment, view.profile.zone),
            problem=command["problem"],
        ),
    }
