"""Loads and repairs on a store that keeps single events for a while: nothing is counted twice or taken away."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.errors import QueryFailedError
from ingest.columns import to_orders
from ingest.event import ORDERS
from ingest.loader import FileSummary, finish_interrupted, load_files
from ingest.mapping import load_mapping
from ingest.replay import Replay, finish_replays
from ingest.scenario import Staged, load_scenario
from ingest.spool import Part, Spool
from ingest.stream import Settings, Stream
from ingest.world import load_world
from ingest.writer import SPOOL, Writer, send_leftovers
from queries import staging
from queries.client import ClickHouse
from queries.dead_letters import latest_dead_letters
from queries.healing import heal_rollups
from queries.retention import Retention, apply_retention
from queries.statement import Statement
from tests.faults.rollups import rollup_rows
from tests.ingest.test_loader import ask, refused, staging_tables
from tests.queries.events import insert_random

NOW = datetime.now(UTC).replace(microsecond=0)  # TTLs go by the engine's own clock
HEADER = "订单编号,总金额,买家实际支付金额,收货地址 ,订单创建时间,订单付款时间 ,退款金额"
MONTH = Retention(raw_days=30)
ROLLUPS = ("orders_1s_total", "orders_1m", "orders_1h", "orders_1h_region", "orders_1d", "orders_1d_region")
LOST = "ALTER TABLE order_events DELETE WHERE toUInt32(order_id) % 3 = 0 SETTINGS mutations_sync = 1"


@pytest.fixture
def store(clean_store: ClickHouse) -> Iterator[ClickHouse]:
    yield clean_store
    apply_retention(clean_store, Retention(), NOW)


def order(number: int, created: float, paid: float | None = None) -> str:
    """A line of a file: an order created and paid so many days ago."""
    times = [
        (NOW - timedelta(days=days) + timedelta(hours=8)) if days is not None else None for days in (created, paid)
    ]
    texts = [f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "" for moment in times]
    return f"{number},{number}.00,{number}.00,上海,{texts[0]},{texts[1]},0"


def load(store: ClickHouse, path: Path, *lines: str) -> FileSummary:
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return load_files(store, load_mapping("tmall"), [path], None, SystemClock()).files[0]


def drop_expired(store: ClickHouse) -> None:
    for table in ("order_events", "orders_1s_total", "orders_1m", "orders_1m_total", "buyers_1m"):
        store.write(Statement("drop now", f"OPTIMIZE TABLE {table} FINAL"))


def counted(store: ClickHouse, table: str, until: timedelta = timedelta(0)) -> tuple[object, ...]:
    """Orders created and paid in a rollup, all of them or those of some time ago."""
    time = {"s": "second", "m": "minute", "h": "hour", "d": "day"}[table.split("_")[1][1]]
    sql = (
        f"SELECT sum(created__orders), sum(paid__orders), sum(paid__amount) FROM {table} "
        f"WHERE {time} < {{until:DateTime64(3, 'UTC')}}"
    )
    return tuple(store.read(Statement("counted", sql, {"until": NOW - until})).rows[0])


def test_a_longer_file_does_not_count_again_what_is_no_longer_kept(store: ClickHouse, tmp_path: Path) -> None:
    apply_retention(store, MONTH, NOW)
    old, half, young = order(1, 40, 40), order(2, 40, 5), order(3, 5, 5)
    first = load(store, tmp_path / "first.csv", old, half, young)
    assert (first.events, refused(first)) == (
        {("orders", "created"): 1, ("orders", "paid"): 2},
        {"bad_time": (2, 3)},
    )
    assert [letter.line for letter in latest_dead_letters(store)] == [2, 3]
    assert "older than what is kept" in latest_dead_letters(store)[0].detail
    assert {table: counted(store, table)[:2] for table in ROLLUPS} == dict.fromkeys(ROLLUPS, (1, 2))
    second = load(store, tmp_path / "second.csv", old, half, young, order(4, 4))
    assert (second.events, second.known) == ({("orders", "created"): 1}, 3)
    assert {table: counted(store, table)[:2] for table in ROLLUPS} == dict.fromkeys(ROLLUPS, (2, 2))


def test_minutes_that_are_gone_sooner_bound_a_file_too_and_what_is_near_the_edge_is_refused(
    store: ClickHouse, tmp_path: Path
) -> None:
    apply_retention(store, Retention(raw_days=60, minute_days=30), NOW)
    summary = load(store, tmp_path / "file.csv", order(1, 31), order(2, 29), order(3, 27))
    assert (summary.events, refused(summary)) == ({("orders", "created"): 1}, {"bad_time": (2, 3)})


def test_a_store_that_keeps_everything_takes_the_oldest_file(store: ClickHouse, tmp_path: Path) -> None:
    apply_retention(store, Retention(rollup_months=13), NOW)
    summary = load(store, tmp_path / "file.csv", order(1, 3_000), order(2, 3))
    assert (summary.events, summary.rejected) == ({("orders", "created"): 2}, ())


class Failing:
    """A store that takes so many statements of a name and refuses the others."""

    def __init__(self, store: ClickHouse, name: str, taken: int) -> None:
        self._store, self._name, self._taken = store, name, taken

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def write(self, statement: Statement) -> None:
        if statement.name == self._name:
            self._taken -= 1
            if self._taken < 0:
                raise QueryFailedError(statement.name, 241, "memory limit", retryable=True)
        self._store.write(statement)


def test_a_row_that_grew_old_between_two_tries_is_kept_once(store: ClickHouse, tmp_path: Path) -> None:
    apply_retention(store, MONTH, NOW)
    lines = [order(1, 40), order(2, 20), order(3, 5)]
    with pytest.raises(QueryFailedError):
        load(Failing(store, "collect orders events", 0), tmp_path / "file.csv", *lines)  # type: ignore[arg-type]
    assert [letter.line for letter in latest_dead_letters(store)] == [2]
    apply_retention(store, Retention(raw_days=15), NOW - timedelta(days=400))  # as if days had passed
    summary = load(store, tmp_path / "file.csv", *lines)
    assert (summary.events, refused(summary)) == ({("orders", "created"): 1}, {"bad_time": (2, 3)})
    assert [letter.line for letter in latest_dead_letters(store)] == [3, 2]


@pytest.mark.parametrize("retention", [MONTH, Retention(minute_days=30)])
def test_an_interrupted_load_is_finished_without_touching_what_is_gone(
    store: ClickHouse,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    retention: Retention,
) -> None:
    monkeypatch.setattr(staging, "SLICE_ROWS", 30)
    insert_random(store, NOW - timedelta(hours=2), NOW, 50)
    insert_random(store, NOW - timedelta(days=42), NOW - timedelta(days=38), 500, first=50)  # of other loads
    lines = [order(number, 40, 40) for number in range(1, 31)] + [order(number, 5, 5) for number in range(31, 61)]
    with pytest.raises(QueryFailedError):
        load(Failing(store, "load orders", 1), tmp_path / "file.csv", *lines)  # type: ignore[arg-type]
    month = timedelta(days=30)
    hours = ("orders_1h", "orders_1h_region", "orders_1d", "orders_1d_region")
    before = {table: counted(store, table, month) for table in hours}
    apply_retention(store, retention, NOW)
    drop_expired(store)
    with caplog.at_level(logging.WARNING):
        assert finish_interrupted(store) == ["file.csv"]
    assert {table: counted(store, table, month) for table in hours} == before
    assert ask(store, "SELECT count() FROM order_events WHERE toUInt32OrZero(order_id) > 30") == [(60,)]
    assert counted(store, "orders_1h")[2] == counted(store, "orders_1d")[2]
    assert "rollups of order_events were not compared before" in caplog.text
    assert ("is not sent after the crash" in caplog.text) is (retention == MONTH)
    assert staging_tables(store) == []


@pytest.mark.parametrize("retention", [MONTH, Retention(minute_days=30)])
def test_what_is_still_kept_is_mended_and_what_is_not_is_left_alone(store: ClickHouse, retention: Retention) -> None:
    old, young = NOW - timedelta(days=40), NOW - timedelta(days=3)
    insert_random(store, old, old + timedelta(hours=6), 500)
    insert_random(store, young, young + timedelta(hours=6), 500, first=500)
    apply_retention(store, retention, NOW)
    drop_expired(store)
    expected = counted(store, "orders_1h"), counted(store, "orders_1h", timedelta(days=30))
    store.write(
        Statement("damage", "INSERT INTO orders_1h SELECT * FROM orders_1h WHERE hour > now() - INTERVAL 9 DAY")
    )
    assert counted(store, "orders_1h") != expected[0]
    moments = [old + timedelta(hours=2), *(young + timedelta(hours=hour) for hour in range(7))]
    assert "orders_1h" in heal_rollups(store, moments)
    assert (counted(store, "orders_1h"), counted(store, "orders_1h", timedelta(days=30))) == expected
    found = rollup_rows(store)
    assert found["orders_1d"][1] == found["orders_1d_region"][1] == 0


def test_an_event_that_was_in_and_expired_is_not_sent_from_the_spool_again(
    store: ClickHouse, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    begin, world = int((NOW - timedelta(days=40)).timestamp()), load_world()
    staged = Staged(load_scenario("normal_day", world), world, datetime.fromtimestamp(begin, UTC))
    batch = to_orders(Stream(Settings(3, 20.0), staged, begin).advance(begin + 600).orders, world)
    insert_random(store, NOW - timedelta(hours=2), NOW, 50)
    Writer(store).write(ORDERS, batch)
    with Spool(tmp_path / SPOOL) as spool:
        spool.keep([Part(ORDERS.table, "left", batch)])
    before = counted(store, "orders_1h")
    apply_retention(store, MONTH, NOW)
    drop_expired(store)
    with caplog.at_level(logging.WARNING):
        assert send_leftovers(store, tmp_path) == 0
    assert counted(store, "orders_1h") == before
    assert f"{batch.num_rows} events of order_events before" in caplog.text
    assert list((tmp_path / SPOOL).glob("*.arrow")) == []


def test_a_replay_plays_an_old_file_and_is_finished_after_its_stretch_expired(
    store: ClickHouse, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    apply_retention(store, MONTH, NOW)
    path = tmp_path / "file.csv"
    path.write_text("\n".join([HEADER, *(order(number, 400, 400) for number in range(1, 21))]) + "\n", "utf-8")
    playing = Replay(store, load_mapping("tmall"), [path], 60, SystemClock())
    playing.__enter__()
    assert playing._rejected == 0
    tables = playing._stagings[0]
    shift = staging.Shift(playing._origin, NOW - timedelta(days=40), 60, "replay-1")  # long before the next start
    first = playing._origin
    tables.note(staging.Noted("tmall", shift, first, first + timedelta(minutes=1)))
    before = counted(store, "orders_1h")
    with caplog.at_level(logging.WARNING):
        assert finish_replays(store) == 1
    assert counted(store, "orders_1h") == before
    assert "is not sent after the crash" in caplog.text
