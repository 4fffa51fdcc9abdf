"""Asks the metrics about a freshly loaded data set, the way tiles do, in local dates."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

from core.clock import ManualClock
from ingest.loader import LoadSummary, load_files
from ingest.mapping import load_mapping
from metrics.ask import CURRENT, Ask, make_filters
from metrics.calendar import BusinessCalendar, Span
from metrics.catalogue import load_catalogue
from metrics.reading import Number, Reading
from metrics.regions import load_region_set
from queries.client import ClickHouse
from queries.readings import fetch
from tests.conftest import empty_store

NOW = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)


class Truth:
    """One data set in an otherwise empty store."""

    def __init__(self, clickhouse: ClickHouse, mapping: str, files: Iterable[Path]) -> None:
        empty_store(clickhouse)
        self._clickhouse = clickhouse
        self.mapping = load_mapping(mapping)
        self.files = tuple(files)
        self.summary: LoadSummary = load_files(clickhouse, self.mapping, self.files, None, ManualClock(NOW))
        self._catalogue, self._profile = load_catalogue(), self.mapping.store
        self._regions = load_region_set(self._profile.region_set)
        self._calendar = BusinessCalendar.of(self._profile)

    def ask(
        self,
        metrics: str,
        first: str,
        after: str,
        by: tuple[str, ...] = (),
        grain: str | None = None,
        limit: int | None = None,
        **filters: str,
    ) -> Reading:
        """The reading of some metrics from business day `first` until before `after`."""
        span = Span(*(self._calendar.start_of(date.fromisoformat(day)) for day in (first, after)))
        chosen = make_filters({dimension: [code] for dimension, code in filters.items()})
        question = Ask("truth", tuple(metrics.split()), ((CURRENT, span),), by, grain, chosen, limit)
        reading = fetch(self._clickhouse, self._catalogue, self._profile, self._regions, question, NOW)
        assert isinstance(reading, Reading)
        return reading

    def total(self, metrics: str, first: str, after: str, **filters: str) -> tuple[Number, ...]:
        """The metrics' values over the days, rounded to six decimals as the figures are."""
        row = self.ask(metrics, first, after, **filters).total()
        return tuple(_rounded(row.value(metric)) for metric in metrics.split())

    def split(self, metrics: str, first: str, after: str, dimension: str) -> dict[str, tuple[Number, ...]]:
        """The metrics' values by code of one dimension."""
        reading = self.ask(metrics, first, after, by=(dimension,))
        return {row.keys[0]: tuple(_rounded(row.value(m)) for m in metrics.split()) for row in reading.rows}


def _rounded(value: Number) -> Number:
    return round(value, 6) if isinstance(value, float) else value


def top(found: dict[str, tuple[Number, ...]], place: int, count: int) -> list[tuple[object, ...]]:
    """The codes with the largest value at `place`, best first, as (code, *values)."""
    ordered = sorted(found.items(), key=lambda entry: -(entry[1][place] or 0))
    return [(code, *values) for code, values in ordered[:count]]
