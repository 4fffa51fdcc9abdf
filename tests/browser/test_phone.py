"""The funnel's board on a phone: a narrow screen is another shape of the same board, and says the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from layouts.board import load_board
from tests.browser.conftest import Watch
from tests.browser.made_up import look_at, showing
from tests.browser.stage import ScriptedWall

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("without_plotly")]
BOARDS = {name: load_board(name) for name in ("wall", "funnel")}
DRAWN = '.tile-funnel[data-face="fresh"] .funnel-step'
PHONE, SMALL_PHONE, SCREEN = (390, 844), (360, 640), (1920, 1080)
# What the funnels tell, in the order of the page. A number keeps the room for its unit apart; only words count here.
TOLD = """() => Object.fromEntries(
  ['.funnel-label', '.funnel-value', '.funnel-rate', '.funnel-change', '.funnel-worst', '.funnel-by-note', '.cell-name',
   '.cell-number', '.cell-rate .cell-text', '.cell-rate .change'].map((told) => [
    told,
    [...document.querySelectorAll(`.board:not([hidden]) :is(.tile-funnel, .tile-funnel_by) ${told}`)]
      .filter((element) => element.checkVisibility() && element.textContent.trim())
      .map((element) => element.textContent.replace(/\\s+/g, ' ').trim()),
  ]))"""
# What is shortened, reaches over the edge of its tile, or lies over its neighbour.
SPOILT = """() => {
  const spoilt = [];
  for (const tile of document.querySelectorAll('.board:not([hidden]) :is(.tile-funnel, .tile-funnel_by, .tile-kpi)')) {
    const edge = tile.getBoundingClientRect();
    const told = [...tile.querySelectorAll('.funnel-label, .funnel-track, .funnel-value, .funnel-rate, '
      + '.funnel-change, .funnel-by-note, .cell-head, .cell-name, .cell-number, .cell-rate, .kpi-change')]
      .filter((element) => element.textContent.trim() || element.matches('.funnel-track'));
    const boxes = told.map((element) => element.getBoundingClientRect());
    told.forEach((element, at) => {
      const box = boxes[at];
      const over = boxes.find((other, place) => place < at
        && box.left < other.right - 1 && other.left < box.right - 1
        && box.top < other.bottom - 1 && other.top < box.bottom - 1);
      const words = document.createRange();
      words.selectNodeContents(element); // scrollWidth is rounded, and half a pixel too much already ends in …
      const shortened = element.clientWidth && words.getBoundingClientRect().width > box.width + 0.1;
      if (shortened || over || box.right > edge.right + 1 || box.bottom > edge.bottom + 1)
        spoilt.push(`${tile.dataset.tile} ${element.className} ${element.textContent}`);
    });
    const worst = tile.querySelector('.funnel-worst:not(:empty)');
    if (worst && worst.getBoundingClientRect().width > worst.parentElement.getBoundingClientRect().width)
      spoilt.push(`${tile.dataset.tile} worst`);
  }
  return spoilt;
}"""

# An outage: the longest that a change of a conversion gets.
MUCH_LOST = """() => document.querySelectorAll('.funnel-change, .cell-rate .change')
  .forEach((element) => element.textContent && (element.textContent = '-82.3 pp'))"""


@pytest.fixture(scope="module")
def wall() -> Iterator[ScriptedWall]:
    with showing(BOARDS) as wall:
        yield wall


@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize("board", list(BOARDS))
def test_a_phone_tells_of_funnels_what_a_wall_tells(
    wall: ScriptedWall, page: Page, watch: Watch, board: str, locale: str
) -> None:
    look_at(page, wall, SCREEN, board, locale, DRAWN)
    on_a_wall = page.evaluate(TOLD)
    look_at(page, wall, PHONE, board, locale, DRAWN)
    on_a_phone = page.evaluate(TOLD)
    assert on_a_phone == on_a_wall
    assert len(on_a_phone[".funnel-change"]) == 5 and len(on_a_phone[".funnel-worst"]) == 1
    if board == "funnel":
        assert len(on_a_phone[".cell-rate .change"]) == 5 * (5 + 2), (
            "every conversion of five channels and two customers"
        )
        assert len(on_a_phone[".funnel-by-note"]) == 2
    assert watch.errors == []


@pytest.mark.parametrize("size", [PHONE, SMALL_PHONE])
@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize("board", list(BOARDS))
def test_nothing_of_it_is_cut_or_lies_over_another(
    wall: ScriptedWall, page: Page, board: str, locale: str, size: tuple[int, int]
) -> None:
    look_at(page, wall, size, board, locale, DRAWN)
    assert page.evaluate(SPOILT) == []
    page.evaluate(MUCH_LOST)
    assert page.evaluate(SPOILT) == []
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]
