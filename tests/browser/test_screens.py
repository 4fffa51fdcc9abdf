"""Two real screens on `/walls`: one is steered from the other, freezes, goes dark, and each time somebody is called."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

import app.main
from alerts.model import Rule
from app.main import Wall
from live import screens as registry
from metrics.scope import Scope
from queries.client import ClickHouse
from tests.browser.conftest import Watch, port_that_is_free
from tests.browser.real import NOON, RunningClock, fill, running
from tests.browser.stage import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
PATIENCE = 120.0  # seconds: these wait for a condition, the machine may be busy
NUMBERS = itertools.count(1)
FROZEN_S = 8.0  # instead of half a minute; the alert's own limit as well


@pytest.fixture(scope="module")
def clock() -> RunningClock:
    return RunningClock(NOON)


@pytest.fixture(scope="module")
def wall(
    clickhouse: ClickHouse, clock: RunningClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Wall, str]]:
    """A wall whose screens report every second."""
    load = app.main.load_rules

    def quicker(measures: Any) -> tuple[Rule, ...]:
        rules = load(measures)
        return tuple(
            rule.model_copy(update={"limit": FROZEN_S}) if rule.watch == "frozen" else rule
            for rule in rules
            if rule.type == "screens"
        )

    fill(clickhouse, clock.now())
    port = port_that_is_free()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app.main, "BEAT_S", 1.0)
        patch.setattr(app.main, "load_rules", quicker)
        patch.setattr(registry, "FROZEN_S", FROZEN_S)
        with running(clickhouse, tmp_path_factory.mktemp("wall"), clock, port) as wall:
            yield wall, f"http://127.0.0.1:{port}"


@pytest.fixture
def name() -> str:
    """Each test has a wall of its own: those of other tests are still remembered."""
    return f"lobby-{next(NUMBERS)}"


@pytest.fixture
def lobby(context: BrowserContext, wall: tuple[Wall, str], name: str) -> Page:
    page = context.new_page()
    page.goto(f"{wall[1]}/walls?kiosk=1&name={name}&lang=en")
    return page


@pytest.fixture
def desk(wall: tuple[Wall, str], page: Page, lobby: Page, name: str) -> Page:
    page.goto(f"{wall[1]}/walls?lang=en")
    expect(row(page, name)).to_have_attribute("data-state", "ok", timeout=PATIENCE * 1000)
    return page


def row(desk: Page, name: str) -> Locator:
    return desk.locator(".screens-rows .screen-row", has=desk.locator(f'.screen-title:text-is("{name}")'))


def steer(desk: Page, name: str) -> None:
    """Open the panel as somebody without a mouse does."""
    row(desk, name).locator(".screen-steer").focus()
    desk.keyboard.press("Enter")
    expect(desk.locator(".desk h3")).to_have_text(name)


def acknowledged(desk: Page, what: str) -> None:
    expect(desk.locator(".desk-result")).to_contain_text(f"{what}: acknowledged", timeout=PATIENCE * 1000)


def alert(wall: Wall, name: str, rule: str) -> str:
    """How a rule stands about a wall; '' while it says nothing."""
    snapshot = wall.store.latest("walls", Scope())
    views = snapshot.alerts if snapshot else ()
    return next((view.state for view in views if view.rule == rule and view.subject == name), "")


def wait_for_alert(wall: Wall, clock: RunningClock, name: str, rule: str, state: str) -> None:
    """Push the clock from minute to minute, never so far that a screen which reports looks silent: each time it has
    been heard since the last push, however slow the machine is. Who is to fall silent is not waited for."""
    pushed = clock.now()
    silent = (rule, state) == ("wall_dark", "firing")

    def heard() -> bool:
        known = [view.screen.heard_at for view in wall.screens.views() if view.screen.name == name]
        return silent or not known or known[0] > pushed

    def reached() -> bool:
        nonlocal pushed
        if alert(wall, name, rule) == state:
            return True
        assert until(heard, PATIENCE), "the screen does not report"
        clock.jump(clock.now() + timedelta(seconds=20))
        pushed = clock.now()
        until(lambda: alert(wall, name, rule) == state, 1.5)
        return alert(wall, name, rule) == state

    assert until(reached, 2 * PATIENCE), f"{rule} is {alert(wall, name, rule)!r}, not {state!r}"


def test_a_wall_shows_what_the_desk_tells_it_without_a_reload(desk: Page, lobby: Page, name: str, watch: Watch) -> None:
    lobby.evaluate("() => { window.here = true; }")
    steer(desk, name)
    desk.locator(".desk select").nth(0).select_option("health-board")
    desk.locator(".desk input").nth(0).fill("provinz=440000")
    desk.keyboard.press("Enter")
    expect(desk.locator(".desk-result")).to_have_text("unknown filter 'provinz'; did you mean 'province'?")
    desk.locator(".desk input").nth(0).fill("province=440000")
    desk.keyboard.press("Enter")
    acknowledged(desk, "Show board")
    expect(lobby.locator('[data-board="health-board"]')).to_be_visible(timeout=PATIENCE * 1000)
    expect(lobby.locator(".chip")).to_have_count(1, timeout=PATIENCE * 1000)
    address = urlsplit(lobby.url)
    assert address.path == "/health-board"
    assert parse_qs(address.query) == {"province": ["440000"], "kiosk": ["1"], "name": [name], "lang": ["en"]}
    assert lobby.evaluate("() => window.here")
    expect(row(desk, name)).to_contain_text("Data health", timeout=PATIENCE * 1000)
    expect(row(desk, name)).to_contain_text("Guangdong")
    desk.keyboard.press("Escape")
    expect(desk.locator(".desk")).to_be_hidden()
    # the refused filter is an answer 400, which Chromium notes on its console
    assert [line for line in watch.errors if "400" not in line] == []


def test_a_message_is_shown_as_text_and_a_reload_happens_once(desk: Page, lobby: Page, name: str) -> None:
    loads: list[str] = []
    lobby.on("load", lambda page: loads.append(page.url))

    def loaded() -> bool:
        desk.wait_for_timeout(50)  # events of a page come while a page is waited for, never while Python sleeps
        return len(loads) == 1

    steer(desk, name)
    desk.locator(".desk input").nth(1).fill("<b>Meeting</b> at 15:00")
    desk.locator(".desk select").nth(1).select_option("3600")  # a minute may be over before a busy machine has reloaded
    desk.locator(".desk select").nth(2).select_option("critical")
    desk.get_by_role("button", name="Show message").click()
    acknowledged(desk, "Message")
    expect(lobby.locator(".desk-message")).to_contain_text("<b>Meeting</b> at 15:00")
    expect(lobby.locator(".desk-message")).to_have_attribute("role", "alert")
    assert desk.locator(".desk-message").count() == 0, "nobody else is told"

    desk.get_by_role("button", name="Reload").click()
    acknowledged(desk, "Reload")
    assert until(loaded, PATIENCE)
    expect(lobby.locator(".desk-message")).to_contain_text("Meeting", timeout=PATIENCE * 1000)
    desk.get_by_role("button", name="Take message down").click()
    acknowledged(desk, "Take down")
    expect(lobby.locator(".desk-message")).to_have_count(0)
    assert len(loads) == 1, "the reload came again"


def test_a_wall_that_freezes_or_goes_dark_raises_an_alert_until_it_is_well_or_forgotten(
    wall: tuple[Wall, str], clock: RunningClock, desk: Page, lobby: Page, name: str
) -> None:
    network = lobby.context.new_cdp_session(lobby)
    network.send("Network.enable")
    network.send("Network.setBlockedURLs", {"urls": ["*_dash-update-component*"]})
    expect(row(desk, name)).to_have_attribute("data-state", "frozen", timeout=PATIENCE * 1000)
    wait_for_alert(wall[0], clock, name, "wall_frozen", "firing")
    expect(desk.locator('[data-part="alerts"]')).to_be_visible(timeout=PATIENCE * 1000)
    network.send("Network.setBlockedURLs", {"urls": []})
    expect(row(desk, name)).to_have_attribute("data-state", "ok", timeout=PATIENCE * 1000)
    wait_for_alert(wall[0], clock, name, "wall_frozen", "resolved")

    network.send("Network.setBlockedURLs", {"urls": ["*"]})
    wait_for_alert(wall[0], clock, name, "wall_dark", "firing")
    expect(row(desk, name)).to_have_attribute("data-state", "dark", timeout=PATIENCE * 1000)
    steer(desk, name)
    desk.get_by_role("button", name="Forget").click()
    expect(row(desk, name)).to_have_count(0, timeout=PATIENCE * 1000)
    wait_for_alert(wall[0], clock, name, "wall_dark", "resolved")


def test_a_wall_whose_page_is_closed_says_goodbye(desk: Page, lobby: Page, name: str) -> None:
    lobby.close(run_before_unload=True)
    expect(row(desk, name)).to_have_attribute("data-state", "closed", timeout=PATIENCE * 1000)
