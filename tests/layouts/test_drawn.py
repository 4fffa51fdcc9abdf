"""Tiles are drawn again when their answers are other ones, and only then; kinds that look at the moment always are."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.clock import ManualClock
from layouts.drawn import DrawnTiles
from layouts.frame import Stage, build_frame
from layouts.view import KINDS, View, kind_names, load_kind
from metrics.scope import Scope
from metrics.snapshot import Snapshot
from tests.callbacks.parts import make_deps
from tests.layouts.test_frame import BOARD, NOW, snapshot

STILL = [name for name in kind_names() if getattr(load_kind(name), "STILL", False)]
MOVING = {"as_of", "alerts"}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds that draw, in order."""
    found: list[str] = []
    for name in kind_names():
        draw = load_kind(name).draw

        def told(tile: Any, view: View, name: str = name, draw: Any = draw) -> Any:
            found.append(name)
            return draw(tile, view)

        monkeypatch.setattr(load_kind(name), "draw", told)
    return found


def frame(shot: Snapshot, stage: Stage, locale: str = "zh") -> str:
    return build_frame(stage, BOARD, shot, "v-1", locale, (), 2.0)


def test_kinds_that_keep_still_never_look_at_what_moves() -> None:
    assert {"trend", "region_map", "kpi"} <= set(STILL) and "alerts" not in STILL and "countdown" not in STILL
    for name in STILL:
        tree = ast.parse((KINDS / f"{name}.py").read_text("utf-8"))
        draws = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name != "plan"]
        looks = {
            node.attr
            for function in draws
            for node in ast.walk(function)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "view"
        }
        assert looks, name
        assert not looks & MOVING, f"{name} says STILL and reads {looks & MOVING}"


def test_the_same_answers_are_drawn_once_and_look_the_same_later(drawn: list[str]) -> None:
    stage, shot = make_deps(ManualClock(NOW)).stage, snapshot()
    frame(shot, stage)
    assert set(drawn) >= {"trend", "hero"}
    drawn.clear()
    later = replace(shot, as_of=shot.as_of + timedelta(minutes=7))
    frame(later, stage)
    assert not set(drawn) & set(STILL) and "alerts" in drawn
    fresh = frame(later, make_deps(ManualClock(NOW)).stage)
    assert frame(later, stage) == fresh, "what is remembered is what would be drawn"


def test_another_answer_language_or_scope_is_drawn_anew(drawn: list[str]) -> None:
    stage, shot = make_deps(ManualClock(NOW)).stage, snapshot()
    frame(shot, stage)
    for changed, locale, again in (
        (shot, "en", set(STILL)),
        (replace(shot, scope=Scope(day=NOW.date())), "zh", set(STILL)),
        (replace(shot, tiles={**shot.tiles, "hero": anew(shot, "hero")}), "zh", {"hero"}),
    ):
        drawn.clear()
        frame(changed, stage, locale)
        assert set(drawn) & set(STILL) == again & {tile.kind for tile in BOARD.tiles}


def anew(shot: Snapshot, tile: str) -> Any:
    """The tile's readings with answers that are equal and not the same."""
    held = shot.tiles[tile]
    return replace(held, answers={role: replace(answer) for role, answer in held.answers.items()})


def test_what_could_not_be_drawn_is_tried_again() -> None:
    tile, shot = BOARD.tiles[0], snapshot()
    view: Any = type("View", (), {"scope": shot.scope, "locale": "zh", "live": True, "answers": {}})()
    held, tries = DrawnTiles(), []

    def fails() -> dict[str, Any]:
        tries.append(1)
        raise ValueError("broken")

    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            held.take(tile, view, fails)
    assert len(tries) == 2
    assert held.take(tile, view, lambda: {"fine": 1}) == {"fine": 1}
