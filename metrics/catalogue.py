"""The catalogue: every metric and dimension there is, made of the definition files and checked as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from core.errors import DefinitionError, UnknownNameError
from metrics.definitions_check import check_definitions, read_metrics
from metrics.model import Dimension, Measure, Metric

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Catalogue:
    """All definitions. `metrics` and `dimensions` are by key, in the order of the files."""

    metrics: Mapping[str, Metric]
    dimensions: Mapping[str, Dimension]

    @cached_property
    def _aliases(self) -> Mapping[str, str]:
        return {alias: metric.key for metric in self.metrics.values() for alias in metric.aliases}

    def metric(self, key: str) -> Metric:
        """A metric by key or alias. Raises UnknownNameError."""
        found = self.metrics.get(key) or self.metrics.get(self._aliases.get(key, ""))
        if found is None:
            raise UnknownNameError("metric", key, [*self.metrics, *self._aliases])
        return found

    def dimension(self, key: str) -> Dimension:
        """A dimension by key. Raises UnknownNameError."""
        if key not in self.dimensions:
            raise UnknownNameError("dimension", key, self.dimensions)
        return self.dimensions[key]

    def physical(self, key: str) -> str:
        """The dimension a level is built over: province for large_region, itself for a ledger column."""
        return self.dimension(key).over or key

    @cached_property
    def _measures(self) -> Mapping[str, frozenset[Measure]]:
        return {key: self._collect(key) for key in self.metrics}

    def _collect(self, key: str) -> frozenset[Measure]:
        metric = self.metrics[key]
        if metric.measure:
            return frozenset({metric.measure})
        names = metric.formula.names if metric.formula else ()
        parts = (
            self._collect(self.metric(name).key) for name in names if name in self.metrics or name in self._aliases
        )
        return frozenset().union(*parts)

    def counts_users(self, key: str) -> bool:
        """Whether a metric counts distinct users, itself or in its formula: what a store may keep sketches of."""
        return any(measure.aggregate == "uniq" and measure.column == "user_id" for measure in self.measures_of(key))

    def measures_of(self, key: str) -> frozenset[Measure]:
        """Every aggregate a metric needs. Raises UnknownNameError."""
        return self._measures[self.metric(key).key]

    def ledgers_of(self, key: str) -> frozenset[str]:
        """The ledgers that feed a metric: orders, behaviour or both."""
        return frozenset(measure.ledger for measure in self.measures_of(key))

    def compute(
        self, key: str, found: Mapping[Measure, Fraction | None], builtins: Mapping[str, Fraction | None]
    ) -> Fraction | None:
        """A metric's exact value from its measures (money already in currency units); None where there is no number."""
        metric = self.metric(key)
        if metric.measure:
            return found.get(metric.measure)
        assert metric.formula is not None
        values = {
            name: builtins[name] if name in builtins else self.compute(name, found, builtins)
            for name in metric.formula.names
        }
        return metric.formula.compute(values)


def load_catalogue(folder: Path = FOLDER) -> Catalogue:
    """Read `dimensions.yaml` and `definitions/*.yaml`. Raises the first DefinitionError there is."""
    metrics, dimensions, problems = read_metrics(folder)
    if problems:
        raise problems[0]
    return Catalogue(metrics, dimensions)


def check_catalogue(folder: Path = FOLDER) -> list[DefinitionError]:
    """Every problem of the definitions; empty when they are sound."""
    return check_definitions(folder)
