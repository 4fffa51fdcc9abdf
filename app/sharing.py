"""Puts a wall's process together with the others: who shows the same store with the same limits shares one asking."""

from __future__ import annotations

import fcntl
import hashlib
import os
from dataclasses import asdict
from typing import IO, Any
from urllib.parse import urlsplit

from app.members import Members
from app.settings import Settings
from core.clock import Clock
from live.exchange import Exchange, connect
from live.health import Beat, check_health
from live.latency import PixelLatency
from live.latency_peers import LatencyPeers
from live.sharing import Role, Sharing, lease_of
from live.store import SnapshotStore
from live.ticker import Ticker
from live.wire import FORMAT
from metrics.profile import StoreProfile

ALONE = "alone.lock"
REDIS_S = 2.0  # seconds for which what no screen waits for may wait


def wall_name(settings: Settings, profile: StoreProfile) -> str:
    """What a wall is called in Redis: processes that show the same numbers of the same store, whatever their users."""
    parts = urlsplit(settings.clickhouse_dsn.read)
    place = f"{parts.scheme}://{parts.hostname}:{parts.port}{parts.path}"
    if parts.scheme in ("chdb", "listen"):
        place = str(settings.store.resolve())
    meaning = "\x1f".join((place, profile.name, settings.only, str(settings.tick), str(settings.clock_offset)))
    return hashlib.blake2b(meaning.encode(), digest_size=6).hexdigest()


def make_sharing(
    settings: Settings,
    profile: StoreProfile,
    build: str,
    tick_s: float,
    store: SnapshotStore,
    members: Members,
    clock: Clock,
) -> Sharing | None:
    """This process's place among the others; None without REDIS_URL."""
    if not settings.redis_url:
        return None
    lease_s = lease_of(tick_s)
    client = connect(settings.redis_url, timeout_s=lease_s / 4)
    return Sharing(
        Exchange(client, wall_name(settings, profile), f"{build}-{FORMAT}", lease_s),
        store,
        clock,
        lease_s=lease_s,
        members=members.seen,
        adopt_members=members.adopt,
    )


def share_latency(
    settings: Settings, profile: StoreProfile, sharing: Sharing | None, pixels: PixelLatency
) -> LatencyPeers | None:
    """Have all processes tell the same, whichever a screen reports to; None without REDIS_URL."""
    if sharing is None or not settings.redis_url:
        return None
    sharing.on_marks(pixels.show)
    return LatencyPeers(connect(settings.redis_url, REDIS_S), wall_name(settings, profile), pixels)


class Voice:
    """Who may call somebody: the leader, and of those that are alone on a store's folder the first (by a file lock)."""

    def __init__(self, settings: Settings) -> None:
        self._path = settings.store / ALONE
        self._held: IO[str] | None = None

    def acts(self, sharing: Sharing) -> bool:
        if sharing.role != "alone":
            if self._held is not None:
                self._held.close()  # which lets go of the lock
                self._held = None
            return sharing.leads()
        if self._held is None:
            file = self._path.open("w")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.close()
                return False
            self._held = file
        return True


def newest_beat(ticker: Ticker, sharing: Sharing | None) -> Beat | None:
    """The last tick of whoever asks, be it another process; None before the first."""
    return sharing.last if sharing else ticker.last


def readiness(ticker: Ticker, sharing: Sharing | None, clock: Clock) -> tuple[bool, dict[str, Any]]:
    """What /readyz says: how the beat is of whoever asks, and which part this process has."""
    role: Role | str = sharing.role if sharing else "single"
    beat = newest_beat(ticker, sharing)
    tick_s = max(ticker.usual_s, beat.slowed_s) if beat else ticker.usual_s  # the pace of who asks, not our own
    health = check_health(beat, clock.now(), tick_s)
    return health.ready, {
        **asdict(health),
        "role": role,
        "sharing": sharing.problem if sharing else "",
        "pid": os.getpid(),
    }
