"""What a screen looks at: a frozen value that is the cache key, the URL and the thing that rights narrow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Any
from urllib.parse import parse_qs, urlencode

from metrics.ask import Filters, make_filters

FUNNEL_STEPS = ("impression", "click", "view", "cart", "order", "pay")
MAX_QUERY = 2_000
MAX_CODES = 50


@dataclass(frozen=True, slots=True)
class Scope:
    """`day` None is the live business day; `at` cuts a day at a local time.

    `step` puts a funnel step in focus, `focus` a metric (an alert's, on the trend): neither filters, both change what
    is drawn.
    """

    day: date | None = None
    at: time | None = None
    filters: Filters = ()
    step: str | None = None
    focus: str | None = None

    def codes(self, dimension: str) -> tuple[str, ...]:
        return dict(self.filters).get(dimension, ())

    def toggled(self, dimension: str, code: str) -> Scope:
        """The scope after a click on `code`: added when absent, removed when present. `step` and `focus` count here."""
        if dimension == "step":
            return replace(self, step=None if self.step == code else code)
        if dimension == "focus":
            return replace(self, focus=None if self.focus == code else code)
        wanted = {name: list(codes) for name, codes in self.filters}
        codes = wanted.setdefault(dimension, [])
        codes.remove(code) if code in codes else codes.append(code)
        return replace(self, filters=make_filters(wanted))

    def without(self, *dimensions: str) -> Scope:
        """The scope with some dimensions' filters lifted: how a clicked chart keeps its full view."""
        return replace(self, filters=tuple(entry for entry in self.filters if entry[0] not in dimensions))

    def to_query(self) -> str:
        """The URL query string without `?`; empty for the plain live wall. `parse_scope` reads it back."""
        pairs: list[tuple[str, str]] = []
        if self.day:
            pairs.append(("day", self.day.isoformat()))
        if self.at:
            pairs.append(("at", self.at.isoformat("minutes")))
        pairs += [(dimension, ",".join(codes)) for dimension, codes in self.filters]
        if self.step:
            pairs.append(("step", self.step))
        if self.focus:
            pairs.append(("focus", self.focus))
        return urlencode(pairs, safe=",:")


@dataclass(frozen=True, slots=True)
class Dropped:
    """A part of a URL that was not understood and not used; the screen shows it."""

    name: str
    value: str
    reason: str  # a locale key: unknown_value | unknown_filter | bad_date | bad_time | too_long


def parse_scope(
    query: str, known: Callable[[str], Mapping[str, str] | frozenset[str] | None]
) -> tuple[Scope, tuple[Dropped, ...]]:
    """Read a scope from a URL query string, keeping what is known and naming what is not.

    `known(dimension)` gives the codes a dimension has in this store, or None when there is no such filter. Keys that
    belong to the screen rather than the data (`kiosk`, `lang`, `theme` …) are `known` to be nobody's filter by the
    caller, which strips them first.
    """
    if len(query) > MAX_QUERY:
        return Scope(), (Dropped("url", query[:40] + "…", "too_long"),)
    dropped: list[Dropped] = []
    day: date | None = None
    at: time | None = None
    step: str | None = None
    focus: str | None = None
    wanted: dict[str, list[str]] = {}
    for name, texts in parse_qs(query.lstrip("?"), keep_blank_values=False, max_num_fields=60).items():
        text = texts[-1]
        if name == "day":
            day = _iso(date.fromisoformat, text)
            if day is None:
                dropped.append(Dropped(name, text, "bad_date"))
        elif name == "at":
            at = _iso(time.fromisoformat, text)
            if at is None or at.tzinfo is not None:
                at = None
                dropped.append(Dropped(name, text, "bad_time"))
        elif name == "step":
            step = text if text in FUNNEL_STEPS else None
            if step is None:
                dropped.append(Dropped(name, text, "unknown_value"))
        elif name == "focus":
            focus = text if text in (known("focus") or ()) else None
            if focus is None:
                dropped.append(Dropped(name, text, "unknown_value"))
        else:
            codes = known(name)
            if codes is None:
                dropped.append(Dropped(name, text, "unknown_filter"))
                continue
            for code in text.split(",")[:MAX_CODES]:
                if code in codes:
                    wanted.setdefault(name, []).append(code)
                elif code:
                    dropped.append(Dropped(name, code, "unknown_value"))
    return Scope(day, at, make_filters(wanted), step, focus), tuple(dropped)


def _iso(read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except ValueError:
        return None
