"""Region sets: codes, names, parents, aliases of a country's provinces or the world's countries. Data, one CSV each."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from core.errors import DefinitionError, UnknownNameError

FOLDER = Path(__file__).parent / "regions"


@dataclass(frozen=True)
class Region:
    """One region. `parent` is the code of its large region ('' for none); `weight` is relative demand, 0 unknown."""

    code: str
    zh: str
    en: str
    short_zh: str
    short_en: str
    parent: str
    aliases: tuple[str, ...]
    weight: float

    def label(self, locale: str) -> str:
        return self.short_zh if locale == "zh" else self.short_en


@dataclass(frozen=True)
class RegionSet:
    """All regions of one level, with their large regions. Codes equal the feature ids of the set's map."""

    key: str
    regions: Mapping[str, Region]
    parents: Mapping[str, Mapping[str, str]]  # large-region code -> {"zh": …, "en": …}

    @cached_property
    def by_alias(self) -> Mapping[str, str]:
        """Every spelling of a region's name, casefolded, to its code."""
        spellings: dict[str, str] = {}
        for region in self.regions.values():
            for name in (region.code, region.zh, region.en, region.short_zh, region.short_en, *region.aliases):
                spellings.setdefault(name.strip().casefold(), region.code)
        return spellings

    def code_of(self, name: str) -> str | None:
        """The code of a region by code or any of its names; None when it is none of them."""
        return self.by_alias.get(name.strip().casefold())

    def children_of(self, parent: str) -> tuple[str, ...]:
        return tuple(code for code, region in self.regions.items() if region.parent == parent)


def load_region_set(key: str, folder: Path = FOLDER) -> RegionSet:
    """Read `<key>.csv` (code,zh,en,short_zh,short_en,parent,aliases,weight) and `<key>.parents.csv` when it exists."""
    path = folder / f"{key}.csv"
    if not path.is_file() or path.parent != folder:
        raise UnknownNameError("region set", key, [p.stem for p in folder.glob("*.csv") if "." not in p.stem])
    regions: dict[str, Region] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for entry in csv.DictReader(lines):
            code = entry["code"]
            if code in regions:
                raise DefinitionError(path.name, code, "this code stands twice")
            regions[code] = Region(
                code=code,
                zh=entry["zh"],
                en=entry["en"],
                short_zh=entry["short_zh"] or entry["zh"],
                short_en=entry["short_en"] or entry["en"],
                parent=entry["parent"],
                aliases=tuple(alias for alias in entry["aliases"].split("|") if alias),
                weight=float(entry["weight"] or 0),
            )
    parents: dict[str, dict[str, str]] = {}
    parent_file = folder / f"{key}.parents.csv"
    if parent_file.is_file():
        with parent_file.open(encoding="utf-8", newline="") as lines:
            parents = {row["code"]: {"zh": row["zh"], "en": row["en"]} for row in csv.DictReader(lines)}
    orphans = {region.parent for region in regions.values() if region.parent} - set(parents)
    if orphans:
        raise DefinitionError(path.name, sorted(orphans)[0], f"this parent is not in {parent_file.name}")
    return RegionSet(key, regions, parents)
