"""The only place that asks the machine for the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Says what time it is: `now()` in aware UTC, `monotonic()` in seconds for durations."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...


class SystemClock:
    """The machine's clock, optionally moved by an offset (a wall rehearsing another moment)."""

    def __init__(self, offset: timedelta = timedelta(0)) -> None:
        self._offset = offset

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def monotonic(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock that stands still until it is told to move; for tests, midnight and rehearsals."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("a clock needs an aware time")
        self._now, self._ticks = start.astimezone(UTC), 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._ticks

    def advance(self, **delta: float) -> datetime:
        """Move forward by `timedelta(**delta)`; returns the new time."""
        step = timedelta(**delta)
        self._now += step
        self._ticks += step.total_seconds()
        return self._now

    def set(self, moment: datetime) -> None:
        """Jump to an aware moment; the monotonic clock does not move backward."""
        self._ticks += max(0.0, (moment - self._now).total_seconds())
        self._now = moment.astimezone(UTC)


def wait(seconds: float) -> None:
    """Sleep. For a pause between two tries; what must end early waits for its stop event instead."""
    time.sleep(seconds)


def stopwatch() -> Callable[[], float]:
    """Starts now; each call gives the seconds since then. For durations, whatever the clock says meanwhile."""
    begun = time.perf_counter()
    return lambda: time.perf_counter() - begun
