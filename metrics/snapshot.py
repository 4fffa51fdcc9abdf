"""One tick's truth for one scope: frozen, published whole, read by every screen that looks at that scope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from metrics.ask import Question
from metrics.reading import Answer, Number
from metrics.scope import Scope


@dataclass(frozen=True, slots=True)
class PlannedTile:
    """What one tile of a board wants to know for a scope at a moment, and how often (seconds) it is worth asking."""

    key: str
    questions: Mapping[str, Question]  # role in the tile -> question
    every: float
    paces: Mapping[str, float] = field(default_factory=dict)  # role -> seconds, where it is not worth `every`

    def pace(self, role: str) -> float:
        """Seconds between two asks of one role's question; 0 is every tick."""
        return self.paces.get(role, self.every)


@dataclass(frozen=True, slots=True)
class TileReadings:
    """The answers of one tile. `version` grows whenever something in them changed; `error` is one line."""

    key: str
    version: int
    answers: Mapping[str, Answer]
    as_of: datetime | None  # what they are true for; None when never answered
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far a ledger has come. `reached` is the event time the sources have reached, None for an empty ledger."""

    ledger: str
    reached: datetime | None
    lag_s: float | None  # now - reached at the time of asking


MARKERS = "markers"  # the ledger of events that mean nothing (live/latency.py)


def of_business(watermarks: Iterable[Watermark]) -> tuple[Watermark, ...]:
    """The watermarks that promise something about the business: markers go on arriving when its events do not."""
    return tuple(mark for mark in watermarks if mark.ledger != MARKERS)


def marker_of(watermarks: Iterable[Watermark]) -> int | None:
    """The time of the newest marker, epoch milliseconds; None where there is none."""
    reached = next((mark.reached for mark in watermarks if mark.ledger == MARKERS), None)
    return round(reached.timestamp() * 1000) if reached else None


SEVERITIES = ("critical", "warning", "info")  # the worst first


@dataclass(frozen=True, slots=True)
class AlertView:
    """One rule instance as a tile shows it. Built by alerts, drawn by layouts; neither knows the other."""

    rule: str
    severity: str  # critical | warning | info
    state: str  # inactive | pending | firing | resolved | no_data | error
    since: datetime | None
    value: Number
    limit: Number
    metric: str
    dimension: str | None  # e.g. large_region, with `code` its member; None when the rule has one instance
    code: str | None
    name: Mapping[str, str]  # locale -> words
    cause: Mapping[str, str]  # locale -> one line: what was seen against what limit is allowed
    action: Mapping[str, str]  # locale -> next step
    owner: Mapping[str, str]  # locale -> who acts
    unit: str = ""
    subject: str = ""  # what is meant where `code` is no member of a dimension: the name of a wall
    evaluated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a screen of one scope shows. `version` is boot id plus counter, so a restart never looks older."""

    scope: Scope
    version: str
    as_of: datetime
    live: bool  # False for a past day
    tiles: Mapping[str, TileReadings]
    watermarks: tuple[Watermark, ...]
    alerts: tuple[AlertView, ...]
    engine_ms: float  # of the tick that made it
    complete: bool = True  # False while tiles have not been answered for the first time
    heard: datetime | None = None  # the newest moment for which the store said how far it is; None before the first
    mute: bool = False  # the store does not answer: what it last said is not said again
