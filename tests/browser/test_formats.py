"""Every shipped board on every shape of screen, in both languages: nothing scrolls, every word is seen whole, and what
matters can be read from afar; on desks and phones every control can be reached too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from layouts.board import board_names
from metrics.formats import format_change
from queries.client import ClickHouse
from tests.browser.conftest import Watch, port_that_is_free
from tests.browser.pictures import DRAWN, FORMATS
from tests.browser.real import NOON, RunningClock, fill, running

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900), pytest.mark.usefixtures("without_plotly")]
PATIENCE = 180_000  # ms
PHONES = {"phone": (390, 844), "large phone": (412, 915)}
DESKS = {"laptop": (1440, 900), "desk": (1920, 1080)}
GALLERY = Path(__file__).resolve().parents[2] / "assets" / "js" / "80-gallery.js"
INCH, METRES = 65, 10

# What a reader misses: text that reaches out of what it stands in, and text that lies over other text. Letters are
# measured by their ink, since a line box is higher than they are. A name may be shortened where its title has it whole.
SPOILT = """() => {
  const pen = document.createElement('canvas').getContext('2d');
  const spoilt = new Set();
  const ink = (node, style) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    const known = pen.measureText(node.textContent.trim());
    return [...range.getClientRects()].filter((box) => box.width > 1).map((box) => ({
      left: box.left, right: box.right,
      top: box.top + known.fontBoundingBoxAscent - known.actualBoundingBoxAscent,
      bottom: box.bottom - known.fontBoundingBoxDescent + known.actualBoundingBoxDescent,
    }));
  };
  for (const tile of document.querySelectorAll('.board:not([hidden]) .tile')) {
    if (!tile.offsetParent) continue;
    const texts = [];
    const walker = document.createTreeWalker(tile, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement;
      const seen = element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
      if (!node.textContent.trim() || !seen || element.closest('svg, .hidden-text')) continue;
      // a title makes room for a note beside it: as of when the numbers are, while a starved machine is late
      if (element.closest('.tile-title') && tile.querySelector('.tile-note').textContent) continue;
      const name = `${tile.dataset.tile} .${element.className} "${node.textContent.trim()}"`;
      const titled = element.closest('[title]:not([title=""])');
      for (const box of ink(node, getComputedStyle(element))) {
        for (let outer = element; outer !== tile.parentElement; outer = outer.parentElement) {
          if (getComputedStyle(outer).overflowX === 'visible') continue;
          const edge = outer.getBoundingClientRect();
          const wide = box.left < edge.left - 1.5 || box.right > edge.right + 1.5;
          const high = box.top < edge.top - 1.5 || box.bottom > edge.bottom + 1.5;
          if ((wide || high) && !(titled && titled.contains(outer))) spoilt.add(`cut: ${name}`);
          box.left = Math.max(box.left, edge.left);
          box.right = Math.min(box.right, edge.right);
          box.top = Math.max(box.top, edge.top);
          box.bottom = Math.min(box.bottom, edge.bottom);
        }
        texts.push({ name, node, box });
      }
    }
    texts.forEach((one, index) => {
      for (const two of texts.slice(index + 1)) {
        const wide = Math.min(one.box.right, two.box.right) - Math.max(one.box.left, two.box.left);
        const high = Math.min(one.box.bottom, two.box.bottom) - Math.max(one.box.top, two.box.top);
        if (one.node !== two.node && wide > 1.5 && high > 1.5) spoilt.add(`over each other: ${one.name}, ${two.name}`);
      }
    });
  }
  return [...spoilt];
}"""
# What makes a page scroll: its size, and what reaches over the edges of the screen.
SCROLLS = """(sideways) => {
  const { scrollWidth, scrollHeight } = document.documentElement;
  if (scrollWidth <= innerWidth && (sideways || scrollHeight <= innerHeight)) return [];
  const out = [...document.querySelectorAll('body *')].filter((element) => {
    const box = element.getBoundingClientRect();
    return element.checkVisibility() && (box.right > innerWidth + 1 || (!sideways && box.bottom > innerHeight + 1));
  });
  const words = (element) => [element.className, element.dataset.part, element.textContent.slice(0, 30)].join(' ');
  return [`${scrollWidth}x${scrollHeight}`, ...out.slice(0, 8).map(words)];
}"""


# A header that has all there is to say at once: alerts, lateness, a slower pace. What is then seen of it, and how far.
CROWDED = """() => {
  const part = (name) => document.querySelector(`[data-part="${name}"]`);
  const put = (name, text) => Object.assign(part(name), { hidden: false, textContent: text });
  put('alerts', livewall.t('shell.alerts', { count: 12 }));
  put('pace', livewall.t('shell.pace.slowed', { count: 10 }));
  part('skew').textContent = ''; // the test's clock stands in another month than the browser's
  put('pixel', livewall.t('shell.pixel.label', { median: '1.4 s', worst: '10.0 s' }));
  const ends = [...document.querySelectorAll('.top button, .top .link')].filter((one) => one.checkVisibility());
  const foot = document.querySelector('.freshness').getBoundingClientRect();
  const within = (box) => box.top < foot.bottom - 3 && box.right < foot.right + 1;
  const seen = [...document.querySelectorAll('.freshness > span')].filter((one) => within(one.getBoundingClientRect()));
  return {
    right: Math.max(...ends.map((one) => one.getBoundingClientRect().right)),
    seen: seen.map((one) => one.dataset.part),
  };
}"""


# Whether a title for which so many rem are left is seen whole, or not at all.
TITLE = """(rem) => {
  const title = document.querySelector('.board-title');
  title.style.maxWidth = `${rem}rem`;
  const text = document.createRange();
  text.selectNodeContents(title);
  const [box, frame] = [text.getBoundingClientRect(), title.getBoundingClientRect()];
  title.style.maxWidth = '';
  return box.top + 0.2 * box.height >= frame.bottom ? 'gone' : box.right <= frame.right + 1 ? 'whole' : 'cut';
}"""

# The longest that a change gets: a business that began yesterday has many of them. `null` takes them away again.
MUCH_GAINED = """(text) => {
  for (const change of document.querySelectorAll('.board:not([hidden]) .change-text')) {
    if (text && change.textContent.endsWith('%')) {
      change.usual = change.textContent;
      change.textContent = text;
    } else if (!text && change.usual) {
      change.textContent = change.usual;
      delete change.usual;
    }
  }
}"""
LONGEST = str(format_change(99.0, "money", "zh"))
# Changes that reach out of their place, by whatever room there is beside it.
OUT_OF_PLACE = """() => [...document.querySelectorAll('.board:not([hidden]) .change')].flatMap((change) => {
  if (!change.checkVisibility() || !change.lastChild.textContent) return [];
  const text = document.createRange();
  text.selectNodeContents(change.lastChild);
  const out = text.getBoundingClientRect().right - change.getBoundingClientRect().right;
  return out > 1.5 ? [`${change.closest('.tile').dataset.tile} .${change.className} ${change.textContent}`] : [];
})"""
# The same page with and without its controls: a screen on a wall, and one that somebody sits at.
KIOSK = """(on) => {
  const search = new URLSearchParams(location.search);
  search.set('kiosk', on ? '1' : '0');
  history.replaceState(null, '', `${location.pathname}?${search}`);
  livewall.applyScreen();
  livewall.emit('screen', 'kiosk');
}"""
# Controls of the header that a mouse or a finger does not reach: out of the screen, or under something else.
UNREACHED = """() => [...document.querySelectorAll('.controls button, .controls input')].filter((control) => {
  const box = control.getBoundingClientRect();
  const hit = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
  return box.left < 0 || box.right > innerWidth || box.width < 8 || !control.contains(hit);
}).map((control) => control.textContent || control.type)"""


def spoilt(page: Page) -> list[str]:
    """What is cut or lies over another, as it is and with the longest changes there are."""
    found = list(page.evaluate(SPOILT))
    page.evaluate(MUCH_GAINED, LONGEST)
    found += [f"with {LONGEST}: {line}" for line in page.evaluate(SPOILT) + page.evaluate(OUT_OF_PLACE)]
    page.evaluate(MUCH_GAINED, None)
    return found


def rule_of_reading() -> str:
    """What `/gallery?check=1` measures with, to measure the tiles of a board: `([inch, metres]) => [text, …]`.

    The rule speaks of sections with a `data-part`; the tiles of the shown board are given one while they are measured.
    """
    source = GALLERY.read_text(encoding="utf-8")
    rule = source[source.index("  const CAPITAL =") : source.index("  // --- colours")]
    return f"""([inch, metres]) => {{
      {rule}
      const tiles = [...document.querySelectorAll('.board:not([hidden]) .tile')].filter((tile) => tile.offsetParent);
      tiles.forEach((tile) => (tile.dataset.part = `tile ${{tile.dataset.tile}}`));
      try {{
        return measure(inch, metres).filter((one) => one.where.startsWith('tile '));
      }} finally {{
        tiles.forEach((tile) => delete tile.dataset.part);
      }}
    }}"""


RULE = rule_of_reading()


def too_small(page: Page) -> list[tuple[Any, ...]]:
    """The texts that cannot be read on 65 inches from ten metres, as (tile, mark, text, minutes of arc).

    21:9 and 32:9 are taken as high as a 16:9 screen of 65 inches: that is how one looks beside it on the same wall, and
    32:9 is two of them side by side. The rule counts in lines of the screen's height, so that one number serves all.
    """
    texts = page.evaluate(RULE, [INCH, METRES])
    assert len(texts) > 20
    small = [one for one in texts if one["angle"] < one["least"]]
    return [(one["where"], one["mark"], one["text"], round(one["angle"], 1)) for one in small]


@pytest.fixture(scope="module")
def address(clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    clock, port = RunningClock(NOON), port_that_is_free()
    fill(clickhouse, clock.now())
    with running(clickhouse, tmp_path_factory.mktemp("wall"), clock, port):
        yield f"http://127.0.0.1:{port}"


def sized(page: Page, size: tuple[int, int]) -> None:
    """The page on a screen of that size, laid out and with its fonts."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.evaluate("() => document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(() => done())))")
    page.wait_for_timeout(200)  # tiles that look at their own size do so a moment later


@pytest.mark.parametrize("board", board_names())
def test_a_board_fits_every_shape_of_screen(address: str, page: Page, watch: Watch, board: str) -> None:
    page.goto(f"{address}/{board}?kiosk=1&lang=zh")
    # nothing is said of a clock in another month than the browser's: the longer ago, the more digits it takes
    page.add_style_tag(content=".skew { display: none; }")
    told: dict[tuple[str, ...], dict[str, list[Any]]] = {}
    for locale in ("zh", "en"):
        page.evaluate("(locale) => livewall.screen.choose('lang', locale)", locale)
        page.wait_for_function(f"(locale) => livewall.frame()?.locale === locale && ({DRAWN})()", arg=locale)
        for shape, size in FORMATS.items():
            sized(page, size)
            told[locale, shape] = {
                "scrolls": page.evaluate(SCROLLS, False),
                "spoilt": spoilt(page),
                "small": too_small(page),
            }
        page.evaluate(KIOSK, False)
        for shape, size in (DESKS | PHONES).items():
            sized(page, size)
            told[locale, shape] = {
                "scrolls": page.evaluate(SCROLLS, shape != "desk"),  # the others scroll down, never sideways
                "spoilt": spoilt(page),
                "unreached": page.evaluate(UNREACHED),
            }
        page.evaluate(KIOSK, True)
    assert {(*place, what): found for place, all_ in told.items() for what, found in all_.items() if found} == {}
    assert watch.errors == []


def test_what_is_cut_or_lies_over_another_is_seen(address: str, page: Page) -> None:
    page.goto(f"{address}/goods?kiosk=1&lang=en")
    page.wait_for_function(DRAWN, timeout=PATIENCE)
    sized(page, (1920, 1080))
    page.add_style_tag(content=".rank-label { margin-bottom: -1.2rem; } .kpi-number { width: 3rem; overflow: hidden; }")
    found = page.evaluate(SPOILT)
    assert any(line.startswith("over each other: categories .rank-label") for line in found), found
    assert any(line.startswith("cut: units") for line in found), found
    page.add_style_tag(content=".rank-label { font-size: 2rem !important; }")
    assert any(where == "tile categories" and "rank-label" in mark for where, mark, *_ in too_small(page))
    page.evaluate("() => history.replaceState(null, '', location.pathname) || livewall.applyScreen()")
    assert page.evaluate(UNREACHED) == []
    page.add_style_tag(content=".controls { position: relative; left: 4rem; }")
    assert page.evaluate(UNREACHED) != []


def test_groups_of_parts_are_not_taken_for_names_of_the_bar_above_them(address: str, page: Page) -> None:
    """English names leave no room for their shares; names alone would stand under parts that they do not name."""
    groups = page.locator('[data-board="wall"] [data-tile="channels"] .split-groups')
    rows = page.locator('[data-board="wall"] [data-tile="channels"] .split-rows')
    for query, shown in (("lang=zh&kiosk=1", True), ("lang=en&kiosk=1", False), ("lang=en", True)):
        page.goto(f"{address}/wall?{query}")
        page.wait_for_function(DRAWN, timeout=PATIENCE)
        assert groups.is_visible() == shown, query
    below, above = groups.bounding_box(), rows.bounding_box()
    assert below and above and below["y"] >= above["y"] + above["height"] - 1
    assert groups.locator("b").first.is_hidden()


@pytest.mark.parametrize("query", ["lang=zh", "lang=en", "lang=zh&kiosk=1", "lang=en&kiosk=1"])
def test_a_header_with_all_there_is_to_say_stays_on_the_screen(address: str, page: Page, query: str) -> None:
    """On a desk the controls take the place of how late events are; a wall has no controls and shows it."""
    page.goto(f"{address}/wall?{query}")
    page.wait_for_function(DRAWN, timeout=PATIENCE)
    for size in ((1920, 1080), (3840, 2160)):
        sized(page, size)
        if "kiosk" in query:
            assert [page.evaluate(TITLE, rem) for rem in (30, 5, 1)] == ["whole", "gone", "gone"]
        told = page.evaluate(CROWDED)
        assert told["right"] <= size[0], (size, told)
        wanted = ["watermark", "lag", "pixel"] if "kiosk" in query else ["watermark", "lag"]
        assert told["seen"] == wanted, (size, told)


# Chips whose names a reader cannot read, though they are there.
SQUEEZED = """() => [...document.querySelectorAll('.chip b')].filter((name) => name.scrollWidth > name.clientWidth + 1)
  .map((name) => `${name.textContent} ${name.clientWidth}`)"""


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_the_names_of_filters_have_room_beside_the_controls(address: str, page: Page, locale: str) -> None:
    """Three of a drill and one beside them; how far the data are stays, too."""
    page.goto(f"{address}/regions?lang={locale}&large_region=east&province=330000&city=330200&channel=live")
    page.wait_for_function(DRAWN, timeout=PATIENCE)
    # nothing is said of a clock in another month than the browser's, nor of a busy machine
    page.add_style_tag(content=".skew, .pace { display: none; }")
    assert page.locator(".chip b").count() == 4
    page.evaluate(
        """() => { const put = () => {
            for (const [name, key, said] of [['alerts', 'alerts', { count: 12 }],
              ['pixel', 'pixel.label', { median: '1.4 s', worst: '10.0 s' }]])
              Object.assign(document.querySelector(`[data-part="${name}"]`),
                { hidden: false, textContent: livewall.t(`shell.${key}`, said) });
          };
          put();
          livewall.on('frame', put); }"""
    )
    told = {}
    for shape, size in (DESKS | PHONES).items():
        sized(page, size)
        foot = page.locator('[data-part="watermark"]').bounding_box()
        assert foot and foot["x"] > 0 and foot["x"] + foot["width"] <= size[0]
        told[shape] = page.evaluate(SQUEEZED) + page.evaluate(UNREACHED) + page.evaluate(SCROLLS, shape != "desk")
    assert {shape: found for shape, found in told.items() if found} == {}
