"""Every tile of the gallery looks as in the picture that is kept of it, in both languages and themes."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from layouts.gallery import FACES
from layouts.view import kind_names
from tests.browser.gallery_pictures import FOLDER, LOCALES, TAKEN, THEMES, Desk, gallery, name_of, names, opened, wear

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

# What a picture test is for, each thing on a tile of its own, in sizes as small as they should be seen.
ALTERED = {
    "hero": "style('.hero-goal-bar, .hero-goal > *:first-child', 'transform: translateY(3px)')",
    "kpi": "digit('.n-number')",
    "trend": "style('.js-line', 'stroke: magenta !important')",
    "region_map": "all('.choroplethlayer path').find((path) => path.__data__.loc === '440000').style.fill = 'gray'",
    "rank": "digit('.rank-row:nth-child(3) .n-number')",
    "alerts": "style('.tile-title', 'transform: translateX(2px)')",
    "funnel": "all('.tile-body')[0].replaceChildren()",
    "split": "style('.tile-title', 'font-size: 1.04em')",
    "orders": "all('.tile-body > *')[0].children[2].style.visibility = 'hidden'",
    "countdown": "style('.countdown-label', 'visibility: hidden')",
    "rooms": "style('.tile-title', 'max-width: 8rem')",
    "goods": "style('', 'background: var(--panel-2)')",
    "funnel_by": "digit('.cell-rate')",
    "facts": "style('', 'visibility: hidden')",
    "drill": "style('.tile-body', '--accent: var(--amber)')",
    "screens": "style('.screens-count', 'visibility: hidden')",
}
ALTER = """([kind, code]) => {
  const tile = document.querySelector(`[data-part="${kind}-fresh"]`);
  const token = (name) => getComputedStyle(tile).getPropertyValue(name);
  const all = (selector) => [...tile.querySelectorAll(selector)];
  const style = (selector, text) => (selector ? all(selector) : [tile]).forEach((one) => (one.style.cssText += text));
  const digit = (selector) => {
    const walker = document.createTreeWalker(all(selector)[0], NodeFilter.SHOW_TEXT);
    while (walker.nextNode() && !/[0-9]/.test(walker.currentNode.data));
    const { currentNode } = walker;
    currentNode.data = currentNode.data.replace(/[0-9](?=[^0-9]*$)/, (last) => "8438968138"[last]); // alike, not equal
  };
  new Function("all", "style", "digit", "token", code)(all, style, digit, token);
}"""
# What is no change: a screen a little brighter, letters drawn as paths, with other edges than from the font's cache.
ALIKE = "filter: brightness(1.015); -webkit-text-stroke: 0.02px"


@pytest.fixture(scope="module")
def desk(chromium: Browser) -> Iterator[Desk]:
    taken_on = json.loads(TAKEN.read_text(encoding="utf-8"))["system"]
    if platform.system() != taken_on:
        pytest.skip(f"the pictures were taken on {taken_on}, and letters are drawn otherwise on {platform.system()}")
    desk = Desk(chromium)
    yield desk
    desk.page.close()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with gallery() as address:
        yield address


@pytest.fixture(scope="module", params=LOCALES)
def locale(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def shown(chromium: Browser, address: str, locale: str) -> Iterator[Page]:
    with opened(chromium, address, locale) as page:
        yield page


def kept(kind: str, locale: str, theme: str) -> bytes:
    return (FOLDER / name_of(kind, locale, theme)).read_bytes()


def test_each_kind_has_its_pictures_and_no_other_is_kept() -> None:
    found = {path.name for path in FOLDER.glob("*.webp")}
    assert found == names(), "make gallery-pictures takes what is missing and removes what is over"
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1_700_000, "a checkout stays small"


def test_pictures_show_every_face(shown: Page) -> None:
    faces = shown.evaluate(
        "Object.entries(pictures.boxes).map(([kind, boxes]) => [kind, boxes.map((box) => box.face)])"
    )
    assert dict(faces) == {kind: list(FACES) for kind in kind_names()}


def test_all_letters_are_of_fonts_that_come_along(shown: Page) -> None:
    """Else the pictures would be other ones on a machine with other fonts."""
    shown.evaluate("pictures.written()")
    session = shown.context.new_cdp_session(shown)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument", {"depth": 0})["root"]["nodeId"]
    nodes = session.send("DOM.querySelectorAll", {"nodeId": root, "selector": "[data-written]"})["nodeIds"]
    fonts = [font for node in nodes for font in session.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]]
    session.detach()
    assert len(nodes) > 100 and len(fonts) > 100
    assert {font["familyName"] for font in fonts if not font["isCustomFont"]} == set()


@pytest.mark.parametrize("theme", THEMES)
def test_every_tile_looks_as_it_is_kept(shown: Page, desk: Desk, locale: str, theme: str, tmp_path: Path) -> None:
    browser = shown.context.browser
    now, taken_with = browser.version if browser else "", json.loads(TAKEN.read_text(encoding="utf-8"))["chromium"]
    if now.partition(".")[0] != taken_with.partition(".")[0]:
        pytest.skip(
            f"pictures are of Chromium {taken_with}, and {now} may draw letters otherwise: make gallery-pictures"
        )
    wear(shown, theme)
    desk.take(shown)
    changes = [
        f"{change.kind}, {change.face}: {change.blocks} blocks, by up to {change.most:.0f} of 255"
        for kind in kind_names()
        for change in desk.changes(kind, kept(kind, locale, theme), tmp_path)
    ]
    assert not changes, (
        f"{locale}, {theme}: these tiles changed:\n"
        + "\n".join(changes)
        + f"\nWhat they look like now is in {tmp_path}. "
        f"If that is meant: make gallery-pictures. (Kept ones are of Chromium {taken_with}, this is {now}.)"
    )


def test_a_change_is_seen_in_the_tile_that_changed_and_in_no_other(  # last: it alters the page
    shown: Page, desk: Desk, locale: str, tmp_path: Path
) -> None:
    theme = dict(zip(LOCALES, THEMES, strict=True))[locale]
    assert set(ALTERED) == set(kind_names())
    wear(shown, theme)
    for kind, code in ALTERED.items():
        shown.evaluate(ALTER, [kind, code])
    shown.add_style_tag(content=f"[data-part$='-stale'] {{ {ALIKE} }}")
    desk.take(shown)
    seen = [
        (one.kind, one.face) for kind in kind_names() for one in desk.changes(kind, kept(kind, locale, theme), tmp_path)
    ]
    assert seen == [(kind, "fresh") for kind in kind_names()]
    assert {path.name for path in tmp_path.iterdir()} >= {"kpi-taken.png", "kpi-marked.png"}
