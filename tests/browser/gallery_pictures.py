"""Takes the gallery's pictures and compares them with the ones that are kept (`make gallery-pictures` renews those).

A picture shows all faces of one kind of tile, in a language and a theme, at half the size of a wall at 1920×1080. It is
cut from one screenshot of the gallery, whose tiles are put on whole pixels first. The browser compares, too, in blocks
of colour (`gallery_pictures.js`): it is the one decoder of pictures that is here anyway.
"""

from __future__ import annotations

import argparse
import base64
import json
import platform
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from app.gallery import serve_gallery
from app.static import plotly_url
from layouts.board import board_names, load_board
from layouts.gallery_page import build_gallery
from layouts.view import kind_names
from locales.words import load_words
from tests.browser.conftest import NAMES, port_that_is_free
from tests.browser.stage import ScriptedWall, make_app, serve
from tests.layouts.sample import catalogue

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "gallery"
TAKEN = FOLDER / "taken.json"  # with which browser, on which system
SCRIPT = HERE / "gallery_pictures.js"
LOCALES, THEMES = ("zh", "en"), ("dark", "light")
SCALE = 0.5  # pixels of a picture for one of the wall
HIGHEST = 16_384  # pixels: below that a browser takes a picture in one piece
PATIENCE = 180_000  # ms: a busy machine


@dataclass(frozen=True, slots=True)
class Change:
    """A tile that does not look as it is kept: blocks that changed, and by how much the most (0 to 255)."""

    kind: str
    face: str
    blocks: int
    most: float


def name_of(kind: str, locale: str, theme: str) -> str:
    return f"{kind}-{locale}-{theme}.webp"


def names() -> set[str]:
    return {name_of(kind, locale, theme) for kind in kind_names() for locale in LOCALES for theme in THEMES}


def stamp(browser: Browser) -> dict[str, str]:
    return {"chromium": browser.version, "system": platform.system()}


@contextmanager
def gallery() -> Iterator[str]:
    """The gallery's address, as long as the block runs."""
    wall = ScriptedWall(port_that_is_free())
    app = make_app(wall)
    boards = {name: load_board(name) for name in board_names()}
    words = {locale: load_words(locale) for locale in LOCALES}
    serve_gallery(app.server, lambda: build_gallery(boards, catalogue(), words, plotly_url(), "build-1"))
    with serve(wall, app):
        yield f"{wall.url}/gallery"


@contextmanager
def opened(browser: Browser, address: str, locale: str) -> Iterator[Page]:
    """The gallery in a language, laid out for pictures."""
    context = browser.new_context(viewport={"width": 1920, "height": 1080}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{address}?lang={locale}&theme={THEMES[0]}")
    page.add_script_tag(path=str(SCRIPT))
    page.wait_for_selector("html[data-drawn]", state="attached")
    page.evaluate("pictures.lay()")
    yield page
    context.close()


def wear(page: Page, theme: str) -> None:
    """The gallery in a theme, all charts drawn."""
    page.evaluate("(theme) => livewall.screen.choose('theme', theme)", theme)
    page.wait_for_function("pictures.settled()")


class Desk:
    """A blank page that cuts screenshots of the gallery and compares them."""

    def __init__(self, browser: Browser) -> None:
        self.page = browser.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.add_script_tag(path=str(SCRIPT))

    def take(self, gallery: Page) -> None:
        """Take the gallery as it is now; what follows is about that."""
        width, height = gallery.evaluate("pictures.size")
        assert height * SCALE < HIGHEST, "more kinds than one screenshot holds: take it in two"
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": SCALE}
        session = gallery.context.new_cdp_session(gallery)
        shot = session.send("Page.captureScreenshot", {"format": "png", "clip": clip, "captureBeyondViewport": True})
        session.detach()
        boxes = gallery.evaluate("pictures.boxes")
        self.page.evaluate("(given) => pictures.open(...given)", [shot["data"], boxes, SCALE])

    def kept(self, kind: str) -> bytes:
        """What was taken of a kind, as a picture to keep (WebP)."""
        return _decoded(self.page.evaluate("(kind) => pictures.kept(kind)", kind))

    def changes(self, kind: str, kept: bytes, out: Path) -> list[Change]:
        """Faces that are not as in the kept picture; what was taken and what changed are then put into `out`."""
        url = f"data:image/webp;base64,{base64.b64encode(kept).decode()}"
        found = self.page.evaluate("(given) => pictures.changed(...given)", [kind, url])
        for part in ("taken", "marked"):
            if found[part]:
                (out / f"{kind}-{part}.png").write_bytes(_decoded(found[part]))
        if found["size"]:
            return [Change(kind, f"all faces, {found['size']}", 0, 255)]
        return [Change(kind, face, blocks, most) for face, blocks, most in found["faces"]]


def _decoded(url: str) -> bytes:
    return base64.b64decode(url.partition(",")[2])


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        print("no Chromium on this machine", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    with gallery() as address, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox", "--force-color-profile=srgb"])
        desk = Desk(browser)
        for locale in LOCALES:
            with opened(browser, address, locale) as page:
                for theme in THEMES:
                    wear(page, theme)
                    desk.take(page)
                    for kind in kind_names():
                        (FOLDER / name_of(kind, locale, theme)).write_bytes(desk.kept(kind))
        TAKEN.write_text(json.dumps(stamp(browser), indent=2) + "\n", encoding="utf-8")
        browser.close()
    for path in FOLDER.glob("*.webp"):
        if path.name not in names():
            path.unlink()
    print(f"{len(names())} pictures in {FOLDER}: look at what changed before it is committed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
