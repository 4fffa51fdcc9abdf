"""What a person does at a screen: filters in the address, chips, keys, language, theme, kiosk, day."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watch
from tests.browser.stage import ScriptedWall, make_frame, part, until

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("without_plotly")]
NAMES = {"440000": "广东", "330000": "浙江"}


def echo(ask: dict[str, Any]) -> str:
    """A wall whose first tile filters Guangdong, whose second shows the filters it was asked with."""
    wanted = parse_qs(ask["query"])
    codes = wanted.get("province", [""])[0].split(",") if "province" in wanted else []
    chips = [{"dimension": "province", "code": c, "name": "省份", "label": NAMES[c]} for c in codes if c in NAMES]
    notes = [f"未知 {code}" for code in codes if code not in NAMES]
    head = {"day": "11月11日", "iso_day": "2026-11-11", "until": "", "watermark": "12:00:00", "lag_s": 0.4}
    return make_frame(
        f"b1-{ask['n']}",
        {"one": part({"text": "guangdong", "code": "440000"}), "two": part({"text": ask["query"] or "all"})},
        locale=ask["locale"],
        head={**head, "firing": 2, "chips": chips, "notes": notes},
    )


@pytest.fixture
def wall(scripted: ScriptedWall) -> ScriptedWall:
    scripted.answer = echo
    return scripted


def opened(page: Page, wall: ScriptedWall, query: str = "") -> None:
    page.goto(f"{wall.url}/wall{query}")
    page.wait_for_function("() => window.calls && window.calls.two >= 1")


def test_a_click_filters_shows_a_chip_and_a_second_click_clears(
    wall: ScriptedWall, page: Page, watch: Watch, text_of: Callable[[str], str]
) -> None:
    opened(page, wall)
    page.click('[data-tile="one"] .tile-body')
    assert until(lambda: text_of("two") == "province=440000")
    expect(page.locator(".chip")).to_have_text("省份广东×")
    page.click('[data-tile="one"] .tile-body')
    assert until(lambda: text_of("two") == "all")
    expect(page.locator(".chip")).to_have_count(0)
    assert page.evaluate("() => location.href") == f"{wall.url}/wall"
    assert watch.errors == []


def test_filters_combine_and_each_chip_takes_its_own_away(
    wall: ScriptedWall, page: Page, text_of: Callable[[str], str]
) -> None:
    opened(page, wall, "?province=330000&channel=live")
    page.click('[data-tile="one"] .tile-body')
    assert until(lambda: text_of("two") == "province=330000,440000&channel=live")
    page.click(".chip[data-code='330000']")
    assert until(lambda: text_of("two") == "province=440000&channel=live")


def test_escape_clears_the_filters_and_keeps_the_day(
    wall: ScriptedWall, page: Page, text_of: Callable[[str], str]
) -> None:
    opened(page, wall, "?day=2020-02-19&province=440000&step=pay&kiosk=1")
    page.keyboard.press("Escape")
    assert until(lambda: text_of("two") == "day=2020-02-19")
    assert "kiosk=1" in page.evaluate("() => location.search")


def test_the_keyboard_filters_too(wall: ScriptedWall, page: Page, text_of: Callable[[str], str]) -> None:
    opened(page, wall)
    page.focus('[data-tile="one"] .tile-body')
    page.keyboard.press("Enter")
    assert until(lambda: text_of("two") == "province=440000")


def test_reload_back_and_forward_keep_the_scope(wall: ScriptedWall, page: Page, text_of: Callable[[str], str]) -> None:
    opened(page, wall)
    page.click('[data-tile="one"] .tile-body')
    assert until(lambda: text_of("two") == "province=440000")
    page.reload()
    assert until(lambda: text_of("two") == "province=440000")
    page.go_back()
    assert until(lambda: text_of("two") == "all")
    page.go_forward()
    assert until(lambda: text_of("two") == "province=440000")


def test_filters_survive_ticks_and_a_bad_answer(wall: ScriptedWall, page: Page, text_of: Callable[[str], str]) -> None:
    opened(page, wall, "?province=440000")
    before = len(wall.asks)
    assert until(lambda: len(wall.asks) > before + 4)
    assert {ask["query"] for ask in wall.asks} == {"province=440000"}
    assert text_of("two") == "province=440000"


def test_an_unknown_value_in_the_address_is_said_and_the_note_closes(wall: ScriptedWall, page: Page) -> None:
    opened(page, wall, "?province=atlantis")
    expect(page.locator(".note")).to_have_text("未知 atlantis")
    expect(page.locator(".note")).to_have_count(0, timeout=60_000)
    before = len(wall.asks)
    assert until(lambda: len(wall.asks) > before + 2)
    assert page.locator(".note").count() == 0, "a closed note is not said again on the next tick"


def test_words_of_an_address_are_never_markup(wall: ScriptedWall, page: Page) -> None:
    opened(page, wall, "?province=%3Cimg%20src=x%20onerror=window.hacked=1%3E")
    expect(page.locator(".note")).to_have_count(1)
    assert page.locator(".note img").count() == 0
    assert page.evaluate("() => window.hacked") is None


def test_language_switches_without_reload_and_is_remembered(wall: ScriptedWall, page: Page) -> None:
    opened(page, wall)
    page.evaluate("() => { window.here = true; }")
    page.click('[data-choose="lang"]')
    expect(page.locator('[data-part="link"]')).to_have_text("Connected")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator('[data-part="name"]')).to_have_text("Test Shop")
    assert until(lambda: wall.asks[-1]["locale"] == "en")
    assert page.evaluate("() => window.here")
    page.reload()
    assert until(lambda: wall.asks[-1]["locale"] == "en")
    page.goto(f"{wall.url}/wall?lang=zh")
    assert until(lambda: wall.asks[-1]["locale"] == "zh"), "the address wins over what was chosen"


def test_theme_and_direction_colours_switch_and_are_remembered(wall: ScriptedWall, page: Page) -> None:
    opened(page, wall)
    up = "() => getComputedStyle(document.documentElement).getPropertyValue('--up').trim()"
    red = page.evaluate(up)
    page.click('[data-choose="theme"]')
    page.click('[data-choose="updown"]')
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    expect(page.locator("html")).to_have_attribute("data-updown", "intl")
    assert page.evaluate(up) != red
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_up_is_green_for_english_readers_unless_somebody_chose(wall: ScriptedWall, page: Page) -> None:
    def shown(query: str) -> tuple[str | None, bool]:
        opened(page, wall, query)
        colours = (
            "(names) => names.map((name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim())"
        )
        up, green = page.evaluate(colours, ["--up", "--green"])
        return page.get_attribute("html", "data-updown"), up == green

    assert shown("?lang=zh") == ("cn", False)
    assert shown("?lang=en") == ("intl", True)
    assert shown("?lang=en&updown=cn") == ("cn", False)
    assert shown("?lang=zh") == ("cn", False)
    page.click('[data-choose="lang"]')
    expect(page.locator("html")).to_have_attribute("data-updown", "intl")
    page.click('[data-choose="updown"]')
    expect(page.locator("html")).to_have_attribute("data-updown", "cn")
    page.click('[data-choose="lang"]')
    page.click('[data-choose="lang"]')
    expect(page.locator("html")).to_have_attribute("data-updown", "cn")  # what was chosen stays


def test_a_kiosk_has_no_controls_and_no_cursor(wall: ScriptedWall, page: Page) -> None:
    opened(page, wall, "?kiosk=1")
    assert not page.locator(".controls").is_visible()
    assert page.evaluate("() => getComputedStyle(document.body).cursor") == "none"
    assert page.locator('[data-part="clock"]').is_visible()
    assert {ask["query"] for ask in wall.asks} == {""}, "screens of one scope ask alike"


def test_a_day_is_chosen_and_left_again(wall: ScriptedWall, page: Page, text_of: Callable[[str], str]) -> None:
    opened(page, wall)
    page.fill('[data-control="day"] input[type=date]', "2020-02-19")
    assert until(lambda: text_of("two") == "day=2020-02-19")
    page.fill('[data-control="day"] input[type=time]', "14:30")
    assert until(lambda: text_of("two") == "day=2020-02-19&at=14:30")
    page.click('[data-act="live"]')
    assert until(lambda: text_of("two") == "all")


def test_the_clock_is_the_servers_in_the_business_zone(wall: ScriptedWall, page: Page) -> None:
    wall.answer = lambda ask: make_frame(f"b-{ask['n']}", {"two": part({"text": "x"})}, now="2026-11-11T15:59:58.000Z")
    opened(page, wall)
    assert until(lambda: page.locator('[data-part="clock"]').inner_text().startswith("23:59:5"))


def test_firing_alerts_are_counted_in_the_header(wall: ScriptedWall, page: Page) -> None:
    opened(page, wall)
    expect(page.locator('[data-part="alerts"]')).to_have_text("2 条告警")
