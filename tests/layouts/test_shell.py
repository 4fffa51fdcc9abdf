"""The shell: what is drawn once, in the right places, without anything of the business in it."""

from __future__ import annotations

import json
from typing import Any

from layouts import ids
from layouts.board import load_board
from layouts.page import dash_options
from layouts.shell import Screen, build_shell, script_settings
from locales.words import ONE, load_words
from metrics.profile import StoreProfile

PROFILE = StoreProfile(name="试验店", name_en="Test Shop")
WORDS = {locale: load_words(locale) for locale in ("zh", "en")}
BOARD = load_board("wall")


def tree(**screen: Any) -> dict[str, Any]:
    shell = build_shell(
        {"wall": BOARD}, Screen(**{"board": "wall", "locale": "zh", "build": "b"} | screen), PROFILE, WORDS
    )
    plain: dict[str, Any] = json.loads(json.dumps(shell.to_plotly_json(), default=lambda part: part.to_plotly_json()))
    return plain


def parts(node: Any) -> list[dict[str, Any]]:
    """Every component's props, depth first."""
    if isinstance(node, list):
        return [part for child in node for part in parts(child)]
    if not isinstance(node, dict):
        return []
    props = node.get("props", {})
    return [props, *parts(props.get("children"))]


def test_every_tile_stands_in_its_place_and_is_loading() -> None:
    sections = {props["data-tile"]: props for props in parts(tree()) if "data-tile" in props}
    assert list(sections) == [tile.key for tile in BOARD.tiles]
    for tile in BOARD.tiles:
        props, area = sections[tile.key], tile.area
        assert (props["data-kind"], props["data-face"]) == (tile.kind, "loading")
        assert props["style"]["gridColumn"] == f"{area.column} / span {area.width}"
        assert props["style"]["gridRow"] == f"{area.row} / span {area.height}"


def test_the_beat_follows_the_board_unless_the_process_sets_it() -> None:
    def interval(**screen: Any) -> int:
        return next(int(props["interval"]) for props in parts(tree(**screen)) if props.get("id") == ids.BEAT)

    assert interval() == BOARD.tick * 1000
    assert interval(tick=0.25) == 250


def test_every_id_is_there_exactly_once() -> None:
    found = [props["id"] for props in parts(tree()) if "id" in props]
    assert sorted(found) == sorted([ids.CONFIG, ids.BEAT, ids.POKE, ids.ASK, ids.FRAME, ids.FANNED])


def test_scripts_know_both_languages_from_the_start() -> None:
    known = script_settings({"wall": BOARD}, Screen("wall", "zh", "b"), PROFILE, WORDS, 2.0)
    assert known["names"] == {"zh": "试验店", "en": "Test Shop"}
    assert {key.removesuffix(ONE) for key in known["words"]["en"]} == set(known["words"]["zh"])
    assert known["words"]["en"]["shell.link.ok"] == "Connected"


def test_the_shell_starts_in_the_language_of_the_process() -> None:
    assert "Connected" in json.dumps(tree(locale="en"))
    assert "已连接" in json.dumps(tree(locale="zh"), ensure_ascii=False)


def test_a_store_without_an_english_name_keeps_its_own() -> None:
    lone = StoreProfile(name="小店")
    known = script_settings({"wall": BOARD}, Screen("wall", "en", "b"), lone, WORDS, 2.0)
    assert known["names"]["en"] == "小店"


def test_dash_is_told_to_be_quiet_local_and_threadless() -> None:
    options = dash_options("wall", "/vendor/plotly.min.js?v=7")
    assert options["use_async"] is False, "with asgiref about, every callback would start a thread of its own"
    assert options["update_title"] is None, "the title would flip on every tick"
    assert options["serve_locally"] is True
    assert [script["src"] for script in options["external_scripts"]] == ["/vendor/plotly.min.js?v=7"]
    assert "http" not in options["index_string"]
