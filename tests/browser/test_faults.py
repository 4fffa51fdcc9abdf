"""Many ticks, many clicks, many tabs: whatever comes together ends with the right numbers and one page."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import Watch
from tests.browser.stage import ScriptedWall, make_app, make_frame, part, serve, until

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("without_plotly")]
PATIENCE = 120_000  # ms: for what waits on the machine


def echo(ask: dict[str, Any]) -> str:
    """A wall whose first tile filters Guangdong and whose second shows what it was asked."""
    tiles = {"one": part({"text": "g", "code": "440000"}), "two": part({"text": f"{ask['query'] or 'all'} {ask['n']}"})}
    return make_frame(f"b1-{ask['n']}", tiles, locale=ask["locale"])


def test_fifty_ticks_during_a_click_end_with_the_clicked_filter(free_port: int, page: Page, watch: Watch) -> None:
    def slow(ask: dict[str, Any]) -> str:
        time.sleep(0.1)  # three ticks: something is always on its way when the click comes
        return echo(ask)

    wall = ScriptedWall(free_port, answer=slow)
    with serve(wall, make_app(wall, tick=0.03)):
        page.goto(f"{wall.url}/wall")
        page.wait_for_function("() => window.calls && window.calls.two >= 2", timeout=PATIENCE)
        page.evaluate(
            """() => { window.here = {wrong: 0};
              const two = document.querySelector('[data-tile=two] .tile-body');
              new MutationObserver(() => {
                const clicked = location.search.includes('province');
                if (here.right && clicked !== two.textContent.startsWith('province')) here.wrong += 1;
                if (clicked && two.textContent.startsWith('province')) here.right = true;
              }).observe(two, {subtree: true, childList: true, characterData: true});
              document.querySelector('[data-tile=one] .tile-body').click(); }"""
        )
        beats = "() => dash_component_api.getLayout('beat').props.n_intervals"
        before = page.evaluate(beats)
        page.wait_for_function(f"() => ({beats})() >= {before} + 50 && here.right", timeout=PATIENCE)
        assert page.evaluate("() => here.wrong") == 0, "numbers of the whole came back after those of the filter"
        assert page.evaluate("() => location.search") == "?province=440000"
        assert wall.most <= 2, "the question that the click overtook, and the click's own"
        clicked = [ask["query"] for ask in wall.asks].index("province=440000")
        assert until(lambda: len(wall.asks) >= clicked + 5), "it goes on asking"
        asked = {ask["query"] for ask in wall.asks[clicked:]}
    assert asked == {"province=440000"}
    assert watch.errors == []


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
