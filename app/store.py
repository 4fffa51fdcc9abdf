"""Opens a store, and knows which running wall holds it when it is taken."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from app.console import console
from app.settings import Settings
from core.errors import BadRequestError, StoreBusyError
from metrics.profile import DEMO, StoreProfile, load_profile, read_profile, save_profile
from queries.client import ClickHouse
from queries.distinct import check_counting
from queries.listener import Listener, running
from queries.migrate import migrate
from queries.own_apply import follow_migrations
from queries.retention import Retention, apply_retention
from queries.server import Access

LISTEN, LISTENER = "listen://", "listener"
BESIDE = 2  # reading clients beside those of tiles: watermarks and alerts never wait for a tile


@dataclass(frozen=True, slots=True)
class Holder:
    """The wall that holds a store: where it answers, and the token that lets a command on this machine in."""

    pid: int
    url: str
    token: str


def holder_file(folder: Path) -> Path:
    return folder / "wall.json"


def announce(folder: Path, url: str) -> Holder:
    """Write down that this process holds the store; readable by its owner only."""
    holder = Holder(os.getpid(), url, secrets.token_urlsafe(24))
    path = holder_file(folder)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as target:
        json.dump(asdict(holder), target)
    fresh.replace(path)
    return holder


def withdraw(folder: Path) -> None:
    """Take the note away at the end of a run."""
    holder_file(folder).unlink(missing_ok=True)


def find_holder(folder: Path) -> Holder | None:
    """The live wall that holds the store, or None: no note, or its process is gone."""
    try:
        holder = Holder(**json.loads(holder_file(folder).read_text(encoding="utf-8")))
        os.kill(holder.pid, 0)
    except (OSError, ValueError, TypeError):
        return None
    return holder


def open_store(folder: Path, dsn: str | Access, readers: int, beside: bool = False) -> ClickHouse:
    """Open and migrate the store. Raises StoreBusyError or QueryFailedError with one line that says what to do.

    `beside` comes in beside the process that keeps the store, which only a DSN allows: a further web process.
    """
    folder.mkdir(parents=True, exist_ok=True)
    holder = None if beside else find_holder(folder)
    if holder and answers(holder):  # without trying: the engine would print an error of its own
        raise _busy(folder, holder)
    access = dsn if isinstance(dsn, Access) else Access(dsn)
    listener: Listener | None = None
    try:
        if access.read.startswith(LISTEN):
            access, listener = _listening(folder, access)
        clickhouse = ClickHouse(access, readers=readers + BESIDE)
    except StoreBusyError as busy:
        if access.read.startswith(LISTEN):
            raise
        raise _busy(folder, holder) from busy
    if listener is not None:
        clickhouse.also_close(listener.stop)
    profile = load_profile(folder) or read_profile(DEMO)
    try:
        if migrate(clickhouse, profile):
            follow_migrations(clickhouse, profile)
        check_counting(clickhouse, profile)
    except BaseException:
        clickhouse.close()
        raise
    return clickhouse


def _listening(folder: Path, access: Access) -> tuple[Access, Listener | None]:
    """The store's listener that runs already, or one of our own, which ends with the store."""
    place = folder / LISTENER
    told = running(place)
    if told is not None:
        return replace(told.access(), options=access.options), None
    listener = Listener(place, folder / "clickhouse", listen_port(access.read))
    return replace(listener.start().access(), options=access.options), listener


def listen_port(dsn: str) -> int:
    """The port of `listen://127.0.0.1:8123`. Raises BadRequestError: the listener never leaves this machine."""
    parts = urlsplit(dsn)
    try:
        port = parts.port or 8123
    except ValueError as problem:
        raise BadRequestError(f"DSN={dsn}: the port is no number from 1 to 65535") from problem
    if parts.hostname not in {None, "127.0.0.1", "localhost"} or parts.username or parts.path.strip("/"):
        raise BadRequestError(f"DSN={dsn}: write listen://127.0.0.1:8123; the listener is for this machine only")
    return port


def keep_retention(clickhouse: ClickHouse, settings: Settings, now: datetime) -> None:
    """Turn RAW_DAYS, MINUTE_DAYS and ROLLUP_MONTHS into TTLs, and say which tables that changed."""
    retention = Retention(settings.raw_days, settings.minute_days, settings.rollup_months)
    changed = apply_retention(clickhouse, retention, now)
    if changed:
        console.print(
            f"Rows are now kept: single events for {_so_long(retention.raw_days, 'days')}, minutes for "
            f"{_so_long(retention.minute_days, 'days')}, hours and days for "
            f"{_so_long(retention.rollup_months, 'months')} ({len(changed)} tables changed)"
        )


def _so_long(number: int, unit: str) -> str:
    return f"{number} {unit}" if number else "ever"


def _busy(folder: Path, holder: Holder | None) -> StoreBusyError:
    where = f"the wall at {holder.url} (pid {holder.pid})" if holder else "another process"
    return StoreBusyError(f"{folder} is held by {where}: stop it first, or choose another folder with STORE=…")


def answers(holder: Holder) -> bool:
    """Whether the wall that left the note is really there: process numbers are used again."""
    try:
        return httpx.get(f"{holder.url}/healthz", timeout=3).status_code == 200
    except httpx.HTTPError:
        return False


def settle_profile(folder: Path, wanted: StoreProfile | None) -> StoreProfile:
    """The store's profile: the one it has, else `wanted`, which is then kept; else the simulated demo's.

    A store that already has a profile keeps it, so that two businesses never mix in one folder.
    """
    present = load_profile(folder)
    if present is not None:
        return present
    profile = wanted or demo_profile()
    save_profile(folder, profile)
    return profile


def demo_profile() -> StoreProfile:
    """The profile of the simulated store."""
    return read_profile(DEMO)
