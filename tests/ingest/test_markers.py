"""Markers take the way of events into the store, and no number of the business knows of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from core.clock import ManualClock, SystemClock
from ingest.event import ORDERS
from ingest.incoming import Incoming
from ingest.markers import SOURCE, MarkerThread, marker
from ingest.receiver import Limits, Receiver
from ingest.spool import Spool
from ingest.writer import send_leftovers
from metrics.snapshot import MARKERS, marker_of, of_business
from queries.client import ClickHouse
from queries.statement import Statement
from queries.watermark import watermarks
from tests.browser.stage import until

COUNT = "SELECT toInt64(count()), uniqExact(event_id) FROM markers"


def rows(store: ClickHouse) -> tuple[int, int]:
    ((count, names),) = store.read(Statement("markers", COUNT)).rows
    return count, names


def test_a_marker_goes_through_receiver_and_disk_and_is_the_newest(clean_store: ClickHouse, tmp_path: Path) -> None:
    clock = ManualClock(SystemClock().now())  # the store drops them after a day
    with Spool(tmp_path / "spool") as spool:
        receiver = Receiver(clean_store, spool, clock, Limits(batch_ms=1))
        receiver.start()
        first, later = marker(clock.now()), marker(clock.now() + timedelta(seconds=1))
        assert receiver.receive(SOURCE, [first, later, first]) == [True, True, False]
        assert receiver.settle()
        receiver.stop()
    clock.advance(seconds=3)
    marks = watermarks(clean_store, clock.now())
    assert {mark.ledger: mark.lag_s for mark in marks}[MARKERS] == pytest.approx(2, abs=0.002)  # whole milliseconds
    assert marker_of(marks) == round(later.row["ts"].timestamp() * 1000)
    assert {mark.ledger for mark in of_business(marks)} == {"orders", "behaviour"}
    assert all(mark.reached is None for mark in of_business(marks))
    assert rows(clean_store) == (2, 2)


def test_a_marker_counts_as_shown_with_the_numbers_of_its_moment(clean_store: ClickHouse) -> None:
    now = SystemClock().now().replace(microsecond=600_000)
    turn = now.replace(microsecond=0)
    insert = "INSERT INTO markers (ts, kind, event_id, source) VALUES ({at:DateTime64(3, 'UTC')}, 'marker', 'm', 'x')"
    before, within = turn - timedelta(milliseconds=1), turn + timedelta(milliseconds=1)
    for moment in (before, turn, within):
        clean_store.write(Statement("marker", insert, {"at": moment}))
    assert marker_of(watermarks(clean_store, now, turn)) == round(before.timestamp() * 1000)
    assert marker_of(watermarks(clean_store, now)) == round(within.timestamp() * 1000)
    assert marker_of(watermarks(clean_store, now, turn - timedelta(hours=1))) is None


def test_markers_that_a_crash_left_on_disk_arrive_once(clean_store: ClickHouse, tmp_path: Path) -> None:
    clock = ManualClock(SystemClock().now())
    with Spool(tmp_path / "spool") as spool:
        receiver = Receiver(clean_store, spool, clock, Limits(batch_ms=1))
        receiver.start()
        receiver.receive(SOURCE, [marker(clock.now())])
        assert receiver.settle()
        receiver.stop()
        spool.keep(_parts_of([marker(clock.now()), marker(clock.now() + timedelta(seconds=1))]))
    assert send_leftovers(clean_store, tmp_path) == 1
    assert rows(clean_store) == (2, 2)


def _parts_of(events: list[Incoming]) -> list:  # type: ignore[type-arg]
    from ingest.receiver import _parts

    return _parts({(SOURCE, event.event_id): event for event in events}, [], 24)


def test_they_come_by_themselves_and_end_with_the_wall(clean_store: ClickHouse, tmp_path: Path) -> None:
    with Spool(tmp_path / "spool") as spool:
        receiver = Receiver(clean_store, spool, SystemClock(), Limits(batch_ms=1))
        receiver.start()
        passed: list[tuple[str, int]] = []
        thread = MarkerThread(receiver, SystemClock(), 0.05, lambda stage, marker: passed.append((stage, marker)))
        thread.start()
        assert until(lambda: rows(clean_store)[0] >= 3)
        thread.stop()
        receiver.stop()
    assert rows(clean_store)[0] == rows(clean_store)[1]
    kept, stored = ([marker for stage, marker in passed if stage == wanted] for wanted in ("kept", "stored"))
    assert kept == stored == sorted(set(kept)) and len(kept) == rows(clean_store)[0]
    assert clean_store.read(Statement("orders", f"SELECT count() FROM {ORDERS.table}")).rows == [(0,)]
