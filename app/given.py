"""What a wall is given before anything of it runs: settings, an open store, a clock, and the checked definitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.settings import Settings
from core.clock import Clock
from core.errors import BadRequestError, UnknownNameError
from layouts.board import Board, load_boards
from locales.words import Words, load_words
from metrics.ask import Filters, make_filters
from metrics.calendar import BusinessCalendar
from metrics.catalogue import Catalogue, load_catalogue
from metrics.goals import Goal, load_goals
from metrics.labels import Labels
from metrics.profile import StoreProfile
from metrics.regions import RegionSet, load_region_set
from queries.client import ClickHouse


@dataclass(frozen=True)
class Definitions:
    """Everything that is data and checked before a screen goes up."""

    catalogue: Catalogue
    goals: Sequence[Goal]
    boards: dict[str, Board]
    words: dict[str, Words]

    @classmethod
    def load(cls, own_boards: Path | None = None) -> Definitions:
        """Raises the first DefinitionError there is."""
        catalogue = load_catalogue()
        return cls(
            catalogue=catalogue,
            goals=load_goals(catalogue.metrics),
            boards=load_boards(own_boards),
            words={locale: load_words(locale) for locale in ("zh", "en")},
        )


@dataclass(frozen=True)
class Given:
    """All that is settled before parts are made. `limits` are what this process may show at all (ONLY)."""

    settings: Settings
    clickhouse: ClickHouse
    profile: StoreProfile
    clock: Clock
    definitions: Definitions
    regions: RegionSet
    calendar: BusinessCalendar
    labels: Labels
    limits: Filters

    @classmethod
    def read(cls, settings: Settings, clickhouse: ClickHouse, profile: StoreProfile, clock: Clock) -> Given:
        """Raises DefinitionError for a wrong definition, UnknownNameError or BadRequestError for a wrong setting."""
        definitions, regions = Definitions.load(settings.boards), load_region_set(profile.region_set)
        limits = read_limits(settings.only, definitions.catalogue)
        if settings.board not in definitions.boards:
            raise UnknownNameError("board", settings.board, sorted(definitions.boards))
        return cls(
            settings=settings,
            clickhouse=clickhouse,
            profile=profile,
            clock=clock,
            definitions=definitions,
            regions=regions,
            calendar=BusinessCalendar.of(profile),
            labels=Labels(definitions.catalogue, regions, simulated=profile.simulated),
            limits=limits,
        )

    @property
    def tick_s(self) -> float:
        """Seconds between two ticks as they usually come: the setting, or the first board's own."""
        return self.settings.tick or self.definitions.boards[self.settings.board].tick


def read_limits(text: str, catalogue: Catalogue) -> Filters:
    """`ONLY=large_region=east;channel=live,mall` as filters. Raises UnknownNameError or BadRequestError."""
    wanted: dict[str, list[str]] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        dimension, separator, codes = part.partition("=")
        if not separator or not codes:
            raise BadRequestError(f"ONLY={text!r}: write dimension=code,code")
        catalogue.dimension(dimension.strip())
        wanted[dimension.strip()] = [code.strip() for code in codes.split(",") if code.strip()]
    return make_filters(wanted)
