"""What the browser is given: maps that fit the region sets, fonts with every character, no word to another host."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

from metrics.regions import load_region_set

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets"
MAPS = ASSETS / "maps"
FONTS = ASSETS / "fonts"

SETS = ("cn_provinces", "us_states", "world_cn")
WORDS = [
    p
    for glob in ("locales/*.yaml", "metrics/**/*.yaml", "metrics/**/*.csv", "alerts/**/*.yaml")
    for p in ROOT.glob(glob)
]
WORDS += [p for glob in ("layouts/**/*.yaml", "ingest/**/*.yaml", "metrics/formats.py") for p in ROOT.glob(glob)]
NUMBER_SIGNS = "0123456789.,:%+-−()/ ¥$€£KMB"

Ring = list[list[float]]


def shapes(path: Path) -> list[dict[str, Any]]:
    features: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["features"]
    return features


def signed_area(ring: Ring) -> float:
    """Twice the area of a closed ring in square degrees; positive when it runs clockwise with north up."""
    return sum((b[0] - a[0]) * (b[1] + a[1]) for a, b in pairwise(ring))


def polygons(feature: dict[str, Any]) -> list[list[Ring]]:
    geometry = feature["geometry"]
    whole: Any = geometry["coordinates"]
    by_type: dict[str, list[list[Ring]]] = {"Polygon": [whole], "MultiPolygon": whole}
    return by_type.get(geometry["type"], [])


def wrong_rings(features: list[dict[str, Any]]) -> Iterator[str]:
    """Exterior rings that do not run clockwise and holes that do: Plotly would flood the frame with one colour."""
    for feature in features:
        for polygon in polygons(feature):
            if signed_area(polygon[0]) <= 0:
                yield f"{feature.get('id')}: an exterior ring is not clockwise"
            if any(signed_area(hole) >= 0 for hole in polygon[1:]):
                yield f"{feature.get('id')}: a hole is not counter-clockwise"


@pytest.mark.parametrize("key", SETS)
def test_every_region_has_a_shape_and_every_shape_a_region(key: str) -> None:
    ids, codes = [feature["id"] for feature in shapes(MAPS / f"{key}.geojson")], set(load_region_set(key).regions)
    assert len(ids) == len(set(ids)), "a shape's id stands twice"
    assert set(ids) == codes


def test_every_large_region_has_a_shape_and_the_reverse() -> None:
    assert {feature["id"] for feature in shapes(MAPS / "cn_region7.geojson")} == set(
        load_region_set("cn_provinces").parents
    )


def test_every_map_of_regions_is_held_against_its_region_set() -> None:
    """A new map in assets/maps must be added to `SETS`, or say here why it has no set of its own."""
    others = {"cn_region7", "cn_nanhai_line"}
    assert {path.stem for path in MAPS.glob("*.geojson")} == {*SETS, *others}


def test_every_city_has_a_shape_and_the_reverse() -> None:
    with (ROOT / "metrics" / "cn_cities.csv").open(encoding="utf-8", newline="") as lines:
        codes = {row["code"] for row in csv.DictReader(lines)}
    ids = {feature["id"] for path in (MAPS / "cn_cities").glob("*.geojson") for feature in shapes(path)}
    municipalities = ("11", "12", "31", "50")  # their maps show districts; the ledger keeps them as one city
    assert all(code.startswith(municipalities) for code in codes ^ ids)


def test_every_province_has_its_cities() -> None:
    assert {path.stem for path in (MAPS / "cn_cities").glob("*.geojson")} == set(
        load_region_set("cn_provinces").regions
    )


@pytest.mark.parametrize("path", sorted(MAPS.rglob("*.geojson")), ids=lambda path: path.stem)
def test_rings_run_the_way_plotly_wants_them(path: Path) -> None:
    assert not list(wrong_rings(shapes(path)))


def test_the_check_of_rings_fails_on_a_counter_clockwise_ring() -> None:
    ring = [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]  # east, north, west, south: as RFC 7946 has it
    feature = {"id": "x", "geometry": {"type": "Polygon", "coordinates": [ring]}}
    assert list(wrong_rings([feature])) == ["x: an exterior ring is not clockwise"]
    feature["geometry"] = {"type": "Polygon", "coordinates": [ring[::-1]]}
    assert not list(wrong_rings([feature]))


def test_the_map_of_china_is_whole() -> None:
    """Taiwan, Hong Kong, Macao, the islands of the South China Sea and the dashed line."""
    by_id = {feature["id"]: feature for feature in shapes(MAPS / "cn_provinces.geojson")}
    assert {"710000", "810000", "820000"} <= set(by_id)
    southmost = min(point[1] for polygon in polygons(by_id["460000"]) for point in polygon[0])
    assert southmost < 8, "Hainan's islands reach to about 4 degrees north"
    (line,) = shapes(MAPS / "cn_nanhai_line.geojson")
    assert len(line["geometry"]["coordinates"]) == 10


@pytest.mark.parametrize("weight", ["regular", "bold"])
def test_the_text_face_has_every_character_that_people_read(weight: str) -> None:
    face = TTFont(BytesIO((FONTS / f"livewall-text-{weight}.woff2").read_bytes())).getBestCmap()
    assert WORDS
    names = [name for path in MAPS.rglob("*.geojson") for f in shapes(path) for name in f["properties"].values()]
    text = {c for path in WORDS for c in path.read_text("utf-8")} | set("".join(map(str, names)))
    missing = sorted(c for c in text if c.isprintable() and ord(c) not in face)
    assert not missing, f"run deploy/assets/build_fonts.py: {''.join(missing)}"


@pytest.mark.parametrize("weight", ["500", "700"])
def test_the_digits_of_the_number_face_have_one_width(weight: str) -> None:
    face = TTFont(BytesIO((FONTS / f"livewall-number-{weight}.woff2").read_bytes()))
    cmap = face.getBestCmap()
    assert not [sign for sign in NUMBER_SIGNS if ord(sign) not in cmap]
    assert len({face["hmtx"][cmap[ord(digit)]][0] for digit in "0123456789"}) == 1
    assert "GPOS" not in face, "kerning would move the digits again"


def test_fonts_are_small_and_bring_their_licence() -> None:
    assert sum(path.stat().st_size for path in FONTS.glob("*.woff2")) < 4_000_000
    for name in ("OFL-Barlow.txt", "OFL-NotoSansCJK.txt"):
        assert "SIL OPEN FONT LICENSE Version 1.1" in (FONTS / name).read_text("utf-8")


def test_every_url_of_the_style_sheets_is_a_file_of_ours() -> None:
    sheets = sorted((ASSETS / "css").rglob("*.css"))
    urls = [(path, url) for path in sheets for url in re.findall(r"url\(\s*['\"]?([^'\")]+)", path.read_text("utf-8"))]
    assert urls
    missing = [url for path, url in urls if not url.startswith(("data:", "#")) and not (path.parent / url).is_file()]
    assert not missing


def test_no_asset_speaks_of_another_host() -> None:
    """Comments may; code may not. The SVG namespace is a name, not an address."""
    namespaces = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    found = []
    for path in [*ASSETS.rglob("*.js"), *ASSETS.rglob("*.css")]:
        code = re.sub(r"/\*[\s\S]*?\*/|^\s*//.*$", "", path.read_text("utf-8"), flags=re.MULTILINE)
        hosts = re.findall(r"https?://[^\s\"'`)]+|[\"'(]//[a-z][^\s\"'`)]+|@import[^;]+", code)
        found += [f"{path.name}: {host}" for host in hosts if host not in namespaces]
    assert not found


def test_plotly_finds_every_base_layer_it_would_fetch() -> None:
    """The keys it asks for are <scope>_<resolution>m; one that is missing leaves the map empty offline."""
    script = (ASSETS / "js" / "00-plotly-offline.js").read_text("utf-8")
    for scope in (
        "world",
        "usa",
        "europe",
        "asia",
        "africa",
        "north-america",
        "south-america",
        "oceania",
        "antarctica",
    ):
        assert f'"{scope}"' in script
    assert '["110m", "50m"]' in script


def test_plotly_still_looks_where_the_base_layers_are_put() -> None:
    """An update of plotly may change the name; then the map would be empty offline, and only there."""
    plotly = files("plotly").joinpath("package_data/plotly.min.js").read_text("utf-8")
    assert "PlotlyGeoAssets.topojson[" in plotly
    assert "https://cdn.plot.ly/un/" in plotly


def test_maps_named_by_mappings_and_profiles_exist() -> None:
    sources = sorted((ROOT / "ingest" / "sources").glob("*.yaml"))
    named = {
        key for path in sources for key in re.findall(r"^\s*map:\s*(\w+)\s*$", path.read_text("utf-8"), re.MULTILINE)
    }
    named |= {
        str(entry)
        for path in sources
        for entry in [(yaml.safe_load(path.read_text("utf-8")) or {}).get("map")]
        if entry
    }
    assert not [key for key in named if not (MAPS / f"{key}.geojson").is_file()]


def test_the_maps_say_that_they_have_no_review_number() -> None:
    assert "审图号" in (MAPS / "NOTICE.md").read_text("utf-8")
