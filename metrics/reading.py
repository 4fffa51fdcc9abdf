"""What came back from asking: frozen values, swapped whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime

from metrics.ask import CURRENT, Ask, Facts, Latest, Question

Number = float | int | None  # None is "no number": nothing to divide by, nothing happened yet; never 0, never -1


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a reading: its dimension codes, its bucket (None without grain), values by span then by metric."""

    keys: tuple[str, ...]
    bucket: int | None
    values: Mapping[str, Mapping[str, Number]]

    def value(self, metric: str, span: str = CURRENT) -> Number:
        """The metric's value in a span, in the metric's own unit (money in currency units); None when there is none."""
        return self.values.get(span, {}).get(metric)


@dataclass(frozen=True, slots=True)
class Reading:
    """The answer to one ask. `error` is one line when the statement failed; then `rows` are the last good ones."""

    ask: Ask
    rows: tuple[Row, ...]
    as_of: datetime  # aware UTC: what the rows are true for
    engine_ms: float = 0.0
    error: str | None = None
    sources: tuple[str, ...] = field(default=())  # which tables answered, for the curious and for tests

    def total(self) -> Row:
        """The only row of an ask without `by` and `grain`; an empty row when nothing came back."""
        return self.rows[0] if self.rows else Row((), None, {})


@dataclass(frozen=True, slots=True)
class Listing:
    """The answer to a `Latest`: ledger rows as mappings of column to value, newest first; amounts in currency units."""

    ask: Latest
    rows: tuple[Mapping[str, object], ...]
    as_of: datetime
    engine_ms: float = 0.0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """The answer to `Facts`: rows of label, value (a number or None), unit, tone, and `at` where there is a moment."""

    ask: Facts
    rows: tuple[Mapping[str, object], ...]
    as_of: datetime
    engine_ms: float = 0.0
    error: str | None = None


Answer = Reading | Listing | Findings


Work = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Joint:
    """The answers to come to several questions, and the work that brings them: each to be run once, by any thread."""

    answers: Mapping[Question, Future[Answer]]
    works: Sequence[Work]
