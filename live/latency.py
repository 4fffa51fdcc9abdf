"""How long it takes from an event to the pixel that shows it: by markers, which screens say that they have painted."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import accumulate

from core.clock import Clock
from metrics.snapshot import Watermark, marker_of

WINDOW_S = 300.0
MOST_SHOWN = 600  # markers that may still be reported
FRESH_S = 1.0  # what the last minutes were like is added up so often, however many screens ask
STAGES = ("kept", "stored", "asked", "told")  # on disk, in the store, in a snapshot, in an answer; then it is painted
FINE_S, STEPS = 10.0, 20  # to a twentieth of a second up to ten seconds, to whole seconds above
TOLD_S = 5  # how fine in time other processes are told of reports

Reports = list[tuple[float, Counter[float]]]  # how many seconds ago: latencies, and how many of each


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from event to pixel over the last five minutes, to 0.05: of all reports of screens, and how many."""

    median: float
    p95: float
    worst: float
    count: int


class PixelLatency:
    """The reports that this process was brought, and those that others told it (`live/latency_peers.py`).

    Every method may be called from any thread, and none waits for another process.
    """

    def __init__(
        self,
        clock: Clock,
        observe: Callable[[float], None] = lambda _: None,
        observe_stage: Callable[[str, float], None] = lambda _stage, _seconds: None,
    ) -> None:
        """`observe` hears each report to this process, `observe_stage` when a marker came to a stage before that: both
        in seconds."""
        self._clock, self._observe, self._lock = clock, observe, threading.Lock()
        self._observe_stage = observe_stage
        self._passed: dict[str, int] = {}
        self._shown: OrderedDict[int, None] = OrderedDict()
        self._seconds: OrderedDict[int, Counter[float]] = OrderedDict()  # when -> latencies, and how many of each
        self._others: Reports = []  # by this process's clock, not by age
        self._known: tuple[float, Latency | None] = (-FRESH_S, None)

    def show(self, watermarks: Iterable[Watermark]) -> None:
        """What is about to be shown: from now on screens may report its marker."""
        marker = marker_of(watermarks)
        if marker is None:
            return
        with self._lock:
            self._shown[marker] = None
            while len(self._shown) > MOST_SHOWN:
                self._shown.popitem(last=False)
        self.passed("told", marker)

    def passed(self, stage: str, marker: int | None) -> None:
        """A marker (its time, epoch milliseconds) came to a stage of `STAGES`: only the first time counts."""
        with self._lock:
            if marker is None or marker <= self._passed.get(stage, 0):
                return
            self._passed[stage] = marker
        seconds = self._clock.now().timestamp() - marker / 1000
        if 0 <= seconds <= WINDOW_S:  # older is what an earlier process left
            self._observe_stage(stage, seconds)

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
        rounded = round(seconds * STEPS) / STEPS if seconds < FINE_S else float(round(seconds))
        with self._lock:
            self._seconds.setdefault(int(self._clock.monotonic()), Counter())[rounded] += 1
        self._observe(seconds)
        return seconds

    def own(self) -> Reports:
        """What this process was brought in the last five minutes, for the others."""
        told: dict[int, Counter[float]] = {}
        with self._lock:  # not for long: reports wait for it. A second that is over does not change any more.
            moment = self._clock.monotonic()
            self._forget(moment)
            over = {second: counts for second, counts in self._seconds.items() if second < int(moment)}
            running = {second: Counter(counts) for second, counts in self._seconds.items() if second not in over}
        for second, counts in (*over.items(), *running.items()):
            told.setdefault(second // TOLD_S, Counter()).update(counts)
        return [(moment - place * TOLD_S, counts) for place, counts in told.items()]

    def hear(self, others: Reports) -> None:
        """What all other processes were brought, in place of what was heard before; it is forgotten with its age."""
        moment = self._clock.monotonic()
        with self._lock:
            self._others = [(moment - age_s, counts) for age_s, counts in others]

    def last_minutes(self) -> Latency | None:
        """What the last five minutes were like, at most a second old; None without a report."""
        moment = self._clock.monotonic()
        with self._lock:
            made, latency = self._known
            if moment - made < FRESH_S:
                return latency
            self._forget(moment)
            all_counts = Counter[float]()
            for counts in (*self._seconds.values(), *(counts for _, counts in self._others)):
                all_counts.update(counts)
            latency = _latency(all_counts) if all_counts else None
            self._known = (moment, latency)
        return latency

    def _forget(self, moment: float) -> None:
        """Drop what is older than five minutes. With the lock."""
        for second in [second for second in self._seconds if second < moment - WINDOW_S]:
            del self._seconds[second]
        self._others = [(at, counts) for at, counts in self._others if at >= moment - WINDOW_S]


def _latency(counts: Counter[float]) -> Latency:
    total, ordered = counts.total(), sorted(counts)
    reached = list(accumulate(counts[seconds] for seconds in ordered))

    def at(share: float) -> float:
        return ordered[bisect_left(reached, share * total)]

    return Latency(at(0.5), at(0.95), ordered[-1], total)
