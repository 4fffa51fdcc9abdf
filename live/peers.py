"""What the heartbeat needs to know of other processes; without any, this one does everything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from live.health import Beat
from live.store import Key
from metrics.snapshot import AlertView, Snapshot, Watermark


class Peers(Protocol):
    """`leads()`: this process asks the database. What it publishes and how it beats is told to the others."""

    def leads(self) -> bool: ...

    def published(
        self,
        snapshots: Sequence[tuple[Key, Snapshot]],
        watermarks: tuple[Watermark, ...],
        alerts: tuple[AlertView, ...],
    ) -> None: ...

    def beat(self, beat: Beat) -> None: ...


class NoPeers:
    """The only process there is."""

    def leads(self) -> bool:
        return True

    def published(
        self,
        snapshots: Sequence[tuple[Key, Snapshot]],
        watermarks: tuple[Watermark, ...],
        alerts: tuple[AlertView, ...],
    ) -> None:
        """Nobody listens."""

    def beat(self, beat: Beat) -> None:
        """Nobody listens."""
