"""The heartbeat, step by step: who is asked, when, and what goes out when something is slow or broken."""

from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime

from live.ticker import SETTLE_S, SETTLE_SHARE
from metrics.ask import Ask, make_filters
from metrics.scope import Scope
from metrics.snapshot import Snapshot
from tests.browser.stage import until
from tests.live.fakes import CALENDAR, NOON, wall

GUANGDONG = Scope(filters=make_filters({"province": ["440000"]}))


def gmv(snapshot: Snapshot, tile: str = "gmv") -> object:
    return snapshot.tiles[tile].answers["main"].rows[0].value(tile)  # type: ignore[union-attr]


def test_fifty_screens_cost_one_ask_per_question_and_tick() -> None:
    with wall() as w:
        for _ in range(50):
            w.look()
            w.look(board="kiosk")  # another board with the same questions
        w.tick()
        assert w.asked_for("gmv") == 1 and w.asked_for("visitors") == 1
        w.tick()
        assert w.asked_for("gmv") == 2
        assert all(w.look().complete for _ in range(50))
        assert w.asked_for("gmv") == 2


def test_each_scope_gets_its_own_answers_and_nobody_watching_costs_nothing() -> None:
    with wall() as w:
        w.tick()
        assert w.asked == []
        w.look()
        w.look(GUANGDONG)
        w.tick()
        assert w.asked_for("gmv") == 2
        assert {q.filters for q in w.asked if isinstance(q, Ask)} == {(), GUANGDONG.filters}


def test_a_slow_question_ages_only_its_own_tile_and_is_not_asked_twice() -> None:
    with wall(budget_s=2.0) as w:
        w.look()
        w.tick()
        first = w.look()
        w.held["visitors"] = threading.Event()
        w.values["gmv"] = 7.0
        w.tick()
        later = w.look()
        assert gmv(later) == 7.0
        assert later.tiles["gmv"].as_of == w.clock.now()
        assert later.tiles["visitors"].as_of == first.tiles["visitors"].as_of
        w.tick()
        w.tick()
        assert w.asked_for("visitors") == 2, "the running one is waited for"
        assert w.asked_for("gmv") == 4
        w.values["visitors"] = 3.0
        w.held.pop("visitors").set()
        assert until(lambda: all(slot.pending is None or slot.pending.done() for slot in w.ticker._slots()))
        w.tick()
        assert gmv(w.look(), "visitors") == 3.0


def test_one_stuck_question_leaves_the_others_their_pace() -> None:
    """Four tiles, one of them never answered: the others are as young as each tick, and ticks stay as frequent."""
    with wall(dict.fromkeys(("gmv", "orders", "users", "visitors"), 0.0), budget_s=1.0) as w:
        w.look()
        w.tick()
        w.held["visitors"] = threading.Event()
        for count in range(12):
            w.values["gmv"] = float(count)
            w.tick()
            shown = w.look()
            assert gmv(shown) == float(count)
            assert {shown.tiles[key].as_of for key in ("gmv", "orders", "users")} == {w.clock.now()}
        assert w.asked_for("visitors") == 2
        assert (w.ticker.tick_s, w.ticker.slowed_s) == (2.0, 0.0)


def test_ticks_get_rarer_under_load_and_come_back() -> None:
    with wall({"gmv": 0.0}, budget_s=5.0) as w:
        w.look()
        w.takes_s = 1.9
        for _ in range(3):
            w.tick()
        assert (w.ticker.tick_s, w.ticker.slowed_s) == (5.0, 5.0)
        w.takes_s, asked = 0.0, w.asked_for("gmv")
        w.tick(after_s=1.0)
        assert w.asked_for("gmv") == asked, "a question is not worth asking more often than ticks come"
        for _ in range(6):
            w.tick(after_s=5.0)
        assert (w.ticker.tick_s, w.ticker.slowed_s) == (2.0, 0.0)


def test_an_error_keeps_the_last_good_numbers_and_says_so() -> None:
    with wall() as w:
        w.look()
        w.tick()
        before = w.look().tiles["gmv"]
        w.broken.add("gmv")
        w.tick()
        broken = w.look().tiles["gmv"]
        assert broken.error == "gmv: took too long"
        assert broken.answers["main"].rows == before.answers["main"].rows
        assert broken.answers["main"].error == broken.error
        assert broken.as_of == before.as_of and broken.version > before.version
        w.broken.clear()
        w.tick()
        healed = w.look().tiles["gmv"]
        assert healed.error is None and healed.version > broken.version and healed.answers["main"].error is None


def test_a_first_ask_that_fails_gives_a_complete_snapshot_with_the_error() -> None:
    with wall() as w:
        w.broken.add("gmv")
        w.look()
        w.tick()
        assert w.look().complete
        assert w.look().tiles["gmv"].as_of is None and w.look().tiles["gmv"].error


def test_tiles_are_asked_at_their_own_pace_and_at_once_for_a_new_scope() -> None:
    with wall({"gmv": 0.0, "visitors": 10.0}) as w:
        w.look()
        for _ in range(5):
            w.tick()
        assert (w.asked_for("gmv"), w.asked_for("visitors")) == (5, 1)
        w.look(GUANGDONG)
        w.tick()
        assert w.asked_for("visitors") == 3  # its own and, ten seconds on, the first scope's second
        assert w.look(GUANGDONG).complete


def test_midnight_moves_the_live_day_and_waits_for_no_pace() -> None:
    with wall({"gmv": 0.0, "visitors": 3600.0}) as w:
        w.clock.set(datetime(2026, 11, 11, 15, 59, 59, tzinfo=UTC))
        w.look()
        w.tick(0.5)
        w.tick(2)
        asks = [q for q in w.asked if isinstance(q, Ask) and q.metrics == ("visitors",)]
        assert [CALENDAR.day_of(q.current.start) for q in asks] == [date(2026, 11, 11), date(2026, 11, 12)]
        assert w.look().live


def test_a_past_day_is_asked_once_and_then_every_minute() -> None:
    past = Scope(day=date(2026, 11, 9))
    with wall() as w:
        for _ in range(29):
            w.look(past)
            w.tick()
        assert w.asked_for("gmv") == 1
        assert not w.look(past).live
        w.look(past)
        w.tick()
        w.tick()
        assert w.asked_for("gmv") == 2


def test_a_scope_nobody_looks_at_for_a_minute_is_dropped() -> None:
    with wall() as w:
        w.look()
        w.look(GUANGDONG)
        for _ in range(31):
            w.look()
            w.tick()
        assert [scope for _, scope in w.store.in_use()] == [Scope()]
        asked = w.asked_for("gmv")
        w.look()
        w.tick()
        assert w.asked_for("gmv") == asked + 1


def test_a_scope_that_is_dropped_takes_no_question_from_those_who_share_it() -> None:
    """Four readers are stuck, the fifth question waits in line: for a board that is left, and for one that is not."""
    stuck = ("a", "b", "c", "d")
    with wall({**dict.fromkeys(stuck, 0.0), "visitors": 600.0}, budget_s=0.5) as w:
        held = threading.Event()
        w.held.update(dict.fromkeys(stuck, held))
        w.look()
        w.look(board="kiosk")
        w.tick()
        for _ in range(31):
            w.look(board="kiosk")
            w.clock.advance(seconds=2)
        w.tick()
        assert [board for board, _ in w.store.in_use()] == ["kiosk"]
        held.set()
        w.held.clear()
        w.tick(0.5)
        w.tick(0.5)
        assert w.asked_for("visitors") == 1 and gmv(w.look(board="kiosk"), "visitors") == 1.0


def test_a_tick_still_running_is_never_started_twice() -> None:
    with wall(budget_s=60.0) as w:
        w.held["gmv"] = threading.Event()
        w.look()
        first = threading.Thread(target=w.ticker.tick_once)
        first.start()
        while not w.asked_for("gmv"):
            time.sleep(0.005)
        assert w.ticker.tick_once() is None
        w.held["gmv"].set()
        first.join(60)
        assert w.asked_for("gmv") == 1
        assert w.ticker.tick_once() is not None


def test_the_same_numbers_keep_the_tile_version_while_as_of_moves_on() -> None:
    with wall() as w:
        w.look()
        w.tick()
        one = w.look()
        w.tick()
        two = w.look()
        assert two.tiles["gmv"].version == one.tiles["gmv"].version
        assert two.tiles["gmv"].as_of > one.tiles["gmv"].as_of  # type: ignore[operator]
        w.values["gmv"] = 2.0
        w.tick()
        three = w.look()
        assert three.tiles["gmv"].version > two.tiles["gmv"].version
        assert three.tiles["visitors"].version == two.tiles["visitors"].version


def test_engine_time_counts_each_question_once() -> None:
    with wall() as w:
        w.look()
        w.tick()
        assert w.look().engine_ms == 4.0


def test_alerts_are_observed_once_a_tick_whatever_the_scopes_and_their_failure_is_seen() -> None:
    with wall() as w:
        w.look()
        w.look(GUANGDONG)
        w.tick()
        assert w.observed == 1
        w.observe_error = RuntimeError("rules are gone")
        w.tick()
        seen = w.look()
        assert [alert.state for alert in seen.alerts] == ["error"]
        assert "rules are gone" in seen.alerts[0].cause["en"]
        assert gmv(seen) == 1.0 and seen.tiles["gmv"].error is None
        w.observe_error = None
        w.tick()
        assert w.look().alerts == ()


def test_rules_that_hang_are_said_after_a_minute() -> None:
    with wall() as w:
        w.begin()
        w.held["rules"] = threading.Event()
        w.tick()
        for _ in range(2):
            w.tick(30)
            assert w.look().alerts == ()
        w.tick(1)
        assert [(alert.rule, alert.state) for alert in w.look().alerts] == [("alert_engine", "error")]
        w.held.pop("rules").set()

        def well() -> bool:
            w.tick()
            return w.look().alerts == ()

        assert until(well)


def test_a_plan_that_fails_breaks_its_own_scope_only() -> None:
    with wall() as w:
        w.look()
        w.look(GUANGDONG)
        w.tick()
        w.plan_error[GUANGDONG] = ValueError("no such tile")
        w.values["gmv"] = 5.0
        w.tick()
        assert gmv(w.look()) == 5.0
        assert w.look(GUANGDONG).tiles["gmv"].error == "ValueError: no such tile"
        w.plan_error.clear()
        w.tick()
        assert w.look(GUANGDONG).tiles["gmv"].error is None
        assert gmv(w.look(GUANGDONG)) == 5.0


def test_the_thread_beats_by_itself_serves_a_new_scope_at_once_and_stops_cleanly() -> None:
    with wall() as w:
        w.ticker.start()
        w.ticker.usual_s = 600
        begun = time.monotonic()
        assert w.store.watch("wall", Scope(), wait_s=60).complete
        assert w.store.watch("wall", GUANGDONG, wait_s=60).complete
        assert time.monotonic() - begun < 60, "a newcomer does not wait for the next beat"
        w.ticker.stop()
        w.ticker.stop()
        assert not [t.name for t in threading.enumerate() if t.name.startswith(("ticker", "ask", "watch"))]
    assert w.clock.now() >= NOON


def test_a_tick_waits_for_what_is_on_its_way_and_a_newcomer_does_not() -> None:
    with wall() as w:
        waited: list[float] = []
        w.ticker._settle = waited.append
        w.ticker.usual_s = 0.2
        w.ticker.start()
        assert until(lambda: len(waited) >= 2)
        assert set(waited) == {0.2 * SETTLE_SHARE}
        w.ticker.usual_s = 600
        assert w.store.watch("wall", Scope(), wait_s=60).complete
        count = len(waited)
        assert w.store.watch("wall", GUANGDONG, wait_s=60).complete
        assert len(waited) <= count + 1 and max(waited) <= SETTLE_S
        w.ticker.stop()


def test_a_tick_that_raises_does_not_stop_the_next_one() -> None:
    with wall() as w:

        def explode() -> tuple[()]:
            w.store.in_use = good  # type: ignore[method-assign]
            raise RuntimeError("once")

        good = w.store.in_use
        w.store.in_use = explode  # type: ignore[method-assign, assignment]
        w.look()
        w.ticker.start()
        assert w.store.watch("wall", GUANGDONG, wait_s=60).complete
