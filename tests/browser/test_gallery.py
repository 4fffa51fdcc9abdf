"""The gallery in a real browser: every kind draws every face, and the check finds what is too small."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from app.gallery import serve_gallery
from app.static import plotly_url
from layouts.board import board_names, load_board
from layouts.gallery import FACES
from layouts.gallery_page import build_gallery
from layouts.view import kind_names
from locales.words import load_words
from tests.browser.conftest import Watch, port_that_is_free
from tests.browser.stage import ScriptedWall, make_app, serve
from tests.layouts.sample import catalogue

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
PATIENCE = 180_000  # ms
# What a wall must tell, in tiles with numbers: nothing of it is shortened, or reaches over the edge of its tile.
CUT = """() => {
  const told = '.tile-title, .split-label, .rank-label, .number, .change, .cell-rate, .cell-text, .split-share, '
    + '.countdown-line, .fact-value';
  const cut = [];
  for (const tile of document.querySelectorAll('[data-part$="-fresh"]')) {
    const edge = tile.getBoundingClientRect();
    for (const element of tile.querySelectorAll(told)) {
      const box = element.getBoundingClientRect();
      if (!box.width) continue;
      const shortened = element.clientWidth && element.scrollWidth > element.clientWidth + 1;
      if (shortened || box.right > edge.right + 1 || box.bottom > edge.bottom + 1)
        cut.push(`${tile.dataset.part} .${element.className} ${element.textContent}`);
    }
  }
  return cut;
}"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    wall = ScriptedWall(port_that_is_free())
    app = make_app(wall)
    boards = {name: load_board(name) for name in board_names()}
    words = {locale: load_words(locale) for locale in ("zh", "en")}
    serve_gallery(app.server, lambda: build_gallery(boards, catalogue(), words, plotly_url(), "build-1"))
    with serve(wall, app):
        yield f"{wall.url}/gallery"


def opened(page: Page, address: str) -> None:
    page.goto(address, timeout=PATIENCE)
    page.wait_for_selector("html[data-drawn]", state="attached", timeout=PATIENCE)


def test_every_kind_stands_there_in_every_face(address: str, page: Page, watch: Watch, without_plotly: None) -> None:
    opened(page, address)
    figures = set(page.evaluate("[...document.querySelectorAll('figure')].map((one) => one.id)"))
    assert figures == {f"{kind}-{face}" for kind in kind_names() for face in FACES}
    faces = "(face) => [...document.querySelectorAll(`[data-part$='-${face}']`)].map((one) => one.dataset.face)"
    for face in ("loading", "stale", "error"):
        assert set(page.evaluate(faces, face)) == {face}
    drawn = "[...document.querySelectorAll('[data-part$=\"-fresh\"] .tile-body')].filter((one) => !one.firstChild)"
    assert page.evaluate(f"{drawn}.length") == 0
    assert watch.errors == [] and watch.foreign == []


def test_language_and_theme_change_all_tiles_at_once(address: str, page: Page, without_plotly: None) -> None:
    opened(page, f"{address}?lang=zh")
    assert page.locator("#rooms-fresh .tile-title").inner_text().startswith("直播间")
    page.evaluate("livewall.screen.choose('lang', 'en')")
    page.evaluate("livewall.screen.choose('theme', 'light')")
    assert page.locator("#rooms-fresh .tile-title").inner_text().startswith("Live rooms")
    assert page.locator("html").get_attribute("data-theme") == "light"


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_what_matters_can_be_read_on_65_inches_from_ten_metres(
    address: str, page: Page, locale: str, without_plotly: None
) -> None:
    opened(page, f"{address}?check=1&inch=65&m=10&lang={locale}")
    checked = page.evaluate("livewall.checked")
    assert checked["texts"] > 500
    assert [(one["where"], one["mark"], one["text"], round(one["angle"], 1)) for one in checked["small"]] == []


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_figures_and_titles_are_never_cut(address: str, page: Page, locale: str, without_plotly: None) -> None:
    opened(page, f"{address}?lang={locale}")
    assert page.locator("#kpi-fresh .kpi-number .n-number").inner_text() != ""
    assert page.evaluate(CUT) == []


def test_what_a_title_says_after_a_dot_is_a_detail(address: str, page: Page, without_plotly: None) -> None:
    opened(page, f"{address}?lang=en")
    title, detail = page.locator("#rooms-fresh .tile-title"), page.locator("#rooms-fresh .tile-sub")
    assert title.inner_text().startswith("Live rooms · ") and detail.inner_text().strip().startswith("· ")
    size = "(element) => parseFloat(getComputedStyle(element).fontSize)"
    assert detail.evaluate(size) < title.evaluate(size)
    page.evaluate("livewall.title(document.querySelector('#rooms-fresh .tile-title'), 'Live rooms')")
    assert detail.count() == 0 and title.inner_text() == "Live rooms"


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_ramps_and_marks_can_be_told_apart(address: str, page: Page, theme: str, without_plotly: None) -> None:
    opened(page, f"{address}?check=1&theme={theme}")
    assert page.evaluate("livewall.checked.colours") == []


def test_a_small_screen_far_away_is_found_out(address: str, page: Page, without_plotly: None) -> None:
    opened(page, f"{address}?check=1&inch=32&m=10")
    where = {one["where"] for one in page.evaluate("livewall.checked.small")}
    assert {"kpi-fresh", "hero-fresh"} <= where
    assert page.locator(".gallery-check table tr").count() > 5


def test_alerts_are_whole_or_not_there(address: str, page: Page, without_plotly: None) -> None:
    opened(page, f"{address}?lang=en")
    cut = """() => [...document.querySelectorAll('[data-part="alerts-fresh"] .alert-card')].map((card) =>
      card.getBoundingClientRect().bottom <= card.parentElement.getBoundingClientRect().bottom + 1)"""
    assert page.evaluate(cut) == [True, True]
