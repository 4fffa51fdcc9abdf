"""One SELECT a ledger, tick and scope: it answers what its parts answer one by one, and breaks or slows no others."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from core.clock import ManualClock
from core.errors import QueryFailedError, UnknownNameError
from metrics.ask import CURRENT, Ask, Latest, Question
from metrics.calendar import Span
from metrics.reading import Answer, Reading
from queries.client import ClickHouse
from queries.closed import ClosedSpans
from queries.statement import Result, Statement
from queries.together import QUICK_S, Together
from tests.conftest import empty_store
from tests.queries.events import insert_random
from tests.queries.test_closed import DISTINCT, NOON, STORE, SUMS, Counting, anew, day_so_far

NOW = NOON + timedelta(seconds=17)
HOUR = Ask("hour", ("paid_gmv", "impressions"), ((CURRENT, Span(NOW - timedelta(hours=1), NOW)),), (), "minute")
WALL: tuple[Question, ...] = (
    day_so_far(("paid_gmv", "orders_paid"), NOW),
    day_so_far(("paid_gmv",), NOW, ("province",)),
    day_so_far(("paid_gmv", "refund_rate"), NOW, ("large_region", "channel"), {"channel": ["live"]}),
    day_so_far(DISTINCT, NOW),
    HOUR,
    Latest("newest", "orders", ("paid",), Span(NOW - timedelta(minutes=10), NOW)),
)


@pytest.fixture(scope="module")
def events(clickhouse: ClickHouse) -> Iterator[ClickHouse]:
    empty_store(clickhouse)
    insert_random(clickhouse, NOON - timedelta(days=8), NOON + timedelta(minutes=3), 20_000)
    yield clickhouse
    empty_store(clickhouse)


class Asked:
    """A wall's questions over a store, tick by tick; statements may be made to fail or to take long by their name."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self.counting, self.clock = Troubled(clickhouse), ManualClock(NOON)
        self.counting.clock = self.clock
        self.closed = ClosedSpans(self.counting, STORE, self.clock)
        self.together = Together(self.closed, self.counting, STORE, self.clock)

    def tick(
        self, questions: tuple[Question, ...] = WALL, now: datetime = NOW, threads: int = 1
    ) -> dict[Question, Answer | Exception]:
        self.counting.asked.clear()
        joint = self.together.join(questions, self.closed.fetch, now)
        with ThreadPoolExecutor(threads) as pool:
            for done in [pool.submit(work) for work in joint.works]:
                done.result()
        assert all(future.done() for future in joint.answers.values())
        return {
            question: problem if (problem := future.exception()) is not None else future.result()  # type: ignore[misc]
            for question, future in joint.answers.items()
        }


class Troubled(Counting):
    clock: ManualClock
    broken, slow = "nothing", "nothing"

    def read(self, statement: Statement) -> Result:
        if self.slow in statement.name or (self.slow in statement.sql and statement.name.startswith("tick")):
            self.clock.advance(seconds=QUICK_S + 1)
        if self.broken in statement.name or (self.broken in statement.sql and statement.name.startswith("tick")):
            self.asked.append(statement.name)
            raise QueryFailedError(statement.name, 241, "memory limit", retryable=True)
        return super().read(statement)


def rows(answer: Answer | Exception) -> object:
    assert not isinstance(answer, Exception), answer
    return answer.rows


def test_what_is_known_to_be_quick_is_one_select_a_ledger(events: ClickHouse) -> None:
    asked = Asked(events)
    first = asked.tick()
    assert not any(name.startswith("tick") for name in asked.counting.asked), "nothing is known of them yet"
    second = asked.tick()
    names = Counter(asked.counting.asked)
    assert names == {"tick: orders": 1, "tick: behaviour": 1, "newest": 1}, names
    assert {question: rows(answer) for question, answer in second.items()} == {
        question: rows(answer) for question, answer in first.items()
    }


@pytest.mark.parametrize("seed", range(40))
def test_joined_answers_equal_those_asked_anew_one_by_one(events: ClickHouse, seed: int) -> None:
    dice, asked = random.Random(seed), Asked(events)
    now, questions = NOON + timedelta(seconds=dice.randrange(170)), dict[Question, None]()
    for _ in range(dice.randint(2, 9)):
        by = dice.choice([(), (), ("province",), ("large_region", "channel"), ("category",)])
        filters = dice.choice([{}, {}, {"province": ["440000"]}, {"channel": ["live", "search"]}])
        metrics = DISTINCT if dice.random() < 0.2 else tuple(dice.sample(SUMS, dice.randint(1, len(SUMS))))
        if metrics == DISTINCT or filters or by:
            metrics = tuple(name for name in metrics if name != "gmv_per_minute") or ("paid_gmv",)
        questions[day_so_far(metrics, now, by, filters)] = None
        questions[Ask("course", ("paid_gmv",), ((CURRENT, Span(now - timedelta(hours=3), now)),), by[:1], "hour")] = (
            None
        )
    wanted = tuple(questions)
    asked.tick(wanted, now)
    for later in (now, now + timedelta(seconds=2)):
        for question, answer in asked.tick(wanted, later, threads=3).items():
            assert isinstance(question, Ask) and rows(answer) == rows(anew(events, question, later)), question
    assert "tick: orders" in asked.counting.asked


def test_there_is_something_in_the_answers(events: ClickHouse) -> None:
    asked = Asked(events)
    asked.tick()
    answers = asked.tick()
    assert all(rows(answer) for answer in answers.values())
    hero = answers[WALL[0]]
    assert (
        isinstance(hero, Reading) and hero.total().value("paid_gmv") and hero.total().value("paid_gmv", "previous_day")
    )
    assert set(hero.sources) == {"orders_1s_total"}


def test_a_part_that_fails_fails_alone_and_is_asked_alone_from_then_on(events: ClickHouse) -> None:
    asked = Asked(events)
    good = {question: rows(answer) for question, answer in asked.tick().items()}
    asked.counting.broken = "toString(k1) AS k1, toInt64(v0)"  # only in the joined one
    assert {question: rows(answer) for question, answer in asked.tick().items()} == good, "asked one by one at once"
    asked.counting.broken = "hour: behaviour"
    asked.tick((HOUR,))
    answers = asked.tick()
    assert isinstance(answers[HOUR], QueryFailedError)
    assert {question: rows(answer) for question, answer in answers.items() if question != HOUR} == {
        question: found for question, found in good.items() if question != HOUR
    }
    assert "tick: orders" in asked.counting.asked, "the others stay together"
    asked.counting.broken = "nothing"
    asked.tick()
    assert "hour: orders" in asked.counting.asked, "once by itself"
    asked.tick()
    assert "hour: orders" not in asked.counting.asked, "and with the others again"


def test_a_slow_part_takes_a_statement_of_its_own_and_leaves_the_others_together(events: ClickHouse) -> None:
    asked = Asked(events)
    asked.tick()
    asked.counting.slow = "hour: "
    asked.tick((HOUR,))
    for _ in range(3):
        asked.tick()
        assert {"hour: orders", "hour: behaviour", "tick: orders"} <= set(asked.counting.asked)
    asked.counting.slow = "orders_1s_total"  # a joined statement takes long
    asked.tick()
    asked.counting.slow = "nothing"
    asked.tick()
    assert "tick: orders" not in asked.counting.asked, "each is looked at by itself"
    asked.tick()
    assert asked.counting.asked.count("tick: orders") == 1 and "hour: orders" not in asked.counting.asked


def test_a_question_that_cannot_be_asked_is_refused_and_the_others_are_answered(events: ClickHouse) -> None:
    asked = Asked(events)
    wrong = day_so_far(("paid_gmw",), NOW)
    for _ in range(2):
        answers = asked.tick((*WALL[:3], wrong))
        assert isinstance(answers[wrong], UnknownNameError)
        assert all(rows(answers[question]) for question in WALL[:3])


def test_an_answer_nobody_waits_for_any_more_is_not_asked_alone(events: ClickHouse) -> None:
    asked = Asked(events)
    joint = asked.together.join(WALL[:1], asked.closed.fetch, NOW)
    assert joint.answers[WALL[0]].cancel()
    for work in joint.works:
        work()
    assert asked.counting.asked == []


def test_a_day_that_is_over_is_not_asked_with_every_tick(events: ClickHouse) -> None:
    asked = Asked(events)
    for second in range(0, 40, 2):
        asked.tick((*WALL[:2], HOUR), NOW + timedelta(seconds=second % 20))
    assert asked.counting.asked == ["tick: orders", "hour: behaviour"], "one part of a ledger keeps its own name"
