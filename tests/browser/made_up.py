"""Boards that show the gallery's made-up answers, as if they had just come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from layouts.board import Board
from layouts.gallery import SAMPLES, sample_part
from tests.browser.stage import make_frame
from tests.layouts.sample import context, labels


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
