"""Sends a marker every few seconds the way that every event goes: by the receiver and its disk into the store."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import datetime

import structlog

from core.clock import Clock
from core.errors import LivewallError
from ingest.event import MARKERS
from ingest.incoming import Incoming
from ingest.receiver import Receiver
from ingest.spool import Part

SOURCE, KIND = "livewall", "marker"

log = structlog.get_logger("markers")


def marker(moment: datetime) -> Incoming:
    """The marker of a moment (aware), whole milliseconds."""
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    name = f"marker-{moment.timestamp():.3f}"
    return Incoming(MARKERS, {"ts": moment, "kind": KIND, "event_id": name, "source": SOURCE})


def name_of(moment: datetime) -> int:
    """What a marker is called where it is measured: its time, epoch milliseconds."""
    return round(moment.timestamp() * 1000)


class MarkerThread:
    """One marker about every `every_s` seconds, at uneven distances: even ones would lock in with the ticks.

    `passed` hears of each when it is on disk (`kept`) and when it is in the store (`stored`).
    """

    def __init__(
        self,
        receiver: Receiver,
        clock: Clock,
        every_s: float,
        passed: Callable[[str, int], None] = lambda _stage, _marker: None,
    ) -> None:
        self._receiver, self._clock, self._every_s, self._passed = receiver, clock, every_s, passed
        receiver.heard = self._stored
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="markers", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s * random.uniform(0.5, 1.5)):  # noqa: S311 (no secret)
            sent = marker(self._clock.now())
            try:
                self._receiver.receive(SOURCE, [sent])
                self._passed("kept", name_of(sent.row["ts"]))
            except LivewallError as problem:  # events are refused too, and the header's number runs out
                log.debug("a marker was not taken", problem=str(problem))

    def _stored(self, part: Part) -> None:
        if part.table == MARKERS.table:
            for moment in sorted(part.rows.column("ts").to_pylist()):
                self._passed("stored", name_of(moment))
