"""The pace: slower step by step under load, back when it is over, and not at every single slow tick."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from live.pace import RULE, Load, Pace, gap_after, interval_of, intervals, next_pace

USUAL = 2.0
EASY = Load(took_s=0.3, wanted=12, late=0)


def beat(loads: Iterable[Load], pace: Pace = Pace()) -> Pace:  # noqa: B008 (frozen)
    for load in loads:
        pace = next_pace(pace, load, USUAL)
    return pace


def seconds(pace: Pace) -> float:
    return interval_of(pace, USUAL)


def test_heavy_ticks_slow_the_beat_from_two_to_five_to_ten_and_no_further() -> None:
    pace, seen = Pace(), [USUAL]
    for _ in range(12):
        pace = beat([Load(0.9 * seconds(pace), 12, 0)] * RULE.heavy_ticks, pace)
        seen.append(seconds(pace))
    assert list(dict.fromkeys(seen)) == [2.0, 5.0, 10.0]
    assert seconds(pace) == 10.0


def test_light_ticks_bring_it_back_step_by_step() -> None:
    pace = Pace(step=2)
    seen = []
    for _ in range(2 * RULE.light_ticks):
        pace = next_pace(pace, EASY, USUAL)
        seen.append(seconds(pace))
    assert seen == [10.0] * (RULE.light_ticks - 1) + [5.0] * RULE.light_ticks + [2.0]


def test_fewer_heavy_ticks_in_a_row_change_nothing() -> None:
    heavy = Load(1.9, 12, 0)
    assert beat([heavy, heavy, EASY] * 20).step == 0


def test_what_is_light_for_the_slow_step_only_keeps_it_slow() -> None:
    """1.5 s fit into 5 s and not into 2 s: going back would be heavy at once."""
    assert beat([Load(1.5, 12, 0)] * 50, Pace(step=1)).step == 1


def test_one_question_that_is_always_late_does_not_slow_the_others() -> None:
    """It is cut off after five seconds: asked in every third tick, which then takes its whole budget."""
    stuck = [Load(2.0, 12, 1), Load(0.2, 12, 1), Load(0.2, 12, 1)]
    assert beat(stuck * 20).step == 0


def test_quick_ticks_are_heavy_when_most_questions_are_still_under_way() -> None:
    assert beat([Load(0.1, 12, 7)] * RULE.heavy_ticks).step == 1


def test_a_wall_that_nobody_looks_at_comes_back() -> None:
    assert beat([Load(0.0, 0, 0)] * RULE.light_ticks, Pace(step=1)).step == 0


@pytest.mark.parametrize(
    ("usual", "steps"), [(1.0, (1.0, 5.0, 10.0)), (2.0, (2.0, 5.0, 10.0)), (5.0, (5.0, 10.0)), (30.0, (30.0,))]
)
def test_a_board_that_is_slow_by_itself_is_never_made_faster(usual: float, steps: tuple[float, ...]) -> None:
    assert intervals(usual) == steps
    pace = Pace()
    for _ in range(40):
        pace = next_pace(pace, Load(100.0, 3, 0), usual)
    assert interval_of(pace, usual) == steps[-1]


@pytest.mark.parametrize(
    ("began", "gap"),
    [(0.25, 2.0), (0.2501, 1.9999), (0.2499, 2.0001), (1.0, 1.25), (1.7, 0.55), (1.8, 2.45), (2.1, 2.15), (3.9, 2.35)],
    ids=["on time", "a little late", "a little early", "late", "out of turn", "soon", "just before", "very late"],
)
def test_ticks_keep_to_the_turn_of_the_clock_and_one_just_before_counts_for_it(began: float, gap: float) -> None:
    """Each even second and a quarter; what comes out of turn, because a screen is new, moves no other tick for long."""
    moment = datetime(2026, 11, 11, 4, 0, tzinfo=UTC) + timedelta(seconds=began)
    assert gap_after(moment, USUAL, 0.25) == pytest.approx(gap, abs=1e-5)


def test_a_clock_that_stands_still_makes_no_tick_wait_less_than_a_quarter() -> None:
    for thousandth in range(0, 4_000, 7):
        moment = datetime(2026, 11, 11, tzinfo=UTC) + timedelta(milliseconds=thousandth)
        assert USUAL / 4 < gap_after(moment, USUAL, 0.25) <= 1.25 * USUAL + 1e-6
