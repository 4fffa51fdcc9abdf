"""Rollups are rebuilt while events come in and walls read: nothing is lost, doubled or missing meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from metrics.calendar import Span
from queries.client import ClickHouse
from queries.rebuild import rebuild
from queries.statement import Statement
from tests.faults.rollups import rollup_rows
from tests.queries.events import insert_random

START = datetime(2026, 11, 10, 20, tzinfo=UTC)
SPAN = Span(START, START + timedelta(hours=8))
NOW = SPAN.end + timedelta(days=1)
PAID = "SELECT sum(paid__amount) FROM {}"
READ = ("orders_1m", "orders_1h", "orders_1d", "orders_1s_total")
ONE_ORDER = (
    "INSERT INTO order_events (ts, kind, order_id, event_id, amount, created_at, user_id) "
    "VALUES ({ts:DateTime64(3, 'UTC')}, 'paid', 'o', {id:String}, 10000, {ts:DateTime64(3, 'UTC')}, {id:String})"
)


@contextmanager
def meanwhile(*work: Callable[[], None]) -> Iterator[None]:
    """Each piece of work again and again on a thread of its own; what went wrong there fails the test."""
    stop, problems = threading.Event(), list[BaseException]()

    def again_and_again(piece: Callable[[], None]) -> None:
        try:
            while not stop.is_set():
                piece()
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=again_and_again, args=(piece,)) for piece in work]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert problems == []


def test_events_come_in_and_walls_read_while_everything_is_rebuilt(clean_store: ClickHouse) -> None:
    insert_random(clean_store, SPAN.start, SPAN.end, 2_000)
    written, seen, looks = [2_000], dict.fromkeys(READ, 0), [0]

    def write() -> None:
        insert_random(clean_store, SPAN.start, SPAN.end, 20, first=written[0])
        written[0] += 20

    def read() -> None:
        for table in READ:
            (paid,) = clean_store.read(Statement("look", PAID.format(table))).rows[0]
            assert paid >= seen[table], f"{table}: a partition was missing for a moment"
            seen[table] = paid
        looks[0] += 1

    read()
    with meanwhile(write, read):
        for name in (*READ, "buyers_1m"):
            rebuild(clean_store, name, SPAN, NOW, lambda: 0.0)
    assert written[0] > 2_020 and looks[0] > 2, "it must have been busy for this to prove anything"
    assert {table: wrong for table, (_, wrong) in rollup_rows(clean_store).items() if wrong} == {}
    (events,) = clean_store.read(Statement("events", "SELECT count() FROM order_events")).rows[0]
    assert events == written[0]


def test_a_writer_that_does_not_wait_loses_nothing_either(clean_store: ClickHouse) -> None:
    """As another process on a server: it knows nothing of the rebuild. `administer` is not held up by one."""
    insert_random(clean_store, SPAN.start, SPAN.end, 2_000)
    pause, number = threading.Event(), [0]

    def write() -> None:
        moment = SPAN.start + timedelta(seconds=number[0])
        clean_store.administer(Statement("another process", ONE_ORDER, {"ts": moment, "id": f"x{number[0]}"}))
        number[0] += 1
        pause.wait(0.4)

    with meanwhile(write):
        while number[0] < 5:
            for name in ("orders_1m", "orders_1h", "orders_1d", "buyers_1h"):
                rebuild(clean_store, name, SPAN, NOW, lambda: 0.0)
    assert {table: wrong for table, (_, wrong) in rollup_rows(clean_store).items() if wrong} == {}
