"""The simulated shop and its country: regions, cities, categories, SKUs, channels, tiers and live rooms as codes."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import DefinitionError, nearest
from ingest.dice import Floats
from ingest.shapes import region_demand
from metrics import regions
from metrics.regions import load_region_set

HERE = Path(__file__).parent
ROOMS = Path(regions.__file__).parent / "rooms.yaml"
CITIES = Path(regions.__file__).parent / "cn_cities.csv"

# The shop's clock: China has one time zone without daylight saving, so a fixed offset is exact.
ZONE = timedelta(hours=8)
SLOTS = 48  # half hours of a local day, the grain of the live schedule

SOURCE = "simulator"
COUNTRY = "CHN"
HOUR = r"^([01]\d|2[0-4]):[0-5]\d$"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rates(_Strict):
    """How one category, channel or tier differs from the shop's mean; 1 is the mean."""

    weight: float = Field(gt=0)
    price: float = Field(default=1.0, gt=0)
    order: float = Field(default=1.0, gt=0)
    refund: float = Field(default=1.0, gt=0)


class Business(_Strict):
    """What `business.yaml` holds."""

    categories: dict[str, Rates]
    channels: dict[str, Rates]
    tiers: dict[str, Rates]
    skus_per_category: int = Field(gt=0, le=1000)


class Room(_Strict):
    """A live room: names, what it sells, and when it is on air, as pairs of local times."""

    zh: str
    en: str
    categories: tuple[str, ...] = Field(min_length=1)
    hours: tuple[tuple[str, str], ...] = Field(min_length=1)
    weight: float = Field(gt=0)

    def on_air(self) -> npt.NDArray[np.bool_]:
        """48 half hours of a local day: on air or not."""
        slots = np.zeros(SLOTS, dtype=bool)
        for begin, end in self.hours:
            slots[minute_of(begin) // 30 : -(-minute_of(end) // 30)] = True
        return slots


class Rooms(_Strict):
    """What `metrics/rooms.yaml` holds."""

    rooms: dict[str, Room]


def minute_of(text: str) -> int:
    """The minute of the day of `HH:MM`; 24:00 is the day's end."""
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


@dataclass(frozen=True, eq=False)
class World:
    """Codes by dimension, and what the draws need to know of each. Index 0 of room and SKU is '' (none).

    Shapes: `*_weight` and rate arrays are as long as their codes; `room_on_air` is (48 slots, rooms + 1);
    `room_category` is (rooms + 1, categories); `city_start` and `city_count` give each province its slice of cities.
    """

    codes: Mapping[str, tuple[str, ...]]
    large_regions: Mapping[str, tuple[int, ...]]
    weight: Mapping[str, Floats]
    price: Floats
    order: Mapping[str, Floats]
    refund: Mapping[str, Floats]
    room_on_air: Floats
    room_category: Floats
    city_start: npt.NDArray[np.int64]
    city_count: npt.NDArray[np.int64]
    skus_per_category: int

    def index(self, dimension: str, code: str) -> int:
        """Position of a code. Raises KeyError for a code that is not in this world."""
        try:
            return self.codes[dimension].index(code)
        except ValueError:
            raise KeyError(code) from None


def _read(path: Path) -> object:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def problem_of(path: Path, problem: ValidationError, known: Mapping[str, tuple[str, ...]]) -> DefinitionError:
    """The first thing pydantic found wrong in a file, with near names for a key that does not exist."""
    first = problem.errors()[0]
    place = [str(part) for part in first["loc"]]
    near: tuple[str, ...] = ()
    if first["type"] == "extra_forbidden":
        near = nearest(place[-1], known.get(place[0] if len(place) > 1 else "", ()))
    return DefinitionError(path.name, ".".join(place) or "file", first["msg"], near)


def _load_business(path: Path) -> Business:
    try:
        return Business.model_validate(_read(path))
    except ValidationError as problem:
        raise problem_of(path, problem, {}) from problem


def _load_rooms(path: Path, categories: tuple[str, ...]) -> dict[str, Room]:
    try:
        rooms = Rooms.model_validate(_read(path)).rooms
    except ValidationError as problem:
        raise problem_of(path, problem, {}) from problem
    for code, room in rooms.items():
        for category in room.categories:
            if category not in categories:
                raise DefinitionError(
                    path.name, code, f"no category {category!r} in business.yaml", nearest(category, categories)
                )
    return rooms


def _shares(values: list[float]) -> Floats:
    return np.array(values) / sum(values)


def _relative(rates: Mapping[str, Rates], what: str) -> Floats:
    """A rate by code, normalised so that its mean over sessions is 1."""
    weight = _shares([rate.weight for rate in rates.values()])
    values = np.array([float(getattr(rate, what)) for rate in rates.values()])
    return np.asarray(values / (weight * values).sum())


@cache
def load_world(business_file: Path = HERE / "business.yaml", rooms_file: Path = ROOMS) -> World:
    """Build the world from its data files. Raises DefinitionError naming the file and entry that is wrong."""
    business = _load_business(business_file)
    categories, channels = tuple(business.categories), tuple(business.channels)
    rooms = _load_rooms(rooms_file, categories)
    provinces = load_region_set("cn_provinces")
    demand = region_demand()
    codes = tuple(provinces.regions)

    cities: list[str] = []
    start, count = [], []
    with CITIES.open(encoding="utf-8", newline="") as lines:
        known = list(csv.DictReader(lines))
    for code in codes:
        mine = [city["code"] for city in known if city["parent"] == code] or [code]
        start.append(len(cities))
        count.append(len(mine))
        cities += mine

    on_air = np.zeros((SLOTS, len(rooms) + 1))
    sells = np.zeros((len(rooms) + 1, len(categories)))
    category_weight = _shares([rate.weight for rate in business.categories.values()])
    sells[0] = category_weight
    for number, room in enumerate(rooms.values(), start=1):
        on_air[:, number] = room.on_air() * room.weight
        chosen = np.isin(categories, room.categories)
        sells[number] = chosen * category_weight / (chosen * category_weight).sum()

    skus = tuple(f"SKU-{n:05d}" for n in range(1, len(categories) * business.skus_per_category + 1))
    groups = {"category": business.categories, "channel": business.channels, "tier": business.tiers}
    return World(
        codes={
            "province": codes,
            "city": tuple(cities),
            "category": categories,
            "channel": channels,
            "tier": tuple(business.tiers),
            "room": ("", *rooms),
            "sku": ("", *skus),
        },
        large_regions={
            parent: tuple(codes.index(code) for code in provinces.children_of(parent)) for parent in provinces.parents
        },
        weight={
            "province": _shares([demand.get(code, 0.0) + 1e-4 for code in codes]),
            **{name: _shares([rate.weight for rate in rates.values()]) for name, rates in groups.items()},
        },
        price=_relative(business.categories, "price"),
        order={name: _relative(rates, "order") for name, rates in groups.items()},
        refund={name: _relative(rates, "refund") for name, rates in groups.items()},
        room_on_air=on_air,
        room_category=sells,
        city_start=np.array(start),
        city_count=np.array(count),
        skus_per_category=business.skus_per_category,
    )
