"""Replay: the same rows in their own rhythm, shifted to now, each once, a refused insert tried again."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.clock import ManualClock, SystemClock
from core.errors import BadRequestError, QueryFailedError
from ingest.mapping import load_mapping
from ingest.replay import Played, Replay
from queries.client import ClickHouse
from queries.statement import Statement
from tests.ingest.test_loader import DATA, GA360, TMALL, ask, load, staging_tables

EVENTS = "SELECT kind, order_id, toString(ts), toString(created_at) FROM order_events ORDER BY ts, kind, order_id"


def replay(store: ClickHouse, clock: ManualClock, speed: float = 3600, start: datetime | None = None) -> Replay:
    return Replay(store, load_mapping("tmall"), [TMALL], speed, clock, start)


def test_events_come_in_their_own_rhythm_shifted_to_now(clean_store: ClickHouse, clock: ManualClock) -> None:
    with replay(clean_store, clock) as playing:
        clock.advance(seconds=0.01)
        playing.play()
        assert ask(clean_store, EVENTS) == [
            ("created", "1", "2026-11-11 04:00:00.000", "2026-11-11 04:00:00.000"),
            ("paid", "1", "2026-11-11 04:00:00.001", "2026-11-11 04:00:00.000"),
        ]
        clock.advance(seconds=12)  # twelve hours of the file
        assert playing.play().events == 3
        clock.advance(hours=1)
        played = playing.play()
        assert playing.finished
        assert (played.events, played.rejected, played.remaining_s) == (8, 9, 0.0)
    assert ask(clean_store, EVENTS)[-2:] == [
        ("paid", "3", "2026-11-11 04:00:23.999", "2026-11-11 04:00:23.998"),
        ("refunded", "3", "2026-11-11 04:00:23.999", "2026-11-11 04:00:23.998"),
    ]
    assert staging_tables(clean_store) == []


def test_a_start_in_the_middle_leaves_out_what_came_before(clean_store: ClickHouse, clock: ManualClock) -> None:
    with replay(clean_store, clock, start=datetime(2020, 2, 1, 15, 59, tzinfo=UTC)) as playing:
        clock.advance(hours=1)
        assert playing.play().events == 3
    assert ask(clean_store, EVENTS)[0] == ("created", "3", "2026-11-11 04:00:00.016", "2026-11-11 04:00:00.016")


def test_a_loaded_store_can_still_replay_and_two_replays_do_not_meet(
    clean_store: ClickHouse, clock: ManualClock
) -> None:
    load(clean_store, "tmall", TMALL, clock=clock)
    for _ in range(2):
        with replay(clean_store, clock) as playing:
            clock.advance(hours=1)
            playing.play()
    assert ask(clean_store, "SELECT count(), uniqExact(event_id) FROM order_events") == [(24, 24)]


class FailingClickHouse:
    """A store whose inserts into the ledgers are refused as often as told; everything else goes through."""

    def __init__(self, store: ClickHouse, failures: int, retryable: bool) -> None:
        self._store, self._failures, self._retryable = store, failures, retryable

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def write(self, statement: Statement) -> None:
        if statement.name.startswith("replay ") and self._failures:
            self._failures -= 1
            self._store.write(statement)  # it went in, but nobody heard of it
            raise QueryFailedError(statement.name, 241, "memory limit", self._retryable)
        self._store.write(statement)


def test_a_refused_insert_is_tried_again_and_counts_once(clean_store: ClickHouse, clock: ManualClock) -> None:
    store = FailingClickHouse(clean_store, 2, retryable=True)
    with Replay(store, load_mapping("tmall"), [TMALL], 3600, clock) as playing:  # type: ignore[arg-type]
        clock.advance(hours=1)
        assert "memory limit" in playing.play().trouble
        assert not playing.finished
        assert "memory limit" in playing.play().trouble
        assert playing.play() == Played(playing.play().at, playing.play().last, 8, 9, 0.0)
    assert ask(clean_store, "SELECT count(), uniqExact(event_id) FROM order_events") == [(8, 8)]
    assert ask(clean_store, "SELECT sum(paid__orders) FROM orders_1m") == [(3,)]


def test_an_insert_that_cannot_succeed_is_raised(clean_store: ClickHouse, clock: ManualClock) -> None:
    store = FailingClickHouse(clean_store, 1, retryable=False)
    with (
        pytest.raises(QueryFailedError),
        Replay(store, load_mapping("tmall"), [TMALL], 3600, clock) as playing,  # type: ignore[arg-type]
    ):
        clock.advance(hours=1)
        playing.play()
    assert staging_tables(clean_store) == []


def test_run_ends_with_the_file_or_when_told_to_stop(clean_store: ClickHouse) -> None:
    told: list[Played] = []
    mapping = load_mapping("taobao_behavior")
    with Replay(clean_store, mapping, [DATA / "taobao_small.csv"], 120, SystemClock()) as playing:
        played = playing.run(threading.Event(), told.append)
        assert playing.finished and played == told[-1]
        assert (played.events, played.rejected) == (6, 1)
    stop = threading.Event()
    stop.set()
    with Replay(clean_store, mapping, [DATA / "taobao_small.csv"], 0.001, SystemClock()) as playing:
        assert playing.run(stop).events <= 2
        assert not playing.finished


def test_files_with_lookups_are_played_together(clean_store: ClickHouse, clock: ManualClock) -> None:
    with Replay(clean_store, load_mapping("ga360"), GA360, 60, clock) as playing:
        clock.advance(hours=1)
        assert playing.play().events == 8
    assert ask(clean_store, "SELECT DISTINCT user_id FROM order_events") == [("v1",)]


@pytest.mark.parametrize("speed", [0, -1])
def test_a_speed_that_stands_still_is_refused(clean_store: ClickHouse, clock: ManualClock, speed: float) -> None:
    with pytest.raises(BadRequestError, match="speed above 0"):
        replay(clean_store, clock, speed=speed)


def test_a_naive_start_is_refused(clean_store: ClickHouse, clock: ManualClock) -> None:
    with pytest.raises(BadRequestError, match="time zone"):
        replay(clean_store, clock, start=datetime(2020, 2, 1))  # noqa: DTZ001


def test_a_file_without_events_is_nothing_to_play(clean_store: ClickHouse, clock: ManualClock, tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_text(TMALL.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    with (
        pytest.raises(BadRequestError, match="nothing to play"),
        Replay(clean_store, load_mapping("tmall"), [path], 60, clock),
    ):
        pass
    assert staging_tables(clean_store) == []
