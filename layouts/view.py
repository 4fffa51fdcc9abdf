"""What a tile kind is given: a PlanContext to ask from, a View to draw from, and the few rules all kinds share."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from core.errors import UnknownNameError
from layouts.board import Tile
from locales.words import Words
from metrics.calendar import BusinessCalendar, Span
from metrics.catalogue import Catalogue
from metrics.formats import Text, format_value
from metrics.goals import Goal
from metrics.labels import Labels
from metrics.model import Metric
from metrics.profile import StoreProfile
from metrics.reading import Answer, Findings, Listing, Number, Reading
from metrics.regions import RegionSet
from metrics.scope import Scope
from metrics.snapshot import AlertView

KINDS = Path(__file__).parent / "tiles"


@dataclass(frozen=True, slots=True)
class PlanContext:
    """What a tile needs to know to ask: the scope, the moment, the business day it falls on, the definitions."""

    scope: Scope
    as_of: datetime
    day: date
    calendar: BusinessCalendar
    catalogue: Catalogue
    profile: StoreProfile
    regions: RegionSet

    @property
    def span(self) -> Span:
        """The day so far: up to now, up to the scope's time of day, or the whole of a past day."""
        until = min(self.as_of, self.calendar.at(self.day, self.scope.at)) if self.scope.at else self.as_of
        return self.calendar.until(self.day, until)


@dataclass(frozen=True, slots=True)
class View:
    """What a tile needs to know to draw: answers by role, and everything that turns codes and numbers into text."""

    scope: Scope
    locale: str
    words: Words
    catalogue: Catalogue
    labels: Labels
    profile: StoreProfile
    regions: RegionSet
    calendar: BusinessCalendar
    answers: Mapping[str, Answer]
    alerts: Sequence[AlertView]
    as_of: datetime
    live: bool
    goals: Sequence[Goal] = ()

    def reading(self, role: str) -> Reading | None:
        answer = self.answers.get(role)
        return answer if isinstance(answer, Reading) else None

    def listing(self, role: str) -> Listing | None:
        answer = self.answers.get(role)
        return answer if isinstance(answer, Listing) else None

    def findings(self, role: str) -> Findings | None:
        answer = self.answers.get(role)
        return answer if isinstance(answer, Findings) else None

    def metric(self, key: str) -> Metric:
        return self.catalogue.metric(key)

    def name(self, key: str) -> str:
        """A metric's name in the locale."""
        return str(self.catalogue.metric(key).name[self.locale])

    def dimension_name(self, key: str) -> str:
        return str(self.catalogue.dimension(key).name[self.locale])

    def label(self, dimension: str, code: str) -> str:
        return str(self.labels.of(dimension, code, self.locale))

    def write(self, metric: str, value: Number, exact: bool = False) -> Text:
        """A value of a metric as text in its unit, the locale and the store's currency."""
        text = format_value(value, self.metric(metric).unit, self.locale, self.profile.currency, exact)
        sketched = self.profile.distinct == "sketch" and self.catalogue.counts_users(metric)
        return replace(text, prefix=f"≈{text.prefix}") if sketched and value is not None else text

    @property
    def whole_day(self) -> bool:
        """Whether a past day is shown from its beginning to its end."""
        return not self.live and self.scope.at is None


@lru_cache(maxsize=64)
def load_kind(name: str) -> ModuleType:
    """The module of a tile kind by file name. Raises UnknownNameError."""
    if name not in kind_names():
        raise UnknownNameError("tile kind", name, kind_names())
    return importlib.import_module(f"layouts.tiles.{name}")


@lru_cache(maxsize=1)
def kind_names() -> tuple[str, ...]:
    """Every kind there is: the files of layouts/tiles/."""
    return tuple(sorted(path.stem for path in KINDS.glob("*.py") if not path.stem.startswith("_")))


def paces_of(tile: Tile) -> dict[str, float]:
    """Seconds by role, where the kind says that a role is worth asking less often than the tile."""
    paces: dict[str, float] = getattr(load_kind(tile.kind), "PACES", {})
    return {role: max(seconds, tile.every) for role, seconds in paces.items()}


def draw_tile(tile: Tile, view: View) -> dict[str, Any]:
    """The payload of one tile, drawn by its kind."""
    payload: dict[str, Any] = load_kind(tile.kind).draw(tile, view)
    return payload
