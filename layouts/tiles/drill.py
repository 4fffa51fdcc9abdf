"""Regions rung by rung: large regions, provinces of one, cities of one, with the path above and goals beside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.errors import DefinitionError
from layouts.asking import blocking_dimension, compared, make_ask
from layouts.board import Tile
from layouts.parts import WAITING, draw_change, reason_blocked, title_of
from layouts.table import bar, column, label, number, table
from layouts.tiles.rank import ranked
from layouts.view import PlanContext, View
from metrics.ask import CURRENT, Filters, Question
from metrics.catalogue import Catalogue
from metrics.cities import load_cities
from metrics.formats import format_value
from metrics.goals import goal_for, part_of
from metrics.profile import StoreProfile
from metrics.reading import Row
from metrics.regions import RegionSet
from metrics.scope import Scope

SMALLEST = (36.0, 24.0)
STILL = True
BEFORE = "previous_day"
SHOWN = 12
TOP, MIDDLE, CITY = "large_region", "province", "city"


@dataclass(frozen=True, slots=True)
class Rung:
    """Where the drill stands: what it splits by, inside which codes, and the path to there as (dimension, code)."""

    dimension: str
    inside: Filters
    path: tuple[tuple[str, str], ...]


def rung_of(scope: Scope, profile: StoreProfile, regions: RegionSet) -> Rung:
    """One code chosen on a rung opens the next finer one; several, or none, leave the rung as it is."""
    if profile.region_level != MIDDLE or not regions.parents:
        return Rung(profile.region_level, (), ())
    large, provinces = scope.codes(TOP), scope.codes(MIDDLE)
    if len(provinces) == 1 and provinces[0] in regions.regions:
        (province,) = provinces
        above = regions.regions[province].parent
        path = ((TOP, above), (MIDDLE, province)) if above else ((MIDDLE, province),)
        return Rung(CITY, ((MIDDLE, provinces),), path)
    if len(large) == 1:
        return Rung(MIDDLE, ((TOP, large),), ((TOP, large[0]),))
    return Rung(MIDDLE if provinces else TOP, (), ())


def check(tile: Tile, catalogue: Catalogue) -> None:
    if len(tile.metrics) != 1 or tile.by:
        raise DefinitionError("board", tile.key, "a drill ranks regions by exactly one metric and takes no `by`")
    missing = [name for name in (TOP, MIDDLE, CITY) if name not in catalogue.metric(tile.metrics[0]).dimensions]
    if missing:
        raise DefinitionError("board", tile.key, f"{tile.metrics[0]} cannot be split by {missing[0]}")


def _filters(scope: Scope, rung: Rung) -> Filters:
    return tuple(sorted((*scope.without("country", TOP, MIDDLE, CITY).filters, *rung.inside)))


def plan(tile: Tile, context: PlanContext) -> dict[str, Question]:
    rung = rung_of(context.scope, context.profile, context.regions)
    filters, metric = _filters(context.scope, rung), tile.metrics[0]
    if blocking_dimension(context.catalogue, metric, filters, rung.dimension):
        return {}
    return {"drill": make_ask((metric,), compared(context, context.span, BEFORE), filters, rung.dimension)}


def draw(tile: Tile, view: View) -> dict[str, Any]:
    rung = rung_of(view.scope, view.profile, view.regions)
    metric = tile.metrics[0]
    title = view.words.t("tile.rank.title", dimension=view.dimension_name(rung.dimension))
    payload: dict[str, Any] = {"title": title_of(tile, view, title), "path": _path(view, rung)}
    reason = reason_blocked(view, metric, _filters(view.scope, rung), rung.dimension)
    if reason:
        return payload | {"empty": reason}
    reading = view.reading("drill")
    if reading is None or reading.ask.by != (rung.dimension,):
        return payload | WAITING
    rows = ranked(reading.rows, metric, CURRENT)
    if not rows:
        return payload | {"empty": view.words.t("tile.empty.no_events"), "path": []}
    count = int(tile.options.get("shown", SHOWN))
    return payload | _table(view, rung, metric, rows, count)


def _path(view: View, rung: Rung) -> list[dict[str, Any]]:
    """The way down as buttons: each keeps what is above it and lets go of what is below (`clear`)."""
    rungs = (TOP, MIDDLE, CITY)
    steps: list[dict[str, Any]] = [
        {"key": "", "label": view.words.t("tile.drill.all"), "clear": list(rungs), "keep": {}}
    ]
    for dimension, code in rung.path:
        below = list(rungs[rungs.index(dimension) + 1 :])
        steps.append(
            {"key": dimension, "label": view.label(dimension, code), "clear": below, "keep": {dimension: code}}
        )
    return steps


def _table(view: View, rung: Rung, metric: str, rows: list[Row], count: int) -> dict[str, Any]:
    goal = None if view.scope.without(TOP, MIDDLE, CITY).filters else goal_for(view.goals, metric, view.profile)
    targets = {row.keys[0]: part_of(goal, MIDDLE, _provinces(view, rung.dimension, row.keys[0])) for row in rows}
    chosen = view.scope.codes(rung.dimension)
    t = view.words.t
    columns = [
        column("region", view.dimension_name(rung.dimension), "label", "minmax(0, 1fr)"),
        column("value", view.name(metric), "number", "11.5rem"),
        column("change", t("tile.drill.change"), "change", "10.8rem", wide=True),
    ]
    if any(targets.values()):
        columns.append(column("goal", t("tile.drill.goal"), "bar", "12.8rem", narrow="8.4rem"))
    lines = [
        {
            "code": row.keys[0],
            "cells": {
                "region": label(view.label(rung.dimension, row.keys[0])),
                "value": number(view, metric, row.value(metric)),
                "change": draw_change(view, metric, row.value(metric), row.value(metric, BEFORE)),
                "goal": _attained(view, float(row.value(metric) or 0), targets[row.keys[0]]),
            },
        }
        for row in rows[:count]
    ]
    return table(columns, lines, rung.dimension, count, {row.keys[0]: row.keys[0] in chosen for row in rows})


def _provinces(view: View, dimension: str, code: str) -> tuple[str, ...]:
    """The provinces that a code of the rung is made of; none for a city, whose goal nobody set."""
    if dimension == TOP:
        return view.regions.children_of(code)
    return (code,) if dimension == MIDDLE else ()


def _attained(view: View, value: float, target: float | None) -> dict[str, Any]:
    if not target:
        return bar(None, view.words.t("tile.none"))
    part = value / target
    return bar(part, str(format_value(part, "ratio", view.locale)), "good" if part >= 1 else "")


def city_map(scope: Scope, profile: StoreProfile, regions: RegionSet) -> str | None:
    """The province whose cities a map may show: the drill stands in it, and its cities are units of its map."""
    rung = rung_of(scope, profile, regions)
    if rung.dimension != CITY or profile.map != "cn_provinces":
        return None
    province = rung.inside[0][1][0]
    # the map of a municipality shows its districts, and events name only the city
    return province if sum(city.province == province for city in load_cities().values()) > 1 else None
