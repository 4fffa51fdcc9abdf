"""Boards: which tiles stand where on a screen. One YAML file a screen, checked before it goes up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import DefinitionError, UnknownNameError

FOLDER = Path(__file__).parent / "boards"


class Area(BaseModel):
    """A rectangle on the board's grid: 1-based column and row, width and height in cells."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: int = Field(ge=1)
    row: int = Field(ge=1)
    width: int = Field(ge=1)
    height: int = Field(ge=1)

    @model_validator(mode="before")
    @classmethod
    def _four_numbers(cls, given: Any) -> Any:
        """Variants write an area as [column, row, width, height]."""
        if isinstance(given, list):
            if len(given) != 4:
                raise ValueError("an area is four numbers: [column, row, width, height]")
            return dict(zip(("column", "row", "width", "height"), given, strict=True))
        return given


class Tile(BaseModel):
    """One tile: a kind (file in layouts/tiles/), where it stands, and what its kind lets one set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: str
    area: Area
    title: str = Field(default="", description="A locale key; the kind's own title when empty.")
    every: float = Field(default=0, ge=0, description="Seconds between asks; 0 is every tick.")
    metrics: tuple[str, ...] = ()
    by: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)


class Variant(BaseModel):
    """The same tiles on a screen of another shape: its own grid, and where each tile stands; others are left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: int = Field(ge=1, le=96)
    rows: int = Field(ge=1, le=200)
    tiles: dict[str, Area] = Field(min_length=1)


class Board(BaseModel):
    """A screen. `columns` × `rows` is the grid under the header; 16:9 unless a variant says otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    title: dict[str, str]
    tick: float = Field(default=2.0, ge=0.2, le=60, description="Seconds between ticks.")
    columns: int = Field(default=24, ge=1, le=96)
    rows: int = Field(default=20, ge=1, le=96)
    tiles: tuple[Tile, ...]
    variants: dict[str, Variant] = Field(default_factory=dict, description="By the names in layouts/variants.py.")


def board_names(folder: Path = FOLDER) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.yaml"))


def load_boards(own: Path | None = None) -> dict[str, Board]:
    """All boards by name, one's own instead of shipped ones of the same name. Raises DefinitionError."""
    boards = {name: load_board(name) for name in board_names()}
    return boards if own is None else boards | {name: load_board(name, own) for name in board_names(own)}


def load_board(name: str, folder: Path = FOLDER) -> Board:
    """Read one board. Raises UnknownNameError or DefinitionError naming file and entry."""
    if name not in board_names(folder):
        raise UnknownNameError("board", name, board_names(folder))
    path = folder / f"{name}.yaml"
    try:
        return Board.model_validate({"key": name, **(yaml.safe_load(path.read_text(encoding="utf-8")) or {})})
    except ValidationError as problem:
        first = problem.errors()[0]
        raise DefinitionError(path.name, ".".join(str(part) for part in first["loc"]), first["msg"]) from problem
