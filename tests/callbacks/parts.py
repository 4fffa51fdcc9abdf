"""A wall without a store: real definitions, boards and words over snapshots that a test makes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from callbacks.deps import Deps
from core.clock import ManualClock
from layouts.board import load_board
from layouts.plan import plan_board
from layouts.view import PlanContext
from locales.words import load_words
from metrics.ask import Ask, Question
from metrics.calendar import BusinessCalendar
from metrics.catalogue import load_catalogue
from metrics.goals import load_goals
from metrics.labels import Labels
from metrics.profile import StoreProfile
from metrics.reading import Answer, Listing, Reading, Row
from metrics.regions import load_region_set
from metrics.scope import Scope
from metrics.snapshot import Snapshot, TileReadings, Watermark

PROFILE = StoreProfile(name="试验店", name_en="Test Shop", simulated=True)
MEMBERS = {
    "province": frozenset({"440000", "330000"}),
    "channel": frozenset({"live", "search"}),
    "room": frozenset({"r1"}),
}
CODES = {
    "province": "440000",
    "channel": "live",
    "category": "apparel",
    "room": "r1",
    "large_region": "east",
    "scene": "live",
}


def answer_anything(question: Question, as_of: datetime) -> Answer:
    """One row with a number for every metric in every span, of a known code where the question splits."""
    if not isinstance(question, Ask):
        return Listing(question, (), as_of)
    values = {name: dict.fromkeys(question.metrics, 1234.5) for name, _ in question.spans}
    keys = tuple(CODES.get(dimension, "x") for dimension in question.by)
    return Reading(question, (Row(keys, 0 if question.grain else None, values),), as_of)


@dataclass
class FakeStore:
    """Snapshots of whatever scope is asked for, as true as the clock; counts who asked."""

    deps_of: dict[str, Any]
    clock: ManualClock
    version: str = "b1-1"
    watched: list[tuple[str, Scope, float]] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)  # fields to replace in the next snapshots
    coming: str | None = None  # the version that comes while somebody waits
    waits: list[float] = field(default_factory=list)

    def watch(self, board: str, scope: Scope, wait_s: float = 0.8) -> Snapshot:
        self.watched.append((board, scope, wait_s))
        return replace(self.make(board, scope), **self.changes)

    def newer(self, board: str, scope: Scope, version: str, wait_s: float) -> Snapshot | None:
        """What `coming` has for who waits; `waits` counts them."""
        self.waits.append(wait_s)
        coming, self.coming = self.coming, None
        return replace(self.make(board, scope), version=coming) if coming else None

    def make(self, board: str, scope: Scope) -> Snapshot:
        parts, now = self.deps_of, self.clock.now()
        calendar: BusinessCalendar = parts["calendar"]
        day = scope.day or calendar.day_of(now)
        context = PlanContext(scope, now, day, calendar, parts["catalogue"], PROFILE, parts["regions"])
        tiles = {
            planned.key: TileReadings(
                planned.key,
                1,
                {role: answer_anything(question, now) for role, question in planned.questions.items()},
                now,
            )
            for planned in plan_board(parts["boards"][board], context)
        }
        marks = (Watermark("orders", now - timedelta(seconds=2), 2.0), Watermark("behaviour", now, 0.0))
        return Snapshot(scope, self.version, now, scope.day is None, tiles, marks, (), 1.0, heard=now)


class DictCache(dict[str, Any]):
    """A frame cache that counts what it was given."""

    def set(self, key: str, value: Any, timeout: int | None = None) -> None:
        self[key] = value


def make_deps(clock: ManualClock, **changes: Any) -> Deps:
    catalogue, regions = load_catalogue(), load_region_set(PROFILE.region_set)
    parts: dict[str, Any] = {
        "catalogue": catalogue,
        "labels": Labels(catalogue, regions),
        "profile": PROFILE,
        "regions": regions,
        "calendar": BusinessCalendar.of(PROFILE),
        "goals": load_goals(catalogue.metrics),
        "words": {locale: load_words(locale) for locale in ("zh", "en")},
        "boards": {"wall": load_board("wall")},
    }
    known = MEMBERS | {"focus": frozenset(catalogue.metrics)}
    wired: dict[str, Any] = {
        "clock": clock,
        "store": FakeStore(parts, clock),
        "cache": DictCache(),
        "members": lambda dimension: known.get(dimension),
        "narrow": lambda scope: scope,
        "boot": "b1",
        "build": "build-1",
    }
    return Deps(**{**parts, **wired, **changes})


def asking(query: str = "", seen: str = "", locale: str = "zh", **more: Any) -> dict[str, Any]:
    """A question as a browser sends it."""
    return {"n": 1, "seen": seen, "query": query, "locale": locale, "board": "wall", **more}
