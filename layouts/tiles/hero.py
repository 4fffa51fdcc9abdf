"""The one number of the wall: today's figure with rolling digits, its changes, and how much of the goal is reached."""

from __future__ import annotations

from typing import Any

from core.errors import DefinitionError
from layouts.asking import blocking_dimension, compared, lead_metric, make_ask
from layouts.board import Tile
from layouts.parts import WAITING, draw_changes, reason_blocked, title_of
from layouts.view import PlanContext, View
from metrics.ask import Question
from metrics.calendar import COMPARISONS
from metrics.catalogue import Catalogue
from metrics.formats import format_day, format_value
from metrics.goals import goal_for

SMALLEST = (36.0, 18.0)
STILL = True


def check(tile: Tile, catalogue: Catalogue) -> None:
    if len(tile.metrics) != 1:
        raise DefinitionError("board", tile.key, "a hero shows exactly one metric")


def plan(tile: Tile, context: PlanContext) -> dict[str, Question]:
    metric, filters = lead_metric(tile, context.scope), context.scope.filters
    if blocking_dimension(context.catalogue, metric, filters):
        return {}
    return {"total": make_ask((metric,), compared(context, context.span, *COMPARISONS), filters)}


def draw(tile: Tile, view: View) -> dict[str, Any]:
    metric = lead_metric(tile, view.scope)
    reason = reason_blocked(view, metric, view.scope.filters)
    payload: dict[str, Any] = {"title": _title(tile, view, metric)}
    reading = view.reading("total")
    if reason:
        return payload | {"empty": reason}
    if reading is None:
        return payload | WAITING
    row = reading.total()
    value = row.value(metric)
    return payload | {
        "value": view.write(metric, value, exact=True).parts(),
        "compact": str(view.write(metric, value)),
        "changes": draw_changes(view, metric, row, tuple(COMPARISONS)),
        "goal": _goal(view, metric, value),
    }


def _title(tile: Tile, view: View, metric: str) -> str:
    day = view.scope.day
    if tile.title or day is None:
        return title_of(tile, view, view.words.t("tile.hero.title"), metric)
    words = view.words.t("tile.hero.title_day", day=format_day(day, view.locale))
    return title_of(tile, view, words, metric)


def _goal(view: View, metric: str, value: float | int | None) -> dict[str, Any] | None:
    """How much of the day's goal is reached; None without a goal or under a filter, which the goal knows nothing of."""
    goal = goal_for(view.goals, metric, view.profile)
    if goal is None or value is None or view.scope.filters or not goal.target:
        return None
    part = float(value) / float(goal.target)
    return {
        "part": round(min(part, 1.0), 4),
        "reached": part >= 1,
        "text": view.words.t(
            "tile.hero.goal_line",
            target=str(view.write(metric, goal.target)),
            share=str(format_value(part, "ratio", view.locale)),
        ),
    }
