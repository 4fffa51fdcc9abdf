"""The real wall in a real browser: from an order in the ledger to the number on the screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import takewhile
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect

from app.main import Wall
from live.health import Beat
from live.pace import RULE, Pace
from metrics.scope import Scope
from queries.client import ClickHouse
from tests.browser.conftest import Watch, port_that_is_free
from tests.browser.purchase import buy, number, paid_by_hand
from tests.browser.real import NOON, TICK, RunningClock, fill, pay, running
from tests.browser.stage import SHOWN, until
from tests.browser.stall import EVERY_TICK, KINDS, OTHERS, Kind, Stall

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
ON_SCREEN = ".board:not([hidden])"  # all boards are in the page, and several have a tile of the same name
HERO = f'{ON_SCREEN} [data-tile="hero"] .tile-body'
HERO_TITLE = f'{ON_SCREEN} [data-tile="hero"] .tile-title'
MAP = f'{ON_SCREEN} [data-tile="map"] .choroplethlayer path'
FACES = f"""() => Object.fromEntries({SHOWN}.map((t) =>
  [t.dataset.tile, [t.dataset.face, t.querySelector('.tile-body').textContent.length]]))"""
CUT_OFF = f"""() => {SHOWN}.map((t) => [t.dataset.tile, t.getBoundingClientRect()])
  .filter(([, b]) => b.right > innerWidth || b.bottom > innerHeight || b.width < 40 || b.height < 40).map(([k]) => k)"""
CHINESE = f"""() => {SHOWN}.map((t) => t.querySelector('.tile-title'))
  .filter((t) => /[\\u4e00-\\u9fff]/.test(t.textContent)).length"""
PATIENCE = 120.0  # seconds: these wait for a condition, the machine may be busy


@pytest.fixture(scope="module")
def clock() -> RunningClock:
    return RunningClock(NOON)


@pytest.fixture(scope="module")
def wall(
    clickhouse: ClickHouse, clock: RunningClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Wall, str]]:
    fill(clickhouse, clock.now())
    port = port_that_is_free()
    with running(clickhouse, tmp_path_factory.mktemp("wall"), clock, port) as wall:
        yield wall, f"http://127.0.0.1:{port}"


@pytest.fixture
def opened(wall: tuple[Wall, str], page: Page) -> str:
    """The wall's address, its page open with every tile drawn once."""
    page.goto(f"{wall[1]}/wall?lang=zh")
    drawn(page)
    return wall[1]


def drawn(page: Page) -> None:
    ready = f"() => {SHOWN}.length && {SHOWN}.every((t) => t.dataset.face !== 'loading')"
    page.wait_for_function(ready, timeout=PATIENCE * 1000)


def hero(page: Page) -> str:
    """The hero's number as a reader hears it."""
    return page.locator(f"{HERO} [data-text]").first.get_attribute("data-text") or ""


def status(address: str) -> int:
    try:
        with urlopen(address, timeout=20) as answer:
            return int(answer.status)
    except HTTPError as refusal:
        return refusal.code


def test_every_tile_shows_something_and_nothing_goes_wrong(
    opened: str, wall: tuple[Wall, str], page: Page, watch: Watch
) -> None:
    page.wait_for_selector(MAP, state="attached", timeout=PATIENCE * 1000)
    shown = page.evaluate(FACES)
    assert set(shown) == {tile.key for tile in wall[0].given.definitions.boards["wall"].tiles}
    assert {name: face for name, (face, _) in shown.items() if face not in ("fresh", "stale")} == {}
    assert [name for name, (_, length) in shown.items() if length == 0] == []
    assert page.locator(MAP).count() >= 34, "every province has a shape (and some one more on the inset)"
    assert re.search(r"\d", hero(page))
    assert watch.errors == []
    assert watch.foreign == []


@pytest.mark.parametrize(("width", "height", "lang"), [(1920, 1080, "zh"), (3840, 2160, "en")])
def test_the_health_board_shows_every_topic_and_fits_its_screen(
    wall: tuple[Wall, str], page: Page, watch: Watch, width: int, height: int, lang: str
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{wall[1]}/health-board?lang={lang}")
    drawn(page)
    shown = page.evaluate(FACES)
    assert set(shown) == {tile.key for tile in wall[0].given.definitions.boards["health-board"].tiles}
    # nothing was refused in the last hour, and nothing has been compared with raw yet: those say so
    assert {name for name, (face, _) in shown.items() if face != "fresh"} <= {"letters", "reconciliation"}
    assert {face for face, _ in shown.values()} == {"fresh", "empty"}
    assert page.locator('[data-tile="ledgers"] .fact-row').count() == 2
    assert page.locator('[data-tile="rows"] .spark:not([hidden])').count() == 2
    sizes = "() => [document.body.scrollWidth, document.body.scrollHeight]"
    assert page.evaluate(sizes) == [width, height]
    assert page.evaluate(CUT_OFF) == []
    assert (page.evaluate(CHINESE) > 0) == (lang == "zh")
    assert watch.errors == []
    assert watch.foreign == []


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (3840, 2160)])
def test_the_wall_fits_its_screen(wall: tuple[Wall, str], page: Page, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{wall[1]}/wall?kiosk=1")
    drawn(page)
    assert page.evaluate("() => [document.body.scrollWidth, document.body.scrollHeight]") == [width, height]
    assert page.evaluate(CUT_OFF) == []


# What each frame showed as the hero's number, and when that had been asked for.
NOTE_HERO = """() => {
  window.heroes = [];
  livewall.on('shown', (frame) => heroes.push([frame.tiles.hero.as_of,
    document.querySelector('.board:not([hidden]) [data-tile=hero] [data-text]').dataset.text]));
}"""


def test_a_paid_order_is_on_the_gmv_tile_within_two_ticks(
    opened: str,
    wall: tuple[Wall, str],
    page: Page,
    clock: RunningClock,
    clickhouse: ClickHouse,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two halves, neither of which counts what a busy machine takes: the tick after the order asks for it, and the
    first frame with that answer shows it."""
    page.evaluate(NOTE_HERO)
    assert not hero(page).startswith("7,000,")
    ticker, beats = wall[0].ticker, list[tuple[datetime, bool, datetime | None]]()

    def note(beat: Beat) -> None:
        held = ticker.store.latest("wall", Scope())
        late = beat.waiting > 0 or any(slot.pending for slot in ticker._slots())
        beats.append((beat.at, late, held.tiles["hero"].as_of if held else None))

    monkeypatch.setattr(ticker, "_heard", note)
    pay(clickhouse, clock.now(), 7_000_000_000.0, "big")
    paid = clock.now()
    assert until(lambda: hero(page).startswith("7,000,"), PATIENCE), hero(page)
    ticks = [(late, asked) for at, late, asked in beats if at > paid]
    passed = list(takewhile(lambda tick: tick[1] is None or tick[1] <= paid, ticks))
    assert sum(not late for late, _ in passed) < 2, "ticks that were not late and did not bring the order"

    def asked_later() -> set[str]:
        """What frames showed whose numbers were asked for after the order, up to whole seconds as they are asked."""
        heroes = [(datetime.fromisoformat(asked), text) for asked, text in page.evaluate("() => heroes")]
        return {text[:6] for asked, text in heroes if asked.replace(microsecond=0) > paid}

    # the order may have come with a question of its own second: the next one has it too, and only that one is certain
    assert until(lambda: bool(asked_later()), PATIENCE)
    assert asked_later() == {"7,000,"}


def test_a_click_on_the_map_filters_and_a_second_click_clears(opened: str, page: Page, watch: Watch) -> None:
    page.wait_for_selector(MAP, state="attached", timeout=PATIENCE * 1000)
    whole = hero(page)
    page.locator(MAP).nth(20).click(force=True)
    expect(page.locator(".chip")).to_have_count(1, timeout=PATIENCE * 1000)
    assert re.search(r"province=\d{6}", page.evaluate("() => location.search"))
    assert until(lambda: hero(page) != whole, PATIENCE)
    assert page.locator(MAP).count() >= 34, "the clicked map keeps its full view"
    page.keyboard.press("Escape")
    expect(page.locator(".chip")).to_have_count(0, timeout=PATIENCE * 1000)
    assert "province" not in page.evaluate("() => location.search")
    assert watch.errors == []


def test_filters_come_from_the_address_and_unknown_ones_are_said(wall: tuple[Wall, str], page: Page) -> None:
    # a note stays for eight seconds, and all scripts may take longer to load
    page.goto(f"{wall[1]}/wall?lang=zh&province=440000,atlantis&channel=live", wait_until="commit")
    expect(page.locator(".chip")).to_have_count(2, timeout=PATIENCE * 1000)
    expect(page.locator(".note")).to_contain_text("atlantis")
    page.reload()
    expect(page.locator(".chip")).to_have_count(2, timeout=PATIENCE * 1000)


def test_the_language_switches_every_tile(opened: str, page: Page) -> None:
    expect(page.locator(HERO_TITLE)).to_have_text("今日成交额", timeout=PATIENCE * 1000)
    page.click('[data-choose="lang"]')
    expect(page.locator(HERO_TITLE)).to_have_text("GMV today", timeout=PATIENCE * 1000)
    assert until(lambda: page.evaluate(CHINESE) == 0, PATIENCE)


def test_exactly_one_request_per_tick(opened: str, page: Page, watch: Watch) -> None:
    beats = "() => window.dash_component_api.getLayout('beat').props.n_intervals || 0"
    before, posts = page.evaluate(beats), len(watch.posts)
    page.wait_for_timeout(10 * TICK * 1000)
    assert 1 <= len(watch.posts) - posts <= page.evaluate(beats) - before + 1


def test_yesterday_can_be_looked_at(wall: tuple[Wall, str], page: Page) -> None:
    page.goto(f"{wall[1]}/wall?day=2026-11-10&lang=zh")
    drawn(page)
    expect(page.locator('[data-part="day"]')).to_contain_text("11月10日")
    expect(page.locator('[data-part="mode"]')).to_have_text("历史")


def test_health_answers(wall: tuple[Wall, str]) -> None:
    assert status(f"{wall[1]}/healthz") == 200
    assert until(lambda: status(f"{wall[1]}/readyz") == 200, PATIENCE)


AGES = f"""() => Object.fromEntries({SHOWN}.map((t) =>
  [t.dataset.tile, [t.dataset.face, t.querySelector('.tile-note').textContent]]))"""


@pytest.mark.parametrize("board", ["wall", "health-board"])
def test_every_tile_ages_by_itself_when_the_server_is_gone(
    wall: tuple[Wall, str], page: Page, board: str, without_plotly: None
) -> None:
    page.goto(f"{wall[1]}/{board}?lang=zh")
    drawn(page)
    page.context.set_offline(True)
    expect(page.locator("html")).to_have_attribute("data-link", "cut", timeout=PATIENCE * 1000)
    page.evaluate("() => { livewall.sleptFor(600e3); livewall.emit('second'); }")  # ten minutes later
    ages = page.evaluate(AGES)
    assert set(ages) == {tile.key for tile in wall[0].given.definitions.boards[board].tiles}
    assert {name: age for name, age in ages.items() if age[0] in ("fresh", "loading")} == {}
    assert [name for name, (_, note) in ages.items() if "截至" not in note] == [], (
        "not a dot in a corner: each one says so"
    )
    page.context.set_offline(False)
    assert until(lambda: {face for face, _ in page.evaluate(AGES).values()} <= {"fresh", "empty"}, PATIENCE)


HEADER = """() => [document.querySelector('[data-part=watermark]').textContent,
  document.querySelector('[data-part=lag]').dataset.state]"""
OPACITY = f"(tile) => Number(getComputedStyle(document.querySelector(`{HERO.replace('hero', '${tile}')}`)).opacity)"


@pytest.mark.parametrize("stalled", KINDS)
def test_a_stalled_database_ages_what_waits_for_it_and_nothing_else(
    wall: tuple[Wall, str],
    opened: str,
    page: Page,
    watch: Watch,
    clock: RunningClock,
    clickhouse: ClickHouse,
    monkeypatch: pytest.MonkeyPatch,
    stalled: Kind,
) -> None:
    """An order is paid meanwhile, and is in the number afterwards."""
    page.evaluate("() => { window.here = true; }")
    stall, far = Stall(wall[0], clock, stalled), stalled != "all"

    def order(name: str, amount: float) -> None:
        buy(clickhouse, clock.now(), amount, f"{stalled} {name}")

    def right() -> bool:
        return hero(page) == paid_by_hand(clickhouse, NOON, hero(page))

    stall.pass_time(page, 2)  # scopes of earlier pages would have a stuck statement each, and together every reader
    assert until(lambda: len(wall[0].ticker.store.in_use()) == 1, PATIENCE)
    order("before", 1_000_000.0)
    assert until(lambda: page.evaluate(HEADER)[1] == "ok", PATIENCE), "the watermark is the order's"
    assert until(right, PATIENCE), hero(page)
    try:
        if not far:  # from the slowest pace on nothing more changes on a screen, were it not for the ages
            monkeypatch.setattr(wall[0].ticker, "pace", Pace(step=len(RULE.slower)))
        monkeypatch.setattr(wall[0].given.clickhouse, "read", stall.read)
        assert stall.stalls.wait(PATIENCE)
        hit, well = stall.tiles()
        assert hit and bool(well) == far
        if stalled == "one joined statement":
            assert hit >= EVERY_TICK and well >= OTHERS
        kept, (reached, _) = hero(page), page.evaluate(HEADER)
        stall.pass_time(page, 5)  # the longest promise is two minutes
        order("meanwhile", 2_345_678.0)
        ages_by_stall(page, hit, well)
        # the header: of a watermark that comes it says how far the ledger is, of one that does not how late it is
        assert until(lambda: (page.evaluate(HEADER)[1] == "ok") == far, PATIENCE), page.evaluate(HEADER)
        assert (page.evaluate(HEADER)[0] != reached) == far
        assert until(lambda: ("数据库无应答" not in page.inner_text('[data-part="link"]')) == far, PATIENCE)
        assert until(lambda: (status(f"{wall[1]}/readyz") == 200) == far, PATIENCE)
        if "hero" in hit:
            assert hero(page) == kept, "the last numbers stay"
        else:
            assert until(right, PATIENCE), hero(page)
        expect(page.locator("html")).not_to_have_attribute("data-link", "cut")
    finally:
        stall.go_on.set()
    assert until(right, PATIENCE), hero(page)
    assert number(hero(page)) - number(kept) == 2_345_678, "what was paid meanwhile, once"
    assert until(lambda: set(faces(page).values()) <= {"fresh", "empty"}, PATIENCE), faces(page)
    assert until(lambda: page.evaluate(HEADER)[0] != reached, PATIENCE)
    assert until(lambda: status(f"{wall[1]}/readyz") == 200, PATIENCE)
    expect(page.locator("html")).to_have_attribute("data-link", "ok", timeout=PATIENCE * 1000)
    assert page.evaluate("() => window.here")
    assert watch.errors == []


def faces(page: Page) -> dict[str, str]:
    return {name: face for name, (face, _) in page.evaluate(AGES).items()}


def ages_by_stall(page: Page, hit: set[str], well: set[str]) -> None:
    """Each tile that waits says as of when it is and is dimmed; of the others none is stale."""
    assert until(lambda: {faces(page)[name] for name in hit} <= {"stale", "empty"}, PATIENCE), faces(page)
    assert until(lambda: "stale" not in {faces(page)[name] for name in well}, PATIENCE), faces(page)
    assert {page.evaluate(AGES)[name][1][:2] for name in hit} == {"截至"}
    assert until(lambda: max(page.evaluate(OPACITY, name) for name in hit) < 1, PATIENCE), "dimmed"


def test_midnight_begins_a_new_day_without_a_reload_and_keeps_the_filter(
    wall: tuple[Wall, str], page: Page, watch: Watch, clock: RunningClock, clickhouse: ClickHouse
) -> None:
    filtered = "?lang=zh&province=440000&step=pay&focus=paid_gmv"
    page.goto(f"{wall[1]}/wall{filtered}")
    drawn(page)
    expect(page.locator('[data-part="day"]')).to_contain_text("11月11日")
    page.evaluate("() => { window.here = true; }")
    midnight = NOON + timedelta(hours=12)
    clock.jump(midnight + timedelta(seconds=5))
    pay(clickhouse, midnight + timedelta(seconds=3), 88.0, "first-of-the-day")
    expect(page.locator('[data-part="day"]')).to_contain_text("11月12日", timeout=PATIENCE * 1000)
    assert until(lambda: hero(page) in ("88", "88.00"), PATIENCE), "the new day starts from nothing"
    assert page.evaluate("() => [window.here, location.search]") == [True, filtered]
    assert watch.errors == []
