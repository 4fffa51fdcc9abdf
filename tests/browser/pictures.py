"""Takes the pictures of `docs/img`: every board at five formats, in both languages and themes (`make pictures`).

Needs a running wall with something to show: `make run`, then `make pictures` beside it. One page shows everything, so
that a hundred pictures need one load a board and language. They are scaled down and stored as WebP.
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
WIDTH = 1280  # px of a stored picture
QUALITY = 72
PATIENCE = 180_000  # ms: a busy machine
DRAWN = """() => {
  const tiles = [...document.querySelectorAll('.board:not([hidden]) .tile')].filter((tile) => tile.offsetParent);
  const frame = livewall.frame(); // complete: comparisons with other days have come too
  return frame && frame.complete && tiles.length && tiles.every((tile) => tile.dataset.face !== 'loading');
}"""


def name_of(board: str, shape: str, locale: str, theme: str) -> str:
    return f"{board}-{shape}-{locale}-{theme}.webp"


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--url", default="http://localhost:8050")
    asked.add_argument("--boards", nargs="*", default=board_names())
    asked.add_argument("--out", type=Path, default=FOLDER)
    given = asked.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        print("no Chromium on this machine", file=sys.stderr)
        return 1
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox", "--force-color-profile=srgb"])
        page = browser.new_page(reduced_motion="reduce")
        page.set_default_timeout(PATIENCE)
        session = page.context.new_cdp_session(page)
        for board in given.boards:
            for locale in LOCALES:
                for file, size in pictures(page, given.url, board, locale):
                    (given.out / file).write_bytes(capture(session, *size))
                    print(file)
        page.goto("about:blank")  # says that the screen was closed: a browser that ends without it is a wall gone dark
        browser.close()
    if given.out == FOLDER:
        PAGE.write_text(listing(board_names()), encoding="utf-8")
    return 0


def pictures(page: Page, url: str, board: str, locale: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """The page in each shape and theme, as (file name, size in px), ready to be captured."""
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.goto(f"{url}/{board}?kiosk=1&name=lobby-left&lang={locale}&theme=dark")
    page.wait_for_function(DRAWN)
    if board == "walls":
        gather(page)
    for shape, (width, height) in FORMATS.items():
        page.set_viewport_size({"width": width, "height": height})
        for theme in THEMES:
            page.evaluate("(theme) => livewall.screen.choose('theme', theme)", theme)
            page.wait_for_timeout(1500)  # charts are drawn anew a moment after the size
            page.wait_for_function(DRAWN)
            yield name_of(board, shape, locale, theme), (width, height)


def capture(session: CDPSession, width: int, height: int) -> bytes:
    """The screen as WebP, scaled to WIDTH."""
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": min(1.0, WIDTH / width)}
    taken = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY, "clip": clip})
    return base64.b64decode(str(taken["data"]))


def listing(boards: list[str], page: Path = PAGE) -> str:
    """The page that lists all pictures, in Markdown. What people wrote above the first board stays."""
    written = page.read_text(encoding="utf-8") if page.is_file() else "# Pictures of every board\n\n"
    lines = [written.partition("\n## ")[0].rstrip(), ""]
    for board in boards:
        lines += [f"## {board}", ""]
        for shape, (width, height) in FORMATS.items():
            lines += [f"### {width} × {height}", "", "| | dark | light |", "|---|---|---|"]
            for locale in LOCALES:
                shown = [f"![{board}](img/boards/{name_of(board, shape, locale, theme)})" for theme in THEMES]
                lines.append(f"| {locale} | {' | '.join(shown)} |")
            lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
