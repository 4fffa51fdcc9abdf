"""Fixtures for every room: one store per test process, a clock that stands still, the real data sets.

The store is embedded, or with LIVEWALL_TEST_HTTP=1 reached over HTTP as the three roles of a listener of its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import queries.limits
from core.clock import ManualClock
from queries.client import ClickHouse
from queries.listener import Listener
from queries.migrate import migrate
from queries.statement import Statement
from tests.ports import free_port
from tests.redis_server import RedisServer

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"


OVER_HTTP = os.environ.get("LIVEWALL_TEST_HTTP", "") == "1"
embedded_only = pytest.mark.skipif(OVER_HTTP, reason="about the embedded engine; a server has one process for all")


@pytest.fixture(scope="session", autouse=True)
def _patient_statements() -> Iterator[None]:
    """A machine that others starve must not stop a statement after the five seconds of a tile: that proves nothing."""
    limits = queries.limits.load_limits()
    patient = limits.default.model_copy(update={"max_execution_time": 60.0})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queries.limits, "load_limits", lambda: limits.model_copy(update={"default": patient}))
        yield


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """A migrated store, alive for the whole test process: the engine holds one path at a time."""
    folder = tmp_path_factory.mktemp("store")
    if not OVER_HTTP:
        store = ClickHouse(f"chdb://{folder}/clickhouse")
        migrate(store)
        yield store
        store.close()
        return
    listener = Listener(folder / "listener", folder / "clickhouse", free_port())
    store = ClickHouse(listener.start().access())
    store.also_close(listener.stop)
    migrate(store)
    yield store
    store.close()


def empty_store(clickhouse: ClickHouse) -> None:
    """Empty every ledger and rollup; migrations stay applied."""
    tables = clickhouse.read(
        Statement(
            "tables to empty",
            "SELECT name FROM system.tables WHERE database = currentDatabase() "
            "AND engine LIKE '%MergeTree' AND name != 'schema_migrations'",
        )
    ).rows
    for (table,) in tables:
        clickhouse.write(Statement(f"empty {table}", f"TRUNCATE TABLE {table}"))


@pytest.fixture
def clean_store(clickhouse: ClickHouse) -> ClickHouse:
    """The same store with every ledger and rollup emptied."""
    empty_store(clickhouse)
    return clickhouse


@pytest.fixture
def clock() -> ManualClock:
    """A Wednesday noon in Shanghai, standing still."""
    return ManualClock(datetime(2026, 11, 11, 4, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets beside the checkout; tests that need it are skipped by name without it."""
    if not SHARED.is_dir():
        pytest.skip("the real data sets (../shared/data) are not beside this checkout")
    return SHARED


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of the test's own, which it may stop and start; skipped by name without one."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not on this machine (make test installs it where apt can)")
    server = RedisServer(tmp_path, free_port())
    server.start()
    try:
        yield server
    finally:
        server.stop()
