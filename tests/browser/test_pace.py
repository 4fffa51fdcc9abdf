"""A server under load: the screen asks as rarely as it is told, says so, and comes back."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watch
from tests.browser.stage import TICK, ScriptedWall, make_frame, part

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("without_plotly")]
INTERVAL = "() => window.dash_component_api.getLayout('beat').props.interval"


@pytest.mark.parametrize(
    ("lang", "said"), [("zh", "负载高 · 每 0.6 秒刷新"), ("en", "busy · every 0.6 s")], ids=["zh", "en"]
)
def test_a_slower_pace_is_followed_marked_and_left_again(
    scripted: ScriptedWall, page: Page, watch: Watch, lang: str, said: str
) -> None:
    pace: dict[str, Any] = {}

    def answer(ask: dict[str, Any]) -> str:
        return make_frame(f"b1-{ask['n']}", {"one": part({"text": f"n{ask['n']}"})}, **pace)

    scripted.answer = answer
    mark = page.locator('[data-part="pace"]')
    page.goto(f"{scripted.url}/wall?lang={lang}")
    page.wait_for_function("() => window.calls && window.calls.one >= 2")
    expect(mark).to_be_hidden()
    pace |= {"tick": 2 * TICK, "slowed": True}
    expect(mark).to_have_text(said)
    expect(mark).to_be_visible()
    page.wait_for_function(f"() => ({INTERVAL})() === {round(2000 * TICK)}")
    pace |= {"tick": TICK, "slowed": False}
    expect(mark).to_be_hidden()
    page.wait_for_function(f"() => ({INTERVAL})() === {round(1000 * TICK)}")
    before = page.evaluate("() => window.calls.one")
    page.wait_for_function(f"() => window.calls.one >= {before + 3}")
    assert scripted.most == 1, "never two questions of one screen at once"
    assert watch.errors == []
