"""The production server: Granian with threads, one process, or several that share one asking."""

from __future__ import annotations

import contextlib
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from multiprocessing.util import Finalize
from types import FrameType
from typing import Any

import structlog
import typer
from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from app.console import console
from app.serve import CONNECTIONS, check_port
from app.settings import Settings
from app.store import LISTEN, LISTENER, answers, find_holder, listen_port
from app.worker import web_process
from core.clock import wait
from core.errors import BadRequestError, LivewallError, StoreBusyError
from queries.listener import Listener, running

KEEP_ALIVE_S = 75  # longer than any pace of ticks: a screen keeps its connection
GRACE_S = 25
APP_FAILED = 4
FILES = 2 * CONNECTIONS
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
        serve_wall(settings)


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


def raise_file_limit() -> None:
    """A screen is an open file, and most systems allow a process 1,024 of them or fewer unless it asks for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def serve_wall(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C; a web process that dies is replaced. Raises SystemExit when none stays up."""
    raise_file_limit()
    server = Granian(**options(settings))
    server.serve(target_loader=partial(open_wall, settings), wrap_loader=False)


def open_wall(settings: Settings) -> Flask:
    """In a web process, after the fork: the wall. What waiting can cure is waited for, all else ends the server."""
    closing = contextlib.ExitStack()
    # A forked web process runs these at its end, and nothing that `atexit` was told.
    Finalize(None, closing.close, exitpriority=10)
    for number in (signal.SIGTERM, signal.SIGINT):  # until the server listens to them itself
        signal.signal(number, _end)
    while True:
        try:
            wall = closing.enter_context(web_process(settings))
        except LivewallError as problem:
            if not problem.retryable:
                typer.echo(str(problem), err=True)
                sys.exit(APP_FAILED)  # twice in a row ends the server
            log.warning("the wall cannot open and is tried again", problem=str(problem))
            wait(AGAIN_S)
        else:
            server: Flask = wall.dash.server
            return server


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def options(settings: Settings) -> dict[str, Any]:
    """Granian's settings that follow from ours."""
    return {
        "target": "app.production:open_wall",  # only a name: `serve_wall` gives it with its settings
        "address": settings.host,
        "port": settings.port,
        "interface": Interfaces.WSGI,
        "http": HTTPModes.http1,
        "workers": settings.web_processes,
        "blocking_threads": settings.threads,
        "backlog": CONNECTIONS,
        "backpressure": CONNECTIONS,  # of each process; fewer would leave the screens beyond them without an answer
        "http1_settings": HTTP1Settings(header_read_timeout=KEEP_ALIVE_S * 1000),
        "respawn_failed_workers": True,
        "workers_kill_timeout": GRACE_S,
        "log_level": LogLevels.error,
    }
