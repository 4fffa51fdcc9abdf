"""Every kind of tile in every face: plain values only, in both languages, with a script that draws it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from layouts.board import board_names, load_board
from layouts.gallery import FACES, SAMPLES, sample_part
from layouts.view import kind_names
from locales.words import LOCALES
from tests.layouts.sample import context, labels, wall

SCRIPTS = Path(__file__).resolve().parents[2] / "assets" / "js" / "tiles"
PLAIN = (str, int, float, bool, type(None))


def is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_plain(part) for key, part in value.items())
    if isinstance(value, list):
        return all(is_plain(part) for part in value)
    return type(value) in PLAIN


ALL = [f"{name}/{tile.key}" for name in board_names() for tile in load_board(name).tiles]


def part(place: str, face: str, locale: str) -> dict[str, Any]:
    name, key = place.split("/")
    board = load_board(name)
    tile = next(tile for tile in board.tiles if tile.key == key)
    return sample_part(tile, board, face, context(), labels(), locale, SAMPLES)


def test_the_boards_show_every_kind_there_is() -> None:
    shown = {tile.kind for name in board_names() for tile in load_board(name).tiles}
    assert shown == set(kind_names()) and {tile.kind for tile in wall().tiles} < shown


def test_every_kind_has_a_script() -> None:
    assert {path.stem for path in SCRIPTS.glob("[a-z]*.js")} == set(kind_names())


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("key", ALL)
def test_every_tile_draws_plain_values_in_every_face(key: str, face: str, locale: str) -> None:
    drawn = part(key, face, locale)
    assert is_plain(drawn["payload"]), key
    assert len(orjson.dumps(drawn)) < 16_000
    if face == "loading":
        assert drawn["payload"] is None
    elif face == "filtered" and drawn["payload"].get("empty"):
        assert drawn["face"] == "empty"  # what a filter cannot reach says so
    elif face != "empty":
        assert drawn["face"] == ("fresh" if face == "filtered" else face)
        assert drawn["payload"]["title"]
        assert "empty" not in drawn["payload"]


@pytest.mark.parametrize(
    "key", [f"wall/{tile.key}" for tile in wall().tiles if tile.kind in ("rank", "split", "orders")]
)
def test_a_list_without_rows_says_why(key: str) -> None:
    drawn = part(key, "empty", "en")
    assert drawn["face"] == "empty"
    assert drawn["payload"]["empty"].startswith("No")
