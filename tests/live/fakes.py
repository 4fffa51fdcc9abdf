"""A small board and a store of answers that can be slow, fail and count: what the ticker is tried against."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from core.clock import ManualClock
from core.errors import QueryFailedError
from live.store import SnapshotStore
from live.ticker import Ticker
from metrics.ask import CURRENT, Ask, Question
from metrics.calendar import BusinessCalendar
from metrics.reading import Answer, Reading, Row
from metrics.scope import Scope
from metrics.snapshot import AlertView, PlannedTile, Watermark

CALENDAR = BusinessCalendar(ZoneInfo("Asia/Shanghai"), time(0, 0))
NOON = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)
BUDGET = 60.0  # of a tick in tests: only a question that is held uses it up, or a machine that is taken away


class Wall:
    """Everything a ticker is given, with handles: `values`, `broken`, `held` by the first metric of a question."""

    def __init__(self, paces: dict[str, float] | None = None, budget_s: float = BUDGET, limit: int = 64) -> None:
        self.clock = ManualClock(NOON)
        self.store = SnapshotStore(self.clock, limit=limit, boot="boot")
        self.paces = paces or {"gmv": 0.0, "visitors": 0.0}
        self.values: dict[str, float] = dict.fromkeys(self.paces, 1.0)
        self.broken: set[str] = set()
        self.held: dict[str, threading.Event] = {}
        self.takes_s = 0.0  # what each question takes, on the wall's clock
        self.asked: list[Question] = []
        self.alerts: tuple[AlertView, ...] = ()
        self.observed = 0
        self.observe_error: Exception | None = None
        self.plan_error: dict[Scope, Exception] = {}
        self.reached: datetime | None = NOON
        self.watermark_error: Exception | None = None
        self._lock = threading.Lock()
        self.ticker = Ticker(
            plan=self.plan,
            fetch=self.fetch,
            watermarks=self.watermarks,
            observe=self.observe,
            store=self.store,
            clock=self.clock,
            calendar=CALENDAR,
            budget_s=budget_s,
        )

    def plan(self, board: str, scope: Scope, as_of: datetime) -> list[PlannedTile]:
        if scope in self.plan_error:
            raise self.plan_error[scope]
        span = CALENDAR.whole(scope.day) if scope.day else CALENDAR.until(CALENDAR.day_of(as_of), as_of)
        return [
            PlannedTile(metric, {"main": Ask(metric, (metric,), ((CURRENT, span),), filters=scope.filters)}, pace)
            for metric, pace in self.paces.items()
        ]

    def fetch(self, question: Question, now: datetime) -> Answer:
        assert isinstance(question, Ask)
        metric = question.metrics[0]
        with self._lock:
            self.asked.append(question)
            self.clock.advance(seconds=self.takes_s)
        if metric in self.held:
            assert self.held[metric].wait(60)
        if metric in self.broken:
            raise QueryFailedError(metric, 159, "took too long", retryable=True)
        row = Row((), None, {CURRENT: {metric: self.values[metric]}})
        return Reading(question, (row,), now, engine_ms=2.0)

    def watermarks(self, now: datetime) -> tuple[Watermark, ...]:
        if "watermarks" in self.held:
            assert self.held["watermarks"].wait(60)
        if self.watermark_error:
            raise self.watermark_error
        return (Watermark("orders", self.reached, (now - self.reached).total_seconds() if self.reached else None),)

    def observe(self, as_of: datetime, watermarks: tuple[Watermark, ...]) -> tuple[AlertView, ...]:
        self.observed += 1
        if "rules" in self.held:
            assert self.held["rules"].wait(60)
        if self.observe_error:
            raise self.observe_error
        return self.alerts

    def tick(self, after_s: float = 2.0) -> None:
        self.clock.advance(seconds=after_s)
        assert self.ticker.tick_once() is not None

    def begin(self) -> None:
        """One tick that is answered; what is held from then on is not waited for."""
        self.look()
        self.tick()
        self.ticker._budget_s = 0.1

    def look(self, scope: Scope = Scope(), board: str = "wall"):  # noqa: B008
        return self.store.watch(board, scope, wait_s=0)

    def asked_for(self, metric: str) -> int:
        return sum(metric in getattr(question, "metrics", ()) for question in self.asked)


@contextmanager
def wall(paces: dict[str, float] | None = None, budget_s: float = BUDGET, limit: int = 64) -> Iterator[Wall]:
    """A wall whose ticker is stopped, and whose held questions are let go, when the test is over."""
    made = Wall(paces, budget_s, limit)
    try:
        yield made
    finally:
        for event in made.held.values():
            event.set()
        made.ticker.stop()
