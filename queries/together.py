"""Has the questions of a scope that are due in the same tick answered by one SELECT a ledger.

Only questions that are known to be quick are joined: one that was never answered, was slow or failed is asked by
itself, so that it ages its own tiles and no others. Where a joined SELECT is slow, its questions are asked by
themselves the next time, and those that are quick join again after that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime

from cachetools import LRUCache

from core.clock import Clock
from core.errors import LivewallError
from metrics.ask import Ask, Question
from metrics.reading import Answer, Joint, Work
from queries.builder import Store
from queries.client import ClickHouse
from queries.closed import ClosedSpans, Plan
from queries.joined import Group

QUICK_S = 0.5  # a quarter of a tick; what takes longer is asked by itself
MOST_KNOWN = 4_096

Shape = tuple[object, ...]
Fetch = Callable[[Question, datetime], Answer]


class Together:
    """Joins what may be joined. Safe to share by threads."""

    def __init__(self, closed: ClosedSpans, clickhouse: ClickHouse, store: Store, clock: Clock) -> None:
        self.closed, self.clickhouse, self.store, self.clock = closed, clickhouse, store, clock
        self._known: LRUCache[Shape, float] = LRUCache(MOST_KNOWN)  # the seconds that questions took by themselves
        self._lock = threading.Lock()

    def join(self, questions: Sequence[Question], ask: Fetch, now: datetime) -> Joint:
        """How to answer the questions of one scope as of `now`: those that stay alone by `ask`."""
        answers: dict[Question, Future[Answer]] = {question: Future() for question in questions}
        quick = [question for question in questions if isinstance(question, Ask) and self._is_quick(question)]
        if len(quick) < 2:
            quick = []
        works = _Gathered(self, quick, answers, now).works() if quick else []
        works += [self._alone(question, answers[question], ask, now) for question in questions if question not in quick]
        return Joint(answers, works)

    def _alone(self, question: Question, answer: Future[Answer], ask: Fetch, now: datetime) -> Work:
        def work() -> None:
            if not answer.set_running_or_notify_cancel():
                return
            begun = self.clock.monotonic()
            try:
                answer.set_result(ask(question, now))
            except Exception as problem:
                self.forget([question])
                answer.set_exception(problem)
            else:
                self._learn(question, self.clock.monotonic() - begun)

        return work

    def _is_quick(self, question: Ask) -> bool:
        with self._lock:
            return self._known.get(_shape(question), QUICK_S + 1) <= QUICK_S

    def _learn(self, question: Question, took_s: float) -> None:
        if isinstance(question, Ask):
            with self._lock:
                self._known[_shape(question)] = took_s

    def forget(self, questions: Sequence[Question]) -> None:
        """Have these asked by themselves the next time."""
        with self._lock:
            for question in questions:
                if isinstance(question, Ask):
                    self._known.pop(_shape(question), None)


class _Gathered:
    """Questions under way together: each is answered when the last of its ledgers was asked."""

    def __init__(
        self, together: Together, questions: Sequence[Ask], answers: dict[Question, Future[Answer]], now: datetime
    ) -> None:
        self._together, self._questions, self._answers = together, questions, answers
        self._lock = threading.Lock()
        self._plans: dict[Ask, tuple[Plan, range]] = {}
        asks: list[Ask] = []
        for question in questions:
            try:
                plan = together.closed.plan(question, now)
            except LivewallError as problem:
                answers[question].set_exception(problem)
                continue
            self._plans[question] = plan, range(len(asks), len(asks) + len(plan.asks))
            asks += plan.asks
        self._group = Group(together.clickhouse, together.store, asks, now)
        self._left = {question: self._ledgers_of(places) for question, (_, places) in self._plans.items()}

    def _ledgers_of(self, places: range) -> set[str]:
        return {ledger for ledger, parts in self._group.parts.items() if any(index in places for index, _ in parts)}

    def works(self) -> list[Work]:
        """One for each ledger. What needs none is answered here."""
        self._answer("")

        def work_of(ledger: str) -> Work:
            return lambda: self._ask(ledger)

        return [work_of(ledger) for ledger in self._group.parts]

    def _ask(self, ledger: str) -> None:
        begun = self._together.clock.monotonic()
        try:
            self._group.run(ledger)
        except Exception as problem:
            self._fail(ledger, problem)
        if self._together.clock.monotonic() - begun > QUICK_S:
            self._together.forget([question for question in self._questions if ledger in self._left.get(question, ())])
        self._answer(ledger)

    def _fail(self, ledger: str, problem: Exception) -> None:
        """What is no refusal of ClickHouse: everything that waits for this ledger hears of it."""
        for index, _ in self._group.parts[ledger]:
            self._group.problems.setdefault(index, problem)

    def _answer(self, ledger: str) -> None:
        """Hand out what is complete now that a ledger was asked."""
        with self._lock:
            for left in self._left.values():
                left.discard(ledger)
            done = [question for question, left in self._left.items() if not left]
            for question in done:
                del self._left[question]
        for question in done:
            answer, (plan, places) = self._answers[question], self._plans[question]
            if not answer.set_running_or_notify_cancel():
                continue
            try:
                answer.set_result(plan.compose([self._group.measured(index) for index in places]))
            except Exception as problem:
                self._together.forget([question])
                answer.set_exception(problem)


def _shape(question: Ask) -> Shape:
    """A question without its moving spans."""
    return question.name, question.metrics, question.by, question.grain, question.filters, len(question.spans)
