"""Holds the newest snapshot of every scope in use, and knows which scopes are in use."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from core.clock import Clock
from metrics.scope import Scope
from metrics.snapshot import AlertView, Snapshot, TileReadings, Watermark

Key = tuple[str, Scope]  # (board, scope)

IDLE_S = 60.0  # a scope that nobody asked for this long is dropped
PAST_S = 4  # so often a past day is confirmed to screens: its numbers stand still
BUSY_S = 10.0  # a scope asked for within this time is somebody's screen: it is not dropped for a newcomer


@dataclass(slots=True)
class _Entry:
    """What is kept of one scope. `tiles` of the snapshot carry versions of their own."""

    seen: float
    snapshot: Snapshot | None = None
    meaning: tuple[object, ...] = field(default=())


class SnapshotStore:
    """Snapshots by board and scope, swapped whole. All methods may be called from any thread."""

    def __init__(self, clock: Clock, limit: int = 64, idle_s: float = IDLE_S, boot: str | None = None) -> None:
        self.boot = boot or secrets.token_hex(4)
        self._clock, self._limit, self._idle_s = clock, limit, idle_s
        self._entries: dict[Key, _Entry] = {}
        self._changed = threading.Condition()
        self._count = 0
        self._following = False
        self._wake: Callable[[], None] = lambda: None

    def on_new_scope(self, wake: Callable[[], None]) -> None:
        """Have `wake()` called, without arguments and from the watching thread, when a scope is asked for first."""
        self._wake = wake

    def watch(self, board: str, scope: Scope, wait_s: float = 0.8) -> Snapshot:
        """The newest snapshot of a scope, which counts as in use from now on.

        A scope nobody watched yet is asked for at once and waited for up to `wait_s` seconds; then, or when too many
        scopes are in use (`is_busy`), an incomplete snapshot without tiles comes back.
        """
        key = (board, scope)
        with self._changed:
            entry = self._entries.get(key)
            fresh = entry is None
            if entry is None:
                if not self._make_room(scope):
                    return self._empty(scope, "busy")
                entry = self._entries[key] = _Entry(self._clock.monotonic())
            entry.seen = self._clock.monotonic()
        if fresh:
            self._wake()
        with self._changed:
            self._changed.wait_for(lambda: entry.snapshot is not None, timeout=wait_s if entry.snapshot is None else 0)
            return entry.snapshot or self._empty(scope, "0")

    def newer(self, board: str, scope: Scope, version: str, wait_s: float) -> Snapshot | None:
        """The snapshot of a scope in use that comes after `version`; None when none does within `wait_s` seconds."""
        with self._changed:
            entry = self._entries.get((board, scope))
            if entry is None:
                return None
            self._changed.wait_for(lambda: entry.snapshot and entry.snapshot.version != version, timeout=wait_s)
            found = entry.snapshot
            return found if found and found.version != version else None

    def is_busy(self, snapshot: Snapshot) -> bool:
        """Whether a scope was turned away because too many others are in use."""
        return snapshot.version.endswith("-busy")

    @staticmethod
    def is_behind(version: str, seen: str) -> bool:
        """Whether a screen saw more than `version`: another process answered it, which was told a moment sooner.

        Versions of another pace (`+5`) are compared, those of numbers that stand still (`~2`) are told in any case.
        """
        ours, _, count = version.rpartition("-")
        theirs, _, further = seen.rpartition("-")
        if "~" not in version + seen:
            count, further = count.partition("+")[0], further.partition("+")[0]
        return ours == theirs and count.isdecimal() and further.isdecimal() and int(further) > int(count)

    def turned_away(self, scope: Scope) -> Snapshot:
        """What a scope is shown that does not fit."""
        return self._empty(scope, "busy")

    def lead(self, boot: str) -> None:
        """Publish from now on, with versions that begin with `boot`; what is held stays shown until then."""
        with self._changed:
            self.boot, self._count, self._following = boot, 0, False

    def follow(self) -> None:
        """Another process publishes: `adopt` is listened to, `publish` is not."""
        with self._changed:
            self._following = True

    def adopt(self, board: str, snapshot: Snapshot) -> None:
        """Swap in what another process published, with the version it has there. Scopes not in use are left out."""
        with self._changed:
            entry = self._entries.get((board, snapshot.scope))
            if entry is not None:
                entry.snapshot, entry.meaning = snapshot, ()
                self._changed.notify_all()

    def keep(self, board: str, scope: Scope, age_s: float) -> Literal["kept", "new", "busy"]:
        """Count a scope as in use that screens of another process saw `age_s` ago; `busy` when it does not fit."""
        seen = self._clock.monotonic() - age_s
        with self._changed:
            entry = self._entries.get((board, scope))
            if entry is not None:
                entry.seen = max(entry.seen, seen)
                return "kept"
            if not self._make_room(scope):
                return "busy"
            self._entries[board, scope] = _Entry(seen)
            return "new"

    def watched(self) -> tuple[tuple[Key, float], ...]:
        """The scopes in use, each with the seconds since it was last seen."""
        now, keys = self._clock.monotonic(), self.in_use()
        with self._changed:
            return tuple((key, now - self._entries[key].seen) for key in keys if key in self._entries)

    def latest(self, board: str, scope: Scope) -> Snapshot | None:
        """The newest snapshot without counting as a watcher; None before the first."""
        with self._changed:
            entry = self._entries.get((board, scope))
            return entry.snapshot if entry else None

    def in_use(self) -> tuple[Key, ...]:
        """The scopes somebody looks at, oldest first; those unseen for the idle time are dropped here."""
        limit = self._clock.monotonic() - self._idle_s
        with self._changed:
            for key in [key for key, entry in self._entries.items() if entry.seen < limit]:
                del self._entries[key]
            return tuple(self._entries)

    def publish(self, board: str, snapshot: Snapshot) -> Snapshot:
        """Swap in a scope's new snapshot and wake who waits for it; returns it with its version.

        The version grows only when a tile, an alert, or a second that is shown has changed.
        """
        meaning = _meaning(snapshot)
        with self._changed:
            entry = self._entries.get((board, snapshot.scope))
            if entry is None or self._following:  # dropped while it was being asked, or another process publishes now
                return snapshot
            if entry.snapshot is None or meaning != entry.meaning:
                self._count += 1
                version = f"{self.boot}-{self._count}"
            else:
                version = entry.snapshot.version
            entry.snapshot = replace(snapshot, version=version)
            entry.meaning = meaning
            self._changed.notify_all()
            return entry.snapshot

    def _make_room(self, scope: Scope) -> bool:
        """Whether one more scope fits, dropping the longest unseen. The plain live wall always does."""
        if len(self._entries) < self._limit:
            return True
        oldest = min(
            (key for key in self._entries if key[1] != Scope()), key=lambda key: self._entries[key].seen, default=None
        )
        if oldest is None:
            return False
        unseen_s = self._clock.monotonic() - self._entries[oldest].seen
        if unseen_s < BUSY_S and scope != Scope():
            return False
        del self._entries[oldest]
        return True

    def _empty(self, scope: Scope, mark: str) -> Snapshot:
        return Snapshot(
            scope, f"{self.boot}-{mark}", self._clock.now(), scope.day is None, {}, (), (), 0.0, complete=False
        )


def _meaning(snapshot: Snapshot) -> tuple[object, ...]:
    """What a screen would show differently. Lag is left out: it follows from the watermark and the screen's clock."""
    return (
        snapshot.complete,
        snapshot.live,
        snapshot.mute,
        _heard_meaning(snapshot),
        tuple(sorted(_tile_meaning(tile) for tile in snapshot.tiles.values())),
        tuple(_watermark_meaning(watermark) for watermark in snapshot.watermarks),
        tuple(_alert_meaning(alert) for alert in snapshot.alerts),
    )


def _heard_meaning(snapshot: Snapshot) -> int:
    """Seconds, of a past day a few: a screen that joins is given a frame of this version, which must not be old."""
    return int(snapshot.heard.timestamp()) // (1 if snapshot.live else PAST_S) if snapshot.heard else 0


def _tile_meaning(tile: TileReadings) -> tuple[str, int, int]:
    return tile.key, tile.version, int(tile.as_of.timestamp()) if tile.as_of else 0


def _watermark_meaning(watermark: Watermark) -> tuple[str, int]:
    return watermark.ledger, int(watermark.reached.timestamp()) if watermark.reached else 0


def _alert_meaning(alert: AlertView) -> tuple[object, ...]:
    return alert.rule, alert.code, alert.state, alert.since, alert.value, alert.limit, alert.evaluated_at
