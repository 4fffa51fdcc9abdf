"""What makes a day different: scenarios are data (`scenarios/*.yaml`), checked before the first event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from core.errors import DefinitionError, UnknownNameError, nearest
from ingest.dice import Floats, Ints
from ingest.world import HOUR, ZONE, World, minute_of, problem_of

FOLDER = Path(__file__).parent / "scenarios"

Step = Literal["traffic", "click", "view", "cart", "favourite", "order", "amount", "pay", "cancel", "refund"]
Dimension = Literal["large_region", "province", "channel", "category", "tier", "sku"]
TimeOfDay = Annotated[str, StringConstraints(pattern=HOUR)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Effect(_Strict):
    """A step's rate times a number: everywhere or `where` codes match, always or within `minutes` of the start.

    `curve` gives the number by local time of day instead of `times`, linear between its points.
    """

    step: Step
    times: float | None = Field(default=None, ge=0)
    curve: tuple[tuple[TimeOfDay, Annotated[float, Field(ge=0)]], ...] = ()
    where: dict[Dimension, tuple[str, ...]] = Field(default_factory=dict)
    minutes: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Effect:
        if (self.times is None) == (not self.curve):
            raise ValueError("an effect needs either `times` or `curve`")
        if self.step == "traffic" and self.where:
            raise ValueError("traffic has no `where`; shift shares with `mix`")
        if self.minutes and self.minutes[0] >= self.minutes[1]:
            raise ValueError("`minutes` must run forward")
        points = [minute_of(at) for at, _ in self.curve]
        if points != sorted(points):
            raise ValueError("the points of `curve` must be in order of time")
        return self


class Spotlight(_Strict):
    """One SKU that draws a share of all sessions to itself."""

    sku: str
    share: float = Field(gt=0, lt=1)


class Title(_Strict):
    zh: str
    en: str


class Scenario(_Strict):
    """A scenario file. `mix` multiplies the shares of codes of a dimension; shares are normalised afterwards."""

    name: str
    title: Title
    effects: tuple[Effect, ...] = ()
    mix: dict[Literal["province", "channel", "category"], dict[str, Annotated[float, Field(ge=0)]]] = Field(
        default_factory=dict
    )
    spotlight: Spotlight | None = None


def scenario_names(folder: Path = FOLDER) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))


def load_scenario(name: str, world: World, folder: Path = FOLDER) -> Scenario:
    """Read and check `<name>.yaml`. Raises UnknownNameError for no such file, DefinitionError for a wrong one."""
    if name not in scenario_names(folder):
        raise UnknownNameError("scenario", name, scenario_names(folder))
    path = folder / f"{name}.yaml"
    known = {"": tuple(Scenario.model_fields), "effects": tuple(Effect.model_fields)}
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        scenario = Scenario.model_validate({**content, "name": name})
    except yaml.YAMLError as problem:
        raise DefinitionError(path.name, "file", str(problem).replace("\n", " ")) from problem
    except ValidationError as problem:
        raise problem_of(path, problem, known) from problem
    for number, effect in enumerate(scenario.effects):
        for dimension, codes in effect.where.items():
            _check_codes(path, f"effects.{number}.where.{dimension}", dimension, codes, world)
    for dimension, shares in scenario.mix.items():
        _check_codes(path, f"mix.{dimension}", dimension, tuple(shares), world)
    if scenario.spotlight:
        _check_codes(path, "spotlight.sku", "sku", (scenario.spotlight.sku,), world)
    return scenario


def _check_codes(path: Path, entry: str, dimension: str, codes: tuple[str, ...], world: World) -> None:
    known = tuple(world.large_regions) if dimension == "large_region" else world.codes[dimension]
    for code in codes:
        if code not in known:
            raise DefinitionError(path.name, entry, f"no {dimension} {code!r}", nearest(code, known))


@dataclass(frozen=True, eq=False)
class Staged:
    """A scenario that has begun, in a world: answers "times what?" for a step, a time and dimensions."""

    scenario: Scenario
    world: World
    start: datetime

    @property
    def start_ms(self) -> int:
        return int(self.start.astimezone(UTC).timestamp() * 1000)

    def factor(self, step: Step, at_ms: Ints, dimensions: Mapping[str, Ints]) -> Floats:
        """One multiplier per row: `at_ms` are epoch milliseconds, `dimensions` index columns of the same length."""
        total = np.ones(len(at_ms))
        for effect in self.scenario.effects:
            if effect.step != step:
                continue
            applies = np.ones(len(at_ms), dtype=bool)
            if effect.minutes:
                after = (at_ms - self.start_ms) / 60_000
                applies &= (after >= effect.minutes[0]) & (after < effect.minutes[1])
            for dimension, codes in effect.where.items():
                column = "province" if dimension == "large_region" else dimension
                applies &= np.isin(dimensions[column], self._indices(dimension, codes))
            total = np.where(applies, total * self._size(effect, at_ms), total)
        return total

    def _indices(self, dimension: str, codes: tuple[str, ...]) -> list[int]:
        if dimension == "large_region":
            return [index for code in codes for index in self.world.large_regions[code]]
        return [self.world.index(dimension, code) for code in codes]

    @staticmethod
    def _size(effect: Effect, at_ms: Ints) -> Floats | float:
        if effect.times is not None:
            return effect.times
        minute = ((at_ms + int(ZONE.total_seconds() * 1000)) % 86_400_000) / 60_000
        return np.interp(minute, [minute_of(at) for at, _ in effect.curve], [size for _, size in effect.curve])

    def shares(self, dimension: str, shares: Floats) -> Floats:
        """Shares of a dimension's codes under this scenario's mix; they sum to 1."""
        changed = shares.copy()
        for code, times in self.scenario.mix.get(dimension, {}).items():  # type: ignore[call-overload]
            changed[self.world.index(dimension, code)] *= times
        return np.asarray(changed / changed.sum())
