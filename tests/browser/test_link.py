"""The link to the server on the screen: every way to lose it is said, and none of them needs a hand or a reload."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Response, request
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Watch
from tests.browser.editions import counting_as, edition
from tests.browser.stage import ScriptedWall, counting, make_app, make_frame, part, serve, until

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("without_plotly")]
PATIENCE = 120_000  # ms: for what waits on the machine
NETWORK = "Failed to load resource"  # what the browser itself writes about a request; no script of a page can help it
FILTERED = "?province=440000&step=pay&focus=paid_gmv&lang=zh"


@dataclass
class Gate:
    """A proxy before the wall: `verdict`, when there is one, is what it answers instead."""

    verdict: Callable[[], Response] | None = None
    refused: list[str] = field(default_factory=list)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def wall(free_port: int, gate: Gate) -> Iterator[ScriptedWall]:
    """A wall with patience (its question may take as long as the machine needs) behind a gate."""
    wall = ScriptedWall(free_port)
    app = make_app(wall)

    @app.server.before_request
    def stand_between() -> Response | None:
        if gate.verdict is None or request.path.startswith("/login"):
            return None
        gate.refused.append(request.path)
        return gate.verdict()

    @app.server.get("/login")
    def login() -> str:
        return "<html><body>log in</body></html>"

    with serve(wall, app):
        yield wall


def opened(page: Page, wall: ScriptedWall, query: str = FILTERED) -> None:
    page.goto(f"{wall.url}/wall{query}")
    page.wait_for_function("() => window.calls && window.calls.one >= 1", timeout=PATIENCE)
    page.evaluate("() => { window.here = true; }")


def fill_screen(page: Page) -> None:
    """As a hand does, which is the only one that a browser lets do it: what is lost does not come back by itself."""
    page.keyboard.press("f")
    page.wait_for_function("() => document.fullscreenElement", timeout=PATIENCE)
    page.evaluate("() => { window.filled = true; }")


def moved_on(page: Page) -> None:
    """The screen is live again and draws newer numbers, on the page that was there all the time, as large as it was."""
    count = page.evaluate("() => window.calls.one")
    page.wait_for_function(f"() => window.calls.one > {count}", timeout=PATIENCE)
    expect(page.locator("html")).to_have_attribute("data-link", "ok", timeout=PATIENCE)
    assert page.evaluate("() => [window.here, location.search]") == [True, FILTERED]
    assert page.evaluate("() => Boolean(document.fullscreenElement) === Boolean(window.filled)")


def own_errors(watch: Watch) -> list[str]:
    return [line for line in watch.errors if NETWORK not in line]


LOGINS: dict[str, Callable[[], Response]] = {
    "401": lambda: Response("no", 401),
    "redirect": lambda: Response("", 302, {"Location": "/login"}),
    "elsewhere": lambda: Response("", 302, {"Location": "https://login.example.invalid/"}),
    "html": lambda: Response("<html>log in</html>", mimetype="text/html"),
}


def test_an_expired_session_is_said_and_a_new_one_needs_no_reload(
    wall: ScriptedWall, gate: Gate, page: Page, watch: Watch, text_of: Callable[[str], str]
) -> None:
    opened(page, wall)
    fill_screen(page)
    for kind, verdict in LOGINS.items():
        gate.verdict = verdict
        expect(page.locator("html")).to_have_attribute("data-trouble", "login", timeout=PATIENCE)
        expect(page.locator('[data-part="link"]')).to_contain_text("登录已过期")
        expect(page.locator("html")).to_have_attribute("data-link", "cut")  # all tiles dimmed
        kept, asked = text_of("one"), len(gate.refused)
        assert until(lambda: len(gate.refused) > asked + 2, PATIENCE / 1000), f"{kind}: it goes on asking"  # noqa: B023
        assert text_of("one") == kept, f"{kind}: the last numbers stay"
        gate.verdict = None
        moved_on(page)
    assert own_errors(watch) == []
    assert watch.foreign == [], "a login page elsewhere is not followed"


def test_a_cut_network_is_said_and_its_return_needs_no_reload(
    wall: ScriptedWall, page: Page, context: BrowserContext, watch: Watch, text_of: Callable[[str], str]
) -> None:
    opened(page, wall)
    fill_screen(page)
    network = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    session = context.new_cdp_session(page)
    session.send("Network.emulateNetworkConditions", {**network, "offline": True})
    expect(page.locator("html")).to_have_attribute("data-trouble", "cut", timeout=PATIENCE)
    expect(page.locator('[data-part="link"]')).to_contain_text("连接中断")
    assert text_of("one").startswith("n"), "the last numbers stay"
    session.send("Network.emulateNetworkConditions", {**network, "offline": False})
    moved_on(page)
    assert own_errors(watch) == []


def test_a_server_that_answers_but_stands_still_is_not_called_live(wall: ScriptedWall, page: Page) -> None:
    stood = datetime.now(UTC) - timedelta(seconds=40)
    wall.answer = lambda ask: make_frame(f"b1-{ask['n']}", {"one": part({"text": "n"})}, as_of=stood.isoformat())
    opened(page, wall)
    expect(page.locator("html")).to_have_attribute("data-link", "late", timeout=PATIENCE)
    expect(page.locator('[data-part="link"]')).to_contain_text("停滞")


def test_a_wrong_clock_of_the_machine_is_said_and_a_right_one_is_not(wall: ScriptedWall, page: Page) -> None:
    opened(page, wall)
    expect(page.locator('[data-part="skew"]')).to_have_text("")
    ahead = datetime.now(UTC) - timedelta(minutes=5)
    wall.answer = lambda ask: make_frame(f"b2-{ask['n']}", {"one": part({"text": "n"})}, now=ahead.isoformat())
    expect(page.locator('[data-part="skew"]')).to_have_text("本机时钟快 5 分钟", timeout=PATIENCE)
    clock = ahead.astimezone(UTC) + timedelta(hours=8)  # Shanghai
    shown = page.locator('[data-part="clock"]').inner_text()
    assert abs((int(shown[3:5]) - clock.minute + 30) % 60 - 30) <= 2, "the wall's clock is the server's"


def test_a_page_that_slept_looks_old_at_once_and_asks_at_once(wall: ScriptedWall, page: Page) -> None:
    opened(page, wall)
    release, waiting = threading.Event(), threading.Event()

    def held(ask: dict[str, Any]) -> str:
        waiting.set()
        release.wait(60)
        return counting(ask)

    wall.answer = held
    assert waiting.wait(60)
    # as after a night in a bag: the machine's clock went on, the page's own did not
    page.evaluate(
        "() => { const real = Date.now; Date.now = () => real() + 3600e3; window.dispatchEvent(new Event('online')); }"
    )
    assert page.evaluate("() => document.documentElement.dataset.link") == "cut"
    assert page.evaluate("() => document.querySelector('[data-tile=one]').dataset.face") == "stale"
    assert until(lambda: wall.running >= 2, 60), "the question from before the sleep is not waited for"
    assert wall.asks[-1]["seen"] == "", "a whole frame is wanted: it sets the clock"
    release.set()
    moved_on(page)
    expect(page.locator('[data-tile="one"]')).to_have_attribute("data-face", "fresh")


def test_a_page_that_nobody_sees_asks_seldom_and_at_once_when_it_is_seen(wall: ScriptedWall, page: Page) -> None:
    """Headless Chromium never says `hidden` by itself: the page is told so."""
    page.add_init_script("Object.defineProperty(document, 'hidden', {get: () => Boolean(window.unseen)});")
    opened(page, wall)
    page.evaluate("() => { window.unseen = true; }")
    beats = "() => dash_component_api.getLayout('beat').props.n_intervals || 0"
    before, asked = page.evaluate(beats), len(wall.asks)
    page.wait_for_function(f"() => ({beats})() >= {before} + 12", timeout=PATIENCE)
    after = page.evaluate(beats)
    assert len(wall.asks) - asked <= 2 + (after - before) // 15
    asked = len(wall.asks)
    page.evaluate("() => { window.unseen = false; document.dispatchEvent(new Event('visibilitychange')); }")
    assert until(lambda: len(wall.asks) > asked, 60)
    moved_on(page)


# --- versions
def newer(ask: dict[str, Any]) -> str:
    return make_frame(f"b2-{ask['n']}", {"one": part({"text": f"n{ask['n']}"})}, build="build-2", boot="b2")


def test_a_new_build_is_taken_once_and_not_again_although_the_page_stays_old(wall: ScriptedWall, page: Page) -> None:
    """As when something on the way keeps serving the old page: once is enough."""
    opened(page, wall)
    wall.answer = newer
    page.wait_for_function("() => window.calls && !window.here && window.calls.one >= 1", timeout=PATIENCE)
    page.evaluate("() => { window.here = true; }")
    count = page.evaluate("() => window.calls.one")
    page.wait_for_function(f"() => window.calls.one > {count + 5}", timeout=PATIENCE)
    assert page.evaluate("() => [window.here, livewall.version.renewing, location.search]") == [True, False, FILTERED]


def test_a_server_of_a_new_build_has_its_page_loaded_once_with_the_filter_kept(
    free_port: int, tmp_path: Path, page: Page, watch: Watch
) -> None:
    """The server is another one after the change: with a page, a script and a build of its own."""
    wall, loads = ScriptedWall(free_port), list[str]()
    before, old = edition(wall, tmp_path / "before")
    after, new = edition(wall, tmp_path / "after", "window.edition = 'new';")
    assert old != new, "the script's bytes make another build"
    page.on("request", lambda request: loads.append(request.url) if request.is_navigation_request() else None)
    running = "() => [window.edition || 'old', livewall.config.build, document.querySelector('[src*=\"10-core\"]').src]"
    wall.answer = counting_as(old)
    with serve(wall, before):
        opened(page, wall)
        kind, build, script = page.evaluate(running)
        assert [kind, build] == ["old", old]
    wall.answer = counting_as(new)
    with serve(wall, after):
        page.wait_for_function("() => window.calls && !window.here && window.calls.one >= 1", timeout=PATIENCE)
        page.evaluate("() => { window.here = true; }")
        kind, build, fresh = page.evaluate(running)
        assert [kind, build] == ["new", new]
        assert fresh != script, "a browser that keeps scripts loads this one"
        since = len(wall.asks)
        count = page.evaluate("() => window.calls.one")
        page.wait_for_function(f"() => window.calls.one > {count + 5}", timeout=PATIENCE)
        page.wait_for_timeout(1_500)  # the spread is 0.2 s: a second reload would have come
        assert page.evaluate("() => [window.here, livewall.version.renewing, location.search]") == [
            True,
            False,
            FILTERED,
        ]
        assert {ask["query"] for ask in wall.asks[since:]} == {"province=440000&step=pay&focus=paid_gmv"}
        expect(page.locator("html")).to_have_attribute("data-link", "ok", timeout=PATIENCE)
    assert len(loads) == 2, "when it was opened, and once by itself"
    assert own_errors(watch) == []


def test_a_new_build_waits_for_its_page_and_for_hands(
    wall: ScriptedWall, gate: Gate, page: Page, text_of: Callable[[str], str]
) -> None:
    opened(page, wall)
    page.focus('[data-control="day"] input[type=date]')
    wall.answer = newer
    expect(page.locator("html")).to_have_attribute("data-link", "updating", timeout=PATIENCE)
    expect(page.locator('[data-part="link"]')).to_contain_text("新版本")
    page.wait_for_timeout(1500)  # the spread is 0.2 s
    assert page.evaluate("() => window.here"), "somebody chooses a day"
    wall.answer = counting
    page.wait_for_function("() => !livewall.version.renewing", timeout=PATIENCE)  # an old process answers too
    page.evaluate("() => document.activeElement.blur()")
    gate.verdict = lambda: Response("no page yet", 502) if request.method == "GET" else newer_only()

    def newer_only() -> Response:
        body = {"multi": True, "response": {"frame": {"data": newer({"n": 7})}}}
        return Response(orjson.dumps(body), mimetype="application/json")

    expect(page.locator("html")).to_have_attribute("data-link", "updating", timeout=PATIENCE)
    assert until(lambda: "/wall" in gate.refused, 60), "it looks for the new page first"
    assert page.evaluate("() => window.here"), "a reload would have ended on an error"
    wall.answer, gate.verdict = newer, None
    page.wait_for_function("() => window.calls && !window.here", timeout=PATIENCE)
    assert page.evaluate("() => location.search") == FILTERED


def test_a_kiosk_starts_afresh_once_a_night_whatever_its_answers_say(wall: ScriptedWall, page: Page) -> None:
    night = "2026-11-11T20:35:00+00:00"  # 04:35 in Shanghai
    wall.answer = lambda ask: make_frame(f"b1-{ask['n']}", {"one": part({"text": "n"})}, now=night, as_of=night)
    page.goto(f"{wall.url}/wall{FILTERED}&kiosk=1")
    page.wait_for_function("() => window.calls && window.calls.one >= 1", timeout=PATIENCE)
    page.evaluate(
        """() => { window.here = {updating: 0};
          Math.random = () => 0.004;  // 2.4 s instead of up to ten minutes: several answers of our own build
          livewall.on('second', () => { here.updating += document.documentElement.dataset.link === 'updating'; }); }"""
    )
    page.wait_for_timeout(4_000)
    assert page.evaluate("() => here.updating") == 0, "a page that is young stays"
    page.evaluate("() => livewall.sleptFor(21 * 3600e3)")
    page.wait_for_function("() => window.calls && !window.here", timeout=PATIENCE)
    assert page.evaluate("() => location.search") == f"{FILTERED}&kiosk=1"
    page.evaluate("() => { window.here = true; }")
    page.wait_for_timeout(4_000)
    assert page.evaluate("() => window.here"), "once"


def test_two_hundred_screens_do_not_reload_in_the_same_second(wall: ScriptedWall, page: Page) -> None:
    opened(page, wall)
    waits = page.evaluate(
        """() => { const waits = [], plain = window.setTimeout;
          livewall.config.spread = 30;
          window.setTimeout = (act, after) => (waits.push(after), 0);
          for (let screen = 0; screen < 200; screen += 1) {
            livewall.emit("build", `other-${screen}`);
          }
          window.setTimeout = plain;
          livewall.emit("build", livewall.config.build);
          return waits; }"""
    )
    assert len(waits) == 200
    assert max(waits) <= 30_000
    assert max(sum(second <= wait / 1000 < second + 1 for wait in waits) for second in range(30)) <= 25
