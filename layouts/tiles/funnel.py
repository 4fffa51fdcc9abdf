"""From impression to payment: each step's count, how many came from the step before, and where it broke most."""

from __future__ import annotations

import math
from typing import Any

from core.errors import DefinitionError, UnknownNameError
from layouts.asking import blocking_dimension, compared, make_ask
from layouts.board import Tile
from layouts.parts import WAITING, draw_change, is_silent, reason_blocked, title_of
from layouts.view import PlanContext, View
from metrics.ask import Question
from metrics.catalogue import Catalogue
from metrics.compare import change
from metrics.reading import Number, Row
from metrics.scope import FUNNEL_STEPS

SMALLEST = (47.0, 24.0)
STILL = True
NARROW = (38.0, 32.0)  # each step in two lines

BEFORE = "previous_day"
NOTICEABLE = -0.02  # a step's conversion that lost less than 2 % of itself is not a break


def check(tile: Tile, catalogue: Catalogue) -> None:
    if len(tile.metrics) != len(FUNNEL_STEPS):
        raise DefinitionError("board", tile.key, f"a funnel has one metric per step: {', '.join(FUNNEL_STEPS)}")
    rates = tile.options.get("rates", ())
    if len(rates) != len(FUNNEL_STEPS) - 1:
        raise DefinitionError("board", tile.key, "options.rates names one conversion metric per step after the first")
    for rate in (*rates, *_overall(tile)):
        if rate not in catalogue.metrics:
            raise UnknownNameError("metric", rate, catalogue.metrics)


def _overall(tile: Tile) -> tuple[str, ...]:
    return (str(tile.options["overall"]),) if "overall" in tile.options else ()


def plan(tile: Tile, context: PlanContext) -> dict[str, Question]:
    filters = context.scope.filters
    metrics = [
        metric
        for metric in (*tile.metrics, *tile.options["rates"], *_overall(tile))
        if not blocking_dimension(context.catalogue, metric, filters)
    ]
    if not metrics:
        return {}
    return {"steps": make_ask(metrics, compared(context, context.span, "previous_day", "previous_week"), filters)}


def draw(tile: Tile, view: View) -> dict[str, Any]:
    payload: dict[str, Any] = {"title": title_of(tile, view, view.words.t("tile.funnel.title"))}
    reasons = [reason_blocked(view, metric, view.scope.filters) for metric in tile.metrics]
    if all(reasons):
        return payload | {"empty": reasons[0]}
    reading = view.reading("steps")
    if reading is None:
        return payload | WAITING
    row = reading.total()
    if is_silent(row, tile.metrics):
        return payload | {"empty": view.words.t("tile.empty.no_events")}
    rates: list[str | None] = [None, *tile.options["rates"]]
    worst = _worst(row, rates)
    largest = max(float(row.value(metric) or 0) for metric in tile.metrics)
    steps = [
        _step(view, row, step, metric, rate, largest, reason) | {"worst": rate is not None and rate == worst}
        for step, metric, rate, reason in zip(FUNNEL_STEPS, tile.metrics, rates, reasons, strict=True)
    ]
    return payload | {
        "steps": steps,
        "worst": view.words.t("tile.funnel.worst"),
        "title": " · ".join([payload["title"], *_overall_words(tile, view, row)]),
    }


def _step(
    view: View, row: Row, step: str, metric: str, rate: str | None, largest: float, reason: str | None
) -> dict[str, Any]:
    return {
        "code": step,
        "label": view.words.t(f"tile.funnel.step.{step}"),
        "value": view.write(metric, row.value(metric)).parts(),
        "width": _width(row.value(metric), largest),
        "rate": str(view.write(rate, row.value(rate))) if rate else "",
        "change": draw_change(view, rate, row.value(rate), row.value(rate, BEFORE)) if rate else None,
        "selected": view.scope.step == step,
        "reason": reason,
    }


def _width(value: Number, largest: float) -> float:
    """Bar width 0 to 1 on a log scale: a thousand impressions bring one order, a true bar of it would be a hair."""
    return round(math.log1p(float(value)) / math.log1p(largest), 4) if value and largest > 0 else 0.0


def _worst(row: Row, rates: list[str | None]) -> str | None:
    """The conversion that lost the largest part of itself since yesterday; None when none lost noticeably."""
    losses = {
        rate: moved
        for rate in rates
        if rate and (moved := change(row.value(rate), row.value(rate, BEFORE), "count")) is not None
    }
    worst = min(losses, key=lambda rate: losses[rate], default=None)
    return worst if worst and losses[worst] <= NOTICEABLE else None


def _overall_words(tile: Tile, view: View, row: Row) -> list[str]:
    """The whole funnel's conversion, for the title; nothing where the board names no metric for it."""
    return [view.words.t("tile.funnel.overall", rate=str(view.write(rate, row.value(rate)))) for rate in _overall(tile)]
