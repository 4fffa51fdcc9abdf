"""Ready means: a tick went out lately and the store answers."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from core.errors import QueryFailedError
from live.health import LATELY, Beat, Health, Took, check_health, hangs
from tests.browser.stage import until
from tests.live.fakes import NOON, Wall, wall

BEAT = Beat(1, NOON, 1, 1, 0, 0, 100.0, 1.0, True, None)


def health(w: Wall) -> Health:
    return check_health(w.ticker.last, w.clock.now(), w.ticker.tick_s)


def test_it_is_not_ready_before_the_first_tick_and_ready_after_it() -> None:
    with wall() as w:
        assert not health(w).ready and health(w).reason == "no tick yet"
        w.look()
        w.tick()
        assert health(w) == Health(True, "", 0.0, 2.0, 1, 1, 0, 0)


def test_it_is_not_ready_when_three_ticks_are_missed() -> None:
    with wall() as w:
        w.tick()
        w.clock.advance(seconds=6)
        assert health(w).ready
        w.clock.advance(seconds=1)
        assert health(w).reason == "no tick for 7 s"


def test_it_is_not_ready_while_the_store_does_not_answer_and_the_lag_goes_on() -> None:
    with wall() as w:
        w.look()
        w.tick()
        w.watermark_error = QueryFailedError("watermarks", 210, "connection refused", retryable=True)
        w.tick()
        assert not health(w).ready and "connection refused" in health(w).reason
        assert w.look().watermarks[0].lag_s == 4.0
        w.watermark_error = None
        w.tick()
        assert health(w).ready


def test_the_lag_grows_while_the_store_says_nothing() -> None:
    with wall() as w:
        w.begin()
        said = w.clock.now()
        assert (w.look().heard, w.look().watermarks[0].lag_s) == (said, 2.0)
        w.held["watermarks"] = threading.Event()
        w.tick()
        assert not w.look().mute, "it may only be slow"
        for _ in range(29):
            w.tick()
        assert w.look().mute and not health(w).ready, "screens hear what /readyz says"
        assert w.look().as_of == w.clock.now(), "it ticks on"
        assert w.look().heard == said
        assert w.look().watermarks[0].lag_s == health(w).lag_s == w.ticker.watermarks[0].lag_s == 62.0
        w.clock.advance(seconds=10)
        assert w.ticker.watermarks[0].lag_s == 72.0, "also between two ticks"


def test_a_store_that_hangs_is_said_however_rare_ticks_are() -> None:
    with wall() as w:
        w.begin()
        w.held["watermarks"] = threading.Event()
        w.tick()
        w.tick(24)
        assert not w.look().mute
        w.tick(10)
        assert w.look().mute and not health(w).ready


def test_it_is_not_ready_while_the_watermark_question_hangs_and_is_ready_again_once_it_is_answered() -> None:
    with wall(budget_s=0.1) as w:
        w.look()
        w.tick()
        assert until(lambda: all(asked.done() for asked in w.ticker._watermarks.futures)), "nothing is under way yet"
        w.held["watermarks"] = threading.Event()
        for _ in range(4):
            w.tick()
            assert health(w).ready, "6 s are slow"
        w.tick()
        assert not health(w).ready
        assert health(w).reason == "the store does not answer: the watermarks were asked for 8 s ago"
        w.tick()
        assert not health(w).ready
        w.held.pop("watermarks").set()

        def ready_again() -> bool:
            w.tick()
            return health(w).ready

        assert until(ready_again)


def test_watermarks_that_take_long_but_come_do_not_make_it_unready() -> None:
    with wall(budget_s=0.1) as w:
        w.look()
        for _ in range(3):  # the first of them is the start: nothing was ever answered
            w.held["watermarks"] = threading.Event()
            for _ in range(4):
                w.tick()
                assert health(w).ready
            w.held.pop("watermarks").set()
            assert until(lambda: w.ticker._watermarks.waits_s(w.clock.now()) == 0)


def test_a_statement_of_a_tile_that_hangs_does_not_make_it_unready() -> None:
    with wall(budget_s=0.1) as w:
        w.look()
        w.held["gmv"] = threading.Event()
        for _ in range(10):
            w.tick()
            assert health(w).ready


@pytest.mark.parametrize(
    ("ticks", "seconds", "tick_s", "hanging"),
    [(4, 6.5, 2.0, True), (3, 60.0, 2.0, False), (40, 6.0, 2.0, False), (6, 5.0, 1.0, False), (4, 20.0, 10.0, False)],
    ids=["both", "ticks are rare under load", "ticks came at once for new screens", "not cut off yet", "a slow wall"],
)
def test_a_question_hangs_after_more_than_three_ticks_and_6_seconds(
    ticks: int, seconds: float, tick_s: float, hanging: bool
) -> None:
    assert hangs(ticks, seconds, tick_s) == hanging


def test_one_broken_tile_is_told_but_does_not_take_the_wall_down() -> None:
    with wall() as w:
        w.broken.add("gmv")
        w.look()
        w.tick()
        assert health(w).ready and health(w).failed == 1
        w.broken.add("visitors")
        w.tick()
        assert not health(w).ready


def test_screens_come_when_all_but_the_slowest_of_the_last_ticks_had_answered() -> None:
    took, turn = Took(2.0), NOON.timestamp()
    assert took.answered(NOON, None) == (turn, turn)
    for number, milliseconds in enumerate([100.0, 120.0, 900.0, 110.0]):
        beat = replace(BEAT, number=number, at=NOON + timedelta(seconds=2 * number + 0.25), took_ms=milliseconds)
        assert took.answered(NOON, beat) == took.answered(NOON, beat), "a tick counts once, however many screens ask"
    moment = NOON + timedelta(seconds=4.4)
    assert took.answered(moment, beat) == pytest.approx((turn + 4 + 0.25 + 0.1, turn + 4 + 0.25 + 0.12))
    early = replace(beat, number=9, at=NOON + timedelta(seconds=7.9), took_ms=5_000.0)
    assert took.answered(moment, early)[1] == pytest.approx(turn + 4 + 0.25 + 0.12), "it came out of turn"
    for number in range(10, 10 + LATELY):
        took.answered(NOON, replace(BEAT, number=number, took_ms=50.0 + number))
    quickest, usual = turn + 60 / 1000, turn + (50 + 8 + LATELY) / 1000
    assert took.answered(NOON, None) == pytest.approx((quickest, usual)), "what is long ago is forgotten"
