"""`python -m app listen`: the store's engine as a small ClickHouse server for this machine."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Annotated

import typer

from app.commands.common import clear_errors
from app.console import console
from app.settings import read_settings
from app.store import LISTEN, LISTENER, listen_port
from core.errors import StoreBusyError
from queries.listener import Listener, running


def listen(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Loopback port; that of DSN if given.")] = 8123,
) -> None:
    """Serve STORE over HTTP on 127.0.0.1 until Ctrl-C; walls and tools come in by DSN."""
    with clear_errors():
        settings = read_settings()
        if settings.dsn.startswith(LISTEN):
            port = listen_port(settings.dsn)
        place = settings.store / LISTENER
        told = running(place)
        if told is not None:
            raise StoreBusyError(f"{settings.store} is served already on port {told.port} (pid {told.pid})")
        listener = Listener(place, settings.store / "clickhouse", port)
        told = listener.start()
    console.print(f"{settings.store} is served on http://127.0.0.1:{told.port} for dashboard, ingest and admin")
    console.print(
        f"Passwords stand in {place / 'listener.json'}; a wall comes in with DSN=listen://127.0.0.1:{told.port}"
    )

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        listener.wait()
    finally:
        listener.stop()
