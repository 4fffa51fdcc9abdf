"""Tiles with little room: an alert's card is whole or counted, what stands beside a map stands under a narrow one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from layouts.board import load_board
from layouts.gallery import sample_alerts
from tests.browser.conftest import Watch
from tests.browser.made_up import look_at, showing
from tests.browser.stage import ScriptedWall, until
from tests.layouts.sample import context

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("without_plotly")]
BOARDS = {name: load_board(name) for name in ("wall", "regions", "event")}
DRAWN = '.tile-alerts[data-face="fresh"] .alert-card'
PHONE, SCREEN, WIDE, STRIP = (390, 844), (1920, 1080), (2560, 1080), (3840, 1080)
# The cards that are seen in whole, in part, and how many more there are as the tile says.
CARDS = """() => {
  const tile = document.querySelector('.board:not([hidden]) .tile-alerts');
  const room = tile.querySelector('.alert-cards').getBoundingClientRect();
  const boxes = [...tile.querySelectorAll('.alert-card')].map((card) => card.getBoundingClientRect());
  const seen = boxes.filter((box) => box.left < room.right && box.top < room.bottom);
  const whole = seen.filter((box) => box.right <= room.right + 1 && box.bottom <= room.bottom + 1);
  const reached = [...tile.querySelectorAll('.alert-card:not([inert])')].length;
  const more = Number(tile.querySelector('.alert-more').textContent.replace(/\\D/g, ''));
  return [whole.length, seen.length, reached, more];
}"""
MAP = """() => {
  const box = (part) => document.querySelector(`.board:not([hidden]) .tile-region_map ${part}`).getBoundingClientRect();
  const [tile, chart, parents, label] = ['.tile-body', '.chart', '.map-parents', '.map-inset-label'].map(box);
  return {label: [label.left >= tile.left, label.right <= tile.right + 0.5, label.bottom <= tile.bottom + 0.5],
    under: parents.top >= chart.bottom - 1, inside: parents.bottom <= tile.bottom + 0.5,
    high: chart.height / tile.height};
}"""


@pytest.fixture(scope="module")
def wall() -> Iterator[ScriptedWall]:
    with showing(BOARDS) as wall:
        yield wall


@pytest.mark.parametrize("size", [PHONE, SCREEN, WIDE, STRIP])
@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize("board", list(BOARDS))
def test_an_alert_is_shown_whole_or_counted(
    wall: ScriptedWall, page: Page, watch: Watch, board: str, locale: str, size: tuple[int, int]
) -> None:
    look_at(page, wall, size, board, locale, DRAWN)
    told = sum(alert.state != "inactive" for alert in sample_alerts(context()))

    def cards() -> tuple[int, ...]:
        return tuple(page.evaluate(CARDS))

    whole, seen, reached, more = cards()
    assert whole == seen == reached >= 1, "none in part, and none that only a keyboard reaches"
    assert whole + more == told
    page.add_style_tag(content=".alert-cards { height: 200rem }")
    rows = page.locator(".board:not([hidden]) .alert-card").count()  # boards say how many they want at most
    assert until(lambda: cards() == (rows, rows, rows, told - rows)), cards()
    assert watch.errors == []


@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize("board", ["wall", "regions"])
def test_what_stands_beside_a_map_stands_under_a_narrow_one(
    wall: ScriptedWall, page: Page, board: str, locale: str
) -> None:
    look_at(page, wall, PHONE, board, locale, DRAWN)
    seen = page.evaluate(MAP)
    assert seen["label"] == [True, True, True]
    assert seen["under"] and seen["inside"]
    assert seen["high"] > 0.4, "and the map keeps most of the room"
    look_at(page, wall, SCREEN, board, locale, DRAWN)
    assert not page.evaluate(MAP)["under"]
