"""How tiles phrase what they want to know, so that equal wishes become equal questions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from layouts.board import Tile
from layouts.view import PlanContext
from metrics.ask import CURRENT, Ask, Filters
from metrics.calendar import Span
from metrics.catalogue import Catalogue
from metrics.scope import Scope

Spans = tuple[tuple[str, Span], ...]

# Dimensions that are rungs of one ladder: a chart over one of them lifts the filters on all of them.
LADDERS = (
    ("country",),
    ("large_region", "province", "city"),
    ("scene", "channel"),
    ("room_kind", "room"),
    ("category", "sku"),
    ("customer", "tier"),
)
# What tiles count when a funnel step is in focus. `pay` leaves a tile its own metric: that is what it shows anyway.
STEP_METRICS = {
    "impression": "impressions",
    "click": "clicks",
    "view": "product_views",
    "cart": "cart_adds",
    "order": "orders_created",
}


def levels_of(dimension: str) -> tuple[str, ...]:
    """The dimension and its coarser and finer levels."""
    return next((ladder for ladder in LADDERS if dimension in ladder), (dimension,))


def filters_beside(scope: Scope, dimension: str | None) -> Filters:
    """The scope's filters without those on `dimension` and its levels: how a clicked chart keeps its full view."""
    return scope.without(*levels_of(dimension)).filters if dimension else scope.filters


def lead_metric(tile: Tile, scope: Scope) -> str:
    """The metric a tile leads with: its first, or the focused funnel step's when the tile follows steps."""
    if tile.options.get("follow_step") and scope.step in STEP_METRICS:
        return STEP_METRICS[str(scope.step)]
    return tile.metrics[0]


def blocking_dimension(catalogue: Catalogue, metric: str, filters: Filters, by: str | None = None) -> str | None:
    """The first dimension in use that a metric cannot be split or filtered by; None when all are allowed."""
    allowed = catalogue.metric(metric).dimensions
    used = [dimension for dimension, _ in filters] + ([by] if by else [])
    return next((dimension for dimension in used if dimension not in allowed), None)


def compared(context: PlanContext, span: Span, *comparisons: str) -> Spans:
    """`current` and its comparisons by name, each the fair counterpart of the span."""
    return ((CURRENT, span), *((name, context.calendar.same_part(span, name)) for name in comparisons))


def make_ask(
    metrics: Sequence[str],
    spans: Spans,
    filters: Filters = (),
    by: str | None = None,
    grain: str | None = None,
    limit: int | None = None,
) -> Ask:
    """An ask named by its content, so that two tiles with the same wish ask with the same value."""
    name = " ".join(("per", grain) if grain else ("total",)) + (f" by {by}" if by else "")
    return Ask(name, tuple(metrics), spans, (by,) if by else (), grain, filters, limit)


def last_minutes(span: Span, minutes: int) -> Span:
    """The last complete minutes before the span's end, never reaching before its start."""
    end = span.end.replace(second=0, microsecond=0)
    return Span(max(span.start, end - timedelta(minutes=minutes)), max(span.start, end))


def recent(context: PlanContext, minutes: int) -> Span:
    """The last complete minutes where time is running, else the whole of the past day."""
    running = context.scope.day is None or context.scope.at is not None
    return last_minutes(context.span, minutes) if running else context.span


def whole_hours_before(moment: datetime, hours: int) -> Span:
    """The last complete clock hours (UTC; zones off by half an hour are served by minutes just as well)."""
    end = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return Span(end - timedelta(hours=hours), end)
