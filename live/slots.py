"""What one tile of one scope has been told so far, and when it wants to ask again."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from core.errors import LivewallError
from metrics.ask import Question
from metrics.reading import Answer
from metrics.snapshot import PlannedTile, TileReadings

JITTER_S = 0.25  # a beat that comes a little early still counts as the beat


@dataclass(slots=True)
class Slot:
    """One role of one tile: its question now, the last good answer, and the asking that is under way."""

    question: Question
    every: float = 0.0
    answer: Answer | None = None
    error: str | None = None
    asked: float | None = None  # monotonic seconds of the last asking
    day: date | None = None  # the business day it was asked on: a new day does not wait for its turn
    pending: Future[Answer] | None = None
    moved: bool = False  # something was heard since the tile's version was last counted
    heard_in: int = 0  # number of the tick that heard the last answer

    def due(self, moment: float, day: date, tick_s: float) -> bool:
        """Whether it is worth asking now. A question that is still under way is never asked a second time."""
        if self.pending is not None:
            return False
        if self.asked is None or self.day != day:
            return True
        return moment - self.asked >= max(self.every, tick_s) - JITTER_S * tick_s

    def ask(self, future: Future[Answer], moment: float, day: date) -> None:
        self.pending, self.asked, self.day = future, moment, day

    def collect(self, tick: int) -> None:
        """Take the answer when it has come; the last good one is kept when it failed."""
        if self.pending is None or not self.pending.done():
            return
        future, self.pending = self.pending, None
        if future.cancelled():  # with another scope that waited for it too: as if it had never been asked
            self.asked = None
            return
        problem = future.exception()
        if problem is None:
            self.accept(future.result())
            self.heard_in = tick
        else:
            self.refuse(describe(problem))

    def accept(self, answer: Answer) -> None:
        """A good answer. Equal rows to an equal shape of question are no change, however new they are."""
        before = self.answer
        self.moved |= before is None or self.error is not None or not same_numbers(before, answer)
        self.answer, self.error = answer, None

    def refuse(self, error: str) -> None:
        self.moved |= error != self.error
        self.error = error
        if self.answer is not None:
            self.answer = replace(self.answer, error=error)


@dataclass(slots=True)
class TileState:
    """All roles of one tile of one scope."""

    slots: dict[str, Slot] = field(default_factory=dict)
    version: int = 0

    def plan(self, tile: PlannedTile, slowest: float) -> None:
        """Take over the questions of this tick. `slowest` is the least number of seconds between two asks."""
        for role in set(self.slots) - set(tile.questions):
            del self.slots[role]
        for role, question in tile.questions.items():
            slot = self.slots.setdefault(role, Slot(question))
            slot.question, slot.every = question, max(tile.pace(role), slowest)

    def take_over(self, held: TileReadings) -> None:
        """Begin with what another process was answered: shown, and aging, until our own answers are here."""
        for role, slot in self.slots.items():
            slot.answer = held.answers.get(role)

    def readings(self, key: str) -> TileReadings:
        """The tile as a snapshot carries it.

        `as_of` is that of the oldest answer at the tile's own pace: what is meant to be slower beside it, such as a
        sparkline, does not make a fresh number look old.
        """
        slots = list(self.slots.values())
        if any(slot.moved for slot in slots):
            self.version += 1
            for slot in slots:
                slot.moved = False
        answers = {role: slot.answer for role, slot in self.slots.items() if slot.answer is not None}
        error = next((slot.error for slot in slots if slot.error), None)
        pace = min((slot.every for slot in slots), default=0.0)
        own = [slot.answer.as_of for slot in slots if slot.answer is not None and slot.every <= pace]
        return TileReadings(key, self.version, answers, min(own, default=oldest(answers)), error)

    @property
    def heard(self) -> bool:
        """Whether every role has been answered or refused at least once."""
        return all(slot.answer is not None or slot.error is not None for slot in self.slots.values())


def oldest(answers: Mapping[str, Answer]) -> datetime | None:
    return min((answer.as_of for answer in answers.values()), default=None)


def same_numbers(before: Answer, after: Answer) -> bool:
    """Whether two answers show the same: rows and day, not the moment they were asked at."""
    return type(before) is type(after) and before.rows == after.rows and _shape(before) == _shape(after)


def _shape(answer: Answer) -> tuple[object, ...]:
    """What of a question decides how its rows are read; the moving end of its spans does not."""
    ask = answer.ask
    starts = tuple(span.start for _, span in getattr(ask, "spans", ()))
    return ask.name, ask.filters, starts[:1] if getattr(ask, "grain", None) else ()


def describe(problem: BaseException) -> str:
    """One line about what went wrong, fit for a tile."""
    text = str(problem) if isinstance(problem, LivewallError) else f"{type(problem).__name__}: {problem}"
    return text.strip().splitlines()[0][:300] if text.strip() else type(problem).__name__
