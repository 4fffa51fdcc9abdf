"""What a store of events is: its business clock, currency and region level. The wall follows it."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

# Amounts are kept as whole ten-thousandths of the currency unit: exact sums, and unit prices with three decimals fit.
MONEY_SCALE = 10_000
DEMO = Path(__file__).parent / "demo.yaml"


class StoreProfile(BaseModel):
    """One store's settings, written once as `profile.yaml` beside its data. Unknown keys are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Shown in the header; plain text or a locale key.")
    name_en: str = ""
    time_zone: str = "Asia/Shanghai"
    day_start: time = Field(default=time(0, 0), description="When the business day begins, local time.")
    currency: str = Field(default="CNY", pattern=r"^[A-Z]{3}$")
    region_level: str = Field(default="province", description="The dimension on the map: province or country.")
    region_set: str = Field(default="cn_provinces", description="File in metrics/regions/: codes, names, parents.")
    map: str = Field(default="cn_provinces", description="File in assets/maps/ whose feature ids are the region codes.")
    home_country: str = Field(default="CHN", description="ISO 3166 alpha-3 of events that carry no country.")
    simulated: bool = False
    lateness_s: float = Field(
        default=3, ge=0, le=3600, description="How long after its end a minute may still receive events, in seconds."
    )
    distinct: Literal["exact", "sketch"] = Field(
        default="exact",
        description="How distinct users are counted; sketch is about 0.6 % off and costs the same at any size.",
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as unknown:
            raise ValueError(f"unknown time zone {value!r}") from unknown
        return value

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


def load_profile(folder: Path) -> StoreProfile | None:
    """The profile of the store in `folder`, or None when the store has none yet."""
    path = folder / "profile.yaml"
    return read_profile(path) if path.exists() else None


def read_profile(path: Path) -> StoreProfile:
    """A profile from its file. Raises ValidationError naming the field that is wrong."""
    return StoreProfile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def save_profile(folder: Path, profile: StoreProfile) -> None:
    """Write the profile beside the store's data, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / "profile.yaml.new"
    content = yaml.safe_dump(profile.model_dump(mode="json"), allow_unicode=True, sort_keys=False)
    fresh.write_text(content, encoding="utf-8")
    fresh.replace(folder / "profile.yaml")
