"""Remembers for a minute what comparisons are made of: days that are over are asked once a minute, not once a tick."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cachetools import TTLCache

from core.clock import Clock
from metrics.ask import Ask, Question
from metrics.calendar import Span
from metrics.reading import Answer
from queries.builder import Store
from queries.client import ClickHouse
from queries.readings import Found, Measured, check_ask, fetch, measure
from queries.rollups import MINUTE, SECOND, floor_to

CLOSED_AFTER = timedelta(hours=1)  # a span that ended so long ago changes by late events only
KEPT_S = 60.0  # so long may a late event of a closed day stay unseen in a comparison
MOST_KEPT = 512
MOST_PLACES = 5_000  # larger answers are asked each time rather than held

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    """Closed spans up to their last whole minute, and the seconds of the minute that follows."""

    base: Measured
    seconds: Measured


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be measured for a question, and how its answer is made of that, in the same order."""

    asks: tuple[Ask, ...]
    compose: Callable[[Sequence[Measured]], Answer]


class ClosedSpans:
    """Answers as `queries.readings.fetch` does, from memory where a comparison's day is over. Safe to share by threads.

    "The same time yesterday" moves with every tick. Its whole minutes and the following minute by seconds are kept, so
    that every tick of that minute adds up its own part exactly. Distinct counts do not add up and are asked each time,
    unless their spans end on whole minutes.
    """

    def __init__(self, clickhouse: ClickHouse, store: Store, clock: Clock) -> None:
        self._clickhouse, self._store = clickhouse, store
        self._kept: TTLCache[Key, _Kept] = TTLCache(MOST_KEPT, KEPT_S, timer=clock.monotonic)
        self._lock = threading.Lock()

    def fetch(self, question: Question, now: datetime) -> Answer:
        """Answer one question as of `now`. Raises what `queries.readings.fetch` raises."""
        store = self._store
        if not isinstance(question, Ask):
            return fetch(self._clickhouse, store.catalogue, store.profile, store.regions, question, now)
        plan = self.plan(question, now)
        return plan.compose([measure(self._clickhouse, store, ask, now) for ask in plan.asks])

    def plan(self, question: Ask, now: datetime) -> Plan:
        """What has to be measured for a question now. Raises UnknownNameError and BadRequestError as `fetch` does."""
        store, closed = self._store, self._closed(question, now)
        check_ask(store.catalogue, question)
        if not closed:
            return Plan((question,), lambda measured: measured[0].read(store, question, now))
        moving = [index for index in range(len(question.spans)) if index not in closed]
        asked = replace(question, spans=tuple(question.spans[index] for index in moving))
        key, missing = self._missing(question, closed)
        with self._lock:
            held = self._kept.get(key)

        def compose(measured: Sequence[Measured]) -> Answer:
            kept = held or self._keep(key, measured[1:])
            found: Found = defaultdict(dict)
            _add(found, measured[0].found, dict(enumerate(moving)))
            places = dict(enumerate(closed))
            _add(found, kept.base.found, places)
            _add(found, _before(kept.seconds.found, list(closed.values())), places)
            tables = dict.fromkeys((*measured[0].tables, *kept.base.tables, *kept.seconds.tables))
            took = sum(each.took_ms for each in measured)
            return Measured(found, took, tuple(tables)).read(store, question, now)

        return Plan((asked, *(() if held else missing)), compose)

    def _closed(self, ask: Ask, now: datetime) -> dict[int, Span]:
        """The comparisons that are over and can be put together from memory, by their index."""
        if ask.current.end <= now - CLOSED_AFTER:
            return {}  # a past day as a whole: asked once a minute as it is
        measures = {measure for key in ask.metrics for measure in self._store.catalogue.measures_of(key)}
        adds_up = ask.grain is None and all(measure.aggregate == "sum" for measure in measures)
        closed = {}
        for index, (_, span) in enumerate(ask.spans[1:], start=1):
            whole = span.end == floor_to(span.end, MINUTE)
            if span.end <= now - CLOSED_AFTER and (whole or (adds_up and span.end == floor_to(span.end, SECOND))):
                closed[index] = span
        return closed

    def _missing(self, ask: Ask, closed: Mapping[int, Span]) -> tuple[Key, tuple[Ask, ...]]:
        """Under which key these spans are kept, and what is asked for when they are not."""
        whole = {index: _whole_minutes(span) for index, span in closed.items()}
        partly = any(whole[index].end < span.end for index, span in closed.items())

        def spans(parts: Mapping[int, Span]) -> tuple[tuple[str, Span], ...]:
            return tuple((ask.spans[index][0], part) for index, part in parts.items())

        asks = [replace(ask, name=f"{ask.name}, closed", spans=spans(whole))]
        if partly:
            following = {index: Span(part.end, part.end + MINUTE) for index, part in whole.items()}
            asks.append(replace(ask, name=f"{ask.name}, closed by second", spans=spans(following), grain="second"))
        return (ask.metrics, ask.by, ask.grain, ask.filters, partly, *whole.values()), tuple(asks)

    def _keep(self, key: Key, measured: Sequence[Measured]) -> _Kept:
        kept = _Kept(measured[0], measured[1] if len(measured) > 1 else Measured({}, 0.0, ()))
        if len(kept.base.found) + len(kept.seconds.found) <= MOST_PLACES:
            with self._lock:
                self._kept[key] = kept
        return kept


def _whole_minutes(span: Span) -> Span:
    return Span(span.start, max(span.start, floor_to(span.end, MINUTE)))


def _before(seconds: Found, spans: list[Span]) -> Found:
    """The seconds of the following minute that lie before each span's end, added up to no bucket."""
    found: Found = defaultdict(dict)
    lengths = [int((span.end - _whole_minutes(span).end).total_seconds()) for span in spans]
    for (keys, second), by_span in seconds.items():
        for index, values in by_span.items():
            if second is not None and second < lengths[index]:
                total = found[keys, None].setdefault(index, {})
                for counted, value in values.items():
                    total[counted] = total.get(counted, 0) + value
    return found


def _add(into: Found, found: Found, indexes: Mapping[int, int]) -> None:
    """Add what was found, its spans renumbered."""
    for place, by_span in found.items():
        for index, values in by_span.items():
            total = into[place].setdefault(indexes[index], {})
            for counted, value in values.items():
                total[counted] = total.get(counted, 0) + value
