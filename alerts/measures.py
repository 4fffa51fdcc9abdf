"""What the alerts need to know of a metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """`ledgers` feed it; `countable` ones are 0 when nothing happened, the others (ratios) have no number then."""

    key: str
    name: Mapping[str, str]
    unit: str
    ledgers: frozenset[str]
    countable: bool
    dimensions: frozenset[str]
