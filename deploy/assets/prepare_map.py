"""Prepares a GeoJSON file for assets/maps: ids that are region codes, rings the way Plotly wants them, short numbers.

    python deploy/assets/prepare_map.py br.geojson assets/maps/br_states.geojson --id-from uf
    python deploy/assets/prepare_map.py regions.geojson assets/maps/cn_region7.geojson \\
        --id-from region7 --codes metrics/regions/cn_provinces.parents.csv   # 华东 -> east

Plotly's `geo` wants exterior rings clockwise, the opposite of RFC 7946; one ring the other way floods the whole frame
with its colour. See docs/how-to/add-a-map.md.
"""

from __future__ import annotations

import argparse
import csv
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

Ring = list[list[float]]


def is_clockwise(ring: Ring) -> bool:
    """Whether a closed ring of [lon, lat] points runs clockwise with north up."""
    return sum((b[0] - a[0]) * (b[1] + a[1]) for a, b in pairwise(ring)) > 0


def turn(polygon: list[Ring]) -> list[Ring]:
    """The same polygon with its exterior clockwise and its holes counter-clockwise."""
    return [ring if is_clockwise(ring) == (i == 0) else ring[::-1] for i, ring in enumerate(polygon)]


def rounded(value: Any, digits: int) -> Any:
    """Coordinates at any depth, cut to `digits` decimals (3 decimals are about 100 m, under a pixel on a wall)."""
    if isinstance(value, list):
        return [rounded(part, digits) for part in value]
    return round(float(value), digits)


def prepared(feature: dict[str, Any], region: str | None, digits: int) -> dict[str, Any]:
    """A feature ready for the wall; lines pass through with their numbers shortened."""
    geometry = dict(feature["geometry"])
    coordinates = rounded(geometry["coordinates"], digits)
    if geometry["type"] == "Polygon":
        coordinates = turn(coordinates)
    elif geometry["type"] == "MultiPolygon":
        coordinates = [turn(polygon) for polygon in coordinates]
    ready = {"type": "Feature", "properties": feature.get("properties") or {}}
    if region is not None:
        ready["id"] = region
    return ready | {"geometry": geometry | {"coordinates": coordinates}}


def region_of(feature: dict[str, Any], id_from: str | None, codes: dict[str, str] | None) -> str | None:
    """The region code of a feature: a property, by way of `codes` (name -> code) when given; its own id otherwise."""
    name = feature.get("id") if id_from is None else feature["properties"][id_from]
    if codes is None:
        return None if name is None else str(name)
    if name not in codes:
        raise SystemExit(f"no code for {name!r}; known: {', '.join(codes)}")
    return codes[name]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--id-from", help="property that names the region; without it the feature's own id stays")
    parser.add_argument("--codes", type=Path, help="CSV with columns code and zh that turns names into codes")
    parser.add_argument("--digits", type=int, default=3, help="decimals of a degree to keep")
    chosen = parser.parse_args()
    codes = None
    if chosen.codes:
        with chosen.codes.open(encoding="utf-8", newline="") as lines:
            codes = {row["zh"]: row["code"] for row in csv.DictReader(lines)}
    features = json.loads(chosen.source.read_text("utf-8"))["features"]
    ready = [prepared(f, region_of(f, chosen.id_from, codes), chosen.digits) for f in features]
    document = {"type": "FeatureCollection", "features": ready}
    chosen.target.parent.mkdir(parents=True, exist_ok=True)
    chosen.target.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
    print(f"{chosen.target}  {len(ready)} shapes  {chosen.target.stat().st_size / 1000:.0f} KB")  # noqa: T201


if __name__ == "__main__":
    main()
