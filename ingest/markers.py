"""Sends a marker every few seconds the way that every event goes: by the receiver and its disk into the store."""

from __future__ import annotations

import random
import threading
from datetime import datetime

import structlog

from core.clock import Clock
from core.errors import LivewallError
from ingest.event import MARKERS
from ingest.incoming import Incoming
from ingest.receiver import Receiver

SOURCE, KIND = "livewall", "marker"

log = structlog.get_logger("markers")


def marker(moment: datetime) -> Incoming:
    """The marker of a moment (aware), whole milliseconds."""
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    name = f"marker-{moment.timestamp():.3f}"
    return Incoming(MARKERS, {"ts": moment, "kind": KIND, "event_id": name, "source": SOURCE})


class MarkerThread:
    """One marker about every `every_s` seconds, at uneven distances: even ones would lock in with the ticks."""

    def __init__(self, receiver: Receiver, clock: Clock, every_s: float) -> None:
        self._receiver, self._clock, self._every_s = receiver, clock, every_s
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
            try:
                self._receiver.receive(SOURCE, [marker(self._clock.now())])
            except LivewallError as problem:  # events are refused too, and the header's number runs out
                log.debug("a marker was not taken", problem=str(problem))
