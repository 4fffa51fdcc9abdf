"""Turns a board and a scope into questions, as few as possible: wishes that differ only in metrics become one ask."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from layouts.board import Board
from layouts.view import PlanContext, load_kind, paces_of
from metrics.ask import Ask, Facts, Latest, Question
from metrics.snapshot import PlannedTile

Shape = tuple[object, ...]


def plan_board(board: Board, context: PlanContext) -> tuple[PlannedTile, ...]:
    """Every tile of the board with its questions; equal wishes are equal values, so a ticker asks them once."""
    wishes = {tile.key: dict(load_kind(tile.kind).plan(tile, context)) for tile in board.tiles}
    merged = _merge(board, wishes)
    return tuple(
        PlannedTile(
            tile.key,
            {role: merged.get((tile.key, role)) or question for role, question in wishes[tile.key].items()},
            tile.every,
            paces_of(tile),
        )
        for tile in board.tiles
    )


def _merge(board: Board, wishes: dict[str, dict[str, Question]]) -> dict[tuple[str, str], Question]:
    """For each (tile, role) the ask that covers it together with all others of its shape and pace."""
    groups: dict[Shape, list[tuple[str, str, Ask]]] = defaultdict(list)
    for tile in board.tiles:
        paces = paces_of(tile)
        for role, question in wishes[tile.key].items():
            if isinstance(question, Latest | Facts) or question.limit is not None:
                continue  # a limit keeps the largest of its first metric: nothing to share
            shape = (question.spans, question.by, question.grain, question.filters, paces.get(role, tile.every))
            groups[shape].append((tile.key, role, question))
    merged: dict[tuple[str, str], Question] = {}
    for members in groups.values():
        metrics = tuple(sorted({metric for _, _, ask in members for metric in ask.metrics}))
        for key, role, ask in members:
            merged[key, role] = replace(ask, metrics=metrics)
    return merged
