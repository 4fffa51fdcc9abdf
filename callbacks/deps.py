"""What callbacks are given by app/main.py: everything they need, so that they reach for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from core.clock import Clock
from layouts.board import Board
from layouts.frame import Stage
from locales.words import Words
from metrics.calendar import BusinessCalendar
from metrics.catalogue import Catalogue
from metrics.goals import Goal
from metrics.labels import Labels
from metrics.profile import StoreProfile
from metrics.regions import RegionSet
from metrics.scope import Scope
from metrics.snapshot import Snapshot, Watermark


class Snapshots(Protocol):
    """The live store of snapshots, as far as a callback needs it."""

    def watch(self, board: str, scope: Scope, wait_s: float = 0.8) -> Snapshot: ...

    def newer(self, board: str, scope: Scope, version: str, wait_s: float) -> Snapshot | None: ...


class FrameCache(Protocol):
    """Where built frames are kept: flask-caching's Cache, shared by processes when it is Redis."""

    def get(self, key: str) -> Any: ...

    def set(self, key: str, value: Any, timeout: int | None = None) -> Any: ...


class Pixels(Protocol):
    """What is known of the time from events to pixels."""

    def show(self, watermarks: Iterable[Watermark]) -> None: ...

    def report(self, marker: int, held_ms: int) -> float | None: ...

    def last_minutes(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Deps:
    """`members(dimension)` are the codes one may filter by, None for no such dimension; `narrow` cuts a scope down to
    what the asker may see. `tick` in seconds overrides the boards' own; 0 follows them. `slowed()` is the time between
    ticks while load makes them rarer than that, otherwise 0; `answered(as_of)` is when a tick of that
    moment has answered at the soonest, and usually, epoch seconds. So many questions at once may be `held` until the
    tick that is about to come has answered: each takes a thread meanwhile."""

    catalogue: Catalogue
    labels: Labels
    profile: StoreProfile
    regions: RegionSet
    calendar: BusinessCalendar
    goals: Sequence[Goal]
    words: Mapping[str, Words]
    boards: Mapping[str, Board]
    clock: Clock
    store: Snapshots
    cache: FrameCache
    members: Callable[[str], frozenset[str] | None]
    narrow: Callable[[Scope], Scope]
    boot: str
    build: str
    tick: float = 0.0
    slowed: Callable[[], float] = lambda: 0.0
    pixels: Pixels | None = None
    held: int = 4
    answered: Callable[[datetime], tuple[float, float]] = lambda as_of: (as_of.timestamp(), as_of.timestamp())

    @property
    def stage(self) -> Stage:
        """What frames are drawn with."""
        return Stage(
            catalogue=self.catalogue,
            labels=self.labels,
            profile=self.profile,
            regions=self.regions,
            calendar=self.calendar,
            goals=self.goals,
            words=self.words,
            boot=self.boot,
            build=self.build,
        )
