"""The funnel side by side for each channel or kind of customer, with the break point named: where most was lost."""

from __future__ import annotations

from typing import Any

from core.errors import DefinitionError, UnknownNameError
from layouts.asking import blocking_dimension, compared, filters_beside, make_ask
from layouts.board import Tile
from layouts.parts import WAITING, draw_change, reason_blocked, title_of
from layouts.regions import dimension_of, selected_codes
from layouts.table import column, label, number, table
from layouts.tiles.rank import ranked
from layouts.view import PlanContext, View
from metrics.ask import CURRENT, Question
from metrics.catalogue import Catalogue
from metrics.compare import change
from metrics.formats import format_change
from metrics.reading import Row
from metrics.scope import FUNNEL_STEPS

SMALLEST = (60.0, 16.0)
STILL = True
NARROW = (38.0, 28.0)  # each row in two lines, its conversions under its name
BEFORE = "previous_day"
NOTICEABLE = -0.02
ENOUGH = 100  # events before a step, on both days: of fewer a conversion says nothing
SHOWN = 6


def check(tile: Tile, catalogue: Catalogue) -> None:
    if not tile.by:
        raise DefinitionError("board", tile.key, "a funnel side by side needs `by`: the dimension of its rows")
    if len(tile.metrics) != len(FUNNEL_STEPS):
        raise DefinitionError("board", tile.key, f"a funnel has one metric per step: {', '.join(FUNNEL_STEPS)}")
    rates = tile.options.get("rates", ())
    if len(rates) != len(FUNNEL_STEPS) - 1:
        raise DefinitionError("board", tile.key, "options.rates names one conversion metric per step after the first")
    for metric in (*rates, *tile.metrics):
        if metric not in catalogue.metrics:
            raise UnknownNameError("metric", metric, catalogue.metrics)
        if tile.by not in catalogue.metric(metric).dimensions:
            raise DefinitionError("board", tile.key, f"{metric} cannot be split by {tile.by}")


def plan(tile: Tile, context: PlanContext) -> dict[str, Question]:
    dimension = dimension_of(tile, context.profile)
    filters, metrics = filters_beside(context.scope, dimension), (*tile.metrics, *tile.options["rates"])
    if any(blocking_dimension(context.catalogue, metric, filters, dimension) for metric in metrics):
        return {}
    return {"steps": make_ask(metrics, compared(context, context.span, BEFORE), filters, dimension)}


def draw(tile: Tile, view: View) -> dict[str, Any]:
    dimension = dimension_of(tile, view.profile)
    filters = filters_beside(view.scope, dimension)
    default = view.words.t("tile.funnel_by.title", dimension=view.dimension_name(dimension))
    payload: dict[str, Any] = {"title": title_of(tile, view, default)}
    for metric in (*tile.metrics, *tile.options["rates"]):
        reason = reason_blocked(view, metric, filters, dimension)
        if reason:
            return payload | {"empty": reason}
    reading = view.reading("steps")
    if reading is None:
        return payload | WAITING
    rows = ranked(reading.rows, tile.metrics[0], CURRENT)
    if not rows:
        return payload | {"empty": view.words.t("tile.empty.no_events")}
    count = int(tile.options.get("shown", SHOWN))
    worst = break_point(tile, rows[:count])
    chosen = selected_codes(view, dimension)
    lines = [{"code": row.keys[0], "cells": _cells(tile, view, dimension, row, worst)} for row in rows[:count]]
    return payload | {
        "note": _note(tile, view, dimension, rows, worst),
        **table(
            _columns(tile, view, dimension),
            lines,
            dimension,
            count,
            {row.keys[0]: row.keys[0] in chosen for row in rows},
        ),
    }


def break_point(tile: Tile, rows: list[Row]) -> tuple[str, str] | None:
    """(code, rate) whose conversion lost the largest part of itself since yesterday; None when none lost noticeably."""
    losses: dict[tuple[str, str], float] = {}
    for row in rows:
        for step, rate in zip(tile.metrics, tile.options["rates"], strict=False):
            enough = min(float(row.value(step) or 0), float(row.value(step, BEFORE) or 0)) >= ENOUGH
            moved = change(row.value(rate), row.value(rate, BEFORE), "count") if enough else None
            if moved is not None:
                losses[row.keys[0], rate] = moved
    worst = min(losses, key=lambda where: losses[where], default=None)
    return worst if worst and losses[worst] <= NOTICEABLE else None


def _steps(view: View) -> list[str]:
    return [view.words.t(f"tile.funnel.step.{step}") for step in FUNNEL_STEPS]


def _columns(tile: Tile, view: View, dimension: str) -> list[dict[str, Any]]:
    steps = _steps(view)
    return [
        column("name", view.dimension_name(dimension), "label", "minmax(0, 1.3fr)"),
        column("first", steps[0], "number", "minmax(0, 1fr)"),
        *[
            column(rate, f"{steps[place]} → {steps[place + 1]}", "rate", "minmax(0, 1.35fr)", short=steps[place + 1])
            for place, rate in enumerate(tile.options["rates"])
        ],
        column("last", steps[-1], "number", "minmax(0, 1fr)"),
    ]


def _cells(tile: Tile, view: View, dimension: str, row: Row, worst: tuple[str, str] | None) -> dict[str, Any]:
    code = row.keys[0]
    rates = {
        rate: {
            "text": str(view.write(rate, row.value(rate))),
            "change": draw_change(view, rate, row.value(rate), row.value(rate, BEFORE)),
            "tone": "bad" if worst == (code, rate) else "",
        }
        for rate in tile.options["rates"]
    }
    return {
        "name": label(view.label(dimension, code)),
        "first": number(view, tile.metrics[0], row.value(tile.metrics[0])),
        **rates,
        "last": number(view, tile.metrics[-1], row.value(tile.metrics[-1])),
    }


def _note(tile: Tile, view: View, dimension: str, rows: list[Row], worst: tuple[str, str] | None) -> str:
    """The break point as a sentence: who, which step, by how much."""
    if worst is None:
        return view.words.t("tile.funnel_by.steady")
    code, rate = worst
    row, steps, place = (
        next(row for row in rows if row.keys[0] == code),
        _steps(view),
        list(tile.options["rates"]).index(rate),
    )
    lost = change(row.value(rate), row.value(rate, BEFORE), "count")  # a part of itself, not points
    return view.words.t(
        "tile.funnel_by.break",
        where=view.label(dimension, code),
        step=f"{steps[place]} → {steps[place + 1]}",
        change=str(format_change(lost, "count", view.locale)),
    )
