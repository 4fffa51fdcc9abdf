"""The clock of a sale: how long until it begins, how long it runs, how long it still lasts, and what it has brought.

Only moments travel; the browser counts on the server's clock, so a tick without news redraws nothing.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from core.errors import BadRequestError, DefinitionError
from layouts.asking import blocking_dimension, make_ask
from layouts.board import Tile
from layouts.parts import draw_change, reason_blocked, title_of
from layouts.view import PlanContext, View
from metrics.ask import CURRENT, Question
from metrics.calendar import BusinessCalendar, Span
from metrics.catalogue import Catalogue
from metrics.event_calendar import LAST_EVENT, SaleEvent, last_event_part, load_events
from metrics.formats import format_clock, format_day
from metrics.profile import StoreProfile

SMALLEST = (36.0, 13.0)
PACES = {"total": 10.0}


@lru_cache(maxsize=1)
def known_events() -> tuple[SaleEvent, ...]:
    """The event calendar, read once."""
    return load_events()


def next_edition(
    moment: datetime, profile: StoreProfile, calendar: BusinessCalendar, only: str = ""
) -> tuple[SaleEvent, Span] | None:
    """The edition that runs at a moment, else the next to begin; None when the calendar knows no more."""
    found = [
        (span.start, event, span)
        for event in known_events()
        if (not event.countries or profile.home_country in event.countries) and only in ("", event.key)
        for span in event.around(moment, calendar)
        if span.end > moment
    ]
    if not found:
        return None
    _, event, span = min(found, key=lambda entry: (entry[0], entry[1].key))
    return event, span


def check(tile: Tile, catalogue: Catalogue) -> None:
    if len(tile.metrics) > 1 or tile.by:
        raise DefinitionError("board", tile.key, "a countdown shows one metric of the sale at most, and takes no `by`")
    wanted, names = str(tile.options.get("event", "")), [event.key for event in known_events()]
    if wanted and wanted not in names:
        raise DefinitionError(
            "board", tile.key, f"options.event {wanted!r} is not in event_calendar.yaml: {', '.join(names)}"
        )


def plan(tile: Tile, context: PlanContext) -> dict[str, Question]:
    edition = next_edition(context.span.end, context.profile, context.calendar, str(tile.options.get("event", "")))
    if not tile.metrics or edition is None or context.span.end <= edition[1].start:
        return {}
    metric, filters = tile.metrics[0], context.scope.filters
    if blocking_dimension(context.catalogue, metric, filters):
        return {}
    spans = [(CURRENT, Span(edition[1].start, context.span.end))]
    with suppress(BadRequestError):  # the first time of this sale: nothing to compare with
        spans.append((LAST_EVENT, last_event_part(spans[0][1], known_events(), context.profile)))
    return {"total": make_ask((metric,), tuple(spans), filters)}


def _moment(view: View) -> datetime:
    """The moment shown: now, a past day's time, or the last second of a past day."""
    if view.live or view.scope.day is None:
        return view.as_of
    if view.scope.at:
        return view.calendar.at(view.scope.day, view.scope.at)
    return view.calendar.end_of(view.scope.day) - timedelta(seconds=1)


def draw(tile: Tile, view: View) -> dict[str, Any]:
    t, moment = view.words.t, _moment(view)
    edition = next_edition(moment, view.profile, view.calendar, str(tile.options.get("event", "")))
    payload: dict[str, Any] = {"title": title_of(tile, view, t("tile.countdown.title"))}
    if edition is None:
        return payload | {"empty": t("tile.countdown.none")}
    event, span = edition
    running = span.start <= moment
    return payload | {
        "name": event.zh if view.locale == "zh" else event.en,
        "start": span.start.isoformat(),
        "end": span.end.isoformat(),
        "at": None if view.live else moment.isoformat(),
        "running": running,
        "when": _when(view, span),
        "words": {name: t(f"tile.countdown.{name}") for name in ("begins", "ends", "runs", "days", "over")},
        **(_total(tile, view) if running else {"value": None, "change": None, "note": ""}),
    }


def _when(view: View, span: Span) -> str:
    """Begin and end on the business's clock, as people say them; the day once where it is the same."""
    zone = view.profile.zone
    day = format_day(view.calendar.day_of(span.start), view.locale)
    last = format_day(view.calendar.day_of(span.end - timedelta(seconds=1)), view.locale)
    until = format_clock(span.end, zone, seconds=False)
    end = "24:00" if until == "00:00" else until
    begin = f"{day} {format_clock(span.start, zone, seconds=False)}"
    return f"{begin} – {end}" if last == day else f"{begin} – {last} {end}"


def _total(tile: Tile, view: View) -> dict[str, Any]:
    """What the sale has brought so far, against the same moment of the last one."""
    if not tile.metrics:
        return {"value": None, "change": None, "note": ""}
    metric = tile.metrics[0]
    reason = reason_blocked(view, metric, view.scope.filters)
    reading = view.reading("total")
    if reason or reading is None:  # the clock runs all the same
        return {"value": None, "change": None, "note": reason or ""}
    row = reading.total()
    before = row.value(metric, LAST_EVENT)
    return {
        "value": view.write(metric, row.value(metric)).parts(),
        "change": draw_change(view, metric, row.value(metric), before) if before else None,
        "note": view.words.t("tile.countdown.last" if before else "tile.countdown.so_far", metric=view.name(metric)),
    }
