"""A real wall for browser tests: the real app over a real store, on a clock that a test may push forward."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from waitress.channel import HTTPChannel
from waitress.server import create_server

from app.main import Wall, build_wall
from app.settings import Settings
from ingest.event import ORDERS
from ingest.history import fill_history
from ingest.scenario import load_scenario
from ingest.world import load_world
from ingest.writer import Writer
from metrics.profile import StoreProfile
from queries.client import ClickHouse

TICK = 1.0
NOON = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)  # Wednesday, 12:00 in Shanghai
PROFILE = StoreProfile(name="示例商城", name_en="Demo Mall", simulated=True)


class RunningClock:
    """Runs like the machine's clock from a chosen moment on; `jump` moves it forward."""

    def __init__(self, start: datetime) -> None:
        self._start, self._born, self._jumped = start, time.monotonic(), 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return time.monotonic() - self._born + self._jumped

    def jump(self, to: datetime) -> None:
        self._jumped += max(0.0, (to - self.now()).total_seconds())


def fill(clickhouse: ClickHouse, until: datetime) -> None:
    """Two thin days of the simulated business."""
    scenario = load_scenario("normal_day", load_world())
    fill_history(clickhouse, scenario=scenario, seed=3, until=until, rate=0.5, days=2)


def pay(clickhouse: ClickHouse, at: datetime, amount: float, name: str, **dimensions: str) -> None:
    """One paid order, now."""
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    known = {"channel": "live", "room": "", "category": "beauty", "sku": "s", "country": "CHN", "province": "440000"}
    row: dict[str, Any] = {
        **known,
        "city": "",
        "tier": "vip",
        "source": "test",
        "ts": at,
        "kind": "paid",
        "order_id": name,
        "event_id": f"{name}-paid",
        "orders": 1,
        "amount": round(amount * 10_000),
        "units": 1,
        "created_at": at - timedelta(seconds=30),
        "user_id": f"user-{name}",
        "session_id": "s",
        **dimensions,
    }
    batch = pa.table({field.name: pa.array([row[field.name]]).cast(field.type) for field in ORDERS.schema})
    Writer(clickhouse).write(ORDERS, batch, f"test:{name}")


def stop_serving(server: Any, thread: threading.Thread) -> None:
    """End the server's loop in its own thread, then close: a socket closed beside it may be one that it looks at."""
    left: list[Any] = []

    def end() -> None:
        left.extend(server._map.values())
        server._map.clear()

    server.trigger.pull_trigger(end)
    thread.join(10)
    assert not thread.is_alive()
    server.task_dispatcher.shutdown()
    for one in left:
        with suppress(OSError):
            # what a channel has not sent may be an open file: only its own way of closing knows of it
            one.handle_close() if isinstance(one, HTTPChannel) else one.close()


@contextmanager
def running(
    clickhouse: ClickHouse, folder: Path, clock: RunningClock, port: int, profile: StoreProfile = PROFILE
) -> Iterator[Wall]:
    """The wall, ticking and served on its port until the block ends."""
    settings = Settings(_env_file=None, store=folder, port=port, tick=TICK, simulate=False)
    wall = build_wall(settings, clickhouse, profile, clock)
    server = create_server(wall.dash.server, host="127.0.0.1", port=port, threads=8, clear_untrusted_proxy_headers=True)
    thread = threading.Thread(target=server.run, daemon=True)
    wall.start()
    thread.start()
    try:
        yield wall
    finally:
        stop_serving(server, thread)
        wall.stop()
