"""Checks boards before they go up: kinds, metrics, dimensions, words; every tile has a place that it fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path

from core.errors import DefinitionError, LivewallError, UnknownNameError, nearest
from layouts.board import FOLDER, Area, Board, Tile, Variant, board_names, load_board
from layouts.regions import REGION
from layouts.variants import BASE, SHAPES, Shape, size_of, smallest
from layouts.view import kind_names, load_kind
from locales.words import LOCALES, load_words
from metrics.catalogue import Catalogue


def check_boards(catalogue: Catalogue, folder: Path = FOLDER) -> list[DefinitionError]:
    """Every problem of every board in the folder; empty when all can go up."""
    problems: list[DefinitionError] = []
    for name in board_names(folder):
        try:
            board = load_board(name, folder)
        except DefinitionError as problem:
            problems.append(problem)
            continue
        problems += check_board(board, catalogue)
    return problems


def check_board(board: Board, catalogue: Catalogue) -> list[DefinitionError]:
    """Every problem of one board, each with file, entry and what was probably meant."""
    return [
        *_keys(board),
        *_places(board),
        *(problem for tile in board.tiles for problem in _tile(board, tile, catalogue)),
    ]


def _file(board: Board) -> str:
    return f"boards/{board.key}.yaml"


def _keys(board: Board) -> Iterator[DefinitionError]:
    seen: set[str] = set()
    for tile in board.tiles:
        if tile.key in seen:
            yield DefinitionError(_file(board), tile.key, "this key stands twice")
        seen.add(tile.key)
    for locale in LOCALES:
        if not board.title.get(locale):
            yield DefinitionError(_file(board), "title", f"no title in {locale}")


def _places(board: Board) -> Iterator[DefinitionError]:
    yield from _grid(board, board, {tile.key: tile.area for tile in board.tiles}, BASE, "")
    known = [tile.key for tile in board.tiles]
    for name, variant in board.variants.items():
        if name not in SHAPES:
            entry = f"variants.{name}"
            yield DefinitionError(_file(board), entry, f"unknown variant {name!r}", nearest(name, SHAPES))
            continue
        for key in variant.tiles:
            if key not in known:
                entry = f"variants.{name}.{key}"
                yield DefinitionError(_file(board), entry, f"unknown tile {key!r}", nearest(key, known))
        areas = {key: area for key, area in variant.tiles.items() if key in known}
        yield from _grid(board, variant, areas, SHAPES[name], f"variants.{name}.")


def _grid(
    board: Board, grid: Board | Variant, areas: Mapping[str, Area], shape: Shape, prefix: str
) -> Iterator[DefinitionError]:
    """Tiles beyond the grid, over each other, or smaller than their kind can be read."""
    tiles = {tile.key: tile for tile in board.tiles}
    for key, area in areas.items():
        if area.column + area.width - 1 > grid.columns or area.row + area.height - 1 > grid.rows:
            problem = f"reaches beyond the grid of {grid.columns} × {grid.rows}"
            yield DefinitionError(_file(board), prefix + key, problem)
        elif tiles[key].kind in kind_names():
            (width, height), forms = size_of(area, grid, shape), smallest(tiles[key])
            if not any(width >= wide and height >= high for wide, high in forms):
                needs = " or ".join(f"{wide:.0f} × {high:.0f}" for wide, high in forms)
                problem = f"too small: a {tiles[key].kind} needs {needs} rem, has {width:.0f} × {height:.0f}"
                yield DefinitionError(_file(board), prefix + key, problem)
    for one, other in combinations(areas, 2):
        if _overlap(areas[one], areas[other]):
            yield DefinitionError(_file(board), prefix + other, f"lies over {one}")


def _overlap(a: Area, b: Area) -> bool:
    across = a.column < b.column + b.width and b.column < a.column + a.width
    return across and a.row < b.row + b.height and b.row < a.row + a.height


def _tile(board: Board, tile: Tile, catalogue: Catalogue) -> Iterator[DefinitionError]:
    """Problems of one tile; its kind looks at the options only when all names are known."""
    if tile.kind not in kind_names():
        yield DefinitionError(_file(board), tile.key, f"unknown kind {tile.kind!r}", nearest(tile.kind, kind_names()))
        return
    unknown = list(_names(board, tile, catalogue))
    if unknown:
        yield from unknown
        return
    try:
        load_kind(tile.kind).check(tile, catalogue)
    except UnknownNameError as problem:
        yield DefinitionError(
            _file(board), tile.key, f"unknown {problem.subject} {problem.name!r}", problem.suggestions
        )
    except LivewallError as problem:
        yield DefinitionError(_file(board), tile.key, getattr(problem, "problem", str(problem)))


def _names(board: Board, tile: Tile, catalogue: Catalogue) -> Iterator[DefinitionError]:
    for metric in tile.metrics:
        if metric not in catalogue.metrics:
            yield DefinitionError(
                _file(board), tile.key, f"unknown metric {metric!r}", nearest(metric, catalogue.metrics)
            )
    if tile.by and tile.by != REGION and tile.by not in catalogue.dimensions:
        known = [*catalogue.dimensions, REGION]
        yield DefinitionError(_file(board), tile.key, f"unknown dimension {tile.by!r}", nearest(tile.by, known))
    for locale in LOCALES:
        if tile.title and not load_words(locale).has(tile.title):
            yield DefinitionError(_file(board), tile.key, f"no word {tile.title!r} in {locale}")
