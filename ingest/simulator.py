"""The live business: once a second, what happened since the last second goes into the ledgers."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from core.clock import Clock
from ingest.beside import side_by_side
from ingest.columns import to_behaviour, to_orders
from ingest.continuing import continue_stream, second_of
from ingest.event import BEHAVIOUR, ORDERS
from ingest.history import BATCH_ROWS, LONGEST_GAP, fill_gap
from ingest.scenario import Scenario, Staged, load_scenario
from ingest.stream import Settings, Stream
from ingest.world import SOURCE, load_world
from ingest.writer import Writer
from queries.client import ClickHouse
from queries.continuation import last_events

LONGEST_STEP = 600  # seconds that a late step may take in one batch; a longer pause is filled like history
PEAK = 10  # how many times the mean rate a scenario's burst may reach

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Written:
    """What one step wrote: seconds [begin, end) of the business, rows of both ledgers."""

    begin: datetime
    end: datetime
    rows: int


class LiveSimulator:
    """Writes the simulated business as it happens, at most one insert a second and ledger.

    It starts where the store's ledgers end: after a restart, a suspended machine or a stalled store nothing is missing
    and nothing is there twice. A batch that the store refuses for now is tried again unchanged; when the writer gives
    up, `run` raises, and starting it again goes on from what the ledgers then hold.
    """

    def __init__(
        self,
        clickhouse: ClickHouse,
        *,
        seed: int,
        rate: float,
        scenario: Scenario,
        clock: Clock,
        writer: Writer | None = None,
    ) -> None:
        """`rate` is ledger rows a second, averaged over a day."""
        self._clickhouse, self._clock = clickhouse, clock
        self._settings = Settings(seed, rate)
        self._writer = writer or Writer(clickhouse)
        self._world = load_world()
        self._lock = threading.Lock()
        self._staged = Staged(scenario, self._world, clock.now())
        self._wanted: Staged | None = None
        self._stream: Stream | None = None
        self._written_to = 0

    @property
    def scenario(self) -> str:
        """The name of the scenario that runs or is about to."""
        with self._lock:
            return (self._wanted or self._staged).scenario.name

    def switch(self, name: str) -> None:
        """Go on under another scenario, whose minutes count from now. Raises UnknownNameError or DefinitionError."""
        staged = Staged(load_scenario(name, self._world), self._world, self._clock.now())
        with self._lock:
            self._wanted = staged

    def run(self, stop: threading.Event) -> None:
        """Write until `stop` is set. Raises QueryFailedError when the store keeps refusing."""
        log.info("simulator starts: %s, %s rows/s", self.scenario, self._settings.rate)
        while not stop.is_set():
            self.step(stop)
            # Wake shortly after the second turns, so that the newest event on the wall is about a second old.
            stop.wait(1.0 - self._clock.now().microsecond / 1_000_000 + 0.02)
        log.info("simulator stopped")

    def step(self, stop: threading.Event | None = None) -> Written:
        """Write everything up to the last whole second. Safe to call at any pace; a late call catches up."""
        until = second_of(self._clock.now())
        if self._stream is not None and until - self._written_to > LONGEST_STEP:
            self._stream = None  # asleep for long: fill what is missing in batches of history's size
        if self._stream is None:
            self._stream = self._begin(until, stop)
            self._written_to = min(until, self._stream.begin)
        self._stage(self._stream)
        begin = self._written_to
        with self._writer.under_way.batch():
            rows = self._write(self._stream, until) if until > begin else 0
        return Written(datetime.fromtimestamp(begin, UTC), datetime.fromtimestamp(max(begin, until), UTC), rows)

    def _begin(self, until: int, stop: threading.Event | None) -> Stream:
        """Fill what is missing, then take the stream up. A store without simulated events begins now."""
        self._writer.settle()  # what is stuck goes in first: the ledgers are asked where to go on
        moment = datetime.fromtimestamp(until, UTC)
        last = last_events(self._clickhouse, SOURCE)
        if last.behaviour is None and last.orders is None:
            return Stream(self._settings, self._staged, until)
        summary = fill_gap(
            self._clickhouse,
            scenario=self._staged.scenario,
            seed=self._settings.seed,
            rate=self._settings.rate,
            until=moment,
            longest=LONGEST_GAP,
            stop=stop,
            writer=self._writer,
        )
        if summary.rows:
            log.info("filled %s rows between %s and %s", summary.rows, summary.start, summary.until)
        return continue_stream(self._clickhouse, self._settings, self._staged, earliest=summary.until)

    def _stage(self, stream: Stream) -> None:
        with self._lock:
            if self._wanted is None:
                return
            self._staged, self._wanted = self._wanted, None
        stream.stage(self._staged)
        log.info("scenario is now %s", self._staged.scenario.name)

    def _write(self, stream: Stream, until: int) -> int:
        """One batch a ledger; after a pause one for each piece of time, in order: the newest event says it all."""
        piece = max(1, int(BATCH_ROWS / (PEAK * self._settings.rate)))
        rows, write = 0, self._writer.write
        while self._written_to < until:
            end = min(until, self._written_to + piece)
            released = stream.advance(end)
            behaviour = to_behaviour(released.behaviour, self._world)
            orders = to_orders(released.orders, self._world)
            try:
                rows += sum(side_by_side([partial(write, BEHAVIOUR, behaviour), partial(write, ORDERS, orders)]))
            except BaseException:
                self._stream = None  # what was written is known to the ledgers only: the next step asks them
                raise
            self._written_to = end
        return rows
