"""A question to the ledgers: which metrics, over which spans, split by what, filtered to what.

Tiles, alerts, the command line and the API all ask with this one value, so they cannot get different answers.
"""

from __future__ import annotations

from dataclasses import dataclass

from metrics.calendar import Span

Filters = tuple[tuple[str, tuple[str, ...]], ...]  # ((dimension, (code, …)), …), sorted: hashable, one spelling

CURRENT = "current"


def make_filters(wanted: dict[str, list[str]] | dict[str, tuple[str, ...]]) -> Filters:
    """The one spelling of a set of filters: dimensions and codes sorted, empty ones left out."""
    return tuple((dimension, tuple(sorted(set(codes)))) for dimension, codes in sorted(wanted.items()) if codes)


@dataclass(frozen=True, slots=True)
class Ask:
    """One question. `spans` always holds `current` first; the others are its comparisons by name.

    With `grain` (minute, hour, day) rows also carry the bucket's offset in buckets from its own span's start, so that
    bucket 5 of today lies beside bucket 5 of yesterday. `limit` keeps the rows with the largest first metric.
    """

    name: str
    metrics: tuple[str, ...]
    spans: tuple[tuple[str, Span], ...]
    by: tuple[str, ...] = ()
    grain: str | None = None
    filters: Filters = ()
    limit: int | None = None

    @property
    def current(self) -> Span:
        return self.spans[0][1]


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest rows of a ledger, newest first: the order ticker, and drill-down to detail rows."""

    name: str
    ledger: str  # orders | behaviour
    kinds: tuple[str, ...]
    span: Span
    filters: Filters = ()
    limit: int = 20


HEALTH_TOPICS = ("sources", "ledgers", "letters", "reconciliation", "rows", "parts", "disk", "statements")

SCREENS = "screens"  # a topic of its own: about the screens that show the wall, answered by their registry


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known under a topic: about the data (HEALTH_TOPICS; with filters nothing) or the SCREENS."""

    name: str
    topic: str
    filters: Filters = ()


Question = Ask | Latest | Facts
