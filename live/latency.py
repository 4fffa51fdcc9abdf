"""How long it takes from an event to the pixel that shows it: by markers, which screens say that they have painted."""

from __future__ import annotations

import statistics
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from core.clock import Clock
from metrics.snapshot import Watermark, marker_of

WINDOW_S = 300.0
MOST_SHOWN = 600  # markers that may still be reported
MOST_KEPT = 4_000  # reports: a thousand screens make more, of which the newest are enough


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from event to pixel over the last five minutes: of all reports of screens, and how many there were."""

    median: float
    p95: float
    worst: float
    count: int


class PixelLatency:
    """The reports that this process was brought. Every method may be called from any thread."""

    def __init__(self, clock: Clock, observe: Callable[[float], None] = lambda _: None) -> None:
        """`observe` hears each report, in seconds."""
        self._clock, self._observe, self._lock = clock, observe, threading.Lock()
        self._shown: OrderedDict[int, None] = OrderedDict()
        self._reports: deque[tuple[float, float]] = deque(maxlen=MOST_KEPT)  # (when, seconds)

    def show(self, watermarks: Iterable[Watermark]) -> None:
        """What is about to be shown: from now on screens may report its marker."""
        marker = marker_of(watermarks)
        if marker is None:
            return
        with self._lock:
            self._shown[marker] = None
            while len(self._shown) > MOST_SHOWN:
                self._shown.popitem(last=False)

    def report(self, marker: int, held_ms: int) -> float | None:
        """A screen painted a marker (its time, epoch milliseconds) and said so `held_ms` later; the seconds from event
        to pixel. None, and nothing is kept, for a marker that was never shown or a time that cannot be.

        Only how long it waited is the screen's word: clocks of screens are never compared with ours. The way of the
        report itself is counted as if it had come before the paint, so that the number is never too good.
        """
        with self._lock:
            known = marker in self._shown
        seconds = (self._clock.now().timestamp() * 1000 - marker - held_ms) / 1000
        if not known or not 0 <= seconds <= WINDOW_S:
            return None
        with self._lock:
            self._reports.append((self._clock.monotonic(), seconds))
        self._observe(seconds)
        return seconds

    def last_minutes(self) -> Latency | None:
        """What the last five minutes were like; None without a report."""
        since = self._clock.monotonic() - WINDOW_S
        with self._lock:
            while self._reports and self._reports[0][0] < since:
                self._reports.popleft()
            seconds = sorted(seconds for _, seconds in self._reports)
        if not seconds:
            return None
        late = seconds[min(len(seconds) - 1, int(len(seconds) * 0.95))]
        return Latency(round(statistics.median(seconds), 2), round(late, 2), round(seconds[-1], 2), len(seconds))
