"""Looks at a mapping of own tables beside the tables themselves: what is missing, does not fit, or is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from core.errors import BadRequestError, QueryFailedError, nearest
from metrics.calendar import BusinessCalendar
from metrics.model import KINDS
from metrics.regions import load_region_set
from queries.client import ClickHouse
from queries.own_expression import columns_of
from queries.own_select import Types, Writer, event_columns, event_select, quoted, rollup_select, rows_of
from queries.own_tables import Event, OwnRollup, OwnTable, OwnTables, Value, expressions
from queries.rollups import DAY, GRAINS, floor_to
from queries.statement import Statement

SAMPLE = 100_000  # rows that are looked into for values; the first that the engine finds
SECONDS = 10  # a look takes no longer
SHOWN = 5
MINUTE = timedelta(minutes=1)
TABLES = "SELECT concat(database, '.', name), engine, toInt64(ifNull(total_rows, 0)) FROM system.tables"
COLUMNS = "SELECT name, type FROM system.columns WHERE concat(database, '.', table) = {table:String}"
# Rows of these are merged away or summed up later: what was read once may be another row tomorrow.
REPLACING = ("Replacing", "Collapsing", "Summing", "Aggregating", "Coalescing", "Graphite")
FINAL = ("Replacing", "Collapsing", "Summing", "Aggregating", "Coalescing")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line about one entry. Errors keep a mapping from being applied; warnings are rows left out or odd."""

    level: Literal["error", "warning", "fact"]
    entry: str
    text: str


@dataclass(slots=True)
class Examined:
    """What was found, and what writing the mapping's SELECTs needs: types by table and the tables read with FINAL."""

    mapping: OwnTables
    findings: list[Finding] = field(default_factory=list)
    types: dict[str, Types] = field(default_factory=dict)
    final: set[str] = field(default_factory=set)

    @property
    def errors(self) -> list[Finding]:
        return [found for found in self.findings if found.level == "error"]

    def note(self, level: Literal["error", "warning", "fact"], entry: str, text: str) -> None:
        self.findings.append(Finding(level, entry, text))

    def select(self, table: OwnTable, event: Event, sample: int = 0) -> str:
        """The SELECT of one event."""
        return event_select(self.mapping, table, event, self.types[table.table], table.table in self.final, sample)

    def rollup(self, rollup: OwnRollup) -> str:
        """The SELECT of one rollup of theirs."""
        return rollup_select(self.mapping, rollup, self.types[rollup.table], rollup.table in self.final)

    def ledger(self, ledger: str) -> list[str]:
        """The SELECTs that together are a ledger."""
        return [self.select(table, event) for _, table, event in self.mapping.events(ledger)]


def examine(clickhouse: ClickHouse, mapping: OwnTables, now: datetime) -> Examined:
    """Everything that can be said about a mapping and its tables, asked as the user who changes tables."""
    examined = Examined(mapping)
    there = {name: (engine, rows) for name, engine, rows in _rows(clickhouse, "tables", TABLES)}
    for key, table in mapping.file.tables.items():
        where = f"tables.{key}"
        if _readable(clickhouse, examined, where, table.table, there) and _stays(examined, where, table, there):
            for event in table.events:
                _look_at_event(clickhouse, examined, f"{where}.events.{event.label}", table, event, now)
    for name, rollup in mapping.file.rollups.items():
        where = f"rollups.{name}"
        if _readable(clickhouse, examined, where, rollup.table, there) and not examined.errors:
            _look_at_rollup(clickhouse, examined, where, rollup)
    return examined


def _rows(clickhouse: ClickHouse, name: str, sql: str, **values: Any) -> Sequence[tuple[Any, ...]]:
    settings = {"max_execution_time": SECONDS}
    return clickhouse.inspect(Statement(f"own tables: {name}", sql, values, settings)).rows


def _reason(problem: QueryFailedError) -> str:
    """ClickHouse's own message without the statement's name before it."""
    return str(problem).partition(": ")[2].partition(": ")[2].replace("Code: ", "ClickHouse ", 1)


def _readable(
    clickhouse: ClickHouse, examined: Examined, where: str, name: str, there: Mapping[str, tuple[str, int]]
) -> bool:
    """Whether the table is there, has the columns, and every expression has a type."""
    if name not in there:
        near = nearest(name, [other for other in there if not other.lower().startswith(("system.", "information_"))])
        hint = f"; did you mean {near[0]!r}?" if near else ""
        examined.note("error", where, f"there is no table {name}, or the DSN's user may not see it{hint}")
        return False
    if there[name][0].startswith(FINAL):
        examined.final.add(name)
    columns = {column for column, _ in _rows(clickhouse, "columns", COLUMNS, table=name)}
    good, types = True, dict(examined.types.get(name, {}))
    for entry, text in expressions(examined.mapping.file):
        if not entry.startswith(f"{where}."):
            continue
        unknown = [found for found in columns_of(text) if not {found, found.partition(".")[0]} & columns]
        for column in unknown:
            near = nearest(column, columns)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            examined.note("error", entry, f"{name} has no column {column!r}{hint}")
        if not unknown and text not in types:
            types |= _type_of(clickhouse, examined, entry, text, name)
        good = good and text in types
    examined.types[name] = types
    return good


def _type_of(clickhouse: ClickHouse, examined: Examined, entry: str, text: str, table: str) -> dict[str, str]:
    try:
        sql = f"DESCRIBE TABLE (SELECT ({text}) AS value FROM {rows_of(table)})"
        return {text: str(_rows(clickhouse, "type", sql)[0][1])}
    except QueryFailedError as problem:
        examined.note("error", entry, _reason(problem))
        return {}


def _stays(examined: Examined, where: str, table: OwnTable, there: Mapping[str, tuple[str, int]]) -> bool:
    """Whether the table keeps rows as the mapping says it does."""
    engine, _ = there[table.table]
    if table.rows == "change":
        return True
    if not engine.removeprefix("Replicated").removeprefix("Shared").endswith("MergeTree"):
        told = f"{table.table} is a {engine}: nothing tells when rows come to it"
        examined.note("error", f"{where}.rows", f"{told}; say `rows: change`")
        return False
    if engine.removeprefix("Replicated").removeprefix("Shared").startswith(REPLACING):
        told = f"{table.table} is a {engine}: a row that is replaced would count twice"
        examined.note("error", f"{where}.rows", f"{told}; say `rows: change`")
        return False
    return True


def _look_at_event(
    clickhouse: ClickHouse, examined: Examined, where: str, table: OwnTable, event: Event, now: datetime
) -> None:
    problems = list(_type_problems(examined, where, table, event))
    for entry, text in problems:
        examined.note("error", entry, text)
    if problems:
        return
    try:
        _look_at_values(clickhouse, examined, where, table, event)
    except QueryFailedError as problem:
        examined.note("error", where, _reason(problem))
        return
    _look_at_times(clickhouse, examined, where, table, event, now)


def _type_problems(examined: Examined, where: str, table: OwnTable, event: Event) -> Iterator[tuple[str, str]]:
    """Fields whose expression has a type that they cannot have."""
    writer, given = Writer(examined.types[table.table], examined.mapping.zone), event.plain()
    tries = dict.fromkeys(("at", "created_at"), writer.moment)
    checks: dict[str, Any] = {
        **tries,
        "amount": lambda text: writer.money(text, table.per_unit),
        **{name: (lambda text: writer.number(text, "UInt32")) for name in ("orders", "units", "quantity")},
    }
    for name, text in given.items():
        try:
            if name in checks:
                checks[name](text)
        except BadRequestError as problem:
            yield f"{where}.{name}", str(problem)


def _look_at_values(clickhouse: ClickHouse, examined: Examined, where: str, table: OwnTable, event: Event) -> None:
    """What some rows hold: kinds and regions that are not ours, amounts below zero."""
    amount = "amount" if event.ledger == "orders" else "0"
    chosen = f"SELECT toInt64(count()), toInt64(countIf({amount} < 0)), count(DISTINCT toTypeName(ts)) "
    sql = f"{chosen} FROM ({examined.select(table, event, SAMPLE)}) SETTINGS max_threads = 2"
    ((count, below, _),) = _rows(clickhouse, "sample", sql)
    if not count:
        examined.note("warning", where, f"no row of the first {SAMPLE:,} has it")
    if below and event.orders.strip() != "0":  # what counts as no order may correct an amount
        text = f"{below:,} of {count:,} amounts are below zero: the kind gives the direction, write -(…) or abs(…)"
        examined.note("error", f"{where}.amount", text)
    values, conditions = event_columns(examined.mapping, table, event, examined.types[table.table])
    source = f"FROM {rows_of(table.table, table.table in examined.final, SAMPLE)}"
    writer = Writer(examined.types[table.table], examined.mapping.zone)
    if event.kind_of:
        known = ", ".join(map(quoted, KINDS[event.ledger]))
        others = [text for text in conditions if text != f"{values['kind']} IN ({known})"]
        test = " AND ".join([*others, f"{values['kind']} NOT IN ({known})"])
        found = _counted(clickhouse, writer.text(event.kind_of.of), source, test)
        _tell(examined, f"{where}.kind_of", found, "are no kinds of ours and are left out")
    for name, value in {**table.shared.codes(), **event.codes()}.items():
        unknown = _unknown_codes(examined, name, value, values[name])
        if unknown:
            test = " AND ".join([*conditions, unknown])
            found = _counted(clickhouse, writer.text(value.of), source, test)
            _tell(examined, f"{where}.{name}", found, "are no regions that we know; they stand nowhere on the map")


def _unknown_codes(examined: Examined, name: str, value: Value, translated: str) -> str:
    """A condition for values that become no region, '' where nothing can be said."""
    profile = examined.mapping.file.store
    if value.regions:
        return f"{translated} = ''"
    if name == profile.region_level:
        known = ", ".join(map(quoted, load_region_set(profile.region_set).regions))
        return f"{translated} NOT IN ({known})"
    return ""


def _counted(clickhouse: ClickHouse, value: str, source: str, test: str) -> list[tuple[str, int]]:
    sql = f"SELECT {value} AS own_value, toInt64(count()) AS own_count {source} WHERE {test} GROUP BY own_value"
    found = _rows(clickhouse, "values", f"SELECT * FROM ({sql}) ORDER BY own_count DESC, own_value LIMIT 1000")
    return [(str(text), int(count)) for text, count in found]


def _tell(examined: Examined, entry: str, found: list[tuple[str, int]], what: str) -> None:
    if found:
        named = ", ".join(f"{text!r} ({count:,})" for text, count in found[:SHOWN])
        more = f" and {len(found) - SHOWN:,} more" if len(found) > SHOWN else ""
        examined.note("warning", entry, f"{named}{more} {what}")


def _look_at_times(
    clickhouse: ClickHouse, examined: Examined, where: str, table: OwnTable, event: Event, now: datetime
) -> None:
    """From when to when, and how many a day."""
    sql = f"SELECT toInt64(count()), min(ts), max(ts) FROM ({examined.select(table, event)})"
    try:
        ((count, first, last),) = _rows(clickhouse, "time range", sql)
    except QueryFailedError as problem:
        examined.note("fact", where, f"time range not read: {_reason(problem)}")
        return
    if not count:
        return
    days = max((last - first) / DAY, 1.0)
    examined.note(
        "fact",
        where,
        f"{count:,} events from {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC, "
        f"about {count / days:,.0f} a day",
    )
    if last > now + 5 * MINUTE:
        examined.note(
            "warning", f"{where}.at", f"the newest is after now ({now:%H:%M:%S} UTC): is the time zone right?"
        )


def _look_at_rollup(clickhouse: ClickHouse, examined: Examined, where: str, rollup: OwnRollup) -> None:
    """Whether a rollup of theirs lies on whole steps and says what the ledger says."""
    try:
        select = examined.rollup(rollup)
        sql = f"SELECT toInt64(count()), min({rollup.step}), max({rollup.step}) FROM ({select})"
        ((count, _, last),) = _rows(clickhouse, "range of a rollup", sql)
        if not count:
            examined.note("warning", where, "holds nothing yet")
            return
        if _off_steps(clickhouse, examined, where, rollup, select):
            return
        # the newest step may still be running: what is over is compared
        first = last - (7 * DAY if rollup.step == "day" else DAY)
        _compare(clickhouse, examined, where, rollup, select, first, last)
        examined.note("fact", where, f"{count:,} rows until {last:%Y-%m-%d %H:%M} UTC")
    except BadRequestError as problem:
        examined.note("error", where, str(problem))
    except QueryFailedError as problem:
        examined.note("error", where, _reason(problem))


def _off_steps(clickhouse: ClickHouse, examined: Examined, where: str, rollup: OwnRollup, select: str) -> bool:
    sql = f"SELECT DISTINCT {rollup.step} AS found FROM ({select}) ORDER BY found DESC LIMIT 5000"
    steps = [moment for (moment,) in _rows(clickhouse, "steps of a rollup", sql)]
    calendar = BusinessCalendar.of(examined.mapping.file.store)
    step = dict(GRAINS.values())[rollup.step]
    if rollup.step == "day":
        wrong = [moment for moment in steps if calendar.start_of(calendar.day_of(moment)) != moment]
    else:
        wrong = [moment for moment in steps if floor_to(moment, step) != moment]
    for moment in wrong[:1]:
        whole = f"a business day of {examined.mapping.file.store.time_zone}" if rollup.step == "day" else "a whole step"
        examined.note("error", f"{where}.at", f"{moment:%Y-%m-%d %H:%M:%S} UTC begins no {whole.removeprefix('a ')}")
    return bool(wrong)


def _compare(
    clickhouse: ClickHouse,
    examined: Examined,
    where: str,
    rollup: OwnRollup,
    select: str,
    first: datetime,
    last: datetime,
) -> None:
    both = " UNION ALL ".join(examined.ledger(rollup.ledger))
    names = list(rollup.measures)
    wanted = [f"toInt64(sumIf({name.partition('__')[2]}, kind = '{name.partition('__')[0]}'))" for name in names]
    span = {"first": first, "last": last}
    inside = "{time} >= {{first:DateTime64(3, 'UTC')}} AND {time} < {{last:DateTime64(3, 'UTC')}}"
    sql = f"SELECT {', '.join(wanted)} FROM ({both}) WHERE {inside.format(time='ts')}"
    (expected,) = _rows(clickhouse, "ledger beside a rollup", sql, **span)
    sums = ", ".join(f"toInt64(sum({name}))" for name in names)
    sql = f"SELECT {sums} FROM ({select}) WHERE {inside.format(time=rollup.step)}"
    (actual,) = _rows(clickhouse, "rollup beside its ledger", sql, **span)
    for name, right, found in zip(names, expected, actual, strict=True):
        if right != found:
            scale = 10_000 if name.endswith("__amount") else 1
            examined.note(
                "error",
                f"{where}.measures.{name}",
                f"{found / scale:,.10g} where the ledger has {right / scale:,.10g} "
                f"({first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC)",
            )
