"""How a whole divides over one dimension: a stacked bar and a list, grouped by the coarser level if there is one."""

from __future__ import annotations

from typing import Any

from core.errors import DefinitionError
from layouts.asking import blocking_dimension, compared, filters_beside, lead_metric, make_ask
from layouts.board import Tile
from layouts.parts import WAITING, draw_change, reason_blocked, title_of
from layouts.regions import PARENT, dimension_of, selected_codes
from layouts.tiles.rank import ranked
from layouts.view import PlanContext, View
from metrics.ask import CURRENT, Question
from metrics.catalogue import Catalogue
from metrics.reading import Row

SMALLEST = (26.0, 18.0)
STILL = True

BEFORE = "previous_day"


def check(tile: Tile, catalogue: Catalogue) -> None:
    if len(tile.metrics) != 1 or not tile.by:
        raise DefinitionError("board", tile.key, "a split divides exactly one metric over the dimension `by`")
    if not catalogue.metric(tile.metrics[0]).additive:
        raise DefinitionError("board", tile.key, f"{tile.metrics[0]} does not add up, so it has no parts to show")


def plan(tile: Tile, context: PlanContext) -> dict[str, Question]:
    dimension, metric = dimension_of(tile, context.profile), lead_metric(tile, context.scope)
    filters = filters_beside(context.scope, dimension)
    if blocking_dimension(context.catalogue, metric, filters, dimension):
        return {}
    return {"split": make_ask((metric,), compared(context, context.span, BEFORE), filters, dimension)}


def draw(tile: Tile, view: View) -> dict[str, Any]:
    dimension, metric = dimension_of(tile, view.profile), lead_metric(tile, view.scope)
    default = view.words.t("tile.split.title", dimension=view.dimension_name(dimension))
    payload: dict[str, Any] = {"title": title_of(tile, view, default, metric)}
    reason = reason_blocked(view, metric, filters_beside(view.scope, dimension), dimension)
    if reason:
        return payload | {"empty": reason}
    reading = view.reading("split")
    if reading is None:
        return payload | WAITING
    rows = ranked(reading.rows, metric, CURRENT)
    if not rows:
        return payload | {"empty": view.words.t("tile.empty.no_events")}
    return payload | _parts(view, dimension, metric, rows)


def _parts(view: View, dimension: str, metric: str, rows: list[Row]) -> dict[str, Any]:
    whole = sum(float(row.value(metric) or 0) for row in rows)
    selected, groups = selected_codes(view, dimension), _group_of(view, dimension)
    order = sorted(row.keys[0] for row in rows)  # colours by code, so that they do not swap when ranks do
    items = [
        {
            "code": row.keys[0],
            "label": view.label(dimension, row.keys[0]),
            "group": groups.get(row.keys[0], ""),
            "value": view.write(metric, row.value(metric)).parts(),
            "part": round(float(row.value(metric) or 0) / whole, 4),
            "share": f"{float(row.value(metric) or 0) / whole:.0%}",
            "change": draw_change(view, metric, row.value(metric), row.value(metric, BEFORE)),
            "colour": order.index(row.keys[0]),
            "selected": row.keys[0] in selected,
        }
        for row in rows
    ]
    return {
        "dimension": dimension,
        "any_selected": bool(selected),
        "items": items,
        "groups": _groups(view, dimension, items),
    }


def _group_of(view: View, dimension: str) -> dict[str, str]:
    """Each code's coarser level, where the dimension has one with named members."""
    parent = PARENT.get(dimension)
    if parent is None or dimension == "province":
        return {}
    members = view.catalogue.dimension(parent).members
    return {code: group for group, codes in members.items() for code in codes}


def _groups(view: View, dimension: str, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The coarser level's codes that occur, the largest first, each with its part of the whole."""
    parent = PARENT.get(dimension, "")
    totals: dict[str, float] = {}
    for item in items:
        if item["group"]:
            totals[item["group"]] = totals.get(item["group"], 0.0) + item["part"]
    return [
        {
            "dimension": parent,
            "code": code,
            "label": view.label(parent, code),
            "share": f"{part:.0%}",
            "selected": code in view.scope.codes(parent),
        }
        for code, part in sorted(totals.items(), key=lambda entry: -entry[1])
    ]
