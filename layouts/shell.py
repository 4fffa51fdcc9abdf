"""Draws what no tick changes: header, grid, the empty frame of each tile, and the stores that ticks run through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dash import dcc, html

from layouts import ids
from layouts.board import Board, Tile
from layouts.controls import build_controls
from layouts.variants import absent_from, grid_properties, place_properties
from locales.words import Words
from metrics.profile import StoreProfile

SCRIPT_WORDS = ("shell", "tile", "unit")


@dataclass(frozen=True, slots=True)
class Screen:
    """How every page of this process starts. `tick` in seconds overrides the boards' own; 0 follows them."""

    board: str
    locale: str
    build: str
    tick: float = 0.0
    late_s: float = 60.0  # the header's lag is marked from here on
    patience_s: float = 10.0  # a request that takes longer is given up, and asked again
    pixel_s: float = 0.8  # an event is on a screen so long after a tick, by the median; more is marked
    beat_s: float = 0.0  # seconds between a screen's heartbeats; 0: it sends none
    steering: str = "off"  # who may tell screens what to do: open, key (it is asked for), off
    spread_s: float = 30.0  # screens that meet a new build reload within this time, not all at once
    light: str = "07:00-19:00"  # when `theme=auto` is light, in the business zone


def build_shell(
    boards: Mapping[str, Board], screen: Screen, profile: StoreProfile, words: Mapping[str, Words]
) -> html.Div:
    """The page for all boards; scripts show the one that the address names. Carries no data of the business."""
    spoken = words[screen.locale]
    tick = screen.tick or boards[screen.board].tick
    return html.Div(
        [
            dcc.Store(id=ids.CONFIG, data=script_settings(boards, screen, profile, words, tick)),
            dcc.Interval(id=ids.BEAT, interval=round(tick * 1000)),
            *[dcc.Store(id=key) for key in (ids.POKE, ids.ASK, ids.FRAME, ids.FANNED)],
            build_header(profile, spoken, screen.locale),
            *[build_board(board, spoken, hidden=key != screen.board) for key, board in boards.items()],
            html.Div(className="notes", role="status", **{"data-part": "notes", "aria-live": "polite"}),
        ],
        className="screen",
    )


def script_settings(
    boards: Mapping[str, Board], screen: Screen, profile: StoreProfile, words: Mapping[str, Words], tick: float
) -> dict[str, Any]:
    """What the page's scripts know: nothing in it is secret, everybody who may see the page may see it."""
    return {
        "ids": ids.FOR_SCRIPTS,
        "board": screen.board,
        "boards": list(boards),
        "titles": {key: board.title for key, board in boards.items()},
        "names": {"zh": profile.name, "en": profile.name_en or profile.name},
        "build": screen.build,
        "tick": tick,
        "late": screen.late_s,
        "patience": screen.patience_s,
        "spread": screen.spread_s,
        "pixel": screen.pixel_s,
        "light": screen.light,
        "beat": screen.beat_s,
        "steering": screen.steering,
        "locale": screen.locale,
        "zone": profile.time_zone,
        "map": profile.map,
        "words": {locale: _script_words(spoken) for locale, spoken in words.items()},
    }


def _script_words(words: Words) -> dict[str, str]:
    return {key: text for section in SCRIPT_WORDS for key, text in words.section(section).items()}


def build_header(profile: StoreProfile, words: Words, locale: str) -> html.Header:
    """One line above the grid; scripts fill its parts and keep them."""
    name = profile.name if locale == "zh" else profile.name_en or profile.name
    return html.Header(
        [
            html.H1(name, **{"data-part": "name"}),
            html.Span(className="board-title", **{"data-part": "board-title"}),
            html.Div(
                [
                    html.Span(**{"data-part": "mode"}),
                    html.Span(**{"data-part": "day"}),
                    html.Time(**{"data-part": "clock"}),
                    html.Span(className="skew", **{"data-part": "skew"}),
                ],
                className="when",
            ),
            html.Div(className="chips", role="group", **{"data-part": "chips", "data-word-label": "shell.chip.group"}),
            html.Span(hidden=True, className="play", **{"data-part": "play"}),
            html.Span(hidden=True, className="alert-count", **{"data-part": "alerts"}),
            html.Div(
                [
                    html.Span(**{"data-part": "watermark"}),
                    html.Span(**{"data-part": "lag"}),
                    html.Span(hidden=True, **{"data-part": "pixel", "data-word-label": "shell.pixel.why"}),
                ],
                className="freshness",
            ),
            html.Span(hidden=True, className="pace", role="status", **{"data-part": "pace"}),
            html.Span(words.t("shell.link.ok"), className="link", role="status", **{"data-part": "link"}),
            build_controls(words),
        ],
        className="top",
    )


def build_board(board: Board, words: Words, *, hidden: bool) -> html.Main:
    """The grid of a board with each tile's empty frame in its place: nothing moves when numbers come."""
    return html.Main(
        [build_tile(tile, words, board) for tile in board.tiles],
        className="board",
        hidden=hidden,
        style={"--columns": board.columns, "--rows": board.rows, **grid_properties(board)},
        **{"data-board": board.key, "data-variants": " ".join(board.variants)},
    )


def build_tile(tile: Tile, words: Words, board: Board | None = None) -> html.Section:
    """A tile's frame: title, note for the faces `stale` and `error`, sentence for `empty`, body for its kind."""
    area = tile.area
    return html.Section(
        [
            html.Header(
                [
                    html.H2(words.t(tile.title) if tile.title else "", className="tile-title"),
                    html.Span(className="tile-note"),
                ],
                className="tile-head",
            ),
            html.Div(className="tile-body"),
            html.P(className="tile-blank"),
        ],
        className=f"tile tile-{tile.kind}",
        style={
            "gridColumn": f"{area.column} / span {area.width}",
            "gridRow": f"{area.row} / span {area.height}",
            **(place_properties(tile, board) if board else {}),
        },
        **{
            "data-tile": tile.key,
            "data-kind": tile.kind,
            "data-face": "loading",
            **({"data-without": absent_from(tile, board)} if board else {}),
        },
    )
