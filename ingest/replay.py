"""Plays a file in its own rhythm, shifted to now: its first event is now, the others follow as they did."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType

from core.clock import Clock
from core.errors import BadRequestError, QueryFailedError
from ingest.loader import StagedLookups, digest_of, examine, sort_files, stage_rows
from ingest.mapping import SourceMapping
from ingest.plan import build_plan
from queries.client import ClickHouse
from queries.dead_letters import leftover_tables, rejections_of
from queries.healing import heal_spans, whole_hours
from queries.intake import LEDGERS
from queries.staging import Noted, Shift, Slice, Staging

PREFIX = "replay_"
log = logging.getLogger(__name__)
EVERY_S = 1.0  # a ledger and its rollups take one insert a second well; more cost more and show nothing sooner


@dataclass(frozen=True, slots=True)
class Played:
    """Where a replay is: `at` in the file's own time, of `last`; events so far, and how long the rest takes."""

    at: datetime
    last: datetime
    events: int
    rejected: int
    remaining_s: float
    trouble: str = ""  # the last insert was refused and is tried again


def finish_replays(clickhouse: ClickHouse) -> int:
    """Bring what killed replays were just sending to its end and drop their tables; returns how many had begun.

    Such a replay does not go on: the stretch it was sending is completed in the ledgers, and the rollups are compared
    over it. Safe while no replay runs. A store that refuses for a moment leaves the tables to the next call.
    """
    tables = leftover_tables(clickhouse, f"stage_{PREFIX}")
    names = sorted({table.removeprefix("stage_").rpartition("_")[0] for table in tables})
    return sum(_finish(clickhouse, Staging(clickhouse, name)) for name in names)


def _finish(clickhouse: ClickHouse, staging: Staging) -> bool:
    try:
        noted = staging.noted()
        if noted is not None:
            span = whole_hours(noted.shift.moved(noted.start), noted.shift.moved(noted.end))
            for ledger, (table, _) in LEDGERS.items():
                piece = Slice(ledger, noted.start, noted.end, 0)
                if staging.count(piece):
                    staging.send_absent_shifted(piece, noted.source, noted.shift)
                    heal_spans(clickhouse, {table: [span]})
    except QueryFailedError as problem:
        log.warning("a replay that was cut off could not be finished: %s", problem)
        if problem.retryable:
            return False
        noted = None
    staging.drop()
    return noted is not None


class Replay:
    """The events of some files, staged once and sent when their time comes. A context manager; one at a time a store.

    Rows that cannot be read are dead letters, as in a load. `start` is the moment of the file that is now; its first
    event when left out. `speed` 60 plays an hour in a minute.
    """

    def __init__(
        self,
        clickhouse: ClickHouse,
        mapping: SourceMapping,
        files: Sequence[Path],
        speed: float,
        clock: Clock,
        start: datetime | None = None,
    ) -> None:
        if speed <= 0:
            raise BadRequestError(f"a replay needs a speed above 0, not {speed:g}")
        if start is not None and start.tzinfo is None:
            raise BadRequestError("the start of a replay needs a time zone")
        self._clickhouse, self._mapping, self._speed, self._clock = clickhouse, mapping, speed, clock
        self._files = sort_files(mapping, files)
        self._wanted, self._stack = start, ExitStack()
        self._stagings: list[Staging] = []
        self._events = self._rejected = 0
        self._origin = self._done = self._last = self._begun = clock.now()
        self._pending: list[tuple[Staging, Slice]] = []
        self._shift = Shift(self._origin, self._begun, speed, "")

    def __enter__(self) -> Replay:
        """Stage the files. Raises BadRequestError when there is nothing to play."""
        finish_replays(self._clickhouse)
        now = self._clock.now()
        lookups = {name: path for name, path in self._files if self._mapping.file.inputs[name].key}
        staged = self._stack.enter_context(StagedLookups(self._clickhouse, self._mapping, lookups, now, PREFIX))
        for name, path in self._files:
            if name not in lookups:
                self._stage(name, path, staged.tables, now)
        bounds = [bounds for staging in self._stagings if (bounds := staging.bounds())]
        if not bounds:
            self.__exit__(None, None, None)
            raise BadRequestError("nothing to play: no row of these files becomes an event")
        first, self._last = min(bound[0] for bound in bounds), max(bound[1] for bound in bounds)
        self._origin = self._wanted or first
        self._begun = self._clock.now()
        self._done = self._origin
        # Two replays of one file are two businesses' days: their event ids differ by when they began.
        run = f"replay-{int(self._begun.timestamp() * 1000)}"
        self._shift = Shift(self._origin, self._begun, self._speed, run)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for staging in self._stagings:
            if self._pending:  # an insert was refused and may be in by half
                _finish(self._clickhouse, staging)
            else:
                staging.drop()
        self._stack.close()

    def _stage(self, name: str, path: Path, tables: dict[str, str], now: datetime) -> None:
        staging = Staging(self._clickhouse, PREFIX + digest_of(self._mapping, [path]))
        self._stagings.append(staging)
        plan = build_plan(self._mapping, name, now, tables)
        stage_rows(staging, self._mapping, name, path, plan)
        examine(staging, plan, path.name, only_new=False)
        staging.take_notes()
        self._rejected += sum(rejection.count for rejection in rejections_of(self._clickhouse, staging.load_id))

    @property
    def finished(self) -> bool:
        """Whether the last event was sent."""
        return self._done > self._last and not self._pending

    def play(self) -> Played:
        """Send everything whose time has come. A refused insert is tried again at the next call."""
        trouble = ""
        try:
            if not self._pending:
                due = self._origin + (self._clock.now() - self._begun) * self._speed
                # Cut at whole milliseconds, as the events are, and step past the last one.
                due = due.replace(microsecond=due.microsecond // 1000 * 1000)
                self._take(min(due, self._last + timedelta(milliseconds=1)))
            while self._pending:
                staging, piece = self._pending[0]
                self._events += staging.send_shifted(piece, self._mapping.source, self._shift)
                self._pending.pop(0)
        except QueryFailedError as problem:
            if not problem.retryable:
                raise
            trouble = str(problem)
        left = max((self._last - self._done).total_seconds(), 0.0) / self._speed
        return Played(self._done, self._last, self._events, self._rejected, left, trouble)

    def _take(self, due: datetime) -> None:
        """What comes next, up to `due`: on disk before it is sent, so that it can be finished if this process dies."""
        if due <= self._done:
            return
        for staging in self._stagings:
            staging.note(Noted(self._mapping.source, self._shift, self._done, due))
        self._pending = [
            (staging, Slice(ledger, self._done, due, 0)) for staging in self._stagings for ledger in LEDGERS
        ]
        self._done = due

    def run(self, stop: threading.Event, progress: Callable[[Played], None] | None = None) -> Played:
        """Play until the end of the file or until `stop` is set; tells `progress` once a second."""
        played = self.play()
        while not self.finished and not stop.wait(EVERY_S):
            played = self.play()
            if progress is not None:
                progress(played)
        return played
