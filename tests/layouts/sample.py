"""A wall for tests: the real board, catalogue and regions, the gallery's answers, a moment that stands still."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time
from functools import lru_cache
from typing import Any

from layouts.board import Board, Tile, load_board
from layouts.gallery import NOW, SAMPLES, sample_view
from layouts.plan import plan_board
from layouts.view import PlanContext, View, draw_tile
from metrics.calendar import BusinessCalendar
from metrics.catalogue import Catalogue, load_catalogue
from metrics.goals import Goal, load_goals
from metrics.labels import Labels
from metrics.profile import StoreProfile
from metrics.reading import Answer
from metrics.regions import RegionSet, load_region_set
from metrics.scope import Scope
from metrics.snapshot import PlannedTile

PROFILE = StoreProfile(name="测试店", name_en="Test shop", simulated=True)


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    return load_catalogue()


@lru_cache(maxsize=1)
def regions() -> RegionSet:
    return load_region_set(PROFILE.region_set)


@lru_cache(maxsize=1)
def labels() -> Labels:
    return Labels(catalogue(), regions())


@lru_cache(maxsize=1)
def goals() -> tuple[Goal, ...]:
    return load_goals(catalogue().metrics)


@lru_cache(maxsize=1)
def wall() -> Board:
    return load_board("wall")


def context(scope: Scope | None = None, as_of: datetime = NOW, profile: StoreProfile = PROFILE) -> PlanContext:
    scope, calendar = scope or Scope(), BusinessCalendar.of(profile)
    day = scope.day or calendar.day_of(as_of)
    return PlanContext(scope, as_of, day, calendar, catalogue(), profile, load_region_set(profile.region_set))


def tile(key: str) -> Tile:
    return next(tile for tile in wall().tiles if tile.key == key)


def planned(key: str, scope: Scope | None = None, **more: Any) -> PlannedTile:
    return next(plan for plan in plan_board(wall(), context(scope, **more)) if plan.key == key)


def view(key: str, scope: Scope | None = None, locale: str = "zh", face: str = "fresh", **changes: Any) -> View:
    """What a tile of the wall would be drawn from; `changes` replace fields of the view."""
    here = context(scope)
    made = sample_view(planned(key, scope), face, here, labels(), locale, SAMPLES)
    return replace(made, goals=goals(), **changes)


def draw(
    key: str, scope: Scope | None = None, locale: str = "zh", face: str = "fresh", **changes: Any
) -> dict[str, Any]:
    return draw_tile(tile(key), view(key, scope, locale, face, **changes))


def on_board(
    board: str, key: str, scope: Scope | None = None, locale: str = "zh", face: str = "fresh"
) -> dict[str, Any]:
    """The payload of a tile of any board."""
    shown = load_board(board)
    tile = next(tile for tile in shown.tiles if tile.key == key)
    plan = next(plan for plan in plan_board(shown, context(scope)) if plan.key == key)
    made = sample_view(plan, face, context(scope), labels(), locale, SAMPLES)
    return draw_tile(tile, replace(made, goals=goals()))


def with_rows(view: View, role: str, values: Mapping[str, Any]) -> View:
    """The view with some metrics of a role's first row replaced, by span: {"current": {"paid_gmv": 1}}."""
    reading = view.reading(role)
    assert reading is not None
    row = reading.rows[0]
    merged = {span: {**row.values.get(span, {}), **values.get(span, {})} for span in {*row.values, *values}}
    answers: dict[str, Answer] = {**view.answers, role: replace(reading, rows=(replace(row, values=merged),))}
    return replace(view, answers=answers)


def at(hour: int, minute: int = 0) -> time:
    return time(hour, minute)
