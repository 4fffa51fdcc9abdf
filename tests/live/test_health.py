"""Ready means: a tick went out lately and the store answers."""

from __future__ import annotations

from core.errors import QueryFailedError
from live.health import Health, check_health
from tests.live.fakes import Wall, wall


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


def test_one_broken_tile_is_told_but_does_not_take_the_wall_down() -> None:
    with wall() as w:
        w.broken.add("gmv")
        w.look()
        w.tick()
        assert health(w).ready and health(w).failed == 1
        w.broken.add("visitors")
        w.tick()
        assert not health(w).ready
