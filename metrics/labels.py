"""Turns dimension codes into words: from the definitions, the store's regions, rooms, goods; else the code itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from locales.words import load_words
from metrics.catalogue import Catalogue
from metrics.cities import load_cities
from metrics.definition_file import read_definitions
from metrics.regions import RegionSet, load_region_set

UNKNOWN = "label.unknown"
ROOMS = Path(__file__).parent / "rooms.yaml"
GOODS = Path(__file__).parent / "goods.yaml"
COUNTRIES = "world_cn"


class Labels:
    """Labels of one store. Provinces and large regions are named by its region set, countries by the world's."""

    def __init__(
        self, catalogue: Catalogue, regions: RegionSet, rooms: Path = ROOMS, *, simulated: bool = False
    ) -> None:
        self._words: dict[str, Mapping[str, Mapping[str, str]]] = {
            key: dimension.labels for key, dimension in catalogue.dimensions.items()
        }
        level = "country" if regions.key.startswith("world") else "province"
        named = _names(regions)
        if level != "country":
            self._words["country"] = _names(load_region_set(COUNTRIES))
        self._words[level] = named
        self._words["large_region"] = regions.parents
        self._words["city"] = {city.code: {"zh": city.zh, "en": city.en} for city in load_cities().values()}
        if simulated:  # a real shop may have an article of the same number
            self._words["sku"] = read_definitions(GOODS).get("goods") or {}
        if rooms.is_file():
            self._words["room"] = read_definitions(rooms).get("rooms") or {}

    def of(self, dimension: str, code: str, locale: str) -> str:
        """The label of a code; the code itself when nobody named it, 未知 / Unknown for the empty code."""
        if not code:
            return load_words(locale).t(UNKNOWN)
        return str(self._words.get(dimension, {}).get(code, {}).get(locale, code))


def _names(regions: RegionSet) -> Mapping[str, Mapping[str, str]]:
    return {code: {"zh": region.label("zh"), "en": region.label("en")} for code, region in regions.regions.items()}
