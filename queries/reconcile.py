"""Compares what must be equal: rollups and the wall with the raw ledger, and the ledger with itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from core.errors import BadRequestError
from metrics.ask import CURRENT, Ask
from metrics.calendar import BusinessCalendar, Span
from metrics.catalogue import Catalogue, load_catalogue
from metrics.model import ANY
from metrics.profile import MONEY_SCALE, StoreProfile
from metrics.reading import Reading
from metrics.regions import RegionSet, load_region_set
from queries.builder import MOMENT
from queries.client import ClickHouse
from queries.comparison import Difference, Report
from queries.days import serves_days
from queries.distinct import EXACT, SKETCH_ERROR, counting_of
from queries.readings import fetch
from queries.rebuild import rollup_sources
from queries.retention import kept_for
from queries.rollups import DAY, HOUR, RAW, Source, floor_to
from queries.statement import Statement

MOST_DAYS = 400
MOST_LOOKS = 3  # at what differs: one more than two where a row came while one of them was made
SKETCHED = 4 * SKETCH_ERROR  # so far off may a sketch be: more is chance once in 15,000 times
Values = dict[str, dict[str, int]]  # code of the dimension -> column -> whole number
Place = tuple[str, date, str, str, str]  # subject, day, dimension, code, column of a difference
ORDERS_SELF = ("refunded_over_paid", "paid_over_created")
NET = "net_gmv"


@dataclass(slots=True)
class Work:
    """What a run needs and gathers."""

    clickhouse: ClickHouse
    profile: StoreProfile
    dimension: str
    tolerance: float
    now: datetime
    compared: int = 0
    differences: list[Difference] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    raw: dict[tuple[str, Span, str], Values] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """The dimension becomes part of SQL: only names of ours may."""
        if self.dimension and self.dimension not in SPLITS:
            raise BadRequestError(f"figures cannot be compared by {self.dimension!r}: choose {', '.join(SPLITS)}")


@dataclass(frozen=True, slots=True)
class Wall:
    """What tiles are made with."""

    catalogue: Catalogue
    regions: RegionSet


def business_days(first: date, end: date) -> list[date]:
    """Days from `first` up to but without `end`. Raises BadRequestError for none and for too many."""
    number = (end - first).days
    if not 0 < number <= MOST_DAYS:
        raise BadRequestError(f"from {first} to {end} are {number} days: between 1 and {MOST_DAYS} can be compared")
    return [first + timedelta(days=step) for step in range(number)]


def check_dimension(catalogue: Catalogue, dimension: str) -> str:
    """A dimension of the ledgers to split differences by, '' for none. Raises UnknownNameError or BadRequestError."""
    if dimension and catalogue.dimension(dimension) and dimension not in SPLITS:
        raise BadRequestError(f"figures cannot be compared by {dimension}: choose {', '.join(SPLITS)}")
    return dimension


SPLITS = ("country", "province", "city", "channel", "room", "category", "tier")


def reconcile(
    clickhouse: ClickHouse,
    profile: StoreProfile,
    days: list[date],
    now: datetime,
    dimension: str = "",
    tolerance: float = 0.0,
    until: datetime | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Report:
    """Compare every rollup with the raw ledger, and the order ledger with itself, on business days.

    Only complete hours before `until` (default `now`) are looked at: the running ones still receive rows. What differs
    is measured again, and counts when it still differs by the same amount. `tolerance` is a ratio.
    """
    calendar, work = BusinessCalendar.of(profile), Work(clickhouse, profile, dimension, tolerance, now)
    wall = Wall(load_catalogue(), load_region_set(profile.region_set))
    settled = floor_to(until or now, HOUR)
    for day in days:
        whole = calendar.whole(day)
        span = Span(whole.start, max(whole.start, min(whole.end, settled)))
        if span.start == span.end or stop():
            continue
        for source in rollup_sources().values():
            _compare_rollup(work, source, day, span, span == whole)
        _compare_ledger(work, wall, day, span)
    return Report(
        days[0], days[-1], dimension, work.compared, tuple(work.differences), tuple(dict.fromkeys(work.skipped))
    )


def _compare_rollup(work: Work, source: Source, day: date, span: Span, whole: bool) -> None:
    if source.step == DAY:
        if not serves_days(work.clickhouse, work.profile):
            work.skipped.append(f"{source.table}: this store's business days are not kept by day")
            return
        if not whole:
            return
    else:
        span = Span(floor_to(span.start, source.step), floor_to(span.end, source.step))
    ledger = "orders" if source.table.startswith(("orders", "buyers")) else "behaviour"
    for table in (RAW[ledger], source.table):
        kept = kept_for(work.clickhouse).get(table)
        if kept is not None and span.start < work.now - kept:
            work.skipped.append(f"{source.table} on {day}: {table} no longer keeps that day")
            return
    dimension = work.dimension if work.dimension in source.dimensions else ""
    _keep_what_stays(work, lambda: _rollup_differences(work, source, ledger, day, span, dimension))


def _keep_what_stays(work: Work, measure: Callable[[], Iterable[Difference]]) -> None:
    """Measure again where something differs: a row may have come between two statements, what stays is real.

    A difference stays when two looks find it in the same place by the same amount; the figures themselves may grow
    meanwhile. Where the amounts of two looks differ, a row came while one of them was made, and there is a third.
    """
    found, counted = _by_place(measure()), work.compared
    seen, stays = set[tuple[Place, int]](), dict[Place, Difference]()
    for _ in range(MOST_LOOKS - 1):
        if not found:
            break
        work.raw.clear()
        seen |= {(place, _exact(each)) for place, each in found.items()}
        before, found = found.keys(), _by_place(measure())
        stays |= {place: each for place, each in found.items() if (place, _exact(each)) in seen}
        if found.keys() & before <= stays.keys():
            break
    work.compared = counted
    work.differences += stays.values()


def _by_place(differences: Iterable[Difference]) -> dict[Place, Difference]:
    return {(each.subject, each.day, each.dimension, each.code, each.column): each for each in differences}


def _exact(difference: Difference) -> int:
    """The amount without what subtracting decimals leaves over: equal amounts of other figures are equal here."""
    return round(difference.actual * MONEY_SCALE) - round(difference.expected * MONEY_SCALE)


def _rollup_differences(
    work: Work, source: Source, ledger: str, day: date, span: Span, dimension: str
) -> Iterator[Difference]:
    key = (ledger, span, dimension)
    if key not in work.raw:
        work.raw[key] = raw_values(work, ledger, span, dimension)
    raw, kept = work.raw[key], rollup_values(work, source, span, dimension)
    for code in sorted(raw.keys() | kept.keys()):
        for column in sorted(source.columns):
            expected, actual = raw.get(code, {}).get(column, 0), kept.get(code, {}).get(column, 0)
            work.compared += 1
            loose = column.endswith("user_id") and counting_of(work.profile) != EXACT
            allowed = max(work.tolerance, SKETCHED if loose else 0.0) * abs(expected)
            if abs(actual - expected) > allowed:
                scale = MONEY_SCALE if column.endswith("__amount") else 1
                yield Difference("rollup", source.table, day, dimension, code, column, expected / scale, actual / scale)


def _columns(ledger: str) -> list[str]:
    """Every column that some rollup of a ledger keeps."""
    sources = [
        source
        for source in rollup_sources().values()
        if source.table.startswith(("orders", "buyers")) == (ledger == "orders")
    ]
    return sorted(frozenset().union(*(source.columns for source in sources)))


def _raw_column(column: str, work: Work) -> str:
    """A rollup's column counted from single events, without the rollup's own definition."""
    kind, _, name = column.partition("__")
    of_kind = "1" if kind == ANY else f"kind = '{kind}'"
    if name != "user_id":
        return f"toInt64(sumIf({name}, {of_kind}))"
    function = counting_of(work.profile).type
    base, _, level = function.partition("(")
    level = f"({level}" if level else ""
    return f"toInt64({base}If{level}(cityHash64(user_id), {of_kind} AND user_id != ''))"


def raw_values(work: Work, ledger: str, span: Span, dimension: str) -> Values:
    columns = _columns(ledger)
    chosen = [_raw_column(column, work) for column in columns]
    return read_values(work, f"reconcile {RAW[ledger]}", RAW[ledger], "ts", columns, chosen, span, dimension)


def rollup_values(work: Work, source: Source, span: Span, dimension: str) -> Values:
    columns, merge = sorted(source.columns), counting_of(work.profile).merge
    chosen = [f"{merge}({name})" if name.endswith("user_id") else f"sum({name})" for name in columns]
    chosen = [f"toInt64({text})" for text in chosen]
    return read_values(work, f"reconcile {source.table}", source.table, source.time, columns, chosen, span, dimension)


def read_values(
    work: Work, name: str, table: str, time: str, columns: list[str], chosen: list[str], span: Span, dimension: str
) -> Values:
    split = dimension or "''"
    sql = (
        f"SELECT toString({split}) AS code, {', '.join(chosen)} FROM {table} "
        f"WHERE {time} >= {{start:{MOMENT}}} AND {time} < {{end:{MOMENT}}} GROUP BY code"
    )
    rows = _rows(work, name, sql, {"start": span.start, "end": span.end})
    return {str(row[0]): {column: int(value) for column, value in zip(columns, row[1:], strict=True)} for row in rows}


def _rows(work: Work, name: str, sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Read with one thread and without a tile's limits: nobody waits for it, and the wall goes first."""
    settings = {"max_threads": 1, "max_bytes_before_external_group_by": 400_000_000}
    return list(work.clickhouse.read_long(Statement(name, sql, values, settings)).rows)


# Orders that began on the day, with all that happened to them since; sources that bring no created events have nothing
# to compare a payment with.
ORDERS = """
SELECT code, toInt64(sum(greatest(refunded - paid, 0))), toInt64(sum(if(created > 0, greatest(paid - created, 0), 0))),
    toInt64(sum(paid)), toInt64(sum(created))
FROM
(
    SELECT argMin(toString({code}), ts) AS code, order_id,
        toInt64(sumIf(amount, kind = 'created')) AS created,
        toInt64(sumIf(amount, kind = 'paid')) AS paid,
        toInt64(sumIf(amount, kind = 'refunded')) AS refunded
    FROM order_events
    WHERE ts >= {{start:DateTime64(3, 'UTC')}} AND created_at >= {{start:DateTime64(3, 'UTC')}}
        AND created_at < {{end:DateTime64(3, 'UTC')}}
    GROUP BY source, order_id
)
GROUP BY code
"""


def _compare_ledger(work: Work, wall: Wall, day: date, span: Span) -> None:
    """Nobody is paid back more than was paid, and nothing is paid beyond what was ordered."""
    kept = kept_for(work.clickhouse).get(RAW["orders"])
    if kept is not None and span.start < work.now - kept:
        work.skipped.append(f"the order ledger on {day}: single orders are no longer kept")
        return
    _keep_what_stays(work, lambda: _ledger_differences(work, day, span))
    _keep_what_stays(work, lambda: _wall_differences(work, wall, day, span))


def _ledger_differences(work: Work, day: date, span: Span) -> Iterator[Difference]:
    """What should be 0; the tolerance is a share of what was paid, or created, in the same orders."""
    values, code = {"start": span.start, "end": span.end}, work.dimension or "''"
    for found, *sums in _rows(work, "reconcile orders", ORDERS.format(code=code), values):
        for rule, excess, base in zip(ORDERS_SELF, sums[:2], sums[2:], strict=True):
            work.compared += 1
            if excess > work.tolerance * base:
                yield Difference("ledger", rule, day, work.dimension, str(found), "amount", 0.0, excess / MONEY_SCALE)


def _wall_differences(work: Work, wall: Wall, day: date, span: Span) -> Iterator[Difference]:
    """Net sales as a tile gets them, through definitions and whatever rollups answer, are paid − refunded."""
    ask = Ask(f"reconcile {NET}", (NET,), ((CURRENT, span),))
    try:
        reading = fetch(work.clickhouse, wall.catalogue, work.profile, wall.regions, ask, work.now)
    except BadRequestError as problem:
        work.skipped.append(f"{NET} on {day}: {problem}")
        return
    key = ("orders", span, "")
    if key not in work.raw:
        work.raw[key] = raw_values(work, *key)
    parts = work.raw[key].get("", {})
    expected = parts.get("paid__amount", 0) - parts.get("refunded__amount", 0)
    assert isinstance(reading, Reading)
    actual = round((reading.total().value(NET) or 0) * MONEY_SCALE)
    work.compared += 1
    if abs(actual - expected) > work.tolerance * abs(expected):
        yield Difference("wall", NET, day, "", "", "amount", expected / MONEY_SCALE, actual / MONEY_SCALE)
