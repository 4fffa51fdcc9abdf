"""The gallery as a page: every kind of tile in every face, with anchors, from the gallery's made-up answers.

It needs no store and no tick: the page carries the payloads of both languages, `assets/js/80-gallery.js` draws them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

import orjson

from layouts.board import Board, Tile
from layouts.gallery import FACES, NOW, SAMPLES, sample_part
from layouts.shell import SCRIPT_WORDS, Screen
from layouts.variants import BASE, size_of
from layouts.view import PlanContext
from locales.words import Words
from metrics.calendar import BusinessCalendar
from metrics.catalogue import Catalogue
from metrics.labels import Labels
from metrics.profile import StoreProfile
from metrics.regions import load_region_set
from metrics.scope import Scope

ASSETS = Path(__file__).resolve().parent.parent / "assets"
SCRIPTS = ("00-plotly-offline.js", "10-core.js", "15-plot.js", "tiles/*.js", "80-gallery.js")
# What the gallery shows is a demo shop in China, whatever the store of the process: every kind has something to say.
PROFILE = StoreProfile(name="Demo Mall", name_en="Demo Mall", simulated=True)


def shown_tiles(boards: Mapping[str, Board]) -> list[tuple[Board, Tile]]:
    """The first tile of each kind, in the order of the boards; the wall comes first."""
    order = sorted(boards.values(), key=lambda board: (board.key != "wall", board.key))
    found: dict[str, tuple[Board, Tile]] = {}
    for board in order:
        for tile in board.tiles:
            found.setdefault(tile.kind, (board, tile))
    return list(found.values())


def gallery_parts(boards: Mapping[str, Board], catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    """Parts of a frame by `kind-face` and locale."""
    regions, calendar = load_region_set(PROFILE.region_set), BusinessCalendar.of(PROFILE)
    context = PlanContext(Scope(), NOW, calendar.day_of(NOW), calendar, catalogue, PROFILE, regions)
    labels = Labels(catalogue, regions, simulated=PROFILE.simulated)
    return {
        f"{tile.kind}-{face}": {
            locale: sample_part(tile, board, face, context, labels, locale, SAMPLES) for locale in ("zh", "en")
        }
        for board, tile in shown_tiles(boards)
        for face in FACES
    }


def build_gallery(
    boards: Mapping[str, Board], catalogue: Catalogue, words: Mapping[str, Words], plotly: str, build: str
) -> str:
    """The page's HTML. It takes nothing from the request: language, theme and the check are the script's."""
    screen = Screen("wall", "zh", build)
    data = {
        "config": {
            "locale": "zh",
            "zone": PROFILE.time_zone,
            "map": PROFILE.map,
            "board": "wall",
            "boards": list(boards),
            "titles": {name: board.title for name, board in boards.items()},
            "light": screen.light,
            "steering": screen.steering,
            "words": {locale: _words(spoken) for locale, spoken in words.items()},
        },
        "now": NOW.isoformat(),
        "parts": gallery_parts(boards, catalogue),
    }
    carried = orjson.dumps(data).decode().replace("<", "\\u003c")
    kinds = shown_tiles(boards)
    links = " ".join(f'<a class="control" href="#kind-{tile.kind}">{tile.kind}</a>' for _, tile in kinds)
    return (
        '<!DOCTYPE html>\n<html data-page="gallery"><head><meta charset="UTF-8"><title>Livewall gallery</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        + "".join(f'<link rel="stylesheet" href="/assets/css/{path.name}?m={build}">' for path in _files("css/*.css"))
        + f'</head><body class="gallery"><header class="gallery-head"><h1>Livewall gallery</h1><nav>{links}</nav>'
        '<div class="controls" data-gallery="controls"></div></header><div data-gallery="check"></div><main>'
        + "".join(_kind(board, tile) for board, tile in kinds)
        + f'</main><script type="application/json" id="gallery-data">{carried}</script>'
        f'<script src="{escape(plotly)}" defer></script>'
        + "".join(f'<script src="/assets/{name}?m={build}"></script>' for name in _scripts())
        + "</body></html>"
    )


def _words(words: Words) -> dict[str, str]:
    sections = (*SCRIPT_WORDS, "gallery")
    return {key: text for section in sections for key, text in words.section(section).items()}


def _files(pattern: str) -> list[Path]:
    return sorted(ASSETS.glob(pattern))


def _scripts() -> Iterable[str]:
    for pattern in SCRIPTS:
        yield from (path.relative_to(ASSETS).as_posix() for path in _files(f"js/{pattern}"))


def _kind(board: Board, tile: Tile) -> str:
    """A row of one kind: its faces at the size that it has on its board at 16:9."""
    width, height = size_of(tile.area, board, BASE)
    size = f"width:{width:.2f}rem;height:{height:.2f}rem"
    faces = "".join(
        f'<figure id="{tile.kind}-{face}"><figcaption>{tile.kind} · <span data-word="gallery.face.{face}">{face}</span>'
        f'</figcaption><section class="tile tile-{tile.kind}" data-tile="{tile.key}" data-kind="{tile.kind}" '
        f'data-face="loading" data-part="{tile.kind}-{face}" style="{size}"><header class="tile-head">'
        '<h2 class="tile-title"></h2><span class="tile-note"></span></header><div class="tile-body"></div>'
        '<p class="tile-blank"></p></section></figure>'
        for face in FACES
    )
    return f'<section class="gallery-kind" id="kind-{tile.kind}"><h2>{tile.kind}</h2><div>{faces}</div></section>'
