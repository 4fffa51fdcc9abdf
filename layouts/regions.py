"""What tiles over regions share: which dimension regions are here, which are selected, how a map is framed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from layouts.board import Tile
from layouts.view import View
from metrics.profile import StoreProfile

REGION = "region"  # what a board writes for "provinces here, countries there": the store's own region level
PARENT = {"province": "large_region", "channel": "scene", "room": "room_kind", "tier": "customer"}
FRAMES = Path(__file__).parent / "maps.yaml"


def dimension_of(tile: Tile, profile: StoreProfile) -> str:
    """The dimension a tile splits by; `region` becomes the store's region level."""
    return profile.region_level if tile.by in (REGION, None) else str(tile.by)


@lru_cache(maxsize=1)
def map_frames() -> dict[str, dict[str, Any]]:
    """How each known map is framed, by map name."""
    frames: dict[str, dict[str, Any]] = yaml.safe_load(FRAMES.read_text(encoding="utf-8"))
    return frames


def selected_codes(view: View, dimension: str) -> set[str]:
    """The codes of a dimension that the scope selects, by themselves or through their coarser level."""
    selected = set(view.scope.codes(dimension))
    parent = PARENT.get(dimension)
    chosen = view.scope.codes(parent) if parent else ()
    if dimension == "province":
        for code in chosen:
            selected |= set(view.regions.children_of(code))
    elif chosen:
        members = view.catalogue.dimension(str(parent)).members
        for code in chosen:
            selected |= set(members.get(code, ()))
    return selected
