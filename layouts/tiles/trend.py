"""The day's course: a metric's total so far and its pace, against yesterday at the same time.

Only sums travel, in buckets of a few minutes; the browser adds them up for the cumulative view.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core.errors import DefinitionError
from layouts.asking import blocking_dimension, lead_metric, make_ask
from layouts.board import Tile
from layouts.parts import WAITING, curve, reason_blocked
from layouts.view import PlanContext, View
from metrics.ask import CURRENT, Question
from metrics.calendar import Span
from metrics.catalogue import Catalogue
from metrics.formats import format_clock, number_scale
from metrics.reading import Number, Reading
from metrics.scope import Scope

SMALLEST = (36.0, 24.0)
STILL = True

BEFORE = "previous_day"
LABELLED_HOURS = 4
MODES = ("cumulative", "rate")


def check(tile: Tile, catalogue: Catalogue) -> None:
    if len(tile.metrics) != 1:
        raise DefinitionError("board", tile.key, "a trend shows exactly one metric")
    if tile.options.get("mode", MODES[0]) not in MODES:
        raise DefinitionError("board", tile.key, f"options.mode is one of {', '.join(MODES)}")
    if 60 % int(tile.options.get("bucket", 5)):
        raise DefinitionError("board", tile.key, "options.bucket is a number of minutes that divides an hour")


def metric_of(tile: Tile, catalogue: Catalogue, scope: Scope) -> str:
    """The metric in focus (a clicked alert's), else the focused step's, else the tile's own."""
    if scope.focus in catalogue.metrics:
        return str(scope.focus)
    return lead_metric(tile, scope)


def plan(tile: Tile, context: PlanContext) -> dict[str, Question]:
    metric, filters = metric_of(tile, context.catalogue, context.scope), context.scope.filters
    if blocking_dimension(context.catalogue, metric, filters):
        return {}
    grain = "minute" if context.catalogue.metric(metric).additive else "hour"
    before = context.calendar.same_part(context.calendar.whole(context.day), BEFORE)
    spans = ((CURRENT, context.span), (BEFORE, before))
    return {"curve": make_ask((metric,), spans, filters, grain=grain)}


def draw(tile: Tile, view: View) -> dict[str, Any]:
    metric = metric_of(tile, view.catalogue, view.scope)
    payload: dict[str, Any] = {"title": view.words.t("tile.trend.title", metric=view.name(metric))}
    reason = reason_blocked(view, metric, view.scope.filters)
    if reason:
        return payload | {"empty": reason}
    reading = view.reading("curve")
    if reading is None or metric not in reading.ask.metrics:
        return payload | WAITING
    adds = view.metric(metric).additive
    bucket = int(tile.options.get("bucket", 5)) if adds else 60
    day = view.calendar.whole(view.calendar.day_of(reading.ask.current.start))
    return payload | _series(tile, view, metric, reading, day, bucket, adds)


def _series(
    tile: Tile, view: View, metric: str, reading: Reading, day: Span, bucket: int, adds: bool
) -> dict[str, Any]:
    buckets = round(day.minutes) // bucket
    grain = 1 if reading.ask.grain == "minute" else 60
    now = reading.ask.current.minutes
    return {
        "metric": metric,
        "mode": str(tile.options.get("mode", MODES[0])),
        "adds": adds,
        "bucket": bucket,
        "times": _times(view, day, buckets, bucket),
        "ticks": list(range(0, buckets + 1, LABELLED_HOURS * 60 // bucket)),
        "now": round(now / bucket, 2),
        "current": _gathered(reading, metric, CURRENT, buckets, bucket // grain or 1, adds)[: int(-(-now // bucket))],
        "before": _gathered(reading, metric, BEFORE, buckets, bucket // grain or 1, adds),
        "scale": number_scale(view.metric(metric).unit, view.locale, view.profile.currency),
        "words": _words(view, bucket, adds),
    }


def _times(view: View, day: Span, buckets: int, bucket: int) -> list[str]:
    """The edges of the buckets on the business's clock, the last one as the end of the day rather than its start."""
    moments = [day.start + timedelta(minutes=place * bucket) for place in range(buckets + 1)]
    times = [format_clock(moment, view.profile.zone, seconds=False) for moment in moments]
    return [*times[:-1], "24:00" if times[-1] == "00:00" else times[-1]]


def _words(view: View, bucket: int, adds: bool) -> dict[str, str]:
    t = view.words.t
    return {
        "cumulative": t("tile.trend.cumulative"),
        "rate": t("tile.trend.rate"),
        "current": t("tile.trend.current" if view.scope.day is None else "tile.trend.current_day"),
        "before": t("tile.trend.previous" if view.scope.day is None else "tile.trend.previous_day"),
        "bucket": t("tile.trend.bucket", minutes=bucket) if adds else t("tile.trend.hourly"),
        "per_minute": t("unit.per_minute"),
    }


def _gathered(reading: Reading, metric: str, span: str, buckets: int, size: int, adds: bool) -> list[Number]:
    """Fine buckets gathered into coarse ones: sums where the metric adds up (nothing is 0 then), else as they are."""
    fine = curve(reading.rows, metric, span, buckets * size)
    if not adds:
        return [None if value is None else round(float(value), 6) for value in fine]
    return [round(sum(value or 0 for value in fine[i * size : (i + 1) * size]), 2) for i in range(buckets)]
