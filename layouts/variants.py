"""The shapes of screens that a board may be placed for, and how large a place on each of them is."""

from __future__ import annotations

from dataclasses import dataclass

from layouts.board import Area, Board, Tile, Variant
from layouts.view import load_kind

SMALLEST = (16.0, 10.0)  # rem: what a kind needs that names nothing itself

# As the style sheets have it: padding of the page, gap between tiles, header and the gap under it (00-tokens.css).
SIDES, TOP, GAP = 2.4, 8.0, 0.8


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape of screen in rem (1 rem is 10 px at 1080 lines). `row` is a row's height where the page may scroll."""

    width: float
    height: float = 108.0
    row: float | None = None


# 25-variants.css chooses by the same names; widths are the narrowest screens of each shape.
BASE = Shape(192)
SHAPES = {
    "wide": Shape(252),  # 21:9, from 2.33 on
    "strip": Shape(384),  # 32:9
    "portrait": Shape(41, row=5.4),  # a phone of 370 px, scrolls
    "desk": Shape(126, row=4.6),  # a window of 1101 to 1599 px that is no wall, scrolls
}


def size_of(area: Area, grid: Board | Variant, shape: Shape) -> tuple[float, float]:
    """Width and height in rem of a place on a grid of that shape."""
    column = (shape.width - SIDES - GAP * (grid.columns - 1)) / grid.columns
    row = shape.row or (shape.height - TOP - GAP * (grid.rows - 1)) / grid.rows
    return area.width * (column + GAP) - GAP, area.height * (row + GAP) - GAP


def smallest(tile: Tile) -> tuple[tuple[float, float], ...]:
    """Width and height in rem below which a tile of its kind cannot be read: of its usual form, and of a narrow one
    where the kind has one that is taller instead (`NARROW`)."""
    kind = load_kind(tile.kind)
    usual: tuple[float, float] = getattr(kind, "SMALLEST", SMALLEST)
    narrow: tuple[float, float] | None = getattr(kind, "NARROW", None)
    return (usual, narrow) if narrow else (usual,)


def grid_properties(board: Board) -> dict[str, int]:
    """CSS properties of a board's element: the grid of each variant. The style sheet chooses by aspect ratio."""
    return {
        f"--{part}-{name}": getattr(variant, part)
        for name, variant in board.variants.items()
        for part in ("columns", "rows")
    }


def place_properties(tile: Tile, board: Board) -> dict[str, str]:
    """CSS properties of a tile's element: its grid area in each variant that shows it."""
    return {
        f"--at-{name}": f"{area.row} / {area.column} / span {area.height} / span {area.width}"
        for name, variant in board.variants.items()
        if (area := variant.tiles.get(tile.key))
    }


def absent_from(tile: Tile, board: Board) -> str:
    """The variants that leave a tile out, divided by spaces."""
    return " ".join(name for name, variant in board.variants.items() if tile.key not in variant.tiles)
