"""Cities of China's provinces: codes, names, and which province each belongs to. Data, one CSV."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FILE = Path(__file__).parent / "cn_cities.csv"


@dataclass(frozen=True, slots=True)
class City:
    """One city; `en` is its name in pinyin or, where one is usual, in the spelling of its own language."""

    code: str
    zh: str
    en: str
    province: str


@lru_cache(maxsize=1)
def load_cities() -> Mapping[str, City]:
    """All cities by code."""
    with FILE.open(encoding="utf-8", newline="") as lines:
        return {row["code"]: City(row["code"], row["zh"], row["en"], row["parent"]) for row in csv.DictReader(lines)}


def cities_of(province: str) -> tuple[str, ...]:
    """The codes of a province's cities; empty for what is no Chinese province."""
    return tuple(city.code for city in load_cities().values() if city.province == province)
