"""Takes a file's rows from text to ledger events inside the engine: rows, checked, events, slices."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pyarrow as pa

from queries.cells import Parameters
from queries.client import ClickHouse
from queries.dead_letters import leftover_tables
from queries.intake import (
    DIMENSIONS,
    EVENT_COLUMNS,
    LEDGERS,
    InputPlan,
    event_rows,
    raw_columns,
    sound_rows,
    too_old,
    typed_rows,
)
from queries.retention import kept_from
from queries.statement import Statement

# An interrupted load is finished with the slices it began with: these may change only between loads.
SLICE_ROWS, SLICE_DAYS = 200_000, 60
# Sorting and joining spill to disk beyond this, so that a file of any size stays within bounded memory.
BOUNDED = {
    "max_bytes_before_external_sort": 400_000_000,
    "max_bytes_before_external_group_by": 400_000_000,
    "max_threads": 2,
}

EVENTS = """
CREATE TABLE {table}
(
    ledger LowCardinality(String), row UInt64, ts DateTime64(3, 'UTC'), kind LowCardinality(String),
    order_id String, event_id String, orders UInt8, amount Int64, units UInt32, created_at DateTime64(3, 'UTC'),
    quantity UInt32, user_id String, session_id String, channel LowCardinality(String), room LowCardinality(String),
    category LowCardinality(String), sku String, country LowCardinality(String), province LowCardinality(String),
    city LowCardinality(String), tier LowCardinality(String)
)
ENGINE = MergeTree ORDER BY (ledger, ts, event_id)
"""
# Every stretch of a replay before it is sent, with what is needed to send it once more. Times in milliseconds.
NOTES = """
CREATE TABLE {table} (source String, origin Int64, to Int64, speed Float64, run String, start Int64, end Int64)
ENGINE = MergeTree ORDER BY start
"""
NOTE = """
INSERT INTO {table} SELECT {{source:String}}, {{origin:Int64}}, {{to:Int64}}, {{speed:Float64}}, {{run:String}},
    {{start:Int64}}, {{end:Int64}}
"""
NOTED = "SELECT source, origin, to, speed, run, start, end FROM {table} ORDER BY start DESC, end DESC LIMIT 1"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
log = logging.getLogger(__name__)
SLACK = timedelta(seconds=1)  # more than rounding moves an event
# A moment of a slice names its event together with its id: only that time of the ledger is looked through.
ABSENT = (
    "{event_id} NOT IN (SELECT event_id FROM {table} WHERE source = {{source:String}} "
    "AND ts >= {{low:DateTime64(3, 'UTC')}} AND ts < {{high:DateTime64(3, 'UTC')}})"
)
IN_SLICE = "e.ledger = {ledger:String} AND e.ts >= {start:DateTime64(3, 'UTC')} AND e.ts < {end:DateTime64(3, 'UTC')}"
MOVED = (
    "fromUnixTimestamp64Milli(toInt64(round({to:Int64} + "
    "(toUnixTimestamp64Milli(e.%s) - {from:Int64}) / {speed:Float64})), 'UTC')"
)


@dataclass(frozen=True, slots=True)
class Slice:
    """Staged events of one ledger in [start, end), sent in one insert with its own token."""

    ledger: str
    start: datetime
    end: datetime
    rows: int


@dataclass(frozen=True, slots=True)
class Shift:
    """A replay's times: `origin` in the file is `to` on the clock, and time runs `speed` times as fast. `run` stands
    before every event id, because two replays of one file are different events."""

    origin: datetime
    to: datetime
    speed: float
    run: str

    def moved(self, moment: datetime) -> datetime:
        """When a moment of the file is on the clock."""
        return self.to + (moment - self.origin) / self.speed


@dataclass(frozen=True, slots=True)
class Noted:
    """The newest stretch [start, end) of a file that a replay began to send."""

    source: str
    shift: Shift
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class _Sending:
    """What staged columns become on their way into a ledger, and the values of that."""

    moved: Mapping[str, str]
    values: Mapping[str, Any]


class Staging:
    """The tables of one load, named after it. `drop` removes them; what a crash left is dropped or finished later."""

    def __init__(self, clickhouse: ClickHouse, load_id: str) -> None:
        self._clickhouse, self.load_id = clickhouse, load_id
        parts = ("rows", "checked", "events", "notes")
        self.rows, self.checked, self.events, self.notes = (f"stage_{load_id}_{part}" for part in parts)

    def drop(self) -> None:
        """Without its events a load or a replay cannot be finished: they and the notes go last."""
        for table in (self.rows, self.checked, self.notes, self.events):
            self._clickhouse.write(Statement(f"drop {table}", f"DROP TABLE IF EXISTS {table} SYNC"))

    def create_rows(self, plan: InputPlan) -> None:
        """An empty table for the file's rows: where each stood, what the reader found wrong, and the cells as text."""
        columns = ", ".join(["row UInt64", "line UInt64", "fault String", "content String", *raw_columns(plan)])
        self._clickhouse.write(
            Statement("stage rows", f"CREATE TABLE {self.rows} ({columns}) ENGINE = MergeTree ORDER BY row")
        )

    def add_rows(self, batch: pa.Table) -> None:
        self._clickhouse.insert_arrow(self.rows, batch)

    def reject_cells(self, plan: InputPlan, origin: str) -> None:
        """Rows whose cells cannot be read go to the dead letters."""
        parameters = Parameters()
        typed = typed_rows(plan, self.rows, parameters)
        self._reject("cells", plan, origin, f"({typed})", "problem.1 != ''", "problem", parameters)

    def skipped(self, plan: InputPlan) -> dict[str, int]:
        """How many sound rows each skip rule sets aside."""
        parameters = Parameters()
        typed = typed_rows(plan, self.rows, parameters)
        sql = f"SELECT skip, count() FROM ({typed}) WHERE problem.1 = '' AND skip != '' GROUP BY skip"
        return {str(reason): int(count) for reason, count in self._ask("skipped rows", sql, parameters.values)}

    def check(self, plan: InputPlan) -> None:
        """Build the table of sound rows with lookups and derived columns, and what is wrong with their events."""
        parameters = Parameters()
        sql = sound_rows(plan, self.rows, parameters)
        empty = f"CREATE TABLE {self.checked} ENGINE = MergeTree ORDER BY row EMPTY AS {sql}"
        self._clickhouse.write(Statement("stage checked rows", empty, parameters.values))
        fill = f"INSERT INTO {self.checked} {sql}"
        self._clickhouse.write(Statement("check rows", fill, parameters.values, BOUNDED))

    def reject_events(self, plan: InputPlan, origin: str) -> None:
        """Rows that would become an impossible event, or none at all, go to the dead letters."""
        sound = "event_problem.1 != ''"
        self._reject("events", plan, origin, self.checked, sound, "event_problem", Parameters())

    def reject_old(self, plan: InputPlan, origin: str) -> None:
        """Rows with events that are older than what is kept go to the dead letters; their younger events do not.

        What counts as old moves on: a file that is read again after a crash adds what became old meanwhile.
        """
        parameters = Parameters()
        old = too_old(plan, parameters)
        if not old:
            return
        rows = f"(SELECT *, {old} AS old FROM {self.checked} WHERE event_problem.1 = '')"
        letters = (
            "SELECT line FROM dead_letters WHERE reason = 'bad_time' "
            f"AND load_id = {parameters.bind(self.load_id, 'String')}"
        )
        step = f"old:{_milliseconds(max(plan.taken_from.values()))}"
        self._reject(step, plan, origin, rows, f"old.1 != '' AND line NOT IN ({letters})", "old", parameters)

    def collect(self, plan: InputPlan, only_new: bool = True) -> None:
        """Build the table of events, each id once; `only_new` leaves out those that the ledgers already have."""
        self._clickhouse.write(Statement("stage events", EVENTS.format(table=self.events)))
        columns = ", ".join(EVENT_COLUMNS)
        for ledger, (table, _) in LEDGERS.items():
            parameters = Parameters()
            union = event_rows(plan, ledger, self.checked, parameters)
            if not union:
                continue
            present = f"SELECT event_id FROM {table} WHERE source = {parameters.bind(plan.source, 'String')}"
            where = f"WHERE e_event_id NOT IN ({present})" if only_new else ""
            sql = (
                f"INSERT INTO {self.events} ({columns}) SELECT * FROM ({union}) {where} "
                "ORDER BY e_row LIMIT 1 BY e_event_id"
            )
            self._clickhouse.write(Statement(f"collect {ledger} events", sql, parameters.values, BOUNDED))

    def found(self, plan: InputPlan) -> tuple[int, int]:
        """Events that the rows give, and how many different ids they have."""
        parameters = Parameters()
        sql = f"SELECT count(), uniqExact(e_event_id) FROM ({self._all_events(plan, parameters)})"
        count, different = self._ask("found events", sql, parameters.values)[0]
        return int(count), int(different)

    def reject_repeated(self, plan: InputPlan, origin: str) -> None:
        """Rows that give an event id for the second time go to the dead letters: the first one stands."""
        parameters = Parameters()
        again = (
            "SELECT e_row, min(e_event_id) AS id FROM (SELECT e_row, e_event_id, row_number() OVER "
            f"(PARTITION BY e_event_id ORDER BY e_row) AS turn FROM ({self._all_events(plan, parameters)})) "
            "WHERE turn > 1 GROUP BY e_row"
        )
        rows = (
            f"(SELECT r.*, ('repeated_id', a.id) AS repeated FROM ({again}) AS a "
            f"INNER JOIN {self.rows} AS r ON r.row = a.e_row)"
        )
        self._reject("repeated", plan, origin, rows, "1", "repeated", parameters)

    def _all_events(self, plan: InputPlan, parameters: Parameters) -> str:
        rows = (event_rows(plan, ledger, self.checked, parameters) for ledger in LEDGERS)
        return " UNION ALL ".join(sql for sql in rows if sql)

    def counted(self) -> dict[tuple[str, str], int]:
        """Events by ledger and kind that will be new in the ledgers."""
        sql = f"SELECT ledger, kind, count() FROM {self.events} GROUP BY ledger, kind ORDER BY ledger, kind"
        return {(ledger, kind): int(count) for ledger, kind, count in self._ask("staged events", sql)}

    def bounds(self) -> tuple[datetime, datetime] | None:
        """The first and the last event's time, UTC; None when there are no events."""
        sql = f"SELECT count(), toUnixTimestamp64Milli(min(ts)), toUnixTimestamp64Milli(max(ts)) FROM {self.events}"
        count, first, last = self._ask("staged bounds", sql)[0]
        return (_moment(first), _moment(last)) if count else None

    def slices(self) -> list[Slice]:
        """The staged events in pieces that one insert carries: by time, so that few partitions are touched at once.

        The same table gives the same slices, which is what makes a repeated token mean the same rows.
        """
        sql = (
            f"SELECT ledger, intDiv(toUnixTimestamp64Milli(ts), 60000) AS minute, count() FROM {self.events} "
            "GROUP BY ledger, minute ORDER BY ledger, minute"
        )
        packed: list[Slice] = []
        for ledger, minute, count in self._ask("staged minutes", sql):
            start = _moment(minute * 60_000)
            fresh = Slice(ledger, start, start + timedelta(minutes=1), count)
            if packed and _fits(packed[-1], fresh):
                packed[-1] = Slice(ledger, packed[-1].start, fresh.end, packed[-1].rows + count)
            else:
                packed.append(fresh)
        return packed

    def send(self, piece: Slice, source: str) -> None:
        """Insert a slice into its ledger. Sending it again changes nothing, and heals rollups that missed it."""
        token = f"{self.load_id}:{piece.ledger}:{int(piece.start.timestamp() * 1000)}"
        self._insert(f"load {piece.ledger}", piece, _plain(source), token)

    def send_absent(self, piece: Slice, source: str) -> int:
        """Insert what the ledger lacks of a slice, after a crash; returns how many events that were.

        Not under the slice's token: a process may have died between the engine's note of a block and the block itself.
        """
        return self._insert_absent(piece, _plain(source), piece.start, piece.end)

    def send_shifted(self, piece: Slice, source: str, shift: Shift) -> int:
        """Insert a slice with its times moved; returns how many events it had. The same slice again changes nothing."""
        count = self.count(piece)
        if count:
            token = f"{shift.run}:{self.load_id}:{piece.ledger}:{int(piece.start.timestamp() * 1000)}"
            self._insert(f"replay {piece.ledger}", piece, _shifted(source, shift), token)
        return count

    def send_absent_shifted(self, piece: Slice, source: str, shift: Shift) -> int:
        """As `send_absent`, for a stretch of a replay."""
        low, high = shift.moved(piece.start) - SLACK, shift.moved(piece.end) + SLACK
        return self._insert_absent(piece, _shifted(source, shift), low, high)

    def take_notes(self) -> None:
        """From here on `note` can say what is being sent."""
        self._clickhouse.write(Statement("stage notes", NOTES.format(table=self.notes)))

    def note(self, noted: Noted) -> None:
        """Note a stretch of a replay before it is sent."""
        shift = noted.shift
        moments = {"origin": shift.origin, "to": shift.to, "start": noted.start, "end": noted.end}
        values: dict[str, Any] = {name: _milliseconds(moment) for name, moment in moments.items()}
        values |= {"source": noted.source, "speed": shift.speed, "run": shift.run}
        self._clickhouse.write(Statement("note a replay", NOTE.format(table=self.notes), values))

    def noted(self) -> Noted | None:
        """The newest stretch that was noted, None where none was or the tables are gone."""
        if {self.events, self.notes} - set(leftover_tables(self._clickhouse, f"stage_{self.load_id}_")):
            return None
        for source, origin, to, speed, run, start, end in self._ask("noted", NOTED.format(table=self.notes)):
            return Noted(source, Shift(_moment(origin), _moment(to), speed, run), _moment(start), _moment(end))
        return None

    def count(self, piece: Slice) -> int:
        """Staged events of a slice."""
        values = {"ledger": piece.ledger, "start": piece.start, "end": piece.end}
        sql = f"SELECT count() FROM {self.events} AS e WHERE {IN_SLICE}"
        return int(self._ask("due events", sql, values)[0][0])

    def _insert_absent(self, piece: Slice, sending: _Sending, low: datetime, high: datetime) -> int:
        event_id = sending.moved.get("event_id", "event_id").replace("event_id", "e.event_id")
        table = LEDGERS[piece.ledger][0]
        absent = ABSENT.format(event_id=event_id, table=table)
        more = {"low": low, "high": high}
        since = kept_from(self._clickhouse).get(table, EPOCH)
        if low < since:  # an event that was in and has expired looks like one that never was
            at = sending.moved.get("ts", "e.ts")
            absent, more = f"{at} >= {{since:DateTime64(3, 'UTC')}} AND {absent}", {**more, "since": since}
            log.warning(
                "events of %s before %s are no longer kept: what was left of them in %s is not sent after the crash",
                table,
                since.isoformat(timespec="seconds"),
                self.load_id,
            )
        values = {**sending.values, **more, "ledger": piece.ledger, "start": piece.start, "end": piece.end}
        sql = f"SELECT count() FROM {self.events} AS e WHERE {IN_SLICE} AND {absent}"
        count = int(self._ask("absent events", sql, values)[0][0])
        if count:
            self._insert(f"complete {piece.ledger}", piece, sending, uuid4().hex, absent, more)
        return count

    def _insert(
        self,
        name: str,
        piece: Slice,
        sending: _Sending,
        token: str,
        condition: str = "1",
        more: Mapping[str, Any] | None = None,
    ) -> None:
        table, own = LEDGERS[piece.ledger]
        columns = (*own, *DIMENSIONS)
        chosen = [sending.moved.get(column, column) for column in columns]
        sql = (
            f"INSERT INTO {table} ({', '.join(columns)}, source) SELECT {', '.join(chosen)}, {{source:String}} "
            f"FROM {self.events} AS e WHERE {IN_SLICE} AND {condition} ORDER BY e.ts, e.event_id"
        )
        values = {"ledger": piece.ledger, "start": piece.start, "end": piece.end, **sending.values, **(more or {})}
        settings = {**BOUNDED, "max_threads": 1, "insert_deduplication_token": token}
        self._clickhouse.write(Statement(name, sql, values, settings))

    def _ask(self, name: str, sql: str, values: Mapping[str, Any] | None = None) -> Sequence[tuple[Any, ...]]:
        """Read without the time limit of a tile: a big file takes what it takes."""
        return self._clickhouse.read_long(Statement(name, sql, values or {})).rows

    def _reject(
        self, step: str, plan: InputPlan, origin: str, rows: str, where: str, problem: str, parameters: Parameters
    ) -> None:
        headers = parameters.bind([cell.name for cell in plan.cells], "Array(String)")
        cells = ", ".join(f"raw_{cell.name}" for cell in plan.cells)
        source, file = parameters.bind(plan.source, "String"), parameters.bind(origin, "String")
        load_id = parameters.bind(self.load_id, "String")
        sql = (
            "INSERT INTO dead_letters (source, origin, line, reason, detail, content, load_id) "
            f"SELECT {source}, {file}, line, {problem}.1, {problem}.2, "
            f"if(content != '', content, toJSONString(mapFromArrays({headers}, [{cells}]))), {load_id} "
            f"FROM {rows} WHERE {where} ORDER BY row"
        )
        settings = {**BOUNDED, "max_threads": 1, "insert_deduplication_token": f"{self.load_id}:{step}"}
        self._clickhouse.write(Statement(f"reject {step}", sql, parameters.values, settings))


def _plain(source: str) -> _Sending:
    return _Sending({}, {"source": source})


def _shifted(source: str, shift: Shift) -> _Sending:
    moved = {"ts": MOVED % "ts", "created_at": MOVED % "created_at", "event_id": "concat({run:String}, event_id)"}
    times = {"to": _milliseconds(shift.to), "from": _milliseconds(shift.origin), "speed": shift.speed}
    return _Sending(moved, {"source": source, **times, "run": f"{shift.run}:"})


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _milliseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


def _fits(last: Slice, fresh: Slice) -> bool:
    return (
        last.ledger == fresh.ledger
        and last.rows + fresh.rows <= SLICE_ROWS
        and fresh.end - last.start <= timedelta(days=SLICE_DAYS)
    )
