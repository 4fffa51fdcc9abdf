"""What a comparison found: figures that are not what they should be, and what could not be compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure that is not what it should be. Money is in currency units."""

    check: str  # rollup | wall | ledger | settled
    subject: str  # the rollup's table, the metric of the wall, the rule of the ledger, or the settled mapping
    day: date
    dimension: str  # '' for totals
    code: str
    column: str
    expected: float
    actual: float

    @property
    def amount(self) -> float:
        return self.actual - self.expected


@dataclass(frozen=True, slots=True)
class Report:
    """What was compared: how many figures, which differ beyond tolerance, and what could not be compared and why."""

    first: date
    last: date
    dimension: str
    compared: int
    differences: tuple[Difference, ...]
    skipped: tuple[str, ...] = field(default=())

    @property
    def drifting(self) -> int:
        """Figures of rollups, or of the wall, that are unlike single events: a rebuild puts them right."""
        return sum(found.check in ("rollup", "wall") for found in self.differences)

    @property
    def contradicting(self) -> int:
        """Figures of the order ledger that contradict each other: events are wrong or lacking, and rollups are not."""
        return sum(found.check == "ledger" for found in self.differences)
