"""One key figure: value, change against yesterday and last week, and a sparkline of its recent course."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core.errors import DefinitionError
from layouts.asking import (
    blocking_dimension,
    compared,
    last_minutes,
    make_ask,
    whole_hours_before,
)
from layouts.board import Tile
from layouts.parts import WAITING, curve, draw_changes, reason_blocked, sparkline, title_of
from layouts.view import PlanContext, View
from metrics.ask import Question
from metrics.calendar import COMPARISONS, Span
from metrics.catalogue import Catalogue
from metrics.reading import Reading

SMALLEST = (18.0, 12.0)
STILL = True
PACES = {"spark": 60.0, "changes": 60.0}
GRAINS = ("hour", "minute")
CHANGES = ("moment", "minute")  # up to when changes are counted: the value's own moment, or the last whole minute
MINUTES_SHOWN, HOURS_SHOWN = 60, 24


def check(tile: Tile, catalogue: Catalogue) -> None:
    if len(tile.metrics) != 1:
        raise DefinitionError("board", tile.key, "a kpi shows exactly one metric")
    if tile.options.get("spark", "hour") not in GRAINS:
        raise DefinitionError("board", tile.key, f"options.spark is one of {', '.join(GRAINS)}")
    if tile.options.get("changes", "moment") not in CHANGES:
        raise DefinitionError("board", tile.key, f"options.changes is one of {', '.join(CHANGES)}")


def plan(tile: Tile, context: PlanContext) -> dict[str, Question]:
    metric, filters = tile.metrics[0], context.scope.filters
    if blocking_dimension(context.catalogue, metric, filters):
        return {}
    grain, window = str(tile.options.get("spark", "hour")), _window(tile, context)
    spark = make_ask((metric,), (("current", _course(grain, context)),), filters, grain=grain)
    if tile.options.get("changes") == "minute":
        until = Span(window.start, max(window.start, window.end.replace(second=0, microsecond=0)))
        return {
            "total": make_ask((metric,), compared(context, window), filters),
            "changes": make_ask((metric,), compared(context, until, *COMPARISONS), filters),
            "spark": spark,
        }
    return {"total": make_ask((metric,), compared(context, window, *COMPARISONS), filters), "spark": spark}


def _window(tile: Tile, context: PlanContext) -> Span:
    """The last few complete minutes where the tile asks for them and time is running, else the day so far."""
    minutes = tile.options.get("minutes")
    running = context.scope.day is None or context.scope.at is not None
    return last_minutes(context.span, int(minutes)) if minutes and running else context.span


def _course(grain: str, context: PlanContext) -> Span:
    """What the sparkline covers: complete minutes or hours before the moment, reaching over midnight."""
    end = context.span.end
    if grain == "hour":
        return whole_hours_before(end, HOURS_SHOWN)
    end = end.replace(second=0, microsecond=0)
    return Span(end - timedelta(minutes=MINUTES_SHOWN), end)


def draw(tile: Tile, view: View) -> dict[str, Any]:
    metric = tile.metrics[0]
    payload: dict[str, Any] = {
        "title": " · ".join(filter(None, (title_of(tile, view, view.name(metric)), _window_words(tile, view))))
    }
    reason = reason_blocked(view, metric, view.scope.filters)
    if reason:
        return payload | {"empty": reason}
    reading = view.reading("total")
    if reading is None:
        return payload | WAITING
    row, moved = reading.total(), view.reading("changes") or reading
    return payload | {
        "value": view.write(metric, row.value(metric)).parts(),
        "changes": draw_changes(view, metric, moved.total(), tuple(COMPARISONS)),
        "spark": _spark(view.reading("spark"), metric),
    }


def _window_words(tile: Tile, view: View) -> str:
    """Which window the value covers, where it is not the day."""
    minutes = tile.options.get("minutes")
    if not minutes:
        return ""
    if not view.whole_day:
        return view.words.t("tile.kpi.window", minutes=minutes)
    averaged = view.metric(tile.metrics[0]).unit.startswith("rate_")
    return view.words.t("tile.kpi.window_day" if averaged else "tile.kpi.window_whole")


def _spark(reading: Reading | None, metric: str) -> list[float | None]:
    if reading is None:
        return []
    minutes = reading.ask.current.minutes
    buckets = round(minutes / (60 if reading.ask.grain == "hour" else 1))
    return sparkline(curve(reading.rows, metric, "current", buckets))
