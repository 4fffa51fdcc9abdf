"""Answers questions: builds the statements, runs them, and makes exact readings of the rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from core.errors import BadRequestError
from metrics.ask import CURRENT, Ask, Facts, Latest, Question
from metrics.calendar import Span
from metrics.catalogue import Catalogue
from metrics.formula import WINDOW_MINUTES
from metrics.model import Measure, Metric
from metrics.profile import MONEY_SCALE, StoreProfile
from metrics.reading import Findings, Listing, Number, Reading, Row
from metrics.regions import RegionSet
from queries.builder import Built, Parameters, Store, build_statements, day_starts, hour_shift
from queries.client import ClickHouse
from queries.days import serves_days
from queries.health import fetch_facts
from queries.latest import fetch_latest
from queries.own_sources import own_of
from queries.retention import check_kept, kept_for

Place = tuple[tuple[str, ...], int | None]  # keys and bucket of a row
Found = dict[Place, dict[int, dict[Measure, int]]]  # place -> span index -> measure -> whole number
SIZES = {"second": 1, "minute": 60, "hour": 3600}  # seconds of a bucket; days have their own starts


def fetch(
    clickhouse: ClickHouse,
    catalogue: Catalogue,
    profile: StoreProfile,
    regions: RegionSet,
    question: Question,
    now: datetime,
) -> Reading | Listing | Findings:
    """Answer one question as of `now`.

    Raises UnknownNameError and BadRequestError for a question that cannot be answered, QueryFailedError for a
    statement that ClickHouse refused.
    """
    own = own_of(clickhouse).rollups
    store = Store(catalogue, profile, regions, serves_days(clickhouse, profile), own)
    if isinstance(question, Facts):
        return fetch_facts(clickhouse, question, now)
    if isinstance(question, Latest):
        return fetch_latest(clickhouse, store, question, now)
    check_ask(catalogue, question)
    return measure(clickhouse, store, question, now).read(store, question, now)


@dataclass(frozen=True, slots=True)
class Measured:
    """Whole numbers by place, span and measure: what statements said, before they become metrics."""

    found: Found
    took_ms: float
    tables: tuple[str, ...]

    def read(self, store: Store, ask: Ask, now: datetime) -> Reading:
        """The metrics of an ask whose spans lie in `found` by their index."""
        return Reading(ask, _rows(store, ask, self.found), now, self.took_ms, sources=self.tables)


def measure(clickhouse: ClickHouse, store: Store, ask: Ask, now: datetime) -> Measured:
    """Run the statements of an ask that was checked. Raises BadRequestError when a table no longer keeps the time."""
    found: Found = defaultdict(dict)
    took, tables = 0.0, list[str]()
    for built in build_kept(clickhouse, store, ask, now):
        result = clickhouse.read(built.statement)
        took += result.took_ms
        tables += built.tables
        collect(store, ask, built, result.rows, found)
    return Measured(found, took, tuple(dict.fromkeys(tables)))


def build_kept(
    clickhouse: ClickHouse, store: Store, ask: Ask, now: datetime, parameters: Parameters | None = None
) -> list[Built]:
    """The statements of an ask, over tables that still keep the time it is about. Raises BadRequestError without any.

    Statements that are to be joined into one are given the same `parameters`.
    """
    since = {table: now - kept for table, kept in kept_for(clickhouse).items()}
    statements = build_statements(store, ask, parameters, since)
    for built in statements:
        check_kept(clickhouse, built.oldest, now)
    return statements


def check_ask(catalogue: Catalogue, ask: Ask) -> None:
    """Raises UnknownNameError or BadRequestError unless every metric may be split and filtered as asked."""
    used = [*ask.by, *(dimension for dimension, _ in ask.filters)]
    for dimension in used:
        catalogue.dimension(dimension)
    for key in ask.metrics:
        metric = catalogue.metric(key)
        for dimension in used:
            if dimension not in metric.dimensions:
                raise BadRequestError(f"{key} cannot be split or filtered by {dimension}")


def collect(store: Store, ask: Ask, built: Built, rows: object, found: Found) -> None:
    """Add the rows of one of an ask's statements to what was found."""
    width = len(ask.by)
    origins = [_origin(store, ask.grain, span) for _, span in ask.spans]
    for row in rows:  # type: ignore[attr-defined]
        index = int(row[0])
        bucket = None if ask.grain is None else origins[index](int(row[1]))
        place = (tuple(str(key) for key in row[2 : 2 + width]), bucket)
        values = found[place].setdefault(index, {})
        for measure, value in zip(built.measures, row[2 + width :], strict=True):
            values[measure] = int(value)


class _Origin:
    """Turns a statement's absolute bucket numbers into offsets from a span's first bucket."""

    def __init__(self, first: int, days: tuple[int, ...] = ()) -> None:
        self._first, self._days = first, {start: index for index, start in enumerate(days)}

    def __call__(self, number: int) -> int:
        return self._days[number] if self._days else number - self._first


def _origin(store: Store, grain: str | None, span: Span) -> _Origin:
    start = int(span.start.timestamp())
    if grain == "day":
        return _Origin(0, tuple(day_starts(store, span)))
    if grain == "hour":
        return _Origin((start - hour_shift(store, span)) // 3600)
    return _Origin(start if grain == "second" else start // 60)


def bucket_span(store: Store, grain: str | None, span: Span, bucket: int | None) -> Span:
    """The part of a span that a bucket covers; the whole span without a bucket."""
    if bucket is None:
        return span
    if grain == "day":
        starts = day_starts(store, span)
        begin = float(starts[bucket]) if bucket < len(starts) else span.end.timestamp()
        end = float(starts[bucket + 1]) if bucket + 1 < len(starts) else span.end.timestamp()
    else:
        size = SIZES[grain or "minute"]
        shift = hour_shift(store, span) if grain == "hour" else 0
        begin = ((int(span.start.timestamp()) - shift) // size + bucket) * size + shift
        end = begin + size
    zone = span.start.tzinfo
    start, until = datetime.fromtimestamp(begin, zone), datetime.fromtimestamp(end, zone)
    # A bucket that only a longer span has is an empty part at this span's end.
    return Span(min(max(start, span.start), span.end), min(max(until, span.start), span.end))


def _rows(store: Store, ask: Ask, found: Found) -> tuple[Row, ...]:
    """Rows for every place that any span has; the one total row even when nothing happened."""
    if not ask.by and ask.grain is None:
        found.setdefault(((), None), {})
    metrics = [(key, store.catalogue.metric(key)) for key in ask.metrics]
    wanted = {key: store.catalogue.measures_of(key) for key in ask.metrics}
    rows = []
    for (keys, bucket), by_span in found.items():
        values: dict[str, Mapping[str, Number]] = {}
        for index, (name, span) in enumerate(ask.spans):
            measured = by_span.get(index, {})
            values[name] = {
                key: _number(store, ask, metric, wanted[key], measured, span, bucket) for key, metric in metrics
            }
        rows.append(Row(keys, bucket, values))
    return tuple(_ordered(ask, rows))


def _number(
    store: Store,
    ask: Ask,
    metric: Metric,
    measures: frozenset[Measure],
    measured: Mapping[Measure, int],
    span: Span,
    bucket: int | None,
) -> Number:
    """One metric's value: whole numbers for counts, floats nearest to the exact value for the rest."""
    if metric.measure:
        whole = measured.get(metric.measure, 0)
        return whole / MONEY_SCALE if metric.measure.is_money else whole
    exact = {
        measure: Fraction(measured.get(measure, 0), MONEY_SCALE if measure.is_money else 1) for measure in measures
    }
    builtins: dict[str, Fraction | None] = {WINDOW_MINUTES: None}
    if metric.formula and WINDOW_MINUTES in metric.formula.names:
        part = bucket_span(store, ask.grain, span, bucket)
        microseconds = (part.end - part.start) // (part.end - part.start).resolution
        builtins[WINDOW_MINUTES] = Fraction(microseconds, 60_000_000)
    value = store.catalogue.compute(metric.key, exact, builtins)
    if value is None:
        return None
    return int(value) if metric.unit == "count" and value.denominator == 1 else float(value)


def _ordered(ask: Ask, rows: list[Row]) -> list[Row]:
    """Largest first metric first; with a grain in order of keys and time. `limit` keeps the first so many keys."""

    def size(row: Row) -> tuple[bool, float, tuple[str, ...]]:
        value = row.value(ask.metrics[0], CURRENT)
        return value is None, -float(value or 0), row.keys

    if ask.grain is None:
        return sorted(rows, key=size)[: ask.limit]
    rows = sorted(rows, key=lambda row: (row.keys, row.bucket or 0))
    if ask.limit is None:
        return rows
    if not ask.by:
        return rows[: ask.limit]
    sums: dict[tuple[str, ...], float] = defaultdict(float)
    for row in rows:
        sums[row.keys] += float(row.value(ask.metrics[0], CURRENT) or 0)
    kept = set(sorted(sums, key=lambda keys: (-sums[keys], keys))[: ask.limit])
    return [row for row in rows if row.keys in kept]
