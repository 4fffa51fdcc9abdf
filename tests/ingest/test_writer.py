"""The writer: what fits goes in once, in the ledger and in every rollup, however often it is tried."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from core.errors import QueryFailedError
from ingest.columns import to_behaviour, to_orders
from ingest.event import BEHAVIOUR, ORDERS, check_batch
from ingest.scenario import Staged, load_scenario
from ingest.spool import Part, Spool
from ingest.stream import Settings, Stream
from ingest.world import load_world
from ingest.writer import SPOOL, Writer, send_leftovers
from queries.client import ClickHouse
from queries.seen_events import MANY
from queries.statement import Statement

NOON = 1_794_369_600  # 2026-11-11 04:00 UTC


@pytest.fixture(scope="module")
def batches() -> tuple[pa.Table, pa.Table]:
    world = load_world()
    staged = Staged(load_scenario("normal_day", world), world, datetime.fromtimestamp(NOON, UTC))
    released = Stream(Settings(3, 20.0), staged, NOON).advance(NOON + 600)
    return to_behaviour(released.behaviour, world), to_orders(released.orders, world)


class Faltering:
    """Inserts, then claims a failure, as often as told: the reply that got lost on its way."""

    def __init__(self, store: ClickHouse, failures: int, retryable: bool = True) -> None:
        self._store, self._failures, self._retryable = store, failures, retryable
        self.tokens: list[str | None] = []

    def insert_arrow(self, table: str, batch: pa.Table, token: str | None = None) -> None:
        self._store.insert_arrow(table, batch, token)
        self.tokens.append(token)
        if len(self.tokens) <= self._failures:
            raise QueryFailedError("insert", 209, "reply lost", retryable=self._retryable)


def totals(store: ClickHouse) -> dict[str, tuple[object, ...]]:
    """For every ledger and rollup: the sum of each number and the size of each distinct count."""
    columns = store.read(
        Statement(
            "columns",
            "SELECT table, name, type FROM system.columns WHERE database = currentDatabase() "
            "AND (table IN ('behaviour_events', 'order_events') OR match(table, '_1[mhd](_[a-z]+)*$')) "
            "AND table NOT LIKE '%view' ORDER BY table, position",
        )
    ).rows
    asks: dict[str, list[str]] = {}
    for table, name, kind in columns:
        ask = asks.setdefault(table, ["count() > 0"])
        if kind.startswith("SimpleAggregateFunction(sum") or name in ("quantity", "amount", "units", "orders"):
            ask.append(f"toInt64(sum({name}))")
        elif kind.startswith("AggregateFunction"):
            function = kind.removeprefix("AggregateFunction(").split(",")[0].split("(")[0]
            ask.append(f"toInt64({function}Merge({name}))")
    asks["behaviour_events"].append("toInt64(count())")
    asks["order_events"].append("toInt64(count())")
    return {
        table: tuple(store.read(Statement("totals", f"SELECT {', '.join(ask)} FROM {table}")).rows[0])
        for table, ask in asks.items()
    }


def test_a_retry_counts_once_in_the_ledgers_and_in_every_rollup(
    clean_store: ClickHouse, batches: tuple[pa.Table, pa.Table]
) -> None:
    for ledger, batch in zip((BEHAVIOUR, ORDERS), batches, strict=True):
        Writer(clean_store).write(ledger, batch, "one")
    once = totals(clean_store)
    assert len(once) > 6
    assert all(row[0] for row in once.values()), once
    for ledger, batch in zip((BEHAVIOUR, ORDERS), batches, strict=True):
        faltering = Faltering(clean_store, failures=2)
        assert Writer(faltering, pause=lambda _: None).write(ledger, batch, "one") == batch.num_rows
        assert faltering.tokens == [f"{ledger.table}:one"] * 3
    assert totals(clean_store) == once


def test_it_waits_longer_each_time_and_then_raises(clean_store: ClickHouse, batches: tuple[pa.Table, pa.Table]) -> None:
    waits: list[float] = []
    writer = Writer(Faltering(clean_store, failures=99), pause=waits.append, backoff=(0.1, 0.2, 0.4))
    with pytest.raises(QueryFailedError, match="reply lost"):
        writer.write(ORDERS, batches[1], "one")
    assert waits == [0.1, 0.2, 0.4]


def test_a_refusal_that_cannot_heal_is_not_tried_again(
    clean_store: ClickHouse, batches: tuple[pa.Table, pa.Table]
) -> None:
    faltering = Faltering(clean_store, failures=99, retryable=False)
    with pytest.raises(QueryFailedError):
        Writer(faltering, pause=lambda _: None).write(ORDERS, batches[1], "one")
    assert len(faltering.tokens) == 1


def test_an_empty_batch_is_not_an_insert(clean_store: ClickHouse, batches: tuple[pa.Table, pa.Table]) -> None:
    faltering = Faltering(clean_store, failures=0)
    assert Writer(faltering).write(BEHAVIOUR, batches[0].slice(0, 0), "none") == 0
    assert faltering.tokens == []


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda batch: batch.drop_columns(["tier"]), "tier"),
        (lambda batch: batch.append_column("mood", batch.column("tier")), "mood"),
        (lambda batch: batch.set_column(1, "kind", pa.array(["paid!"] * len(batch))), "paid!"),
        (lambda batch: batch.set_column(4, "user_id", pa.nulls(len(batch), pa.string())), "user_id"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused_by_name(
    batches: tuple[pa.Table, pa.Table],
    spoil: object,
    named: str,
) -> None:
    assert callable(spoil)
    with pytest.raises(ValueError, match=named):
        check_batch(ORDERS if named != "user_id" else BEHAVIOUR, spoil(batches[1 if named != "user_id" else 0]))


def test_a_large_batch_that_was_left_is_sent_except_for_what_is_in(clean_store: ClickHouse, tmp_path: Path) -> None:
    """More rows than are looked up one by one: as three roles, too, which this was refused to once."""
    world, number = load_world(), MANY + 1_001
    staged = Staged(load_scenario("normal_day", world), world, datetime.fromtimestamp(NOON, UTC))
    batch = to_behaviour(Stream(Settings(3, 40.0), staged, NOON).advance(NOON + 600).behaviour, world)
    left = check_batch(BEHAVIOUR, batch.slice(0, number))
    assert left.num_rows == number
    Writer(clean_store).write(BEHAVIOUR, left.slice(0, 2_000))
    with Spool(tmp_path / SPOOL) as spool:
        spool.keep([Part(BEHAVIOUR.table, "left", left)])
    assert send_leftovers(clean_store, tmp_path) == 1
    sql = "SELECT count(), uniqExact(event_id) FROM behaviour_events"
    assert clean_store.read(Statement("events", sql)).rows[0] == (number, number)
    assert list((tmp_path / SPOOL).glob("*.arrow")) == []
