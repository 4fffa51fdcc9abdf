"""Makes rollups agree with their sources again after a crash, for the stretches of time that a crash can have touched.

A retry under its token completes what a killed insert left behind, in the ledger and in every view, except where the
process died between the engine's note of a block and the block itself: the retry is then taken for a repetition.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from core.errors import QueryFailedError
from queries.client import ClickHouse
from queries.retention import kept_from
from queries.rollups import LOCAL, RAW, ledger_table
from queries.statement import Statement

Span = tuple[datetime, datetime]  # [start, end)
VIEWS = """
SELECT create_table_query, as_select FROM system.tables
WHERE database = currentDatabase() AND engine = 'MaterializedView' AND NOT startsWith(name, 'own_') ORDER BY name
"""
COLUMNS = """
SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String} ORDER BY position
"""
TARGET = re.compile(r"\bTO (?:\w+\.)?`?(\w+)`?")
SOURCE = re.compile(r"\bFROM (?:\w+\.)?`?(\w+)`?")
STATE = re.compile(r"(Simple)?AggregateFunction\((\w+)(\([^)]*\))?,")
STEPS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(hours=25),  # a business day with an hour more
}
LONG = {"max_execution_time": 0, "max_threads": 2}
HOUR = timedelta(hours=1)
EXPIRING = timedelta(hours=1)  # longer than a comparison and its repairs take
LONG_AGO = datetime.min.replace(tzinfo=UTC)
log = logging.getLogger(__name__)
TRIES = 5  # comparisons of a stretch into which rows still come
MOST_ROWS, MOST_TIME = 600_000, timedelta(days=60)  # what one comparison of a file load holds in memory
MOST_SPANS = 3  # touched hours that do not adjoin; more of them are healed as one long stretch


@dataclass(frozen=True, slots=True)
class _Rollup:
    """A table that a view keeps: its keys, sums (name) and states (name, merging function), and the view's select."""

    table: str
    source: str
    select: str
    time: str
    keys: tuple[str, ...]
    sums: tuple[str, ...]
    states: tuple[tuple[str, str, str], ...]  # column, function, its parameters

    def differing(self) -> str:
        """How many groups of rows the table and its source disagree about."""
        merged = [f"sum({name}) AS {name}_merged" for name in self.sums]
        merged += [
            f"toString({function}Merge{given}({name})) AS {name}_merged" for name, function, given in self.states
        ]
        chosen, by = ", ".join([*self.keys, *merged]), ", ".join(self.keys)
        kept = f"SELECT {chosen} FROM {self.table} WHERE {self._within()} GROUP BY {by}"
        made = f"SELECT {chosen} FROM ({self.select}) WHERE {self._within()} GROUP BY {by}"
        only_kept, only_made = f"({kept} EXCEPT ALL {made})", f"({made} EXCEPT ALL {kept})"
        return f"SELECT (SELECT count() FROM {only_kept}) + (SELECT count() FROM {only_made})"

    def mending(self) -> str:
        """Adds what is missing and takes away what is too much; a state is joined with what it should be."""
        states = [name for name, _, _ in self.states]
        columns = ", ".join([*self.keys, *self.sums, *states])
        taken = ", ".join([*self.keys, *(f"-{name} AS {name}" for name in self.sums), *states])
        merged = [f"sum({name}) AS {name}" for name in self.sums]
        merged += [f"{function}MergeState{given}({name}) AS {name}" for name, function, given in self.states]
        chosen = ", ".join([*self.keys, *merged])
        both = (
            f"SELECT {columns} FROM ({self.select}) WHERE {self._within()} "
            f"UNION ALL SELECT {taken} FROM {self.table} WHERE {self._within()}"
        )
        return f"INSERT INTO {self.table} ({columns}) SELECT {chosen} FROM ({both}) GROUP BY {', '.join(self.keys)}"

    def _within(self) -> str:
        return _between(self.time)


def _between(time: str) -> str:
    return f"{time} >= {{start:DateTime64(3, 'UTC')}} AND {time} < {{end:DateTime64(3, 'UTC')}}"


def heal_rollups(clickhouse: ClickHouse, moments: Iterable[datetime]) -> list[str]:
    """Compare every rollup with its source around these event times and mend what differs; returns what was mended.

    It may be broken off and repeated. Raises QueryFailedError.
    """
    spans = touched(moments)
    return heal_spans(clickhouse, dict.fromkeys(RAW.values(), spans))


def heal_spans(clickhouse: ClickHouse, spans: Mapping[str, Sequence[Span]]) -> list[str]:
    """The same for stretches of whole hours of each ledger (its table), and the rollups that are made of it.

    What was mended is compared again: a row that came meanwhile may have been added twice, and is then taken away.
    A rollup that never agrees is logged and left to the comparison on a schedule. Times of which the ledger or a rollup
    no longer keeps all rows are left alone, and logged: what has expired would be taken for what is too much. Raises
    QueryFailedError.
    """
    mended: list[str] = []
    wanted = {table: stretches for table, stretches in spans.items() if stretches}
    rollups = _rollups(clickhouse) if wanted else ()
    if any(rollup.source == f"{ledger}{LOCAL}" for rollup in rollups for ledger in wanted):
        log.warning("a cluster's rollups are not mended after a crash: compare these days with reconcile (%s)", spans)
    since = kept_from(clickhouse) if wanted else {}
    for ledger, stretches in tuple(wanted.items()):
        wanted[ledger] = _still_kept(ledger, stretches, _oldest(ledger, rollups, since))
    for rollup in rollups:
        wanted[rollup.table] = wanted.get(rollup.source, ())
        for start, end in wanted[rollup.table]:
            if not _heal(clickhouse, rollup, {"start": start - STEPS[rollup.time], "end": end}):
                continue
            log.warning("the rollup %s was mended after a crash", rollup.table)
            if rollup.table not in mended:
                mended.append(rollup.table)
    return mended


def _oldest(ledger: str, rollups: Iterable[_Rollup], since: Mapping[str, datetime]) -> datetime:
    """The earliest start of a stretch in which neither the ledger nor any of its rollups has lost rows or soon will.

    One for all of them, because a repair of one runs on into those that are fed from it.
    """
    family = {ledger}
    for rollup in rollups:
        if rollup.source in family:
            family.add(rollup.table)
    bounds = [since[table] for table in family if table in since]
    return max(bounds) + max(STEPS.values()) + EXPIRING if bounds else LONG_AGO


def _still_kept(ledger: str, stretches: Sequence[Span], oldest: datetime) -> Sequence[Span]:
    if all(start >= oldest for start, _ in stretches):
        return stretches
    log.warning(
        "rollups of %s were not compared before %s after a crash: rows of then are no longer kept",
        ledger,
        oldest.isoformat(timespec="seconds"),
    )
    return [(max(start, oldest), end) for start, end in stretches if end > oldest]


def _heal(clickhouse: ClickHouse, rollup: _Rollup, values: dict[str, Any]) -> bool:
    """Whether something differed."""
    for tries in range(TRIES):
        compare = Statement(f"compare {rollup.table}", rollup.differing(), values, LONG)
        if not clickhouse.read_long(compare).rows[0][0]:
            return tries > 0
        clickhouse.write(Statement(f"mend {rollup.table}", rollup.mending(), values, _mend()))
    log.warning("the rollup %s still differs after %s repairs; see reconcile", rollup.table, TRIES)
    return True


def _mend() -> dict[str, Any]:
    """Settings of a repair: servers before 26 would drop one like an earlier one, unless it has a token of its own."""
    return {**LONG, "insert_deduplication_token": uuid4().hex}


def fill_rollups(
    clickhouse: ClickHouse,
    source: str,
    spans: Sequence[Span],
    report: Callable[[str], None] = lambda _: None,
    only: Collection[str] | None = None,
) -> None:
    """Add to the rollups of a ledger what it has more, and look whether both agree, in stretches of whole hours.

    Rows may come meanwhile: a difference is added and nothing is replaced, so what the views add beside it stays. Rows
    caught half way between ledger and rollup are put right by the next comparison. `report` hears each table that is
    done, `only` names some rollups instead of all. Raises QueryFailedError, to be tried again, where the two never
    agree.
    """
    reached = {source}
    for rollup in _rollups(clickhouse):
        if rollup.source not in reached:
            continue
        reached.add(rollup.table)
        if only is not None and rollup.table not in only:
            continue
        for start, end in spans:
            _fill(clickhouse, rollup, {"start": start - STEPS[rollup.time], "end": end})
        report(rollup.table)


def _fill(clickhouse: ClickHouse, rollup: _Rollup, values: dict[str, Any]) -> None:
    for _ in range(TRIES):
        clickhouse.write(Statement(f"fill {rollup.table}", rollup.mending(), values, _mend()))
        compare = Statement(f"compare {rollup.table}", rollup.differing(), values, LONG)
        if not clickhouse.read_long(compare).rows[0][0]:
            return
    told = f"rows keep coming faster than they are compared ({values['end']:%Y-%m-%d}); apply again at a quieter time"
    raise QueryFailedError(f"fill {rollup.table}", 0, told, retryable=True)


def touched(moments: Iterable[datetime]) -> list[Span]:
    """The hours in which the moments lie, as stretches [start, end)."""
    hours = sorted({_hour(moment) for moment in moments})
    spans: list[Span] = []
    for hour in hours:
        if spans and hour <= spans[-1][1]:
            spans[-1] = (spans[-1][0], hour + HOUR)
        else:
            spans.append((hour, hour + HOUR))
    return spans if len(spans) <= MOST_SPANS else [(spans[0][0], spans[-1][1])]


def whole_hours(start: datetime, end: datetime) -> Span:
    """The stretch of whole hours around [start, end)."""
    return _hour(start), _hour(end) + HOUR


def in_stretches(pieces: Iterable[tuple[datetime, datetime, int]]) -> list[Span]:
    """Pieces (start, end, rows) in the order of time as stretches of whole hours, each of bounded time and rows."""
    spans: list[Span] = []
    rows = 0
    for start, end, more in pieces:
        first, last = whole_hours(start, end)
        if spans and first <= spans[-1][1] and rows + more <= MOST_ROWS and last - spans[-1][0] <= MOST_TIME:
            spans[-1], rows = (spans[-1][0], last), rows + more
        else:
            spans.append((first, last))
            rows = more
    return spans


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _rollups(clickhouse: ClickHouse) -> Sequence[_Rollup]:
    """Every rollup, each after the one it is fed from."""
    left = [_rollup(clickhouse, *row) for row in clickhouse.read(Statement("views", VIEWS)).rows]
    ordered: list[_Rollup] = []
    while left:
        waiting = {rollup.table for rollup in left}
        ready = [rollup for rollup in left if rollup.source not in waiting] or left
        ordered += ready
        left = [rollup for rollup in left if rollup not in ready]
    return ordered


def _rollup(clickhouse: ClickHouse, create: str, select: str) -> _Rollup:
    target, source = TARGET.search(create), SOURCE.search(select)
    assert target is not None and source is not None, create
    keys: list[str] = []
    sums: list[str] = []
    states: list[tuple[str, str, str]] = []
    for name, kind in clickhouse.read(Statement("columns", COLUMNS, {"table": target[1]})).rows:
        state = STATE.match(kind)
        if state is None:
            keys.append(name)
        elif state[1]:
            sums.append(name)
        else:
            states.append((name, state[2], state[3] or ""))
    time = next(name for name in keys if name in STEPS)
    if source[1] != ledger_table(source[1]):  # a feed keeps nothing to compare with: the view over own tables does
        rows = f"SELECT * FROM {ledger_table(source[1])} WHERE {_between('ts')}"
        select = SOURCE.sub(lambda _: f"FROM ({rows})", select, count=1)
    return _Rollup(target[1], ledger_table(source[1]), select, time, tuple(keys), tuple(sums), tuple(states))
