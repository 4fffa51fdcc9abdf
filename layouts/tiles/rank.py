"""A ranking over one dimension: bars, values, changes, and who moved up or down since yesterday."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.errors import DefinitionError
from layouts.asking import blocking_dimension, compared, filters_beside, last_minutes, lead_metric, make_ask
from layouts.board import Tile
from layouts.parts import WAITING, draw_change, reason_blocked, shares, title_of
from layouts.regions import dimension_of, selected_codes
from layouts.view import PlanContext, View
from metrics.ask import CURRENT, Question
from metrics.calendar import Span
from metrics.catalogue import Catalogue
from metrics.reading import Row

SMALLEST = (22.0, 20.0)
STILL = True

BEFORE = "previous_day"
SHOWN = 10


def check(tile: Tile, catalogue: Catalogue) -> None:
    if len(tile.metrics) != 1:
        raise DefinitionError("board", tile.key, "a ranking orders by exactly one metric")
    if not tile.by:
        raise DefinitionError("board", tile.key, "a ranking needs `by`: the dimension it ranks")


def plan(tile: Tile, context: PlanContext) -> dict[str, Question]:
    dimension, metric = dimension_of(tile, context.profile), lead_metric(tile, context.scope)
    filters = filters_beside(context.scope, dimension)
    if blocking_dimension(context.catalogue, metric, filters, dimension):
        return {}
    return {"rank": make_ask((metric,), compared(context, _window(tile, context), BEFORE), filters, dimension)}


def _window(tile: Tile, context: PlanContext) -> Span:
    minutes = tile.options.get("minutes")
    running = context.scope.day is None or context.scope.at is not None
    return last_minutes(context.span, int(minutes)) if minutes and running else context.span


def draw(tile: Tile, view: View) -> dict[str, Any]:
    dimension, metric = dimension_of(tile, view.profile), lead_metric(tile, view.scope)
    payload: dict[str, Any] = {"title": title_of(tile, view, _title(tile, view, dimension), metric)}
    reason = reason_blocked(view, metric, filters_beside(view.scope, dimension), dimension)
    if reason:
        return payload | {"empty": reason}
    reading = view.reading("rank")
    if reading is None:
        return payload | WAITING
    now, before = ranked(reading.rows, metric, CURRENT), ranked(reading.rows, metric, BEFORE)
    if not now:
        return payload | {"empty": view.words.t("tile.empty.no_events")}
    return payload | {"dimension": dimension, **_rows(tile, view, dimension, metric, now, before)}


def _title(tile: Tile, view: View, dimension: str) -> str:
    minutes, name = tile.options.get("minutes"), view.dimension_name(dimension)
    if minutes and not view.whole_day:
        return view.words.t("tile.rank.window", dimension=name, minutes=minutes)
    return view.words.t("tile.rank.title", dimension=name)


def ranked(rows: Sequence[Row], metric: str, span: str) -> list[Row]:
    """Rows with something in the span, the largest first; equals keep the order of their codes."""
    known = [row for row in rows if row.keys and row.keys[0] and row.value(metric, span)]
    return sorted(known, key=lambda row: (-float(row.value(metric, span) or 0), row.keys))


def _rows(tile: Tile, view: View, dimension: str, metric: str, now: list[Row], before: list[Row]) -> dict[str, Any]:
    places = {row.keys[0]: place for place, row in enumerate(before)}
    selected = selected_codes(view, dimension)
    count = int(tile.options.get("shown", SHOWN))
    shown = _shown(now, selected, count)
    changes = bool(tile.options.get("changes", True))
    bars = shares([row.value(metric) for _, row in shown])
    rows = [
        {
            "code": row.keys[0],
            "place": place + 1,
            "label": view.label(dimension, row.keys[0]),
            "value": view.write(metric, row.value(metric)).parts(),
            "part": bar,
            "change": draw_change(view, metric, row.value(metric), row.value(metric, BEFORE)) if changes else None,
            "moved": places[row.keys[0]] - place if row.keys[0] in places else None,
            "selected": row.keys[0] in selected,
        }
        for bar, (place, row) in zip(bars, shown, strict=True)
    ]
    return {"rows": rows, "shown": count, "any_selected": bool(selected), "new": view.words.t("tile.rank.new")}


def _shown(now: list[Row], selected: set[str], count: int) -> list[tuple[int, Row]]:
    """The first `count` places; a selected row further down takes the last place, with its own rank."""
    placed = list(enumerate(now))
    further = [entry for entry in placed[count:] if entry[1].keys[0] in selected][:1]
    return placed[: count - len(further)] + further
