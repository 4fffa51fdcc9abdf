"""What an alert rule is: a checked entry in `rules/*.yaml`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from locales.words import LOCALES

Words = dict[str, str]
DRIFTS = ("differing_figures", "contradicting_figures")  # what a comparison finds


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MinVolume(Strict):
    """Below this much of `metric` the value is chance and is not judged.

    A `change` rule asks it of the compared span: after a drop the current one is small by nature.
    """

    metric: str
    value: float = Field(gt=0)
    below: float | None = Field(default=None, description="From this much on another rule judges: it counts as clear.")

    @model_validator(mode="after")
    def _leaves_room(self) -> MinVolume:
        if self.below is not None and self.below <= self.value:
            raise ValueError("`below` must lie above `value`, or nothing is ever judged")
        return self


class Rule(Strict):
    """One rule. With `by` it has one instance per member of that dimension, each with its own state.

    A minute is judged when it is complete. `breaches` of the last `out_of` judged minutes fire; `resolve_after` minutes
    in a row on the good side of `resolve_limit` resolve; between both limits nothing changes.
    """

    key: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: Words
    metric: str = Field(description="What is watched; for `stale` the metric whose trend a click opens.")
    type: Literal["threshold", "change", "stale", "drift", "screens"] = "threshold"
    op: Literal["above", "below"] = "below"
    limit: float = Field(
        description="`change`: a ratio (-0.4 is 40 % less); `stale`, `screens`: seconds; others: in the metric's unit."
    )
    resolve_limit: float | None = Field(
        default=None, description="Where it counts as good again; the limit when empty."
    )
    window_minutes: int = Field(default=1, ge=1, le=1440)
    by: str | None = None
    where: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    compare: Literal["previous_day", "previous_week"] = "previous_day"
    ledger: Literal["orders", "behaviour"] | None = Field(default=None, description="Only for `stale`.")
    watch: Literal["dark", "frozen"] | None = Field(
        default=None, description="Only for `screens`: not heard at all, or heard while its picture does not move."
    )
    min_volume: MinVolume | None = None
    breaches: int = Field(default=1, ge=1, le=60)
    out_of: int = Field(default=0, ge=0, le=60, description="0 is as many as `breaches`: all in a row.")
    resolve_after: int = Field(default=3, ge=1, le=60)
    severity: Literal["critical", "warning", "info"] = "warning"
    owner: Words = Field(description="Who acts. One text stands for all languages, as with a person's name.")
    action: Words = Field(description="The next step for who sees it.")

    @field_validator("owner", mode="before")
    @classmethod
    def _same_in_all(cls, owner: object) -> object:
        return dict.fromkeys(LOCALES, owner) if isinstance(owner, str) else owner

    @model_validator(mode="after")
    def _sensible(self) -> Rule:
        for field in ("name", "owner", "action"):
            written = {locale for locale, text in getattr(self, field).items() if text.strip()}
            if written != set(LOCALES):
                raise ValueError(f"{field} is written in {' and '.join(LOCALES)}, here in {sorted(written)}")
        if self.out_of and self.out_of < self.breaches:
            raise ValueError(f"{self.breaches} breaches cannot be found in {self.out_of} minutes")
        if (self.type == "stale") != (self.ledger is not None):
            raise ValueError("`ledger` belongs to stale rules, and to all of them")
        if self.type == "stale" and (self.op == "below" or self.limit <= 0 or self.by or self.where or self.min_volume):
            raise ValueError("a stale rule is `op: above` some seconds, without by, where or min_volume")
        if self.type == "drift" and (self.op == "below" or self.limit < 0 or self.by or self.where or self.min_volume):
            raise ValueError("a drift rule is `op: above` some figures, without by, where or min_volume")
        if self.type == "drift" and self.metric not in DRIFTS:
            raise ValueError(f"a drift rule watches {' or '.join(DRIFTS)}")
        if (self.type == "screens") != (self.watch is not None):
            raise ValueError("`watch` (dark or frozen) belongs to screens rules, and to all of them")
        if self.type == "screens" and (
            self.op == "below" or self.limit <= 0 or self.by or self.where or self.min_volume
        ):
            raise ValueError("a screens rule is `op: above` some seconds, without by, where or min_volume")
        back = self.clear_limit - self.limit
        if (self.op == "below" and back < 0) or (self.op == "above" and back > 0):
            raise ValueError("resolve_limit lies on the bad side of limit")
        return self

    @property
    def clear_limit(self) -> float:
        return self.limit if self.resolve_limit is None else self.resolve_limit

    @property
    def span_of_judging(self) -> int:
        """How many judged minutes are remembered."""
        return self.out_of or self.breaches

    @property
    def metrics(self) -> tuple[str, ...]:
        """What has to be asked: the watched metric and the volume."""
        volume = () if self.min_volume is None or self.min_volume.metric == self.metric else (self.min_volume.metric,)
        return (self.metric, *volume)

    def judge(self, value: float) -> Literal["breach", "band", "clear"]:
        """Where a value (or a relative change) stands between the two limits."""
        sign = 1 if self.op == "above" else -1
        if (value - self.limit) * sign > 0:
            return "breach"
        return "clear" if (self.clear_limit - value) * sign >= 0 else "band"
