"""A tick waits for what is on its way into the store, and for nothing else."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.clock import ManualClock, SystemClock
from core.errors import LivewallError
from ingest.markers import marker
from ingest.receiver import Limits, Receiver
from ingest.scenario import load_scenario
from ingest.simulator import LiveSimulator
from ingest.spool import Spool
from ingest.under_way import UnderWay
from ingest.world import load_world
from ingest.writer import Writer
from queries.client import ClickHouse
from queries.seen_events import TABLE as SEEN
from queries.statement import Statement
from tests.browser.stage import until

NOON = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)


class Held:
    """A store whose inserts wait until they are let."""

    def __init__(self, store: ClickHouse, table: str = "") -> None:
        self._store, self._table, self.reached, self.free = store, table, threading.Event(), threading.Event()
        self.read = store.read

    def insert_arrow(self, table: str, *given: object, **named: object) -> None:
        if table.startswith(self._table):
            self.reached.set()
            assert self.free.wait(30)
        self._store.insert_arrow(table, *given, **named)  # type: ignore[arg-type]


def test_what_comes_later_is_not_waited_for() -> None:
    way = UnderWay()
    assert way.settle(0.0), "nothing is under way"
    first = way.begin()
    done = threading.Event()
    waiting = threading.Thread(target=lambda: way.settle(30) and done.set())
    waiting.start()
    assert until(lambda: bool(way._changed._waiters)), "it waits for what is under way now"  # type: ignore[attr-defined]
    assert not way.settle(0.01) and not done.is_set()
    way.begin()
    way.end(first)
    waiting.join(10)
    assert done.is_set() and not way.settle(0.01)


def test_a_batch_is_under_way_until_the_store_has_it(clean_store: ClickHouse, tmp_path: Path) -> None:
    held, way = Held(clean_store), UnderWay()
    with Spool(tmp_path / "spool") as spool:
        now = SystemClock().now()  # the store drops markers after a day
        receiver = Receiver(held, spool, ManualClock(now), Limits(batch_ms=1), way)  # type: ignore[arg-type]
        receiver.start()
        assert receiver.receive("x", [marker(now)]) == [True]
        assert held.reached.wait(30) and not way.settle(0.02), "it is on disk only"
        held.free.set()
        assert way.settle(30)
        assert clean_store.read(Statement("count", "SELECT count() FROM markers")).rows == [(1,)]
        assert receiver.receive("x", [marker(now)]) == [False]
        assert way.settle(0.5), "nothing of it was new"
        receiver.stop()


def test_what_remembers_events_is_not_waited_for(clean_store: ClickHouse, tmp_path: Path) -> None:
    held, way = Held(clean_store, SEEN), UnderWay()
    with Spool(tmp_path / "spool") as spool:
        now = SystemClock().now()
        receiver = Receiver(held, spool, ManualClock(now), Limits(batch_ms=1), way)  # type: ignore[arg-type]
        receiver.start()
        assert receiver.receive("x", [marker(now)]) == [True]
        assert held.reached.wait(30) and way.settle(0.0), "what screens show is in the store"
        assert clean_store.read(Statement("count", "SELECT count() FROM markers")).rows == [(1,)]
        assert receiver.receive("x", [marker(now)]) == [False], "and what is not remembered yet is known"
        held.free.set()
        assert receiver.settle()
        receiver.stop()


def test_what_cannot_be_kept_is_not_waited_for(
    clean_store: ClickHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = UnderWay()
    with Spool(tmp_path / "spool") as spool:
        receiver = Receiver(clean_store, spool, ManualClock(NOON), Limits(batch_ms=1), way)
        receiver.start()

        def full(parts: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(spool, "keep", full)
        with pytest.raises(LivewallError):
            receiver.receive("x", [marker(NOON)])
        assert way.settle(5)
        receiver.stop()


def test_both_ledgers_of_the_simulator_are_one_batch(clean_store: ClickHouse) -> None:
    held, clock = Held(clean_store), ManualClock(NOON)
    writer = Writer(held)
    scenario = load_scenario("normal_day", load_world())
    simulator = LiveSimulator(clean_store, seed=5, rate=40.0, scenario=scenario, clock=clock, writer=writer)
    simulator.step()
    assert writer.under_way.settle(0.0)
    clock.set(NOON + timedelta(seconds=2))
    step = threading.Thread(target=simulator.step)
    step.start()
    assert held.reached.wait(30) and not writer.under_way.settle(0.02)
    held.free.set()
    step.join(30)
    assert writer.under_way.settle(0.0)
