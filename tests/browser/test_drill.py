"""Drilling by clicks on the board of regions: large region › province › city, each number once more by SQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from queries.client import ClickHouse
from queries.statement import Statement
from tests.browser.conftest import Watch, port_that_is_free
from tests.browser.pictures import DRAWN
from tests.browser.real import NOON, RunningClock, fill, pay, running
from tests.browser.stage import until
from tests.conftest import empty_store

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
PATIENCE = 120.0  # seconds: these wait for a condition, the machine may be busy
MIDNIGHT = NOON - timedelta(hours=12)
EAST = "province IN ('310000', '320000', '330000', '340000', '350000', '360000', '370000')"  # written out, not asked
ZHEJIANG, HANGZHOU, NINGBO = "province = '330000'", "city = '330100'", "city = '330200'"
GUANGDONG, GUANGZHOU = "province = '440000'", "city = '440100'"
BOARD = '[data-board="regions"]'
SHAPES = f'{BOARD} [data-tile="map"] .choroplethlayer path'
# A reader must know which filters are on: chips that are there but squeezed to nothing do not tell.
SQUEEZED = """() => [...document.querySelectorAll('.chip b')]
  .filter((name) => name.scrollWidth > name.clientWidth + 1).map((name) => name.textContent)"""


@pytest.fixture(scope="module")
def clock() -> RunningClock:
    return RunningClock(NOON)


@pytest.fixture(scope="module")
def address(clickhouse: ClickHouse, clock: RunningClock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    empty_store(clickhouse)
    fill(clickhouse, clock.now())
    # cities of which there is something to tell, whatever the simulated business sold
    for number, city in enumerate(("330100", "330200", "330300")):
        pay(clickhouse, NOON - timedelta(hours=1), 100.25 + number, city, province=city[:2] + "0000", city=city)
    pay(clickhouse, NOON - timedelta(hours=1), 55.5, "gz", province="440000", city="440100")
    port = port_that_is_free()
    with running(clickhouse, tmp_path_factory.mktemp("wall"), clock, port):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def board(address: str, clickhouse: ClickHouse, page: Page) -> Drill:
    page.goto(f"{address}/regions?lang=zh")
    page.wait_for_function(DRAWN, timeout=PATIENCE * 1000)
    # nothing is said of a clock in another month than the browser's, nor of a busy machine
    page.add_style_tag(content=".skew, .pace { display: none; }")
    return Drill(page, clickhouse)


class Drill:
    """The board as a reader sees and uses it."""

    def __init__(self, page: Page, clickhouse: ClickHouse) -> None:
        self.page, self._clickhouse = page, clickhouse

    def row(self, code: str) -> Locator:
        return self.page.locator(f'{BOARD} [data-tile="drill"] .table-line[data-code="{code}"]')

    def step(self, label: str) -> Locator:
        return self.page.locator(f"{BOARD} .drill-step", has_text=label)

    def channel(self, code: str) -> Locator:
        return self.page.locator(f'{BOARD} [data-tile="channels"] .split-row[data-code="{code}"]')

    def shape(self, code: str) -> Locator:
        """One region of the map; only Plotly knows which path it is."""
        find = "(paths, code) => paths.findIndex((path) => path.__data__ && path.__data__.loc === code)"
        assert until(lambda: self.page.locator(SHAPES).evaluate_all(find, code) >= 0, PATIENCE), code
        return self.page.locator(SHAPES).nth(self.page.locator(SHAPES).evaluate_all(find, code))

    def shows(self, query: str, path: str, chips: set[str], where: str = "1") -> None:
        """That the address, the way down, the chips and the number of the hero are those; the number by SQL."""
        assert until(lambda: self._text(".drill-step") == path.split(" › "), PATIENCE), self._text(".drill-step")
        names = self.page.locator(".chip b")
        assert until(lambda: set(names.all_inner_texts()) == chips, PATIENCE), names.all_inner_texts()
        assert names.count() == len(chips)
        search = str(self.page.evaluate("() => location.search"))
        assert set(search.removeprefix("?").split("&")) == set(f"lang=zh&{query}".strip("&").split("&"))
        assert until(lambda: self.hero() == self.paid(where), PATIENCE), (self.hero(), self.paid(where), where)
        assert self.page.evaluate(SQUEEZED) == []

    def hero(self) -> str:
        number = self.page.locator(f'{BOARD} [data-tile="hero"] .tile-body [data-text]').first
        return number.get_attribute("data-text") or ""

    def paid(self, where: str) -> str:
        """What was paid today there, in whole units as the hero writes it."""
        condition = f"kind = 'paid' AND ts >= fromUnixTimestamp({MIDNIGHT.timestamp():.0f}) AND {where}"
        (row,) = self._clickhouse.read(
            Statement("test", f"SELECT sum(amount) FROM order_events WHERE {condition}")
        ).rows
        return f"{(int(row[0]) + 5_000) // 10_000:,}"

    def _text(self, selector: str) -> list[str]:
        return self.page.locator(f"{BOARD} {selector}").all_inner_texts()


def test_clicks_drill_down_and_up_and_the_browser_goes_back_and_forward(board: Drill, watch: Watch) -> None:
    board.shows("", "全国", set())
    board.row("east").click()
    board.shows("large_region=east", "全国 › 华东", {"华东"}, EAST)
    board.row("330000").click()
    province = ("large_region=east&province=330000", "全国 › 华东 › 浙江", {"华东", "浙江"}, ZHEJIANG)
    board.shows(*province)
    board.row("330100").click()
    board.shows(f"{province[0]}&city=330100", province[1], {"华东", "浙江", "杭州市"}, HANGZHOU)
    expect(board.row("330100")).to_have_attribute("aria-pressed", "true", timeout=PATIENCE * 1000)
    expect(board.row("330200")).to_be_visible()  # the neighbours stay, to compare with

    board.step("华东").click()
    board.shows("large_region=east", "全国 › 华东", {"华东"}, EAST)
    board.page.go_back()
    board.shows(f"{province[0]}&city=330100", province[1], {"华东", "浙江", "杭州市"}, HANGZHOU)
    board.page.go_back()
    board.shows(*province)
    board.page.go_forward()
    board.shows(f"{province[0]}&city=330100", province[1], {"华东", "浙江", "杭州市"}, HANGZHOU)
    board.step("全国").click()
    board.shows("", "全国", set())
    assert watch.errors == [] and watch.foreign == []


def test_the_map_drills_too(board: Drill, watch: Watch) -> None:
    board.page.locator(f"{BOARD} .map-parents .pick-chip", has_text="华南").click()
    assert until(lambda: "large_region=south" in board.page.evaluate("() => location.search"), PATIENCE)
    board.shape("440000").click(force=True)
    province = ("large_region=south&province=440000", "全国 › 华南 › 广东", {"华南", "广东"}, GUANGDONG)
    board.shows(*province)
    board.shape("440100").click(force=True)  # the map is now that of the province's cities
    board.shows(f"{province[0]}&city=440100", province[1], {"华南", "广东", "广州市"}, GUANGZHOU)
    board.shape("440100").click(force=True)
    board.shows(*province)
    assert watch.errors == [] and watch.foreign == []


def test_a_filter_beside_the_drill_applies_with_it_and_a_tick_loses_neither(
    board: Drill, clickhouse: ClickHouse, clock: RunningClock, watch: Watch
) -> None:
    board.row("east").click()
    board.shows("large_region=east", "全国 › 华东", {"华东"}, EAST)
    board.channel("live").click()
    both = ("large_region=east&channel=live", "全国 › 华东", {"华东", "直播"}, f"{EAST} AND channel = 'live'")
    board.shows(*both)
    board.row("330000").click()
    query, way, where = "large_region=east&province=330000", "全国 › 华东 › 浙江", f"{ZHEJIANG} AND channel = 'live'"
    board.shows(f"{query}&channel=live", way, {"华东", "浙江", "直播"}, where)
    board.row("330200").click()
    deep = f"{NINGBO} AND channel = 'live'"
    board.shows(f"{query}&city=330200&channel=live", way, {"华东", "浙江", "宁波市", "直播"}, deep)

    before, frames = board.hero(), "() => livewall.on('shown', () => { window.shown = (window.shown || 0) + 1; })"
    board.page.evaluate(frames)
    for name, amount, dimensions in (
        ("counts", 300.0, {"city": "330200"}),
        ("another-channel", 5_000.0, {"city": "330200", "channel": "search"}),
        ("another-city", 70_000.0, {"city": "330100"}),
    ):
        pay(clickhouse, clock.now(), amount, name, province="330000", **dimensions)
    assert until(lambda: board.hero() != before, PATIENCE), before
    board.shows(f"{query}&city=330200&channel=live", way, {"华东", "浙江", "宁波市", "直播"}, deep)
    assert board.page.evaluate("() => window.shown") >= 1, "the same page, and a frame that came by a tick"

    board.step("全国").click()  # going up lets go of what was drilled, not of the filter beside it
    board.shows("channel=live", "全国", {"直播"}, "channel = 'live'")
    board.page.keyboard.press("Escape")
    board.shows("", "全国", set())
    assert watch.errors == [] and watch.foreign == []


def test_the_keyboard_drills_as_clicks_do(board: Drill, watch: Watch) -> None:
    for code in ("east", "330000", "330100"):
        board.row(code).focus()
        board.page.keyboard.press("Enter")
        expect(board.page.locator(f'.chip[data-code="{code}"]')).to_have_count(1, timeout=PATIENCE * 1000)
        # the row is gone with the next rung: Tab goes on from there; a city's row stays
        here = board.row(code) if code == "330100" else board.page.locator(f"{BOARD} .drill-step[aria-current]")
        expect(here).to_be_focused(timeout=PATIENCE * 1000)
    query, way = "large_region=east&province=330000", "全国 › 华东 › 浙江"
    board.shows(f"{query}&city=330100", way, {"华东", "浙江", "杭州市"}, HANGZHOU)
    board.page.locator('.chip[data-code="330100"]').focus()
    board.page.keyboard.press("Enter")
    board.shows(query, way, {"华东", "浙江"}, ZHEJIANG)
    board.step("华东").focus()
    board.page.keyboard.press("Enter")
    board.shows("large_region=east", "全国 › 华东", {"华东"}, EAST)
    board.page.keyboard.press("Escape")
    board.shows("", "全国", set())
    assert watch.errors == [] and watch.foreign == []
