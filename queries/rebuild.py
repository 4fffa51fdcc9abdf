"""Makes partitions of a rollup anew from the raw ledger: built beside it, then swapped in whole."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.errors import BadRequestError, QueryFailedError, UnknownNameError
from metrics.calendar import Span
from queries.builder import MOMENT
from queries.client import ClickHouse
from queries.retention import check_kept
from queries.rollups import DAY, LOCAL, RAW, ROLLUPS, SECONDS, Source, ledger_table
from queries.statement import Statement

ALL = "all"
# A business day may begin up to a day before the calendar day (UTC) its rows are filed under, and end as much later.
MARGIN = timedelta(days=2)
TRIES = 10  # for partitions that a writer of another process moves meanwhile
VIEWS = "SELECT name, as_select FROM system.tables WHERE database = currentDatabase() AND engine = 'MaterializedView'"
FROM = re.compile(r"\bFROM (?:`?\w+`?\.)?`?(\w+)`?")
MONTHLY = re.compile(r"PARTITION BY toYYYYMM\(")


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """One partition that was swapped: its rows before and after, and for how many seconds writers waited."""

    rollup: str
    partition: str
    rows_before: int
    rows_after: int
    took_s: float


def rollup_sources() -> dict[str, Source]:
    """Every rollup by its table's name."""
    return {source.table: source for source in (*SECONDS.values(), *ROLLUPS)}


def find_rollups(clickhouse: ClickHouse, name: str) -> tuple[Source, ...]:
    """The rollup of this name, or every one for 'all'. Raises UnknownNameError."""
    known = rollup_sources()
    if name != ALL and name not in known:
        raise UnknownNameError("rollup", name, [*known, ALL])
    # where rows of own tables change, rollups are views: there is nothing to rebuild
    sql = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine != 'View'"
    there = {row[0] for row in clickhouse.read(Statement("tables there are", sql)).rows}
    return tuple(source for key, source in known.items() if name in {key, ALL} and key in there)


def rebuild(
    clickhouse: ClickHouse,
    name: str,
    span: Span,
    now: datetime,
    stopwatch: Callable[[], float],
    report: Callable[[Rebuilt], None] = lambda _: None,
) -> list[Rebuilt]:
    """Rebuild the partitions of a rollup (or of 'all') that hold rows of `span` from the raw ledger.

    Inserting waits while one partition is built and swapped; reading goes on and sees the old partition or the new one.
    Where another process inserts, a partition is built again until no row came meanwhile.
    Raises UnknownNameError, and BadRequestError on a cluster and where single events of that time are no longer kept.
    """
    done = []
    check_not_clustered(clickhouse)
    for source in find_rollups(clickhouse, name):
        for window in windows(clickhouse, source, span):
            begun = stopwatch()
            with clickhouse.writes_held():
                rows = _swap(clickhouse, source, window, now)
            done.append(Rebuilt(source.table, window[0], *rows, stopwatch() - begun))
            report(done[-1])
    return done


def check_not_clustered(clickhouse: ClickHouse) -> None:
    """Raises BadRequestError on a cluster, where each shard has views of its own between local tables."""
    if any(_parent(select).endswith(LOCAL) for select in read_views(clickhouse).values()):
        raise BadRequestError(
            "this store is a cluster's: its rollups lie on every shard and are rebuilt there by hand "
            "(docs/how-to/use-a-clickhouse-server.md)"
        )


Window = tuple[str, Span]  # the partition's id, and the time it files


def windows(clickhouse: ClickHouse, source: Source, span: Span) -> list[Window]:
    """The partitions that file rows of a span; a partition is a day or a month, UTC."""
    sql = "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = {table:String}"
    ((text,),) = clickhouse.read(Statement("partitions of a rollup", sql, {"table": source.table})).rows
    first = span.start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    found: list[Window] = []
    if MONTHLY.search(text):
        first = first.replace(day=1)
        while first < span.end:
            following = (first + timedelta(days=32)).replace(day=1)
            found.append((f"{first:%Y%m}", Span(first, following)))
            first = following
        return found
    while first < span.end:
        found.append((f"{first:%Y%m%d}", Span(first, first + DAY)))
        first += DAY
    return found


def ledger_of(views: dict[str, str], table: str) -> str:
    """The raw ledger that a rollup is made of, through the rollups between them."""
    while f"{table}_view" in views:
        table = _parent(views[f"{table}_view"])
    return table


def from_raw(views: dict[str, str], table: str, condition: str) -> str:
    """A rollup's own SELECT with every rollup it is fed by written out, down to the raw rows that meet a condition."""
    if table in RAW.values():
        return f"SELECT * FROM {table} WHERE {condition}"
    if f"{table}_view" not in views:
        raise BadRequestError(f"{table} has no view that says how it is made: this store did not make it")
    select = views[f"{table}_view"]
    parent = _parent(select)
    inner = from_raw(views, parent, condition)
    return FROM.sub(lambda _: f"FROM ({inner}) AS {parent}", select, count=1)


def _parent(select: str) -> str:
    found = FROM.search(select)
    if not found:
        raise BadRequestError(f"cannot read what feeds a rollup: {select[:80]}")
    return ledger_table(found[1])


def read_views(clickhouse: ClickHouse) -> dict[str, str]:
    """The SELECT of every materialized view by its name."""
    return dict(clickhouse.read(Statement("views of rollups", VIEWS)).rows)


def _swap(clickhouse: ClickHouse, source: Source, window: Window, now: datetime) -> tuple[int, int]:
    """Build one partition beside the rollup and put it in its place. Rows before and after."""
    partition, span = window
    views, stage = read_views(clickhouse), f"stage_rebuild_{source.table}"
    raw = ledger_of(views, source.table)
    check_kept(clickhouse, {raw: max(span.start, _oldest(clickhouse, source, span) or span.start)}, now)
    made = from_raw(views, source.table, f"ts >= {{low:{MOMENT}}} AND ts < {{high:{MOMENT}}}")
    margin = MARGIN if source.step == DAY else timedelta(0)
    values = {"low": span.start - margin, "high": span.end + margin, "start": span.start, "end": span.end}
    inside = f"{source.time} >= {{start:{MOMENT}}} AND {source.time} < {{end:{MOMENT}}}"
    try:
        for _ in range(TRIES):
            _drop(clickhouse, stage)
            clickhouse.administer(Statement(f"stage {source.table}", f"CREATE TABLE {stage} AS {source.table}"))
            seen = _raw_rows(clickhouse, raw, values)
            fill = f"INSERT INTO {stage} SELECT * FROM ({made}) WHERE {inside}"
            clickhouse.administer(Statement(f"rebuild {source.table}", fill, values))
            if _raw_rows(clickhouse, raw, values) != seen:
                continue
            before, after = (_rows(clickhouse, table, partition) for table in (source.table, stage))
            put = (
                f"ALTER TABLE {source.table} REPLACE PARTITION ID '{partition}' FROM {stage}"
                if after
                else f"ALTER TABLE {source.table} DROP PARTITION ID '{partition}'"
            )
            if before or after:
                clickhouse.administer(Statement(f"swap {source.table}", put))
            if _raw_rows(clickhouse, raw, values) == seen:  # else a row may have come just before the swap and be lost
                return before, after
    finally:
        _drop(clickhouse, stage)
    raise QueryFailedError(
        f"rebuild {source.table}", 0, f"another process keeps writing to {partition}; stop it and rebuild again", True
    )


def _drop(clickhouse: ClickHouse, stage: str) -> None:
    clickhouse.administer(Statement(f"drop {stage}", f"DROP TABLE IF EXISTS {stage} SYNC"))


def _raw_rows(clickhouse: ClickHouse, raw: str, values: dict[str, datetime]) -> int:
    sql = f"SELECT count() FROM {raw} WHERE ts >= {{low:{MOMENT}}} AND ts < {{high:{MOMENT}}}"
    bounds = {name: values[name] for name in ("low", "high")}
    return int(clickhouse.read(Statement("raw rows to rebuild from", sql, bounds)).rows[0][0])


def _oldest(clickhouse: ClickHouse, source: Source, span: Span) -> datetime | None:
    """The oldest time that the rollup has in a partition: what is older needs no raw rows."""
    sql = (
        f"SELECT toInt64(count()), min({source.time}) FROM {source.table} "
        f"WHERE {source.time} >= {{start:{MOMENT}}} AND {source.time} < {{end:{MOMENT}}}"
    )
    bounds = {"start": span.start, "end": span.end}
    ((count, oldest),) = clickhouse.read(Statement("oldest row of a partition", sql, bounds)).rows
    return oldest if count else None


def _rows(clickhouse: ClickHouse, table: str, partition: str) -> int:
    sql = (
        "SELECT toInt64(sum(rows)) FROM system.parts WHERE database = currentDatabase() AND active "
        "AND table = {table:String} AND partition_id = {partition:String}"
    )
    values = {"table": table, "partition": partition}
    return int(clickhouse.read(Statement("rows of a partition", sql, values)).rows[0][0])
