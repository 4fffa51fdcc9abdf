"""The tiles' own scripts: they write numbers as the server does, and touch only what changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from layouts.view import draw_tile
from metrics.formats import format_value, number_scale
from tests.layouts.sample import tile, view

pytestmark = pytest.mark.browser
SCRIPTS = Path(__file__).resolve().parents[2] / "assets" / "js"
STYLES = SCRIPTS.parent / "css"
VALUES = [0, 0.4, 5, 532.5, 999.99, 1_234, 9_876.4, 12_345, 123_456, 1_234_567, 12_345_000, 124_000_000, 3.2e9, -54_321]
# Tiles whose kinds draw nothing with Plotly: what they do to the page can be watched to the last node.
WATCHED = ["hero", "orders_paid", "regions", "channels", "funnel", "alerts", "orders"]


@pytest.fixture(scope="module")
def bare(chromium: Browser) -> Page:
    """A page with the tiles' scripts and styles and nothing else."""
    page = chromium.new_page()
    page.set_content('<main class="board" style="--columns:1;--rows:1"></main>')
    for path in (STYLES / "00-tokens.css", STYLES / "30-tiles.css"):
        page.add_style_tag(path=str(path))
    for path in (SCRIPTS / "10-core.js", *sorted((SCRIPTS / "tiles").glob("*.js"))):
        page.add_script_tag(path=str(path))
    page.evaluate(
        """() => {
          window.show = (name, kind, payload) => {
            let body = document.querySelector(`[data-tile="${name}"]`);
            const { mount, update } = livewall.kinds.get(kind);
            if (!body) {
              body = document.createElement("div");
              body.dataset.tile = name;
              document.querySelector("main").append(body);
              mount(body, livewall.env);
            }
            update(body, payload, livewall.env);
          };
          window.watch = (name) => {
            window.seen = [];
            new MutationObserver((all) => window.seen.push(...all.map((one) => one.type))).observe(
              document.querySelector(`[data-tile="${name}"]`),
              { subtree: true, childList: true, characterData: true, attributes: true },
            );
          };
          window.settle = () => new Promise((done) => setTimeout(() => done(window.seen), 50));
        }"""
    )
    return page


@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize("unit", ["money", "count", "rate_money"])
def test_a_hover_card_writes_numbers_as_the_server_does(bare: Page, unit: str, locale: str) -> None:
    scale = number_scale(unit, locale, "CNY")
    values = [value for value in VALUES if unit != "count" or value == int(value)]
    written = bare.evaluate("([values, scale]) => values.map((value) => livewall.write(value, scale))", [values, scale])
    expected = [str(format_value(value, unit, locale)) for value in values]
    assert [text.replace(".00", "") for text in written] == [text.replace(".00", "") for text in expected]


def test_a_hover_card_writes_ratios_and_nothing(bare: Page) -> None:
    scale = number_scale("ratio", "en", "CNY")
    written = bare.evaluate("(scale) => [0.0312, 0.861, null].map((value) => livewall.write(value, scale))", scale)
    assert written == ["3.12%", "86.1%", "—"]


def show(page: Page, key: str, payload: dict[str, Any]) -> None:
    page.evaluate("([name, kind, payload]) => show(name, kind, payload)", [key, tile(key).kind, payload])


@pytest.mark.parametrize("key", WATCHED)
def test_the_same_payload_twice_touches_nothing(bare: Page, key: str) -> None:
    payload = draw_tile(tile(key), view(key))
    show(bare, key, payload)
    bare.evaluate("(name) => watch(name)", key)
    show(bare, key, payload)
    assert bare.evaluate("settle()") == []


def test_a_new_number_rolls_without_new_elements(bare: Page) -> None:
    payload = draw_tile(tile("hero"), view("hero"))
    show(bare, "hero", payload)
    bare.evaluate("watch('hero')")
    payload["value"]["number"] = payload["value"]["number"][:-1] + "7"
    show(bare, "hero", payload)
    assert bare.evaluate("settle().then((seen) => seen.length)") < 8
    assert bare.locator('[data-tile="hero"] .hidden-text').inner_text() == payload["value"]["number"]
    digits = bare.evaluate(
        "[...document.querySelectorAll('.roll-digit')].map((i) => i.style.getPropertyValue('--digit'))"
    )
    assert "".join(digits) == payload["value"]["number"].replace(",", "")


def test_a_number_that_grows_a_digit_keeps_its_units_in_place(bare: Page) -> None:
    payload = draw_tile(tile("hero"), view("hero"))
    for number in ("999,999", "1,000,001"):
        payload["value"]["number"] = number
        show(bare, "hero", payload)
    digits = bare.evaluate(
        "[...document.querySelectorAll('.roll > i')].map((i) => i.dataset.mark || i.style.getPropertyValue('--digit'))"
    )
    assert "".join(digits) == "1,000,001"


def test_rows_keep_their_element_when_ranks_swap(bare: Page) -> None:
    payload = draw_tile(tile("regions"), view("regions"))
    show(bare, "regions", payload)
    bare.evaluate("document.querySelectorAll('.rank-row').forEach((row) => (row.marked = row.dataset.code))")
    payload["rows"].reverse()
    show(bare, "regions", payload)
    kept = bare.evaluate("[...document.querySelectorAll('.rank-row')].map((row) => [row.marked, row.dataset.code])")
    assert [code for _, code in kept] == [row["code"] for row in payload["rows"]]
    assert all(marked == code for marked, code in kept)


def test_what_can_be_clicked_says_so_to_keyboards_and_readers(bare: Page) -> None:
    show(bare, "regions", draw_tile(tile("regions"), view("regions")))
    row = bare.locator(".rank-row").first
    assert row.get_attribute("role") == "button"
    assert row.get_attribute("tabindex") == "0"
    assert row.get_attribute("aria-pressed") == "false"
    assert row.get_attribute("data-filter") == "province"
