"""Goals: what a metric is meant to reach in a business day, from `goals.yaml`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import DefinitionError, nearest
from metrics.definition_file import read_definitions
from metrics.profile import StoreProfile

FILE = Path(__file__).parent / "goals.yaml"
TOLERANCE = 0.005  # parts may be rounded
DEMO = "demo"  # stands for every simulated store, whatever its name


class Goal(BaseModel):
    """One goal. `store` is the store's name in either language, or `demo` for a simulated one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    period: Literal["day"] = "day"
    target: float = Field(gt=0, description="In the metric's unit; money in currency units.")
    store: str
    owner: str
    note: str = ""
    parts: dict[str, dict[str, float]] = Field(
        default_factory=dict, description="The target shared out: dimension -> code -> target."
    )


def load_goals(metrics: Collection[str], path: Path = FILE) -> tuple[Goal, ...]:
    """All goals, checked against the names of the metrics. Raises DefinitionError."""
    content = read_definitions(path)
    goals: list[Goal] = []
    for index, entry in enumerate(content.get("goals") or ()):
        place = f"goals[{index}]"
        try:
            goal = Goal.model_validate(entry)
        except ValidationError as problem:
            first = problem.errors()[0]
            where = ".".join([place, *map(str, first["loc"])])
            raise DefinitionError(path.name, where, first["msg"]) from problem
        if goal.metric not in metrics:
            raise DefinitionError(path.name, place, f"unknown metric {goal.metric!r}", nearest(goal.metric, metrics))
        if any((goal.metric, goal.store) == (other.metric, other.store) for other in goals):
            raise DefinitionError(path.name, place, f"a second goal for {goal.metric!r} of {goal.store!r}")
        for dimension, parts in goal.parts.items():
            if abs(sum(parts.values()) - goal.target) > TOLERANCE * goal.target:
                said = f"the parts by {dimension} add up to {sum(parts.values()):,.0f}, not {goal.target:,.0f}"
                raise DefinitionError(path.name, place, said)
        goals.append(goal)
    return tuple(goals)


def goal_for(goals: Sequence[Goal], metric: str, profile: StoreProfile) -> Goal | None:
    """The day's goal of a metric in a store, or None."""
    names = {profile.name, profile.name_en} | ({DEMO} if profile.simulated else set())
    return next((goal for goal in goals if goal.metric == metric and goal.store in names), None)


def part_of(goal: Goal | None, dimension: str, codes: Collection[str]) -> float | None:
    """What some codes of a dimension together are meant to reach; None unless each of them has a part."""
    parts = goal.parts.get(dimension, {}) if goal else {}
    known = [parts[code] for code in codes if code in parts]
    return sum(known) if known and len(known) == len(codes) else None
