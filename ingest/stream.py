"""The simulated business as one stream that only moves forward: history takes hours of it, the live wall seconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ingest.columns import BEHAVIOUR_COLUMNS, ORDER_COLUMNS, Rows, join
from ingest.demand import DAY, TAGS, ZONE_SECONDS, Demand
from ingest.dice import Dice
from ingest.event import ORDER_KINDS
from ingest.fate import Fate
from ingest.journey import SESSION_SECONDS, Journey
from ingest.scenario import Staged

NEAR_MS = 60_000
CHUNK_SESSIONS = 60_000  # sessions drawn at once: large enough for numpy, small enough for its cache
PAID, REFUNDED = ORDER_KINDS.index("paid"), ORDER_KINDS.index("refunded")


@dataclass(frozen=True)
class Settings:
    """What makes two streams the same: `rate` is ledger rows a second, averaged over a day."""

    seed: int
    rate: float

    @property
    def tag(self) -> int:
        return int(Dice(self.seed).uniform("tag", np.array([round(self.rate * 1000)]))[0] * TAGS)


class Waiting:
    """Rows whose time has not come. Those of the next minute are kept apart so that the others are not touched."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        self._near: list[Rows] = []
        self._far: list[Rows] = []
        self._horizon = 0

    def add(self, rows: Rows) -> None:
        soon = rows["ts"] < self._horizon
        self._near.append(rows.take(soon))
        self._far.append(rows.take(~soon))

    def due(self, until_ms: int) -> Rows:
        """Take out the rows before `until_ms`."""
        if until_ms > self._horizon:
            self._horizon = until_ms + NEAR_MS
            far = join(self._far, self._columns)
            soon = far["ts"] < self._horizon
            self._near.append(far.take(soon))
            self._far = [far.take(~soon)]
        near = join(self._near, self._columns)
        now = near["ts"] < until_ms
        self._near = [near.take(~now)]
        return near.take(now)


@dataclass(frozen=True, eq=False)
class Released:
    """What happened in a stretch of time: behaviour rows and order rows, in no order of time."""

    behaviour: Rows
    orders: Rows

    def __len__(self) -> int:
        return len(self.behaviour) + len(self.orders)


class Stream:
    """All events of the business from a moment on, each exactly once, a pure function of settings and scenario.

    `begin` is the first second whose events are wanted. What sessions of the minutes before it still do is found by
    drawing those sessions again; what becomes of orders created before it is known from the ledger (`adopt`).
    """

    def __init__(
        self, settings: Settings, staged: Staged, begin: int, *, behaviour_since: int = 0, orders_since: int = 0
    ) -> None:
        """`*_since` are epoch milliseconds: a ledger that is further along than `begin` gets nothing before them."""
        self.begin = begin
        self._settings = settings
        self._cursor = begin - SESSION_SECONDS
        self._behaviour_since = max(behaviour_since, begin * 1000)
        self._orders_since = max(orders_since, begin * 1000)
        self._behaviour, self._created = Waiting(BEHAVIOUR_COLUMNS), Waiting(ORDER_COLUMNS)
        self._fates = Waiting(ORDER_COLUMNS)
        self.stage(staged)

    @property
    def tag(self) -> int:
        """Differs between streams of other settings; part of every batch's token."""
        return self._settings.tag

    def stage(self, staged: Staged) -> None:
        """Go on under another scenario: for sessions that begin, and payments that are due, from now on."""
        dice = Dice(self._settings.seed)
        self._demand = Demand(dice, self._settings.rate, staged.world, staged, self._settings.tag)
        self._journey, self._fate = Journey(dice, staged.world, staged), Fate(dice, staged.world, staged)

    def adopt(self, created: Rows) -> None:
        """Take over open orders from the ledger: `created` rows with a column `paid` (0 or 1)."""
        fates = self._fate.follow(created.only(ORDER_COLUMNS))
        fates = fates.take(fates["ts"] >= self._orders_since)
        was_paid = np.isin(fates["order"], created["order"][created["paid"] > 0])
        will_be_paid = np.isin(fates["order"], fates["order"][fates["kind"] == PAID])
        refund = fates["kind"] == REFUNDED
        self._fates.add(fates.take(np.where(was_paid, refund, ~refund | will_be_paid)))

    def advance(self, until: int) -> Released:
        """Everything that happens before the epoch second `until` and was not released yet."""
        for begin, end in self._stretches(until):
            behaviour, created = self._journey.walk(self._demand.sessions(begin, end))
            self._behaviour.add(behaviour)
            self._created.add(created)
        limit = until * 1000
        behaviour = self._behaviour.due(limit)
        created = self._created.due(limit)
        created = created.take(created["ts"] >= self._orders_since)
        self._fates.add(self._fate.follow(created))
        return Released(
            behaviour.take(behaviour["ts"] >= self._behaviour_since),
            join([created, self._fates.due(limit)], ORDER_COLUMNS),
        )

    def _stretches(self, until: int) -> Iterator[tuple[int, int]]:
        """Pieces of [cursor, until) that stay within a local hour and draw a bounded number of sessions."""
        step = max(1, min(3600, int(CHUNK_SESSIONS / max(self._settings.rate, 0.1))))
        while self._cursor < until:
            hour_end = self._cursor + 3600 - (self._cursor + ZONE_SECONDS) % DAY % 3600
            end = min(until, hour_end, self._cursor + step)
            yield self._cursor, end
            self._cursor = end
