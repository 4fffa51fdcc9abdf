"""The pieces that several tile kinds draw: changes, titles, reasons for emptiness, sparklines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from layouts.asking import blocking_dimension
from layouts.board import Tile
from layouts.view import View
from metrics.ask import Filters
from metrics.compare import change
from metrics.formats import direction, format_change, format_clock
from metrics.reading import Number, Row

Payload = dict[str, Any]
WAITING: Payload = {"waiting": True}  # nothing answered yet: the frame keeps the skeleton


def title_of(tile: Tile, view: View, default: str, metric: str | None = None) -> str:
    """The tile's title: its own words when the board names some, else the kind's; says so when it follows a step."""
    title = view.words.t(tile.title) if tile.title else default
    if metric and tile.options.get("follow_step") and view.scope.step and metric != tile.metrics[0]:
        return f"{title} · {view.name(metric)}"
    return title


def versus(view: View, comparison: str) -> str:
    """The words for what a change is measured against."""
    return view.words.t(f"tile.versus.{comparison}{'_whole' if view.whole_day else ''}")


def draw_change(view: View, metric: str, current: Number, previous: Number) -> Payload:
    """A change as text with its direction, and whether that direction is good (None where it is neither)."""
    unit = view.metric(metric).unit
    moved = change(current, previous, unit)
    way = direction(moved, unit)
    wanted = view.metric(metric).good
    good = None if way == "flat" or wanted not in ("up", "down") else way == wanted
    return {"text": str(format_change(moved, unit, view.locale)), "direction": way, "good": good}


def draw_changes(view: View, metric: str, row: Row, comparisons: Sequence[str]) -> list[Payload]:
    """One change per comparison, each with the words for what it is measured against."""
    return [
        {
            "against": versus(view, name),
            "short": view.words.t(f"tile.short.{name}"),
            **draw_change(view, metric, row.value(metric), row.value(metric, name)),
        }
        for name in comparisons
    ]


def reason_blocked(view: View, metric: str, filters: Filters, by: str | None = None) -> str | None:
    """Why a metric cannot be shown under the filters, as a sentence; None when it can."""
    dimension = blocking_dimension(view.catalogue, metric, filters, by)
    if dimension is None:
        return None
    return view.words.t("tile.empty.filtered", metric=view.name(metric), dimension=view.dimension_name(dimension))


def is_silent(row: Row, metrics: Sequence[str]) -> bool:
    """Whether a row holds no number other than zero."""
    return not any(row.value(metric) for metric in metrics)


def clock(view: View, *, seconds: bool = False) -> str:
    """The view's moment on the business's clock."""
    return format_clock(view.as_of, view.profile.zone, seconds)


def sparkline(values: Sequence[Number], low: float = 0.0) -> list[float | None]:
    """Values as heights between 0 and 1, from `low` (or the smallest, when below it) to the largest."""
    known = [float(value) for value in values if value is not None]
    if not known:
        return []
    bottom, top = min(low, *known), max(known)
    spread = (top - bottom) or 1.0
    return [None if value is None else round((float(value) - bottom) / spread, 3) for value in values]


def shares(values: Sequence[Number]) -> list[float]:
    """Each value as a part of the largest, 0 to 1, for bars."""
    largest = max((float(value) for value in values if value is not None), default=0.0)
    return [round(float(value) / largest, 4) if value and largest > 0 else 0.0 for value in values]


def by_key(rows: Sequence[Row]) -> dict[str, Row]:
    """Rows of an ask with one `by`, by their code."""
    return {row.keys[0]: row for row in rows if row.keys}


def curve(rows: Sequence[Row], metric: str, span: str, buckets: int) -> list[Number]:
    """A metric's values by bucket; None where nothing came back."""
    values: list[Number] = [None] * buckets
    for row in rows:
        if row.bucket is not None and 0 <= row.bucket < buckets:
            values[row.bucket] = row.value(metric, span)
    return values
