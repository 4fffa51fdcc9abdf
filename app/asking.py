"""How a tick asks: which questions a board has, what one is narrowed to, and which of them one statement answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from app.given import Given
from app.members import Members
from layouts.plan import plan_board
from layouts.view import PlanContext
from live.screen_rows import screen_row
from live.screens import Screens
from metrics.ask import SCREENS, Facts, Question
from metrics.limits import narrow_question
from metrics.reading import Answer, Findings, Joint
from metrics.scope import Scope
from metrics.snapshot import PlannedTile, Watermark
from queries.builder import Store
from queries.closed import ClosedSpans
from queries.days import serves_days
from queries.own_sources import own_of
from queries.readings import fetch
from queries.together import Together
from queries.watermark import watermarks


class Asking:
    """What a ticker is given to ask with. Whatever is asked is narrowed by the process's limits."""

    def __init__(self, given: Given, members: Members, screens: Screens, build: str) -> None:
        self._given, self._members, self._screens, self._build = given, members, screens, build
        clickhouse, profile = given.clickhouse, given.profile
        own = own_of(clickhouse).rollups
        store = Store(given.definitions.catalogue, profile, given.regions, serves_days(clickhouse, profile), own)
        self._closed = ClosedSpans(clickhouse, store, given.clock)
        self._together = Together(self._closed, clickhouse, store, given.clock)

    def plan(self, board: str, scope: Scope, as_of: datetime) -> Sequence[PlannedTile]:
        """The tiles of a board with their questions, as they are for a scope at a moment."""
        given, as_of = self._given, shown_until(as_of)
        day = scope.day or given.calendar.day_of(as_of)
        catalogue = given.definitions.catalogue
        context = PlanContext(scope, as_of, day, given.calendar, catalogue, given.profile, given.regions)
        return plan_board(given.definitions.boards[board], context)

    def answer(self, question: Question, now: datetime) -> Answer:
        """One question. Raises QueryFailedError."""
        if isinstance(question, Facts) and question.topic == SCREENS:
            rows = tuple(screen_row(view, self._build, now) for view in self._screens.views())
            return Findings(question, rows, now)
        return self._closed.fetch(narrow_question(question, self._given.limits), now)

    def join(
        self, questions: Sequence[Question], fetch: Callable[[Question, datetime], Answer], now: datetime
    ) -> Joint:
        """How the questions of a scope are answered by as few statements as can be."""
        narrowed = {question: narrow_question(question, self._given.limits) for question in questions}
        joint = self._together.join(tuple(dict.fromkeys(narrowed.values())), fetch, now)
        return Joint({question: joint.answers[narrow] for question, narrow in narrowed.items()}, joint.works)

    def reached(self, now: datetime) -> tuple[Watermark, ...]:
        """How far each ledger is, after a look at which codes there are. Raises QueryFailedError."""
        self._members.refresh()
        return watermarks(self._given.clickhouse, now, shown_until(now))


def answer_now(given: Given, question: Question) -> Answer:
    """One question as tiles are answered, narrowed by the process's limits and with nothing remembered."""
    return fetch(
        given.clickhouse,
        given.definitions.catalogue,
        given.profile,
        given.regions,
        narrow_question(question, given.limits),
        given.clock.now(),
    )


def shown_until(now: datetime) -> datetime:
    """The moment up to which a tick asks: whole seconds are answered by one table."""
    return now.replace(microsecond=0)
