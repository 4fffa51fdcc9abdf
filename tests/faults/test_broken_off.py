"""A load and a replay that broke off are finished, even where the store takes a retry for a repetition wrongly."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.clock import ManualClock
from core.errors import QueryFailedError
from ingest.loader import finish_interrupted, load_files
from ingest.mapping import load_mapping
from ingest.replay import Replay, finish_replays
from queries import staging
from queries.client import ClickHouse
from queries.statement import Statement
from tests.faults.rollups import rollup_rows
from tests.ingest.test_loader import ask, staging_tables

ORDERS = 600
PAID = sum(number * 10_000 + 2_500 for number in range(ORDERS))
LEDGER = "SELECT count(), uniqExact(event_id), sumIf(amount, kind = 'paid') FROM order_events"
# The engine keeps the token of a block that is gone: a retry of it is dropped as a repetition.
LOST = "ALTER TABLE order_events DELETE WHERE toUInt32(order_id) % 3 = 0 SETTINGS mutations_sync = 1"
DAMAGE = (LOST, "TRUNCATE TABLE orders_1h", "INSERT INTO orders_1m SELECT * FROM orders_1m LIMIT 20")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Orders over two days, all paid."""
    path = tmp_path_factory.mktemp("orders") / "orders.csv"
    lines = ["订单编号,总金额,买家实际支付金额,收货地址 ,订单创建时间,订单付款时间 ,退款金额"]
    for number in range(ORDERS):
        moment = f"2020-02-0{1 + number // 300} {number % 24:02}:{number % 60:02}"
        lines.append(f"{number},{number}.25,0,北京,{moment}:00,{moment}:30,0")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def _small_slices(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(staging, "SLICE_ROWS", 300)
    yield


class Failing:
    """A store that takes so many inserts into the order ledger and refuses the others for good."""

    def __init__(self, store: ClickHouse, taken: int) -> None:
        self._store, self._taken = store, taken

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def write(self, statement: Statement) -> None:
        if statement.name in {"load orders", "replay orders", "complete orders"}:
            self._taken -= 1
            if self._taken < 0:
                raise QueryFailedError(statement.name, 241, "memory limit", retryable=True)
        self._store.write(statement)


def wrong_rollups(store: ClickHouse) -> dict[str, int]:
    return {table: wrong for table, (_, wrong) in rollup_rows(store).items() if wrong}


def break_off(store: ClickHouse, file: Path, clock: ManualClock) -> None:
    """A load that put two of its slices into the ledger."""
    with pytest.raises(QueryFailedError):
        load_files(Failing(store, 2), load_mapping("tmall"), [file], None, clock)  # type: ignore[arg-type]
    ((events, _, _),) = ask(store, LEDGER)
    assert 0 < int(str(events)) < 2 * ORDERS


def test_a_load_that_lost_events_and_rollups_is_whole_after_it_is_run_again(
    clean_store: ClickHouse, clock: ManualClock, file: Path
) -> None:
    break_off(clean_store, file, clock)
    for damage in DAMAGE:
        clean_store.write(Statement("damage", damage))
    assert wrong_rollups(clean_store)
    summary = load_files(clean_store, load_mapping("tmall"), [file], None, clock)
    assert summary.finished == (file.name,)
    assert summary.files[0].already_loaded
    assert ask(clean_store, LEDGER) == [(2 * ORDERS, 2 * ORDERS, PAID)]
    assert wrong_rollups(clean_store) == {}
    assert staging_tables(clean_store) == []


def test_finishing_may_break_off_too(clean_store: ClickHouse, clock: ManualClock, file: Path) -> None:
    break_off(clean_store, file, clock)
    clean_store.write(Statement("damage", LOST))
    with pytest.raises(QueryFailedError):
        finish_interrupted(Failing(clean_store, 1))  # type: ignore[arg-type]
    assert finish_interrupted(clean_store) == [file.name]
    assert finish_interrupted(clean_store) == []
    assert ask(clean_store, LEDGER) == [(2 * ORDERS, 2 * ORDERS, PAID)]
    assert wrong_rollups(clean_store) == {}


def played(store: ClickHouse, file: Path, clock: ManualClock) -> Replay:
    """A replay, a day of the file in a minute, that has sent a third, and had half of the next stretch refused."""
    failing = Failing(store, 1)
    playing = Replay(failing, load_mapping("tmall"), [file], 1440, clock)  # type: ignore[arg-type]
    playing.__enter__()
    clock.advance(seconds=40)
    playing.play()
    clock.advance(seconds=40)
    assert playing.play().trouble
    return playing


def due(clock: ManualClock) -> list[tuple[object, ...]]:
    """The ledger when everything whose time has come is in once, and nothing else."""
    first = datetime(2020, 1, 31, 16, tzinfo=UTC)
    elapsed = timedelta(seconds=80) * 1440
    times = [
        first + timedelta(days=number // 300, hours=number % 24, minutes=number % 60, seconds=seconds)
        for number in range(ORDERS)
        for seconds in (0, 30)
    ]
    count = sum(moment - first < elapsed for moment in times)
    assert 0 < count < 2 * ORDERS
    return [(count, count)]


IDS = "SELECT count(), uniqExact(event_id) FROM order_events"


@pytest.mark.parametrize("lost", [False, True])
def test_what_a_killed_replay_was_sending_is_completed_when_the_store_is_opened(
    clean_store: ClickHouse, clock: ManualClock, file: Path, lost: bool
) -> None:
    playing = played(clean_store, file, clock)
    playing._pending[0][0].send_shifted(playing._pending[1][1], "tmall", playing._shift)  # and died before the answer
    del playing
    if lost:
        # of the stretch that was being sent: what came before it was acknowledged
        late = (clock.now() - timedelta(seconds=39)).strftime("%Y-%m-%d %H:%M:%S")
        clean_store.write(
            Statement("damage", f"ALTER TABLE order_events DELETE WHERE ts > '{late}' SETTINGS mutations_sync = 1")
        )
        clean_store.write(Statement("damage", "TRUNCATE TABLE orders_1h"))
        assert wrong_rollups(clean_store)
    assert staging_tables(clean_store)
    assert finish_replays(clean_store) == 1
    assert ask(clean_store, IDS) == due(clock)
    assert wrong_rollups(clean_store) == {}
    assert staging_tables(clean_store) == []
    assert finish_replays(clean_store) == 0


def test_a_replay_that_ends_on_a_refused_insert_finishes_it_or_leaves_it(
    clean_store: ClickHouse, clock: ManualClock, file: Path
) -> None:
    playing = played(clean_store, file, clock)
    playing.__exit__(None, None, None)  # the store still refuses: the tables stay for who opens it next
    assert staging_tables(clean_store)
    with Replay(clean_store, load_mapping("tmall"), [file], 1440, clock):
        assert ask(clean_store, IDS) == due(clock)
    assert wrong_rollups(clean_store) == {}
    assert staging_tables(clean_store) == []
