"""A list of facts about the data: lag, parts, disk, dead letters … one line each, coloured where something is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.errors import DefinitionError
from layouts.board import Tile
from layouts.parts import WAITING, sparkline, title_of
from layouts.view import PlanContext, View
from metrics.ask import HEALTH_TOPICS, Facts, Question
from metrics.catalogue import Catalogue
from metrics.formats import format_clock, format_duration, format_value

SIZES = ("B", "KB", "MB", "GB", "TB")


def check(tile: Tile, catalogue: Catalogue) -> None:
    if tile.metrics or tile.by or tile.options.get("topic") not in HEALTH_TOPICS:
        raise DefinitionError("board", tile.key, f"`topic` is one of {', '.join(HEALTH_TOPICS)}; no metrics, no `by`")


def plan(tile: Tile, context: PlanContext) -> dict[str, Question]:
    topic = str(tile.options["topic"])
    return {"facts": Facts(f"health {topic}", topic)}


def draw(tile: Tile, view: View) -> dict[str, Any]:
    topic = str(tile.options["topic"])
    payload: dict[str, Any] = {"title": title_of(tile, view, view.words.t(f"tile.facts.{topic}"))}
    found = view.findings("facts")
    if found is None:
        return payload | WAITING
    if found.ask.filters:
        return payload | {"empty": view.words.t("tile.facts.narrowed")}
    if not found.rows:
        return payload | {"empty": view.words.t(f"tile.facts.none.{topic}")}
    return payload | {"rows": [_row(view, row) for row in found.rows]}


def _row(view: View, row: Mapping[str, object]) -> dict[str, Any]:
    at, value, key, course = row.get("at"), row.get("value"), str(row["label"]), row.get("course")
    number = float(value) if isinstance(value, int | float) else None
    clock = format_clock(at, view.profile.zone) if isinstance(at, datetime) else ""
    return {
        "key": f"{row.get('kind', '')}:{key}",
        "label": _label(view, str(row.get("kind", "")), key),
        "value": " · ".join(part for part in (clock, _value(view, number, str(row["unit"]))) if part),
        "tone": str(row["tone"]),
        "spark": sparkline(course) if isinstance(course, list) else [],
    }


def _label(view: View, kind: str, key: str) -> str:
    if kind == "ledger":
        return view.words.t(f"tile.facts.ledger.{key}")
    if kind == "fact":
        return view.words.t(f"tile.facts.label.{key}")
    if kind in ("orders", "behaviour"):
        return f"{key} · {view.words.t(f'tile.facts.ledger.{kind}')}"
    return key


def _value(view: View, number: float | None, unit: str) -> str:
    if number is None:
        return ""
    if unit == "duration":
        return str(format_duration(number, view.locale))
    if unit == "ms":
        return f"{number:,.0f} ms"
    if unit == "bytes":
        place = 0
        while number >= 1000 and place < len(SIZES) - 1:
            number, place = number / 1000, place + 1
        return f"{number:.1f} {SIZES[place]}"
    return str(format_value(round(number), "count", view.locale, view.profile.currency))
