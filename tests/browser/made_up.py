"""Boards that show the gallery's made-up answers, as if they had just come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from playwright.sync_api import Page

from layouts.board import Board
from layouts.gallery import SAMPLES, sample_part
from tests.browser.stage import ScriptedWall, make_app, make_frame, serve
from tests.layouts.sample import context, labels
from tests.ports import free_port


def made_up(boards: Mapping[str, Board]) -> Callable[[dict[str, Any]], str]:
    """What a scripted wall answers for the board that is asked."""

    def answer(ask: dict[str, Any]) -> str:
        board, now = boards[ask["board"]], datetime.now(UTC).isoformat()
        parts = {
            tile.key: sample_part(tile, board, "fresh", context(), labels(), ask["locale"], SAMPLES) | {"as_of": now}
            for tile in board.tiles
        }
        return make_frame(f"b1-{board.key}-{ask['locale']}", parts, board=board.key, locale=ask["locale"])

    return answer


@contextmanager
def showing(boards: Mapping[str, Board]) -> Iterator[ScriptedWall]:
    """A wall of these boards until the block ends."""
    wall = ScriptedWall(free_port(), made_up(boards))
    with serve(wall, make_app(wall, boards=boards)):
        yield wall


def look_at(page: Page, wall: ScriptedWall, size: tuple[int, int], board: str, locale: str, drawn: str) -> None:
    """Open a board, and wait until what `drawn` selects in it is there, in its own letters."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"{wall.url}/{board}?lang={locale}")
    page.wait_for_selector(f'[data-board="{board}"] {drawn}')
    page.evaluate("document.fonts.ready.then(() => true)")
