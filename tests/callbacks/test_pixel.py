"""What a question says of painted markers, and what an answer says of event to pixel and of the next tick."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from callbacks.live import ANSWER_S, COUNT_S, HOLD_S, Crowd, Refresher
from core.clock import ManualClock
from core.errors import BadRequestError
from live.latency import PixelLatency
from metrics.snapshot import MARKERS, Watermark
from tests.callbacks.parts import FakeStore, asking, make_deps


def usually(as_of: datetime) -> tuple[float, float]:
    """Ticks that answer 0.2 s after their moment at the soonest, and 0.3 s usually."""
    return as_of.timestamp() + 0.2, as_of.timestamp() + 0.3


def test_a_screen_reports_what_it_painted_and_hears_how_long_it_took(clock: ManualClock) -> None:
    deps = replace(make_deps(clock), pixels=PixelLatency(clock), answered=usually)
    assert isinstance(deps.store, FakeStore)
    refresher = Refresher(deps)
    sent = clock.now() - timedelta(seconds=1)
    deps.store.changes = {"watermarks": (Watermark(MARKERS, sent, 1.0),)}
    frame = orjson.loads(refresher.answer(asking()) or "")
    marker = frame["head"]["marker"]
    assert (marker, frame["pixel"]) == (round(sent.timestamp() * 1000), None)
    assert frame["head"]["lag_s"] is None, "markers promise nothing about the business"
    clock.advance(seconds=2)
    frame = orjson.loads(refresher.answer({**asking(), "painted": [marker, 1_200]}) or "")
    assert frame["pixel"] == {"median": 1.8, "p95": 1.8, "worst": 1.8, "count": 1}
    refresher.answer({**asking(), "painted": [marker + 5, 0]})  # forged: nothing comes of it
    assert orjson.loads(refresher.answer(asking()) or "")["pixel"]["count"] == 1


@pytest.mark.parametrize(
    "painted", [1, "1", [1], [1, 2, 3], [1.5, 0], [True, 0], [-1, 0], [1, -1], [2**53, 0], {"marker": 1}, [None, None]]
)
def test_a_wrong_report_is_refused(refresher: Refresher, painted: Any) -> None:
    with pytest.raises(BadRequestError, match="painted"):
        refresher.answer({**asking(), "painted": painted})


def test_an_answer_says_when_the_next_tick_has_answered(clock: ManualClock) -> None:
    deps = replace(make_deps(clock), answered=usually)
    assert isinstance(deps.store, FakeStore)
    began = clock.now()
    deps.store.changes = {"as_of": began}
    told = []
    for _ in range(4):
        told.append(orjson.loads(Refresher(deps).answer(asking()) or "")["next"])
        clock.advance(seconds=0.5)
    assert told == [0.1, 1.6, 1.1, 0.6], "a moment before the quickest tick: the question waits for it"


def test_many_screens_come_when_a_tick_has_usually_answered(clock: ManualClock) -> None:
    deps = replace(make_deps(clock), answered=usually)
    assert isinstance(deps.store, FakeStore)
    refresher, began = Refresher(deps), clock.now()
    for _ in range(round(50 * COUNT_S)):  # a hundred screens at two seconds
        refresher.answer(asking())
    clock.advance(seconds=COUNT_S)
    deps.store.changes = {"as_of": clock.now()}
    refresher.answer(asking())
    told = orjson.loads(refresher.answer(asking()) or "")
    assert (clock.now() - began).total_seconds() == COUNT_S
    assert (told["next"], told["spread"]) == (0.3, 0.1)
    clock.advance(seconds=2)
    assert refresher.answer(asking(seen="b1-1")) is None
    assert deps.store.waits == [], "a thread for each would leave none for others"


@pytest.mark.parametrize(
    ("after_s", "waits"),
    [
        (1.5, []),
        (1.76, []),
        (1.84, [HOLD_S]),
        (2.04, [HOLD_S - 0.04]),
        (2.1, [0.9]),
        (2.94, [0.06]),
        (3.04, []),
        (3.9, []),
    ],
)
def test_a_question_waits_for_a_tick_that_is_about_to_answer(
    clock: ManualClock, after_s: float, waits: list[float]
) -> None:
    deps = replace(make_deps(clock), answered=usually)
    assert isinstance(deps.store, FakeStore)
    deps.store.changes, deps.store.coming = {"as_of": clock.now()}, "b1-2"
    refresher = Refresher(deps)
    clock.advance(seconds=after_s)
    heard = refresher.answer(asking(seen="b1-1"))
    assert deps.store.waits == pytest.approx(waits)
    assert (heard is not None and orjson.loads(heard)["version"]) == (waits != [] and "b1-2")


@pytest.mark.parametrize(("seen", "coming", "hears"), [("b1-0", "b1-2", "b1-2"), ("b1-0", None, "b1-1")])
def test_a_screen_that_lacks_the_last_numbers_waits_for_the_next_all_the_same(
    clock: ManualClock, seen: str, coming: str | None, hears: str
) -> None:
    """Else one that got the first half of a tick would be a tick late from then on."""
    deps = replace(make_deps(clock), answered=usually)
    assert isinstance(deps.store, FakeStore)
    deps.store.changes, deps.store.coming = {"as_of": clock.now()}, coming
    clock.advance(seconds=2)
    heard = orjson.loads(Refresher(deps).answer(asking(seen=seen)) or "")
    assert (heard["version"], len(deps.store.waits)) == (hears, 1)


def test_a_first_question_waits_for_no_tick(clock: ManualClock) -> None:
    deps = replace(make_deps(clock), answered=usually)
    assert isinstance(deps.store, FakeStore)
    deps.store.changes, deps.store.coming = {"as_of": clock.now()}, "b1-2"
    clock.advance(seconds=2)
    assert orjson.loads(Refresher(deps).answer(asking()) or "")["version"] == "b1-1", "somebody waits for it"
    assert deps.store.waits == []


def test_a_question_that_waited_for_nothing_hears_nothing_new(clock: ManualClock) -> None:
    deps = replace(make_deps(clock), answered=usually)
    assert isinstance(deps.store, FakeStore)
    deps.store.changes = {"as_of": clock.now()}
    clock.advance(seconds=2)
    assert Refresher(deps).answer(asking(seen="b1-1")) is None
    assert len(deps.store.waits) == 1


def test_only_a_few_questions_wait_at_once(clock: ManualClock) -> None:
    class Slow(FakeStore):
        def newer(self, *asked: Any) -> None:
            waiting.release()
            assert go.wait(60)

    deps, few = make_deps(clock), 3
    assert isinstance(deps.store, FakeStore)
    store = Slow(deps.store.deps_of, clock, changes={"as_of": clock.now()})
    refresher = Refresher(replace(deps, answered=usually, store=store, held=few))
    clock.advance(seconds=2)
    waiting, go = threading.Semaphore(0), threading.Event()
    with ThreadPoolExecutor(few) as screens:
        held = [screens.submit(refresher.answer, asking(seen="b1-1")) for _ in range(few)]
        assert all(waiting.acquire(timeout=60) for _ in range(few))
        assert refresher.answer(asking(seen="b1-1")) is None
        go.set()
        assert [one.result(60) for one in held] == [None] * few
    assert refresher._holding.acquire(blocking=False), "who waited has left"


def test_nobody_waits_where_no_thread_is_spare(clock: ManualClock) -> None:
    deps = replace(make_deps(clock), answered=usually, held=0)
    assert isinstance(deps.store, FakeStore)
    deps.store.changes = {"as_of": clock.now()}
    refresher = Refresher(deps)
    assert orjson.loads(refresher.answer(asking()) or "")["next"] == 0.3, "when a tick has usually answered"
    clock.advance(seconds=2.1)
    assert refresher.answer(asking(seen="b1-1")) is None
    assert deps.store.waits == []


def test_screens_are_spread_by_how_many_they_are(clock: ManualClock) -> None:
    crowd = Crowd(clock)
    for _ in range(round(500 * COUNT_S)):  # a thousand screens at two seconds
        crowd.count()
    assert crowd.spread_s(2.0) == 0.0
    clock.advance(seconds=COUNT_S)
    crowd.count()
    assert crowd.spread_s(2.0) == pytest.approx(1_000 * ANSWER_S, rel=0.01)
    assert crowd.spread_s(60.0) == 30.0, "never over more than half a tick"
