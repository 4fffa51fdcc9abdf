"""The map: regions coloured by value, change or conversion, with large regions below to click as well."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from core.errors import DefinitionError
from layouts.asking import blocking_dimension, compared, filters_beside, lead_metric, make_ask
from layouts.board import Tile
from layouts.parts import WAITING, by_key, draw_change, reason_blocked, title_of
from layouts.regions import PARENT, dimension_of, map_frames, selected_codes
from layouts.tiles.drill import city_map
from layouts.view import PlanContext, View
from metrics.ask import CURRENT, Filters, Question
from metrics.catalogue import Catalogue
from metrics.cities import cities_of
from metrics.compare import change
from metrics.formats import Text, format_change
from metrics.reading import Number, Reading, Row

SMALLEST = (36.0, 28.0)
STILL = True
PACES = {"conversion": 60.0}
BEFORE = "previous_day"
CLASSES = 5
CHANGE_BREAKS = (-0.2, -0.05, 0.05, 0.2)
NOTHING = Row((), None, {})


def check(tile: Tile, catalogue: Catalogue) -> None:
    if len(tile.metrics) not in (1, 2):
        raise DefinitionError("board", tile.key, "a map shows a metric, and a conversion beside it if it has two")


def plan(tile: Tile, context: PlanContext) -> dict[str, Question]:
    dimension, inside = _stand(tile, context)
    filters = tuple(sorted((*filters_beside(context.scope, dimension), *inside)))
    wanted = {"value": lead_metric(tile, context.scope)}
    if len(tile.metrics) > 1:
        wanted["conversion"] = tile.metrics[1]
    return {
        role: make_ask((metric,), compared(context, context.span, BEFORE), filters, dimension)
        for role, metric in wanted.items()
        if not blocking_dimension(context.catalogue, metric, filters, dimension)
    }


def draw(tile: Tile, view: View) -> dict[str, Any]:
    dimension, inside = _stand(tile, view)
    metric = lead_metric(tile, view.scope)
    payload: dict[str, Any] = {"title": title_of(tile, view, view.words.t("tile.map.title"), metric)}
    reason = reason_blocked(view, metric, filters_beside(view.scope, dimension), dimension)
    if reason:
        return payload | {"empty": reason}
    reading = view.reading("value")
    if reading is None or reading.ask.by != (dimension,):
        return payload | WAITING
    conversion = tile.metrics[1] if len(tile.metrics) > 1 and view.reading("conversion") else None
    return payload | {
        "dimension": dimension,
        "frame": _frame(view, inside),
        "modes": _modes(view, metric, conversion),
        **_coloured(view, dimension, metric, conversion, reading, inside),
        "parents": _parents(view, dimension, metric, reading),
    }


def _stand(tile: Tile, where: PlanContext | View) -> tuple[str, Filters]:
    """The dimension of the shapes, and inside which province: where the board drills, one province opens its cities."""
    province = city_map(where.scope, where.profile, where.regions) if tile.options.get("drill") else None
    return ("city", (("province", (province,)),)) if province else (dimension_of(tile, where.profile), ())


def _frame(view: View, inside: Filters) -> dict[str, Any]:
    """The map's file and window; labels of the inset in the locale."""
    if inside:
        return {"map": f"cn_cities/{inside[0][1][0]}"}
    frame = dict(map_frames().get(view.profile.map, {}))
    if "inset" in frame:
        frame["inset"] = frame["inset"] | {"label": view.words.t(frame["inset"]["label"])}
    return {"map": view.profile.map, **frame}


def _modes(view: View, metric: str, conversion: str | None) -> list[dict[str, str]]:
    modes = [
        {"code": "value", "label": view.name(metric)},
        {"code": "change", "label": view.words.t("tile.map.by.change")},
    ]
    return modes + ([{"code": "conversion", "label": view.name(conversion)}] if conversion else [])


def _coloured(
    view: View, dimension: str, metric: str, conversion: str | None, reading: Reading, inside: Filters = ()
) -> dict[str, Any]:
    """Every region with its texts and its colour class in each mode, and the legends of the modes."""
    rows = by_key(reading.rows)
    rates_reading = view.reading("conversion")
    rates = by_key(rates_reading.rows) if rates_reading and conversion else {}
    shapes = set(cities_of(inside[0][1][0])) if inside else set(view.regions.regions)
    codes = sorted(shapes | (set(rows) - {""}))
    values = [rows.get(code, NOTHING).value(metric) for code in codes]
    unit = view.metric(metric).unit
    changes = [
        change(rows.get(code, NOTHING).value(metric), rows.get(code, NOTHING).value(metric, BEFORE), unit)
        for code in codes
    ]
    shares = [rates.get(code, NOTHING).value(conversion) if conversion else None for code in codes]
    breaks = {"value": quantile_breaks(values), "change": CHANGE_BREAKS, "conversion": quantile_breaks(shares)}
    selected = selected_codes(view, dimension)
    regions = [
        {
            "code": code,
            "label": view.label(dimension, code),
            "value": str(view.write(metric, value)),
            "change": draw_change(view, metric, value, rows.get(code, NOTHING).value(metric, BEFORE)),
            "conversion": str(view.write(conversion, rate)) if conversion else "",
            "classes": [
                class_of(value or None, breaks["value"]),
                class_of(moved, breaks["change"]),
                class_of(rate or None, breaks["conversion"]),
            ],
            "selected": code in selected,
        }
        for code, value, moved, rate in zip(codes, values, changes, shares, strict=True)
    ]
    return {"regions": regions, "legends": _legends(view, metric, conversion, breaks), "any_selected": bool(selected)}


def _legends(
    view: View, metric: str, conversion: str | None, breaks: dict[str, Sequence[float]]
) -> dict[str, list[str]]:
    """The texts between neighbouring colours, by mode."""
    return {
        "value": [_short(view.write(metric, limit)) for limit in breaks["value"]],
        "change": [_short(format_change(limit, "", view.locale)) for limit in CHANGE_BREAKS],
        "conversion": [_short(view.write(conversion, limit)) for limit in breaks["conversion"]] if conversion else [],
    }


def _short(text: Text) -> str:
    """A limit in a legend: no currency, no zeros that say nothing."""
    number = text.number.rstrip("0").rstrip(".") if "." in text.number else text.number
    return f"{text.sign}{number}{text.unit}"


def quantile_breaks(values: Sequence[Number], classes: int = CLASSES) -> list[float]:
    """Limits that put about as many regions into each class, on two digits so that they stand still between ticks."""
    known = sorted(float(value) for value in values if value)
    if len(known) < classes:
        return []
    limits = [known[len(known) * step // classes] for step in range(1, classes)]
    return sorted({_two_digits(limit) for limit in limits})


def _two_digits(value: float) -> float:
    return float(Decimal(f"{value:.1e}"))


def class_of(value: Number, breaks: Sequence[float]) -> int:
    """The colour class of a value, 0 the lowest; -1 for no number."""
    return -1 if value is None else bisect_right(breaks, value)


def _parents(view: View, dimension: str, metric: str, reading: Reading) -> list[dict[str, Any]]:
    """Large regions with their part of the whole; empty where the store's regions have none or shares mean nothing."""
    parent = PARENT.get(dimension)
    if parent is None or not view.regions.parents or not view.metric(metric).additive:
        return []
    totals = dict.fromkeys(view.regions.parents, 0.0)
    for row in reading.rows:
        region = view.regions.regions.get(row.keys[0])
        if region and region.parent:
            totals[region.parent] += float(row.value(metric, CURRENT) or 0)
    whole = sum(totals.values())
    return [
        {
            "dimension": parent,
            "code": code,
            "label": view.label(parent, code),
            "share": f"{total / whole:.0%}" if whole else "",
            "selected": code in view.scope.codes(parent),
        }
        for code, total in sorted(totals.items(), key=lambda entry: -entry[1])
    ]
