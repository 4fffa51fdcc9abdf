"""Boards are checked before they go up: each mistake names its file, its tile and what was probably meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from layouts.board import Board, board_names, load_boards
from layouts.check import check_board, check_boards
from tests.layouts.sample import catalogue

TITLE = {"zh": "板", "en": "Board"}


def tile(**changes: Any) -> dict[str, Any]:
    area = {"column": 1, "row": 1, "width": 4, "height": 3}
    return {"key": "one", "kind": "kpi", "area": area, "metrics": ["orders_paid"], **changes}


def problems(*tiles: dict[str, Any], **changes: Any) -> list[str]:
    board = Board.model_validate({"key": "test", "title": TITLE, "tiles": tiles, **changes})
    return [str(problem) for problem in check_board(board, catalogue())]


def test_the_shipped_boards_are_sound() -> None:
    assert check_boards(catalogue()) == []


def test_a_sound_board_has_no_problems() -> None:
    assert problems(tile()) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "kpy"}, "boards/test.yaml: one: unknown kind 'kpy'; did you mean 'kpi'?"),
        ({"metrics": ["order_paid"]}, "unknown metric 'order_paid'; did you mean 'orders_paid'"),
        ({"kind": "rank", "by": "provinces"}, "unknown dimension 'provinces'; did you mean 'province'?"),
        ({"metrics": []}, "a kpi shows exactly one metric"),
        ({"options": {"spark": "second"}}, "options.spark is one of hour, minute"),
        ({"options": {"changes": "hour"}}, "options.changes is one of moment, minute"),
        ({"kind": "rank"}, "a ranking needs `by`"),
        ({"kind": "split", "by": "channel", "metrics": ["visitors"]}, "visitors does not add up"),
        ({"kind": "trend", "options": {"bucket": 7}}, "divides an hour"),
        ({"kind": "trend", "options": {"mode": "sum"}}, "options.mode is one of cumulative, rate"),
        ({"kind": "funnel"}, "a funnel has one metric per step"),
        ({"kind": "alerts"}, "they take no metrics"),
        ({"title": "tile.hero.titel"}, "no word 'tile.hero.titel' in zh"),
        ({"area": {"column": 22, "row": 1, "width": 4, "height": 3}}, "reaches beyond the grid of 24 × 20"),
    ],
)
def test_a_wrong_tile_is_named_with_what_was_meant(changes: dict[str, Any], said: str) -> None:
    assert any(said in problem for problem in problems(tile(**changes)))


def test_a_wrong_conversion_of_a_funnel_is_named() -> None:
    steps = ["impressions", "clicks", "product_views", "cart_adds", "orders_created", "orders_paid"]
    rates = ["click_rate", "view_rate", "cart_rate", "order_rat", "create_to_pay_rate"]
    said = problems(tile(kind="funnel", metrics=steps, options={"rates": rates}))
    assert any("unknown metric 'order_rat'; did you mean 'order_rate'" in problem for problem in said)


def test_tiles_that_lie_over_each_other_are_named() -> None:
    other = {"column": 4, "row": 3, "width": 4, "height": 3}
    assert problems(tile(), tile(key="two", area=other)) == ["boards/test.yaml: two: lies over one"]


def test_tiles_side_by_side_do_not_overlap() -> None:
    other = {"column": 5, "row": 1, "width": 4, "height": 3}
    assert problems(tile(), tile(key="two", area=other)) == []


def test_a_key_that_stands_twice_and_a_missing_title_are_named() -> None:
    other = {"column": 9, "row": 9, "width": 4, "height": 3}
    said = problems(tile(), tile(area=other), title={"zh": "板"})
    assert "boards/test.yaml: one: this key stands twice" in said
    assert "boards/test.yaml: title: no title in en" in said


def test_all_boards_are_checked_and_a_broken_file_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("title: {zh: 甲, en: A}\ncolour: red\ntiles: []\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text(yaml.safe_dump({"title": TITLE, "tiles": [tile(kind="kpy")]}), encoding="utf-8")
    said = [str(problem) for problem in check_boards(catalogue(), tmp_path)]
    assert any(problem.startswith("a.yaml") for problem in said)
    assert any("unknown kind" in problem for problem in said)


def variant(name: str = "wide", area: list[int] | None = None, key: str = "one") -> dict[str, Any]:
    return {"variants": {name: {"columns": 32, "rows": 20, "tiles": {key: area or [1, 1, 6, 4]}}}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (variant("wied"), "boards/test.yaml: variants.wied: unknown variant 'wied'; did you mean 'wide'?"),
        (variant(key="onne"), "boards/test.yaml: variants.wide.onne: unknown tile 'onne'; did you mean 'one'?"),
        (variant(area=[30, 1, 6, 4]), "variants.wide.one: reaches beyond the grid of 32 × 20"),
        (variant(area=[1, 1, 2, 4]), "variants.wide.one: too small: a kpi needs 18 × 12 rem, has 15 × 19"),
    ],
)
def test_a_wrong_variant_is_named_with_what_was_meant(changes: dict[str, Any], said: str) -> None:
    assert any(said in problem for problem in problems(tile(), **changes))


def test_a_sound_variant_has_no_problems_and_may_leave_tiles_out() -> None:
    other = tile(key="two", area={"column": 5, "row": 1, "width": 4, "height": 3})
    assert problems(tile(), other, **variant()) == []


def test_tiles_of_a_variant_do_not_lie_over_each_other() -> None:
    other = tile(key="two", area={"column": 5, "row": 1, "width": 4, "height": 3})
    places = {"wide": {"columns": 32, "rows": 20, "tiles": {"one": [1, 1, 6, 4], "two": [4, 2, 6, 4]}}}
    assert problems(tile(), other, variants=places) == ["boards/test.yaml: variants.wide.two: lies over one"]


def test_an_area_of_three_numbers_is_refused(tmp_path: Path) -> None:
    places = {"strip": {"columns": 8, "rows": 8, "tiles": {"one": [1, 1, 6]}}}
    text = yaml.safe_dump({"title": TITLE, "tiles": [tile()], "variants": places})
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    (said,) = [str(problem) for problem in check_boards(catalogue(), tmp_path)]
    assert "variants.strip.tiles.one" in said and "[column, row, width, height]" in said


def test_a_tile_too_small_for_its_kind_is_refused() -> None:
    said = problems(tile(area={"column": 1, "row": 1, "width": 1, "height": 1}))
    assert any("too small: a kpi needs 18 × 12 rem" in problem for problem in said)


@pytest.mark.parametrize(("rows", "fits"), [(7, True), (6, False)])
def test_a_kind_with_a_narrow_form_may_stand_in_a_narrow_place_that_is_tall_enough(rows: int, fits: bool) -> None:
    steps = ["impressions", "clicks", "product_views", "cart_adds", "orders_created", "orders_paid"]
    rates = ["click_rate", "view_rate", "cart_rate", "order_rate", "create_to_pay_rate"]
    area = {"column": 1, "row": 1, "width": 5, "height": rows}  # 38.9 rem wide
    said = problems(tile(kind="funnel", metrics=steps, options={"rates": rates}, area=area))
    needs = "boards/test.yaml: one: too small: a funnel needs 47 × 24 or 38 × 32 rem, has 39 × "
    assert said == [] if fits else said[0].startswith(needs)


def test_boards_of_ones_own_stand_beside_the_shipped_ones_or_take_their_place(tmp_path: Path) -> None:
    text = yaml.safe_dump({"title": TITLE, "tiles": [tile()]})
    for name in ("mine", "wall"):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    boards = load_boards(tmp_path)
    assert set(boards) == {*board_names(), "mine"}
    assert [tile.key for tile in boards["wall"].tiles] == ["one"]
    assert boards["funnel"] == load_boards()["funnel"]
