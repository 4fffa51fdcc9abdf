"""Which tables can answer, and how a stretch of time is cut so that the coarsest of them answer it exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from metrics.calendar import BusinessCalendar, Span
from metrics.model import ANY, Measure

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
DAY = timedelta(days=1)  # a business day, however many hours it has
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RAW = {"orders": "order_events", "behaviour": "behaviour_events"}
CHECKS = {"reconciliations": "at"}  # tables that are no ledgers of events and have no rollups, with their time column
LOCAL = "_local"  # what a cluster's own tables end with, behind the ones that span all shards
FEED = "_feed"  # where a ledger is a view over own tables, rollups are fed from order_events_feed, which keeps nothing
SECONDS_FOR = timedelta(days=4)  # so much time is answered from seconds; more of it would be too many rows
ORDER_KINDS = ("created", "paid", "cancelled", "refunded")
WIDE = ("country", "province", "channel")
FOREVER: Mapping[str, datetime] = {}  # since when tables keep their rows: all of them since ever


@dataclass(frozen=True, slots=True)
class Source:
    """A table that can answer. `time` is its time column, `step` its grain; `rows` is about how many it has an hour."""

    table: str
    time: str
    step: timedelta  # zero for a raw ledger: every moment
    dimensions: frozenset[str] = frozenset()
    columns: frozenset[str] = frozenset()
    rows: int = 0

    @property
    def is_raw(self) -> bool:
        return not self.step


@dataclass(frozen=True, slots=True)
class Piece:
    """A part [start, end) of the span at `index`, answered by one source."""

    source: Source
    index: int
    start: datetime
    end: datetime


def column_of(measure: Measure) -> str:
    """The rollup column that keeps a measure: the naming is mechanical, there is no list."""
    return f"{measure.kind}__{measure.column}"


def _columns(kinds: Iterable[str], names: Iterable[str]) -> frozenset[str]:
    names = tuple(names)
    return frozenset(f"{kind}__{name}" for kind in kinds for name in names)


GRAINS = {"_1m": ("minute", MINUTE), "_1h": ("hour", HOUR), "_1d": ("day", DAY)}


def _rollup(table: str, dimensions: Iterable[str], columns: frozenset[str], rows: int) -> Source:
    time, step = next(grain for mark, grain in GRAINS.items() if mark in table)
    return Source(table, time, step, frozenset(dimensions), columns, rows)


_ORDER_SUMS = _columns(ORDER_KINDS, ("orders", "amount", "units"))
_BEHAVIOUR_SUMS = _columns(("visit", "impression", "click", "view", "cart", "favourite"), ("quantity",))
_BUYERS = _columns(("created", "paid"), ("user_id",))
_VISITORS = _columns((ANY, "impression", "click", "view", "cart"), ("user_id",))
_VISITORS_SPLIT = _columns((ANY, "view", "cart"), ("user_id",))

# `rows` are what the demo's rate makes; only their order matters: the smallest table that can answer is taken.
SUM_ROLLUPS: dict[str, tuple[Source, ...]] = {
    "orders": (
        _rollup("orders_1m_total", (), _ORDER_SUMS, 60),
        _rollup("orders_1h_region", WIDE, _ORDER_SUMS, 170),
        _rollup("orders_1m", WIDE, _ORDER_SUMS, 3_500),
        _rollup("orders_1h", (*WIDE, "city", "room", "category", "tier"), _ORDER_SUMS, 3_600),
        _rollup("orders_1d_region", WIDE, _ORDER_SUMS, 7),
        _rollup("orders_1d", (*WIDE, "city", "room", "category", "tier"), _ORDER_SUMS, 1_500),
    ),
    "behaviour": (
        _rollup("behaviour_1m_total", (), _BEHAVIOUR_SUMS, 60),
        _rollup("behaviour_1h_region", WIDE, _BEHAVIOUR_SUMS, 170),
        _rollup("behaviour_1m", WIDE, _BEHAVIOUR_SUMS, 10_000),
        _rollup("behaviour_1h", (*WIDE, "room", "category", "tier"), _BEHAVIOUR_SUMS, 20_000),
        _rollup("behaviour_1d_region", WIDE, _BEHAVIOUR_SUMS, 7),
        _rollup("behaviour_1d", (*WIDE, "room", "category", "tier"), _BEHAVIOUR_SUMS, 5_000),
    ),
}
UNIQ_ROLLUPS: dict[str, tuple[Source, ...]] = {
    "orders": (
        _rollup("buyers_1m", (), _BUYERS, 60),
        _rollup("buyers_1h", (*WIDE, "tier"), _BUYERS, 700),
        _rollup("buyers_1d", (*WIDE, "tier"), _BUYERS, 30),
    ),
    "behaviour": (
        _rollup("visitors_1h", (), _VISITORS, 1),
        _rollup("visitors_1h_by_channel", ("channel",), _VISITORS_SPLIT, 5),
        _rollup("visitors_1h_by_region", ("country", "province"), _VISITORS_SPLIT, 34),
        _rollup("visitors_1m", (), _VISITORS, 60),
        _rollup("visitors_1m_by_region", ("country", "province"), _VISITORS_SPLIT, 1_800),
        _rollup("visitors_1d", (), _VISITORS, 1),
        _rollup("visitors_1d_by_channel", ("channel",), _VISITORS_SPLIT, 1),
        _rollup("visitors_1d_by_region", ("country", "province"), _VISITORS_SPLIT, 2),
    ),
}
ROLLUPS: tuple[Source, ...] = tuple(
    source for family in (SUM_ROLLUPS, UNIQ_ROLLUPS) for sources in family.values() for source in sources
)


# One table that answers totals up to any whole second alone: a statement over two tables costs twice as much to plan.
SECONDS: dict[str, Source] = {
    "orders": Source("orders_1s_total", "second", SECOND, frozenset(), _ORDER_SUMS, 3_600),
}


def ledger_table(name: str) -> str:
    """The table to read a ledger from, by the name of what feeds its rollups."""
    ledger = name.removesuffix(FEED)
    return ledger if ledger in RAW.values() else name


def raw_source(ledger: str) -> Source:
    return Source(RAW.get(ledger, ledger), CHECKS.get(ledger, "ts"), timedelta(0))


def choose_sources(
    ledger: str,
    measures: Iterable[Measure],
    dimensions: frozenset[str],
    finest: timedelta,
    length: timedelta,
    own: tuple[Source, ...] = (),
) -> tuple[Source, ...]:
    """The sources that together answer, coarsest first, the raw ledger last.

    `finest` is the coarsest step that the asked buckets allow, `length` how much time all spans are together. A coarse
    table that is larger than a fine one which can also answer is left out. `own` are rollups that the user has of this
    ledger: where one can answer, ours of seconds are not asked.
    """
    measures = tuple(measures)
    rollups = _able(ledger, measures, dimensions, finest, own)
    seconds = _seconds(ledger, measures, dimensions, finest, any(source in own for source in rollups))
    if seconds and length <= SECONDS_FOR:
        return *seconds, raw_source(ledger)
    days = [source for source in rollups if source.step == DAY]
    hours = [source for source in rollups if source.step == HOUR]
    minutes = [source for source in rollups if source.step == MINUTE]
    chosen: list[Source] = []
    if hours and not (minutes and minutes[0].rows <= hours[0].rows and not _merges(measures)):
        chosen.append(hours[0])
    return (*days[:1], *chosen, *minutes[:1], raw_source(ledger))


def all_sources(
    ledger: str,
    measures: Iterable[Measure],
    dimensions: frozenset[str],
    finest: timedelta,
    own: tuple[Source, ...] = (),
) -> tuple[Source, ...]:
    """Every source that can answer, coarsest first, the raw ledger last: for time that the chosen ones do not keep."""
    measures = tuple(measures)
    rollups = _able(ledger, measures, dimensions, finest, own)
    seconds = _seconds(ledger, measures, dimensions, finest, any(source in own for source in rollups))
    return (*sorted(rollups, key=lambda source: -source.step), *seconds, raw_source(ledger))


def _seconds(
    ledger: str, measures: tuple[Measure, ...], dimensions: frozenset[str], finest: timedelta, theirs: bool
) -> tuple[Source, ...]:
    """The table of seconds where it can answer; not where the user's own rollups can (`theirs`)."""
    source = SECONDS.get(ledger)
    able = source and not theirs and not dimensions and finest >= SECOND and not _merges(measures)
    return (source,) if source and able else ()


def _merges(measures: tuple[Measure, ...]) -> bool:
    """Whether states are merged: then fewer, larger states are cheaper whatever the number of rows."""
    return any(measure.aggregate == "uniq" for measure in measures)


def _able(
    ledger: str,
    measures: tuple[Measure, ...],
    dimensions: frozenset[str],
    finest: timedelta,
    own: tuple[Source, ...],
) -> list[Source]:
    family = UNIQ_ROLLUPS[ledger] if _merges(measures) else (*own, *SUM_ROLLUPS.get(ledger, ()))
    needed, counted = {column_of(measure) for measure in measures}, frozenset[str]()
    if measures and all(is_dimension_count(measure) for measure in measures):
        # A dimension's own codes are counted from any table that keeps the dimension: a row is there when an event was.
        family, needed = SUM_ROLLUPS[ledger], set()
        counted = frozenset(measure.column for measure in measures)
    return sorted(
        (
            source
            for source in family
            if source.step <= finest and dimensions | counted <= source.dimensions and needed <= source.columns
        ),
        key=lambda source: source.rows,
    )


def is_dimension_count(measure: Measure) -> bool:
    """Whether a measure counts the codes of a dimension over any kind of event: online live rooms."""
    return measure.aggregate == "uniq" and measure.column == "room" and measure.kind == ANY


def cut(
    span: Span,
    index: int,
    sources: tuple[Source, ...],
    calendar: BusinessCalendar,
    since: Mapping[str, datetime] = FOREVER,
) -> list[Piece]:
    """The span as pieces: whole business days from the day table, whole hours at its edges from the hour table, and so
    on down to the raw ledger. A rollup gets no piece of the time before `since`, when a table began to keep its rows.
    """
    if span.start >= span.end:
        return []
    source, rest = sources[0], sources[1:]
    if source.is_raw:
        return [Piece(source, index, span.start, span.end)]
    kept = Span(max(span.start, since.get(source.table, span.start)), span.end)
    start, end = _inside(kept, source.step, calendar) if kept.start < kept.end else (span.end, span.end)
    if start >= end:
        return cut(span, index, rest, calendar, since)
    return [
        *cut(Span(span.start, start), index, rest, calendar, since),
        Piece(source, index, start, end),
        *cut(Span(end, span.end), index, rest, calendar, since),
    ]


def cut_kept(
    span: Span,
    index: int,
    sources: tuple[Source, ...],
    others: Callable[[], tuple[Source, ...]],
    calendar: BusinessCalendar,
    since: Mapping[str, datetime],
) -> list[Piece]:
    """The span as pieces of `sources`; where one of them no longer keeps its piece, of all `others` that do.

    Where no source keeps some part of it, the pieces are those of `sources`: reading them is then to be refused.
    """
    pieces = cut(span, index, sources, calendar)
    if _are_kept(pieces, since):
        return pieces
    instead = cut(span, index, others(), calendar, since)
    return instead if _are_kept(instead, since) else pieces


def _are_kept(pieces: Iterable[Piece], since: Mapping[str, datetime]) -> bool:
    return all(piece.start >= since.get(piece.source.table, piece.start) for piece in pieces)


def _inside(span: Span, step: timedelta, calendar: BusinessCalendar) -> tuple[datetime, datetime]:
    """The first and the last edge of a grain that lie in a span."""
    if step == DAY:
        first, last = calendar.day_of(span.start), calendar.day_of(span.end)
        start = calendar.start_of(first)
        return start if start == span.start else calendar.start_of(first + DAY), calendar.start_of(last)
    return _ceil(span.start, step), floor_to(span.end, step)


def floor_to(moment: datetime, step: timedelta) -> datetime:
    return moment - (moment - EPOCH) % step


def _ceil(moment: datetime, step: timedelta) -> datetime:
    return moment + (EPOCH - moment) % step
