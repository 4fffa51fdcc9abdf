"""A stand for benches that look at web servers alone: a filled store behind a listener, a simulator that goes on
writing, and whatever is to be measured, each in processes of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from app.logs import set_up_logs
from app.store import demo_profile, open_store, settle_profile
from bench.served import free_port
from core.clock import SystemClock
from ingest.history import fill_history
from ingest.scenario import load_scenario
from ingest.world import load_world
from metrics.profile import load_profile
from queries.listener import Listening, running
from queries.server import Access
from queries.statement import Statement

ROWS, HOURS, RATE = 5_000_000, 48, 60
HOUR = 20  # of the business day at which the bench is to run, so that there is a day to show
READY_S = 300
QUIET_S = 600


@dataclass(frozen=True, slots=True)
class Stand:
    """A running listener over a store in `folder`, into which about RATE rows a second come."""

    folder: Path
    database: Listening

    def business_day(self) -> datetime:
        """When today began, in UTC."""
        profile = load_profile(self.folder)
        assert profile is not None
        local = datetime.now(ZoneInfo(profile.time_zone))
        return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)

    def wall(self, port: int, **wanted: str) -> Mapping[str, str]:
        """Settings of a wall on the stand. Its folder is its own: the simulator keeps the store's."""
        beside = self.folder.with_name(f"wall-{port}")
        beside.mkdir(exist_ok=True)
        shutil.copy(self.folder / "profile.yaml", beside)
        return {
            "STORE": str(beside),
            "DSN": self.database.dsn("dashboard"),
            "INGEST_DSN": self.database.dsn("ingest"),
            "ADMIN_DSN": self.database.dsn("admin"),
            "PORT": str(port),
            "HOST": "127.0.0.1",
            "SIMULATE": "false",
            "LOG_LEVEL": "error",
            "RECONCILE_EVERY": "0",
            **wanted,
        }


def fill(folder: Path) -> None:
    """48 hours of the simulated business, five million ledger rows, in a time zone where the day is far on."""
    set_up_logs("warning")
    ahead = (HOUR - datetime.now(UTC).hour + 11) % 24 - 11  # hours before UTC; the names of such zones count backwards
    profile = demo_profile().model_copy(update={"distinct": "sketch", "time_zone": f"Etc/GMT{-ahead:+d}"})
    settle_profile(folder, profile)
    clickhouse = open_store(folder, Access(f"chdb://{folder}/clickhouse"), 1)
    scenario, until = load_scenario("normal_day", load_world()), SystemClock().now()
    fill_history(clickhouse, scenario=scenario, seed=3, until=until, rate=ROWS / HOURS / 3600, days=HOURS // 24)
    clickhouse.close()


@contextmanager
def started(command: list[str], environment: Mapping[str, str], ready: Callable[[], bool]) -> Iterator[int]:
    """The pid of a process once it is ready; ended with the context. Raises SystemExit when it does not get ready."""
    with subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + READY_S
            while not ready():
                if process.poll() is not None or time.monotonic() > end:
                    raise SystemExit(f"{' '.join(command[1:5])} … did not get ready")
                time.sleep(0.5)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def says_200(url: str) -> bool:
    try:
        return httpx.get(url, timeout=10, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


@contextmanager
def standing(folder: Path) -> Iterator[Stand]:
    """A stand in a new folder, once what its fill left behind is merged."""
    subprocess.run([sys.executable, "-m", "bench.stand", str(folder)], check=True)
    port = free_port()
    place = {"STORE": str(folder), "DSN": f"listen://127.0.0.1:{port}", "RATE": str(RATE), "HISTORY_DAYS": "2"}
    with ExitStack() as stack:
        listen = [sys.executable, "-m", "app", "listen", "--port", str(port)]
        stack.enter_context(started(listen, place, lambda: running(folder / "listener") is not None))
        told = running(folder / "listener")
        assert told is not None
        stack.enter_context(started([sys.executable, "-m", "app", "simulate"], place, lambda: True))
        _settle(told)
        yield Stand(folder, told)


def _settle(told: Listening) -> None:
    """Until the simulator has made up for the time since the fill, and nothing large is merged."""
    sql = (
        "SELECT (SELECT max(ts) < now() - 10 FROM order_events) OR "
        "(SELECT sum(total_size_bytes_compressed) > 1e6 FROM system.merges)"
    )
    with ExitStack() as stack:
        asked = open_reader(told)
        stack.callback(asked.close)
        for _ in range(QUIET_S):
            if not asked.read(Statement("settle", sql)).rows[0][0]:
                return
            time.sleep(1)
    raise SystemExit("the store did not come to rest")


def open_reader(told: Listening) -> Any:
    """A client of the listener."""
    from queries.client import ClickHouse

    return ClickHouse(Access(told.dsn("admin")), readers=1)


if __name__ == "__main__":
    fill(Path(sys.argv[1]))
