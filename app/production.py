"""The production server: gunicorn with threads, one process, or several that share one asking."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import structlog
import typer
from flask import Flask
from gunicorn.app.base import BaseApplication

from app.console import console
from app.serve import CONNECTIONS, check_port
from app.settings import Settings
from app.store import LISTEN, LISTENER, answers, find_holder, listen_port
from app.worker import web_process
from core.clock import wait
from core.errors import BadRequestError, LivewallError, StoreBusyError
from queries.listener import Listener, running

KEEP_ALIVE_S = 75  # gunicorn's own 2 s would mean a new connection for every tick of every screen
BOOT_S = 120  # a process that is this long without a sign of life is replaced
GRACE_S = 25
APP_FAILED = 4  # gunicorn's exit code that ends the server instead of trying the same again
AGAIN_S = 2.0

log = structlog.get_logger("production")


def serve_in_production(settings: Settings) -> None:
    """Prepare the store, then serve until SIGTERM. Raises LivewallError with one clear line."""
    if settings.log_ticks == "auto":
        settings = settings.model_copy(update={"log_ticks": "all"})
    check_processes(settings)
    check_port(settings)
    holder = find_holder(settings.store)
    if holder and answers(holder):
        raise StoreBusyError(
            f"{settings.store} is held by the wall at {holder.url} (pid {holder.pid}): "
            "stop it first, or choose another folder with STORE=…"
        )
    settings.store.mkdir(parents=True, exist_ok=True)
    with own_listener(settings):
        # In a process of its own: this one forks, and must never have opened an engine.
        done = subprocess.run([sys.executable, "-m", "app", "prepare"], check=False)
        if done.returncode:
            raise typer.Exit(done.returncode)
        shown = "localhost" if settings.host == "127.0.0.1" else settings.host
        console.print(
            f"\n  The wall will be at [bold]http://{shown}:{settings.port}[/bold]  (SIGTERM or Ctrl-C stops it)\n"
        )
        Server(settings).run()


def check_processes(settings: Settings) -> None:
    """Several processes need something to share and a store that lets them in."""
    if settings.web_processes == 1:
        return
    if not settings.dsn or settings.dsn.startswith("chdb://"):
        raise BadRequestError(
            f"WEB_PROCESSES={settings.web_processes}: the embedded store belongs to one process; set "
            "DSN=listen://127.0.0.1:8123 or a ClickHouse server, or WEB_PROCESSES=1"
        )
    if not settings.redis_url:
        raise BadRequestError(
            f"WEB_PROCESSES={settings.web_processes}: several processes share what one of them asks through Redis; "
            "set REDIS_URL=redis://127.0.0.1:6379/0, or WEB_PROCESSES=1"
        )


@contextlib.contextmanager
def own_listener(settings: Settings) -> Iterator[None]:
    """The listener of several processes belongs to none of them: it outlives each, and ends with the server."""
    place = settings.store / LISTENER
    if settings.web_processes == 1 or not settings.dsn.startswith(LISTEN) or running(place) is not None:
        yield
        return
    listener = Listener(place, settings.store / "clickhouse", listen_port(settings.dsn))
    listener.start()
    try:
        yield
    finally:
        listener.stop()


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn with our settings. Each worker opens its wall after the fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._closing = contextlib.ExitStack()  # of the worker, once there is one
        super().__init__()

    def load_config(self) -> None:
        for name, value in options(self._settings).items():
            self.cfg.set(name, value)
        self.cfg.set("worker_exit", lambda _server, _worker: self._closing.close())

    def load(self) -> Flask:
        """In the worker: open the wall. What can be cured by waiting is waited for, everything else ends the server."""
        while True:
            try:
                wall = self._closing.enter_context(web_process(self._settings))
            except LivewallError as problem:
                if not problem.retryable:
                    typer.echo(str(problem), err=True)
                    sys.exit(APP_FAILED)
                log.warning("the wall cannot open and is tried again", problem=str(problem))
                wait(AGAIN_S)
            else:
                server: Flask = wall.dash.server
                return server


def options(settings: Settings) -> dict[str, Any]:
    """gunicorn's settings that follow from ours."""
    memory = Path("/dev/shm")  # noqa: S108 (signs of life must not wait for a disk)
    return {
        "bind": f"{settings.host}:{settings.port}",
        "workers": settings.web_processes,
        "worker_class": "gthread",
        "threads": settings.threads,
        "worker_connections": CONNECTIONS,
        "keepalive": KEEP_ALIVE_S,
        "timeout": BOOT_S,
        "graceful_timeout": GRACE_S,
        "preload_app": False,  # the engine must not be imported before the fork
        "worker_tmp_dir": str(memory) if memory.is_dir() else None,
        "control_socket_disable": True,
        "errorlog": "-",
        "loglevel": "warning",
        "proc_name": "livewall",
    }
