"""What the alerts need to know of a metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from metrics.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Measured:
    """`ledgers` feed it; `countable` ones are 0 when nothing happened, the others (ratios) have no number then."""

    key: str
    name: Mapping[str, str]
    unit: str
    ledgers: frozenset[str]
    countable: bool
    dimensions: frozenset[str]


def measures_of(catalogue: Catalogue) -> dict[str, Measured]:
    """Every metric of the catalogue, by key."""
    return {
        key: Measured(
            key,
            metric.name,
            metric.unit,
            catalogue.ledgers_of(key),
            _countable(catalogue, key),
            frozenset(metric.dimensions),
        )
        for key, metric in catalogue.metrics.items()
    }


def _countable(catalogue: Catalogue, key: str) -> bool:
    """Whether the metric has a value when nothing at all happened in a minute."""
    nothing = dict.fromkeys(catalogue.measures_of(key), Fraction(0))
    return catalogue.compute(key, nothing, {"window_minutes": Fraction(1)}) is not None
