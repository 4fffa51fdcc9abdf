"""What a metric and a dimension are: the entries of the definition files, and the checked values made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from metrics.ask import Filters
from metrics.formula import Formula

Unit = Literal["money", "count", "ratio", "rate_money", "rate_count", "duration"]
Locale = Literal["zh", "en"]

# What each ledger can be asked: its kinds of event, what adds up and what is counted once.
KINDS: Mapping[str, tuple[str, ...]] = {
    "orders": ("created", "paid", "cancelled", "refunded"),
    "behaviour": (
        "visit",
        "impression",
        "click",
        "view",
        "cart",
        "uncart",
        "favourite",
        "checkout",
        "promo_impression",
        "promo_click",
    ),
    "reconciliations": (),  # the comparisons of rollups with their ledger: a row each run, of any kind
}
SUMS: Mapping[str, tuple[str, ...]] = {
    "orders": ("orders", "amount", "units"),
    "behaviour": ("quantity",),
    "reconciliations": ("compared", "differences", "contradictions"),
}
UNIQUES: Mapping[str, tuple[str, ...]] = {
    "orders": ("user_id", "session_id", "order_id", "room", "sku"),
    "behaviour": ("user_id", "session_id", "room", "sku"),
    "reconciliations": (),
}
MONEY_COLUMNS = frozenset({"amount"})
ANY = "any"


@dataclass(frozen=True, slots=True, order=True)
class Measure:
    """One aggregate that ClickHouse computes over a ledger. `kind` is `any` for every kind of event."""

    ledger: str  # orders | behaviour | reconciliations
    aggregate: str  # sum | uniq
    column: str
    kind: str
    where: Filters = ()

    @property
    def is_money(self) -> bool:
        return self.column in MONEY_COLUMNS


class Definition(BaseModel):
    """One entry of `definitions/*.yaml` as people write it. Exactly one of atomic, derived, composite."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["atomic", "derived", "composite"]
    name: dict[Locale, str]
    definition: dict[Locale, str] = Field(description="The 口径: from which step to which step, what counts.")
    unit: Unit
    format: Literal["compact", "full", "percent"] = "compact"
    good: Literal["up", "down", "neutral"] = "up"
    tier: Literal["strategic", "management", "execution"]
    theme: Literal["people", "goods", "scene", "trade", "service"]
    owner: str = Field(min_length=1)
    fresh_s: float = Field(gt=0, description="The freshness promise in seconds: older is stale.")
    dimensions: tuple[str, ...] = Field(description="What it may be split and filtered by.")
    aliases: tuple[str, ...] = ()

    ledger: Literal["orders", "behaviour", "reconciliations"] | None = None
    aggregate: Literal["sum", "uniq"] | None = None
    column: str | None = None
    kind: str | None = None
    of: str | None = None
    where: dict[str, tuple[str, ...]] | None = None
    formula: str | None = None

    @model_validator(mode="after")
    def _parts_fit_type(self) -> Definition:
        parts = {
            "atomic": ("ledger", "aggregate", "column", "kind"),
            "derived": ("of", "where"),
            "composite": ("formula",),
        }
        for kind, names in parts.items():
            for name in names:
                given = getattr(self, name) is not None
                if given != (kind == self.type):
                    word = "needs" if kind == self.type else "cannot have"
                    article = "an" if self.type == "atomic" else "a"
                    raise ValueError(f"{article} {self.type} metric {word} {name!r}")
        return self


@dataclass(frozen=True)
class Metric:
    """A checked metric. Atomic and derived ones have a `measure`, composite ones a `formula` over other metrics."""

    key: str
    type: str
    name: Mapping[str, str]
    definition: Mapping[str, str]
    unit: str
    format: str
    good: str
    tier: str
    theme: str
    owner: str
    fresh_s: float
    dimensions: tuple[str, ...]
    additive: bool  # the parts of a day add up to the day: sums do, distinct counts and ratios do not
    aliases: tuple[str, ...] = ()
    measure: Measure | None = None
    formula: Formula | None = None
    file: str = ""


class DimensionDefinition(BaseModel):
    """One entry of `dimensions.yaml`. A coarser level names its finer one in `over`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: dict[Locale, str]
    over: str | None = Field(default=None, description="The finer dimension whose codes this one gathers.")
    regions: Literal["regions", "parents"] | None = Field(
        default=None, description="Codes and labels come from the store's region set."
    )
    ledgers: tuple[Literal["orders", "behaviour"], ...] = ("orders", "behaviour")
    children: dict[str, tuple[str, ...]] = Field(default_factory=dict, description="code -> codes of the finer one.")
    labels: dict[str, dict[Locale, str]] = Field(default_factory=dict)


@dataclass(frozen=True)
class Dimension:
    """A checked dimension. `members` are the codes known by definition, each with its finer codes."""

    key: str
    name: Mapping[str, str]
    over: str | None = None
    regions: str | None = None
    ledgers: tuple[str, ...] = ("orders", "behaviour")
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
