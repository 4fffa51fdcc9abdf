"""Which codes each dimension has in this store: what a URL may filter by, and the spine that alerts evaluate over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from core.clock import Clock
from core.errors import QueryFailedError
from metrics.catalogue import Catalogue
from metrics.regions import RegionSet

EVERY = timedelta(seconds=60)


class Members:
    """The codes by dimension: those of the region set and the definitions, and those that events have brought.

    Asked again at most once a minute, from rollups; a failing question keeps what is known.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        regions: RegionSet,
        level: str,
        load: Callable[[], Mapping[str, frozenset[str]]],
        clock: Clock,
    ) -> None:
        self._catalogue, self._load, self._clock = catalogue, load, clock
        self._fixed: dict[str, frozenset[str]] = {level: frozenset(regions.regions)}
        if regions.parents:
            self._fixed["large_region"] = frozenset(regions.parents)
        for dimension in catalogue.dimensions.values():
            if dimension.members:
                self._fixed[dimension.key] = self._fixed.get(dimension.key, frozenset()) | frozenset(dimension.members)
        self._seen: Mapping[str, frozenset[str]] = {}
        self._due: datetime | None = None
        self._lock = threading.Lock()

    def refresh(self) -> None:
        """Ask the rollups again when the last answer is older than a minute."""
        now = self._clock.now()
        with self._lock:
            if self._due is not None and now < self._due:
                return
            self._due = now + EVERY
        try:
            self._seen = self._load()
        except QueryFailedError:
            return  # what is known stays; the tick reports a store that does not answer

    def seen(self) -> Mapping[str, frozenset[str]]:
        """What events have brought, as far as it is known."""
        return self._seen

    def adopt(self, seen: Mapping[str, frozenset[str]]) -> None:
        """Take over what another process knows, which asks for both."""
        self._seen = seen

    def of(self, dimension: str) -> frozenset[str] | None:
        """Known codes of a dimension; None when there is no such dimension. `focus` is any metric."""
        if dimension == "focus":
            return frozenset(self._catalogue.metrics)
        if dimension not in self._catalogue.dimensions:
            return None
        return self._fixed.get(dimension, frozenset()) | self._seen.get(dimension, frozenset())
