"""Fills a store with the simulated business up to a moment: days of history at first, a gap after a pause later."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from core.clock import stopwatch
from ingest.columns import BEHAVIOUR_COLUMNS, ORDER_COLUMNS, Rows, in_ledger_order, join, to_behaviour, to_orders
from ingest.continuing import continue_stream, second_of
from ingest.event import BEHAVIOUR, ORDERS, Ledger
from ingest.scenario import Scenario, Staged
from ingest.stream import Settings, Stream
from ingest.world import SOURCE, World, load_world
from ingest.writer import Writer
from queries.client import ClickHouse
from queries.continuation import empty_ledgers, is_broken_off, note_history
from queries.merges import merges_held

HOUR = 3600
BATCH_ROWS = 400_000  # views cost 10 ms an insert and a part each; larger batches only cost memory
WRITERS = 2  # an insert keeps little more than one core busy
LONGEST_GAP = timedelta(hours=24)

Progress = Callable[[int, float], object]  # rows so far, part done in [0, 1]


@dataclass(frozen=True, slots=True)
class HistorySummary:
    """What was filled: [start, until), rows of both ledgers, seconds it took."""

    start: datetime
    until: datetime
    rows: int
    seconds: float


def fill_history(
    clickhouse: ClickHouse,
    *,
    scenario: Scenario,
    seed: int,
    until: datetime,
    rate: float,
    days: int = 8,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    writer: Writer | None = None,
) -> HistorySummary:
    """Write `days` of history that ends exactly at `until` (aware; cut to the whole second).

    Call it at every start: a store whose history is whole only gets what is missing since its newest event, and a
    history that was cut off by a crash is emptied and filled again (two inserts run at once, so its newest event does
    not prove that all earlier ones are there). `stop` ends it early in a good state. Orders whose payment or refund
    falls after `until` stay open in the ledger; the live simulator finds them there. `writer` writes what a whole
    history is missing, so that a crash of that is healed from the writer's spool.
    Raises QueryFailedError when the store refuses a batch.
    """
    world = load_world()
    staged = Staged(scenario, world, until)
    if is_broken_off(clickhouse, SOURCE):
        empty_ledgers(clickhouse, SOURCE)
    note_history(clickhouse, SOURCE, "begun")
    stream = continue_stream(clickhouse, Settings(seed, rate), staged, earliest=until - timedelta(days=days))
    if is_broken_off(clickhouse, SOURCE):
        writer = None  # the first fill: two threads are faster, and a crash empties what they wrote
    with merges_held(clickhouse):
        summary = _fill(clickhouse, stream, world, second_of(until), progress, stop, writer)
    note_history(clickhouse, SOURCE, "whole", summary.rows)
    return summary


def fill_gap(
    clickhouse: ClickHouse,
    *,
    scenario: Scenario,
    seed: int,
    until: datetime,
    rate: float,
    longest: timedelta = LONGEST_GAP,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    writer: Writer | None = None,
) -> HistorySummary:
    """Write what the business did since its newest event in the store, at most the `longest` part before `until`.

    With a `writer` batches go in one after the other, so that what a crash leaves in its spool is all there is to heal.
    """
    world = load_world()
    staged = Staged(scenario, world, until)
    stream = continue_stream(clickhouse, Settings(seed, rate), staged, earliest=until - longest)
    return _fill(clickhouse, stream, world, second_of(until), progress, stop, writer)


def _fill(
    clickhouse: ClickHouse,
    stream: Stream,
    world: World,
    until: int,
    progress: Progress | None,
    stop: threading.Event | None,
    writer: Writer | None,
) -> HistorySummary:
    """Draw in this thread, write in others: numpy and the engine release the interpreter's lock."""
    took = stopwatch()
    start, done = stream.begin, 0
    with _Pen(writer or Writer(clickhouse), world, threads=1 if writer else WRITERS) as pen:
        behaviour: list[Rows] = []
        orders: list[Rows] = []
        batch_start, at = start, start
        while at < until and not (stop and stop.is_set() and at == batch_start):
            at = min(until, at + HOUR)
            released = stream.advance(at)
            behaviour.append(released.behaviour)
            orders.append(released.orders)
            if sum(map(len, behaviour)) >= BATCH_ROWS or at == until or (stop and stop.is_set()):
                token = f"fill-{stream.tag}-{batch_start}-{at}"
                done += pen.send(join(behaviour, BEHAVIOUR_COLUMNS), join(orders, ORDER_COLUMNS), token)
                behaviour, orders, batch_start = [], [], at
                if progress:
                    progress(done, (at - start) / (until - start))
    return HistorySummary(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(at, UTC), done, took())


class _Pen:
    """Writes batches in threads of its own, few waiting; an error surfaces at the next call."""

    def __init__(self, writer: Writer, world: World, threads: int) -> None:
        self._writer, self._world = writer, world
        self._queue: queue.Queue[tuple[Ledger, pa.Table, str] | None] = queue.Queue(maxsize=WRITERS)
        self._problem: BaseException | None = None
        self._threads = [threading.Thread(target=self._run, name=f"history-{n}", daemon=True) for n in range(threads)]

    def __enter__(self) -> _Pen:
        for thread in self._threads:
            thread.start()
        return self

    def send(self, behaviour: Rows, orders: Rows, token: str) -> int:
        """Hand over a batch; returns its rows."""
        self._queue.put((BEHAVIOUR, to_behaviour(in_ledger_order(behaviour), self._world), token))
        self._queue.put((ORDERS, to_orders(in_ledger_order(orders), self._world), token))
        self._raise()
        return len(behaviour) + len(orders)

    def __exit__(self, kind: object, problem: object, trace: object) -> None:
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        if problem is None:
            self._raise()

    def _raise(self) -> None:
        if self._problem:
            raise self._problem

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._problem:
                continue  # keep taking, so that the sender never waits for a place that will not come
            try:
                self._writer.write(*item)
            except Exception as problem:  # handed to the sender, which raises it
                self._problem = problem
