"""Side by side: all at once, all of them, and the first error when they have ended."""

from __future__ import annotations

import threading

import pytest

from ingest.beside import side_by_side


def test_each_runs_while_the_others_do_and_answers_stay_in_order() -> None:
    meet = threading.Barrier(3, timeout=30)  # nobody gets past it alone

    def work(number: int) -> int:
        meet.wait()
        return number

    assert side_by_side([lambda: work(1), lambda: work(2), lambda: work(3)]) == [1, 2, 3]
    assert side_by_side([]) == []


@pytest.mark.parametrize("bad", [0, 1])
def test_an_error_is_raised_when_the_others_have_ended(bad: int) -> None:
    failed, ended = threading.Event(), []

    def fail() -> None:
        failed.set()
        raise ValueError("refused")

    def go_on() -> None:
        assert failed.wait(30)
        ended.append("done")

    with pytest.raises(ValueError, match="refused"):
        side_by_side([fail, go_on] if bad == 0 else [go_on, fail])
    assert ended == ["done"]
