"""Takes the pictures of `docs/img`: every board at five formats, in both languages and themes (`make pictures`).

Needs a running wall with something to show: `make run`, then `make pictures` beside it; for a sale that runs
`make sale`, then `make pictures PICTURES=--sale`, which also takes phones. One page shows everything, so that a hundred
pictures need one load a board and language. They are scaled down and stored as WebP.
"""

from __future__ import annotations

import argparse
import base64
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import CDPSession, Page, sync_playwright

from layouts.board import board_names
from tests.browser.other_screens import gather

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "img" / "boards"
PAGE = ROOT / "docs" / "pictures.md"
FORMATS = {
    "1080": (1920, 1080),
    "1440": (2560, 1440),
    "2160": (3840, 2160),
    "21x9": (2560, 1080),
    "32x9": (3840, 1080),
}
LOCALES, THEMES = ("zh", "en"), ("dark", "light")
PHONE = {"phone": (390, 844)}  # as wide; as high as the board, which scrolls there
SALE, SALE_BOARD = "event-sale", "event"  # pictures of a running sale are told apart by their name
WIDTH = 1280  # px of a stored picture
SHARP = 2.0  # pixels of a stored picture for one of a phone
QUALITY = 72
PATIENCE = 180_000  # ms: a busy machine
DRAWN = """() => {
  const tiles = [...document.querySelectorAll('.board:not([hidden]) .tile')].filter((tile) => tile.offsetParent);
  const frame = livewall.frame(); // complete: comparisons with other days have come too
  return frame && frame.complete && tiles.length && tiles.every((tile) => tile.dataset.face !== 'loading');
}"""


# The machine's clock as the page sees it: that of a wall in a rehearsal is another one, and would be said to be wrong.
MOVED = """(() => {
  const ahead = %d * 1000, Machine = Date;
  window.Date = class extends Machine {
    constructor(...given) { given.length ? super(...given) : super(Machine.now() - ahead); }
    static now() { return Machine.now() - ahead; }
  };
})()"""


def name_of(board: str, shape: str, locale: str, theme: str) -> str:
    return f"{board}-{shape}-{locale}-{theme}.webp"


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--url", default="http://localhost:8050")
    asked.add_argument("--boards", nargs="*", default=board_names())
    asked.add_argument("--sale", action="store_true", help="the sale board while a sale runs (make sale)")
    asked.add_argument("--out", type=Path, default=FOLDER)
    given = asked.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    series = {SALE: SALE_BOARD} if given.sale else {board: board for board in given.boards}
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        print("no Chromium on this machine", file=sys.stderr)
        return 1
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox", "--force-color-profile=srgb"])
        page = browser.new_page(reduced_motion="reduce")
        page.set_default_timeout(PATIENCE)
        session = page.context.new_cdp_session(page)
        for name, board in series.items():
            for locale in LOCALES:
                for file, size in pictures(page, given.url, name, board, locale):
                    (given.out / file).write_bytes(capture(session, *size))
                    print(file)
        page.goto("about:blank")  # says that the screen was closed: a browser that ends without it is a wall gone dark
        browser.close()
    if given.out == FOLDER:
        PAGE.write_text(listing(board_names()), encoding="utf-8")
    return 0


def pictures(page: Page, url: str, name: str, board: str, locale: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """The page in each shape and theme, as (file name, size in px), ready to be captured."""
    page.set_viewport_size({"width": 1920, "height": 1080})
    open_board(page, f"{url}/{board}?kiosk=1&name=lobby-left&lang={locale}&theme=dark")
    if name == "walls":
        gather(page)
    for shape, (width, height) in shapes_of(name).items():
        page.set_viewport_size({"width": width, "height": height})
        for theme in THEMES:
            page.evaluate("(theme) => livewall.screen.choose('theme', theme)", theme)
            page.wait_for_timeout(1500)  # charts are drawn anew a moment after the size
            page.wait_for_function(DRAWN)
            whole = page.evaluate("document.documentElement.scrollHeight") if shape in PHONE else height
            yield name_of(name, shape, locale, theme), (width, whole)


def open_board(page: Page, address: str) -> None:
    """Show a board. Where the wall's clock is not this machine's, the page is given the wall's."""
    page.goto(address)
    page.wait_for_function(DRAWN)
    ahead = round(page.evaluate("livewall.clock.skew"))
    if abs(ahead) > 1:
        page.add_init_script(MOVED % ahead)
        page.goto(address)
        page.wait_for_function(DRAWN)


def shapes_of(name: str) -> dict[str, tuple[int, int]]:
    return FORMATS | PHONE if name == SALE else FORMATS


def capture(session: CDPSession, width: int, height: int) -> bytes:
    """The screen as WebP, scaled to WIDTH; a phone's, which is narrower and scrolls, whole and sharp."""
    phone = width < WIDTH
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": SHARP if phone else WIDTH / width}
    wanted = {"format": "webp", "quality": QUALITY, "clip": clip, "captureBeyondViewport": phone}
    return base64.b64decode(str(session.send("Page.captureScreenshot", wanted)["data"]))


def listing(boards: list[str], page: Path = PAGE) -> str:
    """The page that lists all pictures, in Markdown. What people wrote above the first board stays."""
    written = page.read_text(encoding="utf-8") if page.is_file() else "# Pictures of every board\n\n"
    lines = [written.partition("\n## ")[0].rstrip(), ""]
    for name in (*boards, SALE):
        lines += [f"## {name}", ""]
        for shape, (width, height) in shapes_of(name).items():
            size = f"{width} px, a phone" if shape in PHONE else f"{width} × {height}"
            lines += [f"### {size}", "", "| | dark | light |", "|---|---|---|"]
            for locale in LOCALES:
                shown = [f"![{name}](img/boards/{name_of(name, shape, locale, theme)})" for theme in THEMES]
                lines.append(f"| {locale} | {' | '.join(shown)} |")
            lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
