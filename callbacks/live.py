"""The one server callback of a tick: a screen asks, and gets one frame, what changed in it, or nothing new."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

from cachetools import TTLCache

from callbacks.deps import Deps
from callbacks.shelf import FrameShelf
from callbacks.wish import Wish, read_wish
from core.clock import Clock
from layouts.frame import build_changes, build_frame, stamp
from live.store import SnapshotStore
from metrics.snapshot import Snapshot

WAIT_S = 0.8  # how long the first screen of a new scope waits for its first numbers
WAITERS = 4  # more than these do not wait: threads are for everybody
MOST_TOLD, TOLD_S = 128, 10.0  # answers of some ten kilobytes at most, for as long as screens of one tick ask for them
COUNT_S = 10.0
ANSWER_S, MOST_SPREAD = 0.001, 0.5  # what an answer costs, and the most of a tick that screens are spread over
HOLD_S, HOLD_SHARE = 1.0, 0.75  # how long, or how much of a tick, a question waits for one that is about to answer
EARLY_S, EARLY_SHARE = 0.1, 0.1  # how long before the soonest answer a screen is to come, or how much of a short tick
LATE_TICKS, LATE_S = 4.0, 8.0  # a snapshot older than both is told again, so that screens see it age


class Crowd:
    """How many screens ask, so that they do not all come in the same moment after a tick."""

    def __init__(self, clock: Clock, few: int = 0) -> None:
        """`few` screens a tick are no crowd."""
        self._clock, self._few, self._lock = clock, few, threading.Lock()
        self._since, self._count, self._per_s = clock.monotonic(), 0, 0.0

    def count(self) -> None:
        with self._lock:
            self._count += 1
            passed = self._clock.monotonic() - self._since
            if passed >= COUNT_S:
                self._per_s, self._count = self._count / passed, 0
                self._since += passed

    def is_few(self, tick: float) -> bool:
        """Whether all screens of a tick may wait for it."""
        return 0 < self._few >= self._per_s * tick

    def spread_s(self, tick: float) -> float:
        """Seconds over which screens are to come after a tick."""
        return round(min(ANSWER_S * self._per_s * tick, MOST_SPREAD * tick), 3)


def _early(tick: float) -> float:
    return min(EARLY_S, EARLY_SHARE * tick)


class Refresher:
    """Answers screens. One for the process; all methods may be called from any thread."""

    def __init__(self, deps: Deps) -> None:
        self._deps, self._stage = deps, deps.stage
        self._shelf = FrameShelf(deps.cache)
        self._waiting = threading.BoundedSemaphore(WAITERS)
        self._holding = threading.BoundedSemaphore(max(1, deps.held))
        self._crowd = Crowd(deps.clock, deps.held)
        self._lock = threading.Lock()
        self._told: TTLCache[tuple[object, ...], str] = TTLCache(MOST_TOLD, TOLD_S, timer=deps.clock.monotonic)

    def answer(self, ask: Any) -> str | None:
        """The frame for a question, or what changed since the one that the screen has, while that is remembered; None
        when the screen has it already. Raises BadRequestError for a wrong question."""
        deps = self._deps
        self._crowd.count()
        wish = read_wish(ask, deps.boards, deps.members, deps.calendar, deps.clock.now())
        snapshot = self._watch(wish)
        if deps.pixels and wish.painted:
            deps.pixels.report(*wish.painted)
        tick, slowed = self.tick_of(wish)
        newer = self._held(wish, snapshot, tick) if wish.seen else None
        snapshot = newer or snapshot
        version = self._version(snapshot, tick, slowed)
        if wish.seen == version or SnapshotStore.is_behind(version, wish.seen):
            return None
        if deps.pixels and snapshot.live:
            deps.pixels.show(snapshot.watermarks)
        now = deps.clock.now()
        told = {"pixel": deps.pixels.last_minutes() if deps.pixels else None}
        if snapshot.live:
            told |= {"next": self._next_s(snapshot, tick, now), "spread": self._crowd.spread_s(tick)}
        return stamp(self._news(wish, snapshot, version, tick, slowed), now, **told)

    def _held(self, wish: Wish, snapshot: Snapshot, tick: float) -> Snapshot | None:
        """The next snapshot for a screen that shows an earlier one, while it is about to come and few screens ask: so
        it is shown at once, and not when the screen asks again.

        A screen that does not have this one yet waits too. A tick may have published again after its answer; given that
        now, the screen would be a tick late, and stay so: the next time, this tick's numbers would be what it lacks.
        """
        if not snapshot.live or not self._crowd.is_few(tick):
            return None
        soonest, _ = self._deps.answered(snapshot.as_of)
        early, longest = _early(tick), min(HOLD_S, HOLD_SHARE * tick)
        until = soonest + tick - self._deps.clock.now().timestamp()
        left = min(longest, until + longest - 2 * early)  # a question that came too early does not give up sooner
        if until > 4 * early or left <= 0 or not self._holding.acquire(blocking=False):
            return None
        try:
            return self._deps.store.newer(wish.board.key, snapshot.scope, snapshot.version, left)
        finally:
            self._holding.release()

    def _next_s(self, snapshot: Snapshot, tick: float, now: datetime) -> float:
        """Seconds until a screen is best to ask: just before the next tick can answer where its question may wait for
        that, otherwise when it has probably answered."""
        soonest, usual = self._deps.answered(snapshot.as_of)
        best = soonest - _early(tick) if self._crowd.is_few(tick) else usual
        return float(round((best - now.timestamp()) % tick, 3))

    def tick_of(self, wish: Wish) -> tuple[float, bool]:
        """Seconds until it is worth asking again, and whether load makes them more than usual."""
        usual, slowed = self._deps.tick or wish.board.tick, self._deps.slowed()
        return max(usual, slowed), slowed > usual

    def _watch(self, wish: Wish) -> Snapshot:
        """The snapshot of the scope that the asker may see."""
        scope = self._deps.narrow(wish.scope)
        free = self._waiting.acquire(blocking=False)
        try:
            return self._deps.store.watch(wish.board.key, scope, wait_s=WAIT_S if free else 0.0)
        finally:
            if free:
                self._waiting.release()

    def _version(self, snapshot: Snapshot, tick: float, slowed: bool) -> str:
        """The snapshot's version and pace; when the ticker has stopped publishing, one that changes every few seconds.

        Silence would otherwise look like "nothing new" to every screen, and old numbers would stay bright.
        """
        version = f"{snapshot.version}+{tick:g}" if slowed else snapshot.version
        age = (self._deps.clock.now() - snapshot.as_of).total_seconds()
        if age <= max(LATE_TICKS * tick, LATE_S):
            return version
        return f"{version}~{int(age // LATE_S)}"

    def _news(self, wish: Wish, snapshot: Snapshot, version: str, tick: float, slowed: bool) -> str:
        """The shorter of the whole frame and what changed, which the screens of a scope ask for one after the other."""
        key = (version, wish.seen, wish.board.key, snapshot.scope, wish.locale, wish.dropped)
        with self._lock:
            told: str | None = self._told.get(key)
        if told is None:
            told = self._made(wish, snapshot, version, tick, slowed)
            with self._lock:
                self._told[key] = told
        return told

    def _made(self, wish: Wish, snapshot: Snapshot, version: str, tick: float, slowed: bool) -> str:
        """The same from the shelf, which keeps more of it, for other processes too. `wish.seen` is only looked up."""
        parts = self._parts(wish, snapshot, version)
        stage, board = self._stage, wish.board
        frame = self._shelf.take(
            parts, lambda: build_frame(stage, board, snapshot, version, wish.locale, wish.dropped, tick, slowed)
        )
        before = self._parts(wish, snapshot, wish.seen)
        old = self._shelf.find(before) if wish.seen else None
        if old is None:
            return frame
        return self._shelf.take_changes(before, parts, lambda: build_changes(old, frame))

    def _parts(self, wish: Wish, snapshot: Snapshot, version: str) -> tuple[str, ...]:
        """Everything that a frame depends on."""
        notes = [f"{part.name}={part.value}:{part.reason}" for part in wish.dropped]
        return (self._deps.build, version, wish.board.key, snapshot.scope.to_query(), wish.locale, *notes)
