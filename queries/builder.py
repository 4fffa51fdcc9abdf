"""Writes the SELECT of an ask: every span and every source in one statement, values only as typed parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any

from core.errors import BadRequestError
from metrics.ask import Ask, Filters
from metrics.calendar import BusinessCalendar, Span
from metrics.catalogue import Catalogue
from metrics.model import ANY, Measure
from metrics.profile import StoreProfile
from metrics.regions import RegionSet
from queries.distinct import EXACT, Counting, counting_of
from queries.rollups import (
    DAY,
    FOREVER,
    HOUR,
    MINUTE,
    SECOND,
    Piece,
    Source,
    all_sources,
    choose_sources,
    column_of,
    cut_kept,
    is_dimension_count,
)
from queries.statement import Statement

ORDER_DAY = "order_day"
GRAINS = ("second", "minute", "hour", "day")
MOMENT = "DateTime64(3, 'UTC')"
TEXTS = "Array(String)"


class Parameters:
    """Collects typed parameters while SQL is written; equal values share a name."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self._names: dict[tuple[str, str], str] = {}

    def bind(self, value: Any, kind: str) -> str:
        """The placeholder for a value of a ClickHouse type."""
        name = self._names.setdefault((kind, repr(value)), f"p{len(self._names)}")
        self.values[name] = value
        return f"{{{name}:{kind}}}"


@dataclass(frozen=True, slots=True)
class Store:
    """What the builder has to know of a store beside its tables."""

    catalogue: Catalogue
    profile: StoreProfile
    regions: RegionSet
    days: bool = False  # whether the daily rollups hold this profile's business days
    own: tuple[tuple[str, Source], ...] = ()  # rollups that the user has of a ledger

    @property
    def calendar(self) -> BusinessCalendar:
        return BusinessCalendar.of(self.profile)

    def children(self, level: str) -> dict[str, tuple[str, ...]]:
        """The finer codes of each code of a coarser level."""
        dimension = self.catalogue.dimension(level)
        if dimension.regions == "parents":
            return {code: self.regions.children_of(code) for code in self.regions.parents}
        return dict(dimension.members)


@dataclass(frozen=True, slots=True)
class Bucketing:
    """How time becomes buckets. `shift` moves hours to the business's; `starts` are the days' first seconds."""

    grain: str | None
    shift: int = 0
    starts: tuple[int, ...] = ()

    def expression(self, time: str, parameters: Parameters) -> str:
        """SQL for the absolute bucket number: epoch seconds, epoch minutes, shifted epoch hours, or a day's start."""
        seconds = f"toUnixTimestamp({time})"
        if self.grain == "second":
            return f"toInt64({seconds})"
        if self.grain == "minute":
            return f"toInt64(intDiv({seconds}, 60))"
        if self.grain == "hour":
            return f"toInt64(intDiv({seconds} - {parameters.bind(self.shift, 'Int64')}, 3600))"
        if self.grain == "day":
            return f"toInt64(roundDown(toInt64({seconds}), {parameters.bind(list(self.starts), 'Array(Int64)')}))"
        return "toInt64(0)"

    @property
    def finest(self) -> timedelta:
        """The coarsest rollup step whose rows never straddle a bucket."""
        if self.grain in {"second", "minute"}:
            return MINUTE if self.grain == "minute" else SECOND
        edges = (self.shift,) if self.grain == "hour" else self.starts
        if any(edge % 60 for edge in edges):
            return timedelta(0)
        if any(edge % 3600 for edge in edges):
            return MINUTE
        return HOUR if self.grain == "hour" else DAY


@dataclass(frozen=True, slots=True)
class Built:
    """A statement and what its value columns mean; columns are span, bucket, keys …, values …."""

    statement: Statement
    measures: tuple[Measure, ...]
    oldest: Mapping[str, datetime]  # the tables it reads, and from when on
    keys: int = 0

    @property
    def ledger(self) -> str:
        return self.measures[0].ledger

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(self.oldest)


def build_statements(
    store: Store, ask: Ask, parameters: Parameters | None = None, since: Mapping[str, datetime] = FOREVER
) -> list[Built]:
    """The statements that answer an ask: one per ledger, way of counting and condition.

    Statements that are to be joined into one are given the same `parameters`. `since` says from when on tables still
    keep their rows; one that is not in it keeps them all.
    """
    needed = sorted({measure for key in ask.metrics for measure in store.catalogue.measures_of(key)})
    return [
        _build(store, ask, tuple(measures), parameters or Parameters(), since)
        for _, group in groupby(sorted(needed, key=_family), key=_family)
        if (measures := list(group))
    ]


def _family(measure: Measure) -> tuple[str, str, bool, Filters]:
    return measure.ledger, measure.aggregate, is_dimension_count(measure), measure.where


def bucketing(store: Store, ask: Ask, spans: Sequence[Span]) -> Bucketing:
    """The buckets of an ask over some of its spans. Raises BadRequestError for an unknown grain."""
    if ask.grain in {None, "second", "minute"}:
        return Bucketing(ask.grain)
    if ask.grain not in GRAINS:
        raise BadRequestError(f"unknown grain {ask.grain!r}: {', '.join(GRAINS)}")
    if ask.grain == "hour":
        return Bucketing("hour", shift=hour_shift(store, spans[0]))
    return Bucketing("day", starts=tuple(sorted({start for span in spans for start in day_starts(store, span)})))


def hour_shift(store: Store, span: Span) -> int:
    """Seconds by which the business's hours differ from UTC's: 1800 in India, 0 nearly everywhere."""
    offset = span.start.astimezone(store.profile.zone).utcoffset() or timedelta(0)
    return int(-offset.total_seconds() % 3600)


def day_starts(store: Store, span: Span) -> list[int]:
    """Epoch seconds at which the business days that a span touches begin."""
    day, last = store.calendar.day_of(span.start), store.calendar.day_of(span.end)
    starts = []
    while day <= last:
        starts.append(int(store.calendar.start_of(day).timestamp()))
        day += timedelta(days=1)
    return starts


def _build(
    store: Store,
    ask: Ask,
    measures: tuple[Measure, ...],
    parameters: Parameters,
    since: Mapping[str, datetime],
) -> Built:
    ledger, where = measures[0].ledger, measures[0].where
    dimensions = frozenset(store.catalogue.physical(name) for name in (*ask.by, *dict(ask.filters), *dict(where)))
    cuts: list[tuple[dict[int, Span], Bucketing, list[Piece]]] = []
    own = tuple(source for name, source in store.own if name == ledger)
    for indexes in _disjoint(store, ask):
        spans = {index: ask.spans[index][1] for index in indexes}
        buckets = bucketing(store, ask, list(spans.values()))
        length = sum((span.end - span.start for span in spans.values()), timedelta(0))
        finest = buckets.finest if store.days else min(buckets.finest, HOUR)
        sources = choose_sources(ledger, measures, dimensions, finest, length, own)
        others = partial(all_sources, ledger, measures, dimensions, finest, own)
        pieces = [
            piece
            for index, span in spans.items()
            for piece in cut_kept(span, index, sources, others, store.calendar, since)
        ]
        cuts.append((spans, buckets, pieces))
    # What no rollup keeps states of is counted exactly from the raw ledger, also in a store of sketches.
    states = any(not piece.source.is_raw for _, _, pieces in cuts for piece in pieces)
    counting = counting_of(store.profile) if states and not is_dimension_count(measures[0]) else EXACT
    arms: list[tuple[_Arm, list[Piece]]] = []
    for spans, buckets, pieces in cuts:
        for source in dict.fromkeys(piece.source for piece in pieces):
            arm = _Arm(store, ask, measures, source, spans, buckets, parameters, counting)
            arms.append((arm, [piece for piece in pieces if piece.source == source]))
    sql = _join(ask, measures, arms)
    oldest: dict[str, datetime] = {}
    for arm, pieces in arms:
        start = min(piece.start for piece in pieces)
        oldest[arm.source.table] = min(oldest.get(arm.source.table, start), start)
    return Built(Statement(f"{ask.name}: {ledger}", sql, parameters.values), measures, oldest, len(ask.by))


def _join(ask: Ask, measures: Sequence[Measure], arms: Sequence[tuple[_Arm, Sequence[Piece]]]) -> str:
    """One SELECT over all arms. A single arm of sums needs no other SELECT around it: that costs a third more."""
    if not arms:
        return "SELECT 0 WHERE 0"
    names = [f"k{number}" for number in range(len(ask.by))]
    group = ", ".join(["s", "b", *names])
    adds_up = measures[0].aggregate == "sum"
    if len(arms) == 1 and adds_up:
        ((arm, pieces),) = arms
        return f"{arm.select(pieces, value='sum({})')} GROUP BY {group}"
    inner = "\nUNION ALL\n".join(arm.select(pieces) for arm, pieces in arms)
    merge = "sum" if adds_up else arms[0][0].counting.merge
    values = [f"{merge}(v{number}) AS v{number}" for number in range(len(measures))]
    return f"SELECT {', '.join(['s', 'b', *names, *values])}\nFROM (\n{inner}\n)\nGROUP BY {group}"


def join_statements(name: str, built: Sequence[Built], parameters: Parameters) -> Statement:
    """One SELECT for several statements of a ledger that were built with these parameters.

    Its columns are the index of the statement, span, bucket, as many keys and values as the widest has; rows of
    narrower ones end in '' and 0.
    """
    keys, values = max(each.keys for each in built), max(len(each.measures) for each in built)
    arms = []
    for index, each in enumerate(built):
        if not each.oldest:  # an empty span: there is nothing to ask
            continue
        columns = [f"toUInt16({index}) AS q", "toUInt8(s) AS s", "toInt64(b) AS b"]
        columns += [f"toString(k{n}) AS k{n}" if n < each.keys else f"'' AS k{n}" for n in range(keys)]
        width = len(each.measures)
        columns += [f"toInt64(v{n}) AS v{n}" if n < width else f"toInt64(0) AS v{n}" for n in range(values)]
        arms.append(f"SELECT {', '.join(columns)} FROM (\n{each.statement.sql}\n)")
    return Statement(name, "\nUNION ALL\n".join(arms) or "SELECT 0 WHERE 0", parameters.values)


def part_rows(row: Sequence[Any], built: Built, keys: int) -> tuple[Any, ...]:
    """A row of a joined statement as the statement at its index would have given it. `keys` is the widest's number."""
    return (*row[1 : 3 + built.keys], *row[3 + keys : 3 + keys + len(built.measures)])


def _disjoint(store: Store, ask: Ask) -> list[list[int]]:
    """Indexes of spans in groups that do not overlap and share their hour buckets: a row belongs to one of a group."""
    groups: list[list[int]] = []
    for index, (_, span) in enumerate(ask.spans):
        for group in groups:
            others = [ask.spans[other][1] for other in group]
            apart = all(span.end <= other.start or other.end <= span.start for other in others)
            if apart and hour_shift(store, span) == hour_shift(store, others[0]):
                group.append(index)
                break
        else:
            groups.append([index])
    return groups


@dataclass(frozen=True, slots=True)
class _Arm:
    """One SELECT over one source, for spans that do not overlap."""

    store: Store
    ask: Ask
    measures: tuple[Measure, ...]
    source: Source
    spans: dict[int, Span]
    buckets: Bucketing
    parameters: Parameters
    counting: Counting

    def select(self, pieces: Sequence[Piece], value: str = "{}") -> str:
        """The arm's rows, its values written as `value` says."""
        keys = [f"{self._key(name)} AS k{number}" for number, name in enumerate(self.ask.by)]
        values = [f"{value.format(self._value(measure))} AS v{number}" for number, measure in enumerate(self.measures)]
        columns = [f"{self._span()} AS s", f"{self.buckets.expression(self.source.time, self.parameters)} AS b"]
        text = f"SELECT {', '.join([*columns, *keys, *values])} FROM {self.source.table}"
        text += f" WHERE {' AND '.join([self._times(pieces), *self._conditions()])}"
        if self.measures[0].aggregate == "uniq" and not self._has_states():
            text += f" GROUP BY {', '.join(['s', 'b', *(f'k{number}' for number in range(len(keys)))])}"
        return text

    def _has_states(self) -> bool:
        return not self.source.is_raw and not is_dimension_count(self.measures[0])

    def _moment(self, moment: datetime) -> str:
        return self.parameters.bind(moment, MOMENT)

    def _span(self) -> str:
        """SQL for the index of the span that a row belongs to.

        The rows are already inside the spans, which do not overlap: the latest span that has begun is theirs. Few
        comparisons matter: planning a small statement costs more than running it.
        """
        *some, first = sorted(self.spans, key=lambda index: self.spans[index].start, reverse=True)
        tests = [f"{self.source.time} >= {self._moment(self.spans[index].start)}, {index}" for index in some]
        return f"multiIf({', '.join([*tests, str(first)])})" if tests else str(first)

    def _times(self, pieces: Sequence[Piece]) -> str:
        time = self.source.time
        parts = [f"({time} >= {self._moment(p.start)} AND {time} < {self._moment(p.end)})" for p in pieces]
        return f"({' OR '.join(parts)})"

    def _value(self, measure: Measure) -> str:
        raw, column = self.source.is_raw, measure.column
        if measure.aggregate == "sum":
            if not raw:
                return f"toInt64({column_of(measure)})"
            of_kind = "" if measure.kind == ANY else f"kind = '{measure.kind}'"
            return f"if({of_kind}, toInt64({column}), toInt64(0))" if of_kind else f"toInt64({column})"
        if self._has_states():
            return column_of(measure)
        test = f"{column} != ''" + (f" AND kind = '{measure.kind}'" if measure.kind != ANY else "")
        return f"{self.counting.state_if}(cityHash64({column}), {test})"

    def _conditions(self) -> list[str]:
        """The kinds of event that matter, the asked filters and the metric's own."""
        found = []
        kinds = sorted({measure.kind for measure in self.measures})
        if self.source.is_raw and ANY not in kinds:
            found.append(f"kind IN ({', '.join(repr(kind) for kind in kinds)})")
        for dimension, codes in (*self.ask.filters, *self.measures[0].where):
            found.append(filter_condition(self.store, dimension, codes, self.parameters))
        return found

    def _key(self, dimension: str) -> str:
        return key_expression(self.store, dimension, self.parameters)


def key_expression(store: Store, dimension: str, parameters: Parameters) -> str:
    """SQL for a dimension's code. Codes of coarser levels are looked up, '' when a finer code belongs to none."""
    if dimension == ORDER_DAY:
        return _order_day(store, parameters)
    entry = store.catalogue.dimension(dimension)
    if entry.over is None:
        return dimension
    pairs = [(child, code) for code, children in store.children(dimension).items() for child in children]
    if not pairs:
        return "''"
    finer = parameters.bind([child for child, _ in pairs], TEXTS)
    coarser = parameters.bind([code for _, code in pairs], TEXTS)
    return f"transform(toString({entry.over}), {finer}, {coarser}, '')"


def filter_condition(store: Store, dimension: str, codes: Sequence[str], parameters: Parameters) -> str:
    """SQL that keeps the codes of a dimension; a coarser level's filter becomes one on the finer codes."""
    entry = store.catalogue.dimension(dimension)
    if dimension == ORDER_DAY or (entry.over and "" in codes):
        return f"{key_expression(store, dimension, parameters)} IN {parameters.bind(list(codes), TEXTS)}"
    if entry.over:
        children = store.children(dimension)
        codes = [child for code in codes for child in children.get(code, ())]
    if not codes:
        return "0"
    return f"{entry.over or dimension} IN {parameters.bind(list(codes), TEXTS)}"


def _order_day(store: Store, parameters: Parameters) -> str:
    """The business day on which an order was created, as 2026-11-11."""
    local = f"toTimeZone(created_at, {parameters.bind(store.profile.time_zone, 'String')})"
    start = store.profile.day_start
    begin = parameters.bind(start.hour * 3600 + start.minute * 60 + start.second, "UInt32")
    second = f"toHour({local}) * 3600 + toMinute({local}) * 60 + toSecond({local})"
    return f"toString(toDate({local}) - if({second} < {begin}, 1, 0))"
