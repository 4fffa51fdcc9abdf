"""The real program dies under an open page and comes back: it is said, numbers stay, and the wall goes on by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.app.test_run import Wall, free_port
from tests.browser.by_hand import paid_until, pay_into
from tests.browser.conftest import Watch
from tests.browser.purchase import as_in, clear_of_midnight, number
from tests.browser.stage import SHOWN, until
from tests.browser.test_gate import NOTE_CUT, UNSAID_S
from tests.browser.test_link import own_errors

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
SMALL = {"HISTORY_DAYS": "1", "RATE": "5"}  # at the tick that people get: the promise is in ticks
DEAD_S = 60.0
FILTERED = "?lang=zh&province=440000&step=pay&focus=paid_gmv"
PATIENCE = 120.0  # seconds: for what waits on the machine, not on the wall's promises
SETTLED = f"() => {SHOWN}.length && {SHOWN}.every((t) => t.dataset.face !== 'loading')"
TEXTS = f"""() => Object.fromEntries({SHOWN}
  .map((t) => [t.dataset.tile, t.querySelector('.tile-body').textContent]))"""
OPACITIES = f"() => {SHOWN}.map((t) => Number(getComputedStyle(t.querySelector('.tile-body')).opacity))"
# Notes which question brought the first frame after the return, the first complete one and the first whose first number
# was fresh, whether all tiles were (those of slow statements come after the others, and a busy machine takes its time),
# and whether a number was gone meanwhile.
OBSERVE = """(boot) => {
  Object.assign(here, {gone: 0, first: 0, complete: 0, fresh: 0, well: false});
  const look = () => {
    const frame = livewall.frame(), hero = document.querySelector('.board:not([hidden]) [data-tile=hero] .tile-body');
    if (!/[0-9]/.test(hero.textContent) || getComputedStyle(hero).visibility !== 'visible') here.gone += 1;
    const back = document.documentElement.dataset.link === 'ok' && frame.boot !== boot;
    here.well ||= back && SHOWN.every((t) => !['loading', 'stale', 'error'].includes(t.dataset.face));
    requestAnimationFrame(look);
  };
  livewall.on('shown', (frame) => {
    if (frame.boot === boot) return;
    const { n } = livewall.gate.answered;
    here.first ||= n;
    if (frame.complete) here.complete ||= n;
    if (document.querySelector('.board:not([hidden]) [data-tile=hero]').dataset.face === 'fresh') here.fresh ||= n;
  });
  look();
}"""


# The hero's number of each frame and when that had been asked for.
NOTE_PAID = """() => {
  here.paid = [];
  const note = () => here.paid.push([livewall.frame().tiles.hero.as_of,
    document.querySelector('.board:not([hidden]) [data-tile=hero] [data-text]').dataset.text]);
  note();
  livewall.on('shown', note);
}"""
PAID_MEANWHILE = 1_234_567  # by somebody who reaches the store while its wall is dead


class Machine:
    """One store and one port, on which the program is started, killed, and started again."""

    def __init__(self, store: Path) -> None:
        self.store, self.port = store, str(free_port())
        self.wall = self.start()

    def start(self) -> Wall:
        self.wall = Wall(self.store, PORT=self.port, **SMALL)
        return self.wall

    def kill(self) -> None:
        """As a power cut would: no farewell to anybody."""
        if self.wall.process.poll() is None:
            self.wall.process.kill()
            self.wall.process.communicate()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path / "demo")
    try:
        machine.wall.ready()
        yield machine
    finally:
        machine.kill()


def test_a_killed_server_is_said_its_numbers_stay_and_its_return_needs_no_hand(
    machine: Machine, page: Page, watch: Watch
) -> None:
    clear_of_midnight(300)
    page.goto(f"{machine.wall.url}/wall{FILTERED}")
    page.wait_for_function(SETTLED, timeout=PATIENCE * 1000)
    expect(page.locator(".chip")).to_have_count(3)
    page.keyboard.press("f")
    page.wait_for_function("() => document.fullscreenElement", timeout=PATIENCE * 1000)

    page.evaluate(NOTE_CUT)
    page.evaluate(OBSERVE.replace("SHOWN", SHOWN), page.evaluate("() => livewall.frame().boot"))
    page.evaluate(NOTE_PAID)
    page.wait_for_function("() => here.paid.length > 1", timeout=PATIENCE * 1000)
    killed = time.monotonic()
    machine.kill()
    expect(page.locator("html")).to_have_attribute("data-link", "cut", timeout=PATIENCE * 1000)
    assert page.evaluate(UNSAID_S) <= 9
    kept = page.evaluate(TEXTS)  # what the last frame drew: digits may still have been rolling at the kill
    assert "连接中断" in page.locator('[data-part="link"]').inner_text()
    assert until(lambda: max(page.evaluate(OPACITIES)) < 0.6), "old numbers are dimmed"
    pay_into(machine.store, PAID_MEANWHILE)
    before = page.evaluate("() => here.paid.splice(0)")
    page.wait_for_timeout(max(2.0, DEAD_S - (time.monotonic() - killed)) * 1000)
    assert page.evaluate(TEXTS) == kept, "the last numbers stay"

    machine.start().ready()
    asked = page.evaluate("() => livewall.gate.asked.n")
    page.wait_for_function("() => here.fresh && here.well", timeout=PATIENCE * 1000)
    first, complete, fresh = page.evaluate("() => [here.first, here.complete, here.fresh]")
    assert first - asked <= 2, "the first or second question after the return is answered"
    assert fresh - complete <= 1, "as soon as the server has asked for all, the first number is fresh"
    assert until(lambda: min(page.evaluate(OPACITIES)) == 1)
    assert page.evaluate(TEXTS)["funnel"] != kept["funnel"], "people went on looking while the wall was away"
    assert page.evaluate("() => here.gone") == 0, "a number was gone from the screen between two frames"
    assert page.evaluate("() => [location.search, Boolean(document.fullscreenElement)]") == [FILTERED, True]
    expect(page.locator(".chip")).to_have_count(3)
    page.evaluate("() => { here.paid = []; }")
    # so many that one has no order in the five seconds before it, which may be in its number or not
    page.wait_for_function("() => here.paid.length >= 8", timeout=PATIENCE * 1000)
    after = page.evaluate("() => here.paid")
    assert own_errors(watch) == []
    assert watch.foreign == []

    machine.kill()  # nobody else reads a store that a wall holds
    noted = [*before, *after]
    truth = paid_until(machine.store, [asked for asked, _ in noted])
    for (asked, text), paid in zip(noted, truth, strict=True):
        assert as_in(text, paid.least) <= number(text) <= as_in(text, paid.most), asked
    assert any(paid.least == paid.most for paid in truth[len(before) :]), "some number is known to the cent"
    assert number(after[0][1]) - number(before[-1][1]) >= PAID_MEANWHILE
