"""Many ticks, many clicks, many tabs: whatever comes together ends with the right numbers and one page."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import Watch
from tests.browser.stage import TICK, ScriptedWall, make_app, make_frame, part, serve, until

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("without_plotly")]
FAST = 0.03
PATIENCE = 120_000  # ms: for what waits on the machine


def echo(ask: dict[str, Any], tick: float = TICK) -> str:
    """A wall whose first tile filters Guangdong and whose second shows what it was asked."""
    tiles = {"one": part({"text": "g", "code": "440000"}), "two": part({"text": f"{ask['query'] or 'all'} {ask['n']}"})}
    return make_frame(f"b1-{ask['n']}", tiles, locale=ask["locale"], tick=tick)


# What every beat did, at the gate itself: it asked, or was held because a question was open, or did nothing (`idle`).
GATE = """() => {
  window.beats = {asked: 0, held: 0, idle: 0, beside: 0};
  const gate = dash_clientside.livewall.gate, none = dash_clientside.no_update;
  dash_clientside.livewall.gate = (...given) => {
    const open = Boolean(livewall.gate.asked && livewall.gate.asked.open);
    const question = gate(...given);
    if (question === none) beats[open ? 'held' : 'idle'] += 1;
    else beats[open ? 'beside' : 'asked'] += 1;
    return question;
  };
}"""


def test_fifty_ticks_during_a_click_end_with_the_clicked_filter(free_port: int, page: Page, watch: Watch) -> None:
    """Fifty beats are not fifty answers: most are held while a question is open. So there are fifty of both."""
    at_once = list[int]()  # how many questions were open as one came to the server

    def slow(ask: dict[str, Any]) -> str:
        at_once.append(wall.running)
        time.sleep(0.1)  # three ticks: something is always on its way when the click comes
        return echo(ask, tick=FAST)  # a page beats as often as its frames say

    wall = ScriptedWall(free_port, answer=slow)
    with serve(wall, make_app(wall, tick=FAST)):
        page.goto(f"{wall.url}/wall")
        page.wait_for_function("() => window.calls && window.calls.two >= 2", timeout=PATIENCE)
        page.evaluate(GATE)
        page.evaluate(
            """() => { window.here = {wrong: 0, backwards: 0, shown: 0};
              const two = document.querySelector('[data-tile=two] .tile-body');
              new MutationObserver(() => {
                const clicked = location.search.includes('province'), n = Number(two.textContent.split(' ')[1]);
                if (here.right && clicked !== two.textContent.startsWith('province')) here.wrong += 1;
                if (clicked && two.textContent.startsWith('province')) here.right = true;
                if (n < here.shown) here.backwards += 1;
                here.shown = n;
              }).observe(two, {subtree: true, childList: true, characterData: true});
              document.querySelector('[data-tile=one] .tile-body').click(); }"""
        )
        page.wait_for_function("() => here.right && beats.asked >= 50 && beats.held >= 50", timeout=PATIENCE)
        clicked = [ask["query"] for ask in wall.asks].index("province=440000")
        assert until(lambda: len(wall.asks) >= clicked + 50), "it goes on asking"
        # between two questions: the frame of the newest answer is the one that is shown
        page.wait_for_function(
            """() => !livewall.gate.asked.open && here.shown === livewall.gate.asked.n
              && livewall.frame().version === `b1-${here.shown}`""",
            timeout=PATIENCE,
            polling=5,
        )
        beats, here = page.evaluate("() => [beats, here]")
        asks = list(wall.asks)
        assert watch.errors == []
    assert here["wrong"] == 0, "numbers of the whole came back after those of the filter"
    assert here["backwards"] == 0, "an older frame was drawn over a newer one"
    assert page.evaluate("() => location.search") == "?province=440000"
    assert beats["idle"] == 0, "a beat that met no open question asks"
    assert beats["beside"] <= 1, "only the click asks beside an open question"
    since = [ask["n"] for ask in asks[clicked:]]
    assert since == list(range(since[0], since[0] + len(since))), "none is lost and none is sent twice"
    assert wall.most <= 2, "the question that the click overtook, and the click's own"
    assert max(at_once[clicked + 1 :]) == 1, "never two in flight"
    assert {ask["query"] for ask in asks[clicked:]} == {"province=440000"}


def test_two_tabs_keep_their_own_filter_and_share_only_what_was_chosen(
    free_port: int, context: BrowserContext, page: Page, watch: Watch
) -> None:
    wall = ScriptedWall(free_port, answer=echo)
    with serve(wall, make_app(wall)):
        other = context.new_page()
        watch.attach(other)
        other.route("**/vendor/plotly*", lambda route: route.fulfill(content_type="text/javascript", body=""))
        for tab, query in ((page, "?channel=live"), (other, "?province=440000")):
            tab.goto(f"{wall.url}/wall{query}")
            tab.wait_for_function("() => window.calls && window.calls.two >= 1", timeout=PATIENCE)
        page.click('[data-choose="theme"]')
        for _ in range(3):
            for tab, query in ((page, "channel=live"), (other, "province=440000")):
                count = tab.evaluate("() => window.calls.two")
                tab.wait_for_function(f"() => window.calls.two > {count}", timeout=PATIENCE)
                assert tab.locator('[data-tile="two"] .tile-body').inner_text().startswith(query)
        assert until(lambda: {ask["query"] for ask in wall.asks[-8:]} == {"channel=live", "province=440000"})
        themes = [tab.evaluate("() => document.documentElement.dataset.theme") for tab in (page, other)]
        assert themes == ["light", "dark"], "a choice in one tab does not flip the other under its reader"
        assert watch.errors == []
