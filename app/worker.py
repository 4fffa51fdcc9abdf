"""One web process of a production server: a wall of its own, and with others beside it one of them keeps the store."""

from __future__ import annotations

import contextlib
import fcntl
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import IO

import structlog
from flask import Flask
from werkzeug.serving import make_server

from app.forward import forward_ingest
from app.ingest_api import serve_ingest
from app.ingestion import endpoint, heal, intake, marking
from app.main import Wall, build_wall
from app.metrics_page import Meters
from app.serve import background_of, begin, holding, running, wanted_files, watching
from app.settings import Settings
from app.store import open_store, settle_profile
from app.truth import Truth
from core.clock import Clock, SystemClock
from core.errors import LivewallError
from ingest.mapping import load_mapping
from metrics.profile import StoreProfile
from queries.client import ClickHouse

OPENING, KEEPING = "opening.lock", "keeper.lock"
AGAIN_S = 1.0

log = structlog.get_logger("worker")


@contextlib.contextmanager
def web_process(settings: Settings) -> Iterator[Wall]:
    """A running wall on a store that was prepared. Ends cleanly with the context."""
    clock = SystemClock(timedelta(seconds=settings.clock_offset))
    if settings.web_processes == 1:
        with running(settings, clock, prepared=True) as wall:
            yield wall
        return
    mapping, _ = wanted_files(settings)
    profile = settle_profile(settings.store, load_mapping(mapping).store if mapping else None)
    with contextlib.ExitStack() as closing:
        with locked(settings.store / OPENING):  # migrations are looked for by one process after the other
            clickhouse = open_store(settings.store, settings.clickhouse_dsn, settings.readers, beside=True)
        closing.callback(clickhouse.close)
        wall = build_wall(settings, clickhouse, profile, clock)
        forward_ingest(wall.dash.server, settings)
        keeper = Keeper(settings, clickhouse, profile, clock, wall.meters, wall.pixels.passed)
        keeper.start()
        closing.callback(keeper.stop)
        wall.start()
        closing.callback(wall.stop)
        yield wall


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file lock; it ends with the process, however that ends."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Keeper:
    """What runs once for a store and not once in each process: intake, simulator, replay, comparisons, local commands.

    Every web process has one and tries to get the lock of the store; the operating system gives it on when a keeper
    dies. It answers on a loopback port of its own, to which the others bring the events they are sent.
    """

    def __init__(
        self,
        settings: Settings,
        clickhouse: ClickHouse,
        profile: StoreProfile,
        clock: Clock,
        meters: Meters,
        passed: Callable[[str, int], None],
    ) -> None:
        self._meters, self._passed = meters, passed
        self._settings, self._clickhouse, self._profile, self._clock = settings, clickhouse, profile, clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self.keeps = False

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 30.0) -> None:
        self._stopping.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        with (self._settings.store / KEEPING).open("w") as seat:
            while not self._stopping.is_set() and not self._taken(seat):
                self._stopping.wait(AGAIN_S)
            while not self._stopping.is_set():
                try:
                    with self._keeping():
                        self.keeps = True
                        log.info("this process keeps the store")
                        self._stopping.wait()
                except LivewallError as problem:
                    log.error("the store cannot be kept and is tried again", problem=str(problem))
                    self._stopping.wait(AGAIN_S)
                finally:
                    self.keeps = False

    def _taken(self, seat: IO[str]) -> bool:
        try:
            fcntl.flock(seat, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    @contextlib.contextmanager
    def _keeping(self) -> Iterator[None]:
        settings, clickhouse, profile = self._settings, self._clickhouse, self._profile
        mapping, files = wanted_files(settings)
        heal(clickhouse, settings.store)
        with contextlib.ExitStack() as closing:
            ingesting = closing.enter_context(intake(settings, clickhouse, profile, self._clock))
            background = background_of(settings, clickhouse, profile, self._clock, ingesting)
            closing.callback(background.stop)
            begin(settings, profile, background, mapping, files)
            server = Flask("keeper")
            server.config["MAX_CONTENT_LENGTH"] = settings.ingest_body_mb * 1024 * 1024
            server.add_url_rule("/healthz", view_func=lambda: "ok\n")
            serve_ingest(server, endpoint(settings, ingesting, profile, self._meters.verdicts))
            truth = Truth(clickhouse, profile, self._clock)
            own = make_server("127.0.0.1", 0, server, threaded=True)
            url = f"http://127.0.0.1:{own.server_port}"
            closing.callback(own.server_close)
            closing.enter_context(holding(settings, server, url, background, ingesting, truth))
            serving = threading.Thread(target=own.serve_forever, name="keeper-server", daemon=True)
            serving.start()
            closing.callback(own.shutdown)
            closing.enter_context(watching(settings, truth))
            closing.enter_context(marking(settings, ingesting, self._passed))
            yield
