"""The fan-out: only what changed is touched, a broken tile or figure stays its own trouble, old tiles say so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Response, jsonify, request
from playwright.sync_api import Page, Route, expect

from layouts.board import Board
from tests.browser.conftest import Watch
from tests.browser.stage import BOARD, ScriptedWall, make_app, make_frame, part, serve, until

pytestmark = pytest.mark.browser
SHAPE = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "id": "440000",
            "properties": {},
            "geometry": {"type": "Polygon", "coordinates": [[[100, 20], [100, 40], [120, 40], [120, 20], [100, 20]]]},
        }
    ],
}


# The faces of the first tile, one after the other, however short each was.
FACES = """window.faces = [];
new MutationObserver((changes) => {
  for (const { target } of changes) if (target.dataset.tile === 'one') faces.push(target.dataset.face);
}).observe(document, {subtree: true, attributes: true, attributeFilter: ['data-face']});"""


def bars(height: float) -> dict[str, Any]:
    return {
        "figure": {"data": [{"type": "bar", "x": ["a"], "y": [height]}], "layout": {"title": {"text": f"h{height}"}}}
    }


def show(scripted: ScriptedWall, tiles: dict[str, dict[str, Any]]) -> None:
    scripted.answer = lambda ask: make_frame(f"b1-{ask['n']}", tiles)


def drawn(page: Page) -> str:
    title = page.locator('[data-tile="plot"] .gtitle')
    return title.text_content() or "" if title.count() else ""


def test_only_tiles_that_changed_are_updated(scripted: ScriptedWall, page: Page, without_plotly: None) -> None:
    page.goto(f"{scripted.url}/wall")
    page.wait_for_function("() => window.calls && window.calls.one >= 5")
    assert page.evaluate("() => window.calls.two") == 1


def test_a_tile_that_throws_is_marked_and_stops_no_other(
    scripted: ScriptedWall, page: Page, without_plotly: None, text_of: Callable[[str], str]
) -> None:
    show(scripted, {"one": part({"boom": True}), "two": part({"text": "alive"})})
    page.goto(f"{scripted.url}/wall")
    assert until(lambda: text_of("two") == "alive")
    expect(page.locator('[data-tile="one"]')).to_have_attribute("data-face", "error")
    show(scripted, {"one": part({"text": "well again"}), "two": part({"text": "alive"})})
    assert until(lambda: text_of("one") == "well again")
    expect(page.locator('[data-tile="one"]')).to_have_attribute("data-face", "fresh")


@pytest.mark.parametrize(
    "figure", [{"data": [None]}, {"data": "str"}, None, {"data": [{"type": "choropleth", "geojson": "/missing.geojson",
     "locations": ["440000"], "z": [1]}]}], ids=["null trace", "text", "none", "no such map"],
)  # fmt: skip
def test_a_bad_figure_does_not_kill_the_chart(scripted: ScriptedWall, page: Page, figure: Any) -> None:
    show(scripted, {"plot": part(bars(1))})
    page.goto(f"{scripted.url}/wall")
    assert until(lambda: drawn(page) == "h1")
    show(scripted, {"plot": part({"figure": figure})})
    page.wait_for_selector('[data-tile="plot"] [data-failed]', timeout=60_000)
    tile = page.locator('[data-tile="plot"]')
    expect(tile).to_have_attribute("data-face", "error")
    expect(tile.locator(".tile-note")).to_contain_text("这块内容画不出来")
    assert tile.locator(".tile-note").get_attribute("title"), "what is wrong with the chart"
    show(scripted, {"plot": part({"empty": "没有可画的"}, "empty")})
    expect(tile).to_have_attribute("data-face", "empty")
    show(scripted, {"plot": part(bars(2))})
    assert until(lambda: drawn(page) == "h2")
    assert page.locator('[data-tile="plot"] [data-failed]').count() == 0
    expect(tile).to_have_attribute("data-face", "fresh")


def test_the_heartbeat_counts_each_tile_and_chart_that_breaks_once(free_port: int, page: Page) -> None:
    wall, beats = ScriptedWall(free_port), list[dict[str, Any]]()
    app = make_app(wall, beat_s=0.5)

    def hear() -> Response:
        beats.append(request.get_json())
        return jsonify({"commands": []})

    app.server.add_url_rule("/screens/v1/beat", view_func=hear, methods=["POST"])

    def told(errors: int, last: str) -> bool:
        return until(lambda: bool(beats) and (beats[-1]["errors"], beats[-1]["last_error"]) == (errors, last))

    show(wall, {"one": part({"text": "well"}), "plot": part(bars(1))})
    with serve(wall, app):
        page.goto(f"{wall.url}/wall")
        assert until(lambda: drawn(page) == "h1") and told(0, "")
        show(wall, {"one": part({"boom": True}), "plot": part(bars(1))})
        assert told(1, "one: boom")
        asked = len(wall.asks)
        assert until(lambda: len(wall.asks) > asked + 3)
        show(wall, {"one": part({"boom": True}), "plot": part({"figure": None})})
        assert told(2, "plot: this is not a figure")
        show(wall, {"one": part({"text": "well"}), "plot": part(bars(2))})
        assert until(lambda: drawn(page) == "h2")
        show(wall, {"one": part({"text": "well"}), "plot": part({"figure": None})})
        assert told(3, "plot: this is not a figure")


MAP: dict[str, Any] = {
    "regions": [
        {
            "code": "440000",
            "label": "广东",
            "value": "1",
            "conversion": "1%",
            "change": None,
            "selected": False,
            "classes": [0, 0, 0],
        }
    ],
    "modes": [{"code": "value", "label": "销售额"}],
    "legends": {"value": []},
    "frame": {
        "map": "cn_provinces",
        "lon": [73, 135],
        "lat": [18, 54],
        "inset": {"lon": [105, 125], "lat": [2, 25], "ratio": 0.8, "label": "南海诸岛", "line": "cn_nanhai_line"},
    },
    "parents": [],
    "dimension": "province",
    "any_selected": False,
}


def map_board() -> dict[str, Board]:
    tile = {"key": "map", "kind": "region_map", "area": {"column": 1, "row": 1, "width": 1, "height": 1}}
    board = BOARD.model_dump(mode="json") | {"columns": 1, "rows": 1, "tiles": [tile], "variants": {}}
    return {"wall": Board.model_validate(board)}


def test_a_map_that_cannot_be_made_says_so_and_takes_it_back(free_port: int, page: Page, watch: Watch) -> None:
    """Its figure is made after the frame was handed out: what goes wrong then is no exception of the tile's update."""
    wall = ScriptedWall(free_port)
    show(wall, {"map": part(MAP)})
    with serve(wall, make_app(wall, boards=map_board())):
        page.goto(f"{wall.url}/wall")
        tile = page.locator('[data-tile="map"]')
        shown = page.locator('[data-tile="map"] .js-plotly-plot:not([data-failed]) .choroplethlayer path')
        expect(shown).not_to_have_count(0)
        page.evaluate("() => { window.rem = livewall.env.rem; livewall.env.rem = () => { throw Error('no size'); }; }")
        chosen = [{**MAP["regions"][0], "selected": True}]  # which is a reason to draw the map anew
        show(wall, {"map": part({**MAP, "regions": chosen})})
        expect(tile).to_have_attribute("data-face", "error")
        expect(tile.locator(".tile-note")).to_contain_text("这块内容画不出来")
        assert tile.locator(".tile-note").get_attribute("title") == "no size"
        page.evaluate("() => { livewall.env.rem = window.rem; }")
        show(wall, {"map": part(MAP)})
        expect(tile).to_have_attribute("data-face", "fresh")
        expect(shown).not_to_have_count(0)
        assert watch.errors == [], "nothing is left that nobody caught"


def test_the_line_on_the_map_comes_with_an_update_after_it_could_not_be_fetched(free_port: int, page: Page) -> None:
    wall, fetched = ScriptedWall(free_port), list[str]()
    wall.answer = lambda ask: make_frame(f"b1-{ask['n']}", {"map": part({**MAP, "n": ask["n"]})})

    def refuse_twice(route: Route) -> None:
        fetched.append(route.request.url)
        if len(fetched) <= 2:
            route.fulfill(status=502, body="gone")
        else:
            route.continue_()

    page.route("**/cn_nanhai_line.geojson", refuse_twice)
    with serve(wall, make_app(wall, boards=map_board())):
        page.goto(f"{wall.url}/wall")
        line = (
            "[...document.querySelectorAll('.js-plotly-plot')].some((c) => c.data.some((t) => t.type === 'scattergeo'))"
        )
        page.wait_for_function(f"() => {line}", timeout=60_000)
        assert len(fetched) == 3, "once it is there nobody asks again"
        expect(page.locator('[data-tile="map"]')).to_have_attribute("data-face", "fresh")


def test_a_map_that_could_not_be_fetched_comes_by_itself_without_a_new_figure(
    free_port: int, page: Page, watch: Watch
) -> None:
    wall = ScriptedWall(free_port)
    app = make_app(wall)
    served: list[int] = []

    @app.server.get("/shape.geojson")
    def shape() -> tuple[Any, int] | Response:
        served.append(1)
        return app.server.json.response(SHAPE) if len(served) > 1 else ("gone", 404)

    trace = {
        "type": "choropleth",
        "geojson": "/shape.geojson",
        "locations": ["440000"],
        "z": [1],
        "locationmode": "geojson-id",
    }
    show(wall, {"plot": part({"figure": {"data": [trace], "layout": {"geo": {"fitbounds": "locations"}}}})})
    with serve(wall, app):
        page.goto(f"{wall.url}/wall")
        done = (
            '[data-tile="plot"] .js-plotly-plot:not([data-failed]) .choroplethlayer path'  # drawn, and wired to clicks
        )
        page.wait_for_selector(done, state="attached", timeout=60_000)
        assert len(served) >= 2
        box = page.locator('[data-tile="plot"] .choroplethlayer path').first.bounding_box()
        assert box
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        # A hand hovers before it presses; Plotly clicks what it hovers.
        page.wait_for_selector('[data-tile="plot"] .hovertext', state="attached", timeout=60_000)
        page.mouse.click(x, y)
        page.wait_for_function("() => location.search.includes('province=440000')")
    assert watch.foreign == [], "nothing is fetched from another host"


def test_a_tile_past_its_promise_dims_and_says_as_of_when(
    scripted: ScriptedWall, page: Page, without_plotly: None
) -> None:
    answered: list[datetime] = []

    def answer(ask: dict[str, Any]) -> str:
        answered.append(datetime.now(UTC))
        aging = {**part({"text": "n"}, as_of=answered[0]), "stale_after": 4.0}
        return make_frame(f"b1-{ask['n']}", {"one": aging, "two": part({"text": "n"})})

    scripted.answer = answer
    page.add_init_script(FACES)
    page.goto(f"{scripted.url}/wall")
    expect(page.locator('[data-tile="one"]')).to_have_attribute("data-face", "stale", timeout=60_000)
    assert page.evaluate("() => faces") == ["fresh", "stale"]
    local = (answered[0] + timedelta(hours=8)).strftime("%H:%M:%S")  # Shanghai, whatever the machine's zone
    expect(page.locator('[data-tile="one"] .tile-note')).to_have_text(f"截至 {local}")
    expect(page.locator('[data-tile="two"]')).to_have_attribute("data-face", "fresh")


def test_nothing_new_confirms_what_asks_nothing_and_no_number(
    scripted: ScriptedWall, page: Page, without_plotly: None
) -> None:
    """The server answers and has no news. The header counts up and the number ages, each by what is known of it; only
    the tile without questions is as good as the answer, and not even that while the store does not answer."""
    begun = datetime.now(UTC)
    version, mute = "b1-1", False

    def answer(ask: dict[str, Any]) -> str | None:
        if ask["seen"] == version:
            return None
        number, alerts = (
            {**part({"text": "n"}, as_of=begun), "stale_after": 3.0, "asks": asks} for asks in (True, False)
        )
        return make_frame(version, {"one": number, "two": alerts}, heard=begun.isoformat(), mute=mute)

    scripted.answer = answer
    one, two, link = page.locator('[data-tile="one"]'), page.locator('[data-tile="two"]'), page.locator("html")
    page.goto(f"{scripted.url}/wall")
    expect(one).to_have_attribute("data-face", "stale", timeout=60_000)
    page.evaluate("() => { livewall.config.late = 5; }")
    expect(page.locator('[data-part="lag"]')).to_have_attribute("data-state", "late", timeout=60_000)
    page.wait_for_function("(since) => Date.now() - since > 9000", arg=begun.timestamp() * 1000)
    assert page.evaluate("() => (livewall.ran() - livewall.gate.okAt) / 1000") < 3, "it is answered all the time"
    expect(two).to_have_attribute("data-face", "fresh")
    expect(link).to_have_attribute("data-trouble", "ok")
    version, mute = "b1-2", True
    expect(link).to_have_attribute("data-trouble", "mute", timeout=60_000)
    expect(link).to_have_attribute("data-link", "late")
    expect(page.locator('[data-part="link"]')).to_contain_text("数据库无应答")
    expect(two).to_have_attribute("data-face", "stale", timeout=60_000)


def test_numbers_of_another_filter_leave_and_who_waits_for_long_is_told(
    scripted: ScriptedWall, page: Page, without_plotly: None
) -> None:
    """The first numbers of a clicked filter do not come: those of the whole must not stand under its name."""
    coming = ["-0", "-busy", "-2"]  # no numbers yet, no room for one more scope, numbers at last

    def answer(ask: dict[str, Any]) -> str | None:
        if not ask["query"]:
            return make_frame("b1-1", {"one": part({"text": "all", "code": "440000"})})
        if ask["seen"] == f"b1{coming[0]}":
            return None
        done = coming[0] == "-2"
        tile = part({"text": "filtered", "code": "440000"}) if done else part(None, "loading") | {"as_of": None}
        return make_frame(f"b1{coming[0]}", {"one": tile}, complete=done, scope=ask["query"])

    scripted.answer = answer
    page.goto(f"{scripted.url}/wall")
    body, link = page.locator('[data-tile="one"] .tile-body'), page.locator("html")
    expect(body).to_have_text("all", timeout=60_000)
    body.click()
    expect(page.locator('[data-tile="one"]')).to_have_attribute("data-face", "loading", timeout=60_000)
    expect(body).to_be_hidden()
    expect(link).to_have_attribute("data-trouble", "waits", timeout=60_000)
    expect(page.locator('[data-part="link"]')).to_contain_text("等待首批数据")
    coming.pop(0)
    expect(link).to_have_attribute("data-trouble", "busy", timeout=60_000)
    coming.pop(0)
    expect(body).to_have_text("filtered", timeout=60_000)
    expect(body).to_be_visible()
    expect(link).to_have_attribute("data-trouble", "ok")


def test_faces_of_the_server_are_shown(scripted: ScriptedWall, page: Page, without_plotly: None) -> None:
    show(
        scripted,
        {
            "one": part({"title": "付款", "empty": "不支持按直播间筛选"}, "empty"),
            "two": {**part({"text": "12"}, "error"), "error": "sum of orders: timeout"},
            "plot": part(None, "loading"),
        },
    )
    page.goto(f"{scripted.url}/wall")
    expect(page.locator('[data-tile="one"] .tile-blank')).to_have_text("不支持按直播间筛选")
    expect(page.locator('[data-tile="one"] .tile-title')).to_have_text("付款")
    expect(page.locator('[data-tile="two"]')).to_have_attribute("data-face", "error")
    assert page.locator('[data-tile="two"] .tile-note').inner_text().startswith("取数失败")
    assert page.locator('[data-tile="two"] .tile-body').inner_text() == "12", "the last numbers stay"
    expect(page.locator('[data-tile="plot"]')).to_have_attribute("data-face", "loading")


def test_nothing_moves_on_a_tick(scripted: ScriptedWall, page: Page, without_plotly: None) -> None:
    page.goto(f"{scripted.url}/wall")
    page.wait_for_function("() => window.calls && window.calls.one >= 2")
    page.add_style_tag(content=".link { display: none; }")  # its words change when a busy machine is late
    page.evaluate("() => document.fonts.ready.then(() => true)")
    boxes = """() => JSON.stringify([...document.querySelectorAll('.top > *, .tile, .tile-body')].map((e) => {
      const b = e.getBoundingClientRect(); return [b.x, b.y, b.width, b.height].map(Math.round); }))"""
    before = page.evaluate(boxes)
    page.wait_for_timeout(2500)
    assert page.evaluate(boxes) == before


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (3840, 2160), (1366, 768)])
def test_the_wall_needs_no_scrolling(
    scripted: ScriptedWall, page: Page, without_plotly: None, width: int, height: int
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{scripted.url}/wall")
    page.wait_for_function("() => window.calls && window.calls.one >= 1")
    size = page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert size == [width, height]


def test_a_phone_scrolls_down_and_never_sideways(scripted: ScriptedWall, page: Page, without_plotly: None) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{scripted.url}/wall")
    page.wait_for_function("() => window.calls && window.calls.one >= 1")
    width, height = page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert width == 390
    assert height > 844


def test_every_script_and_style_is_loaded_in_the_order_it_needs(scripted: ScriptedWall, page: Page) -> None:
    page.goto(f"{scripted.url}/wall")
    loaded = [
        Path(src.split("?")[0]).relative_to("/assets/js").as_posix()
        for src in page.evaluate("() => [...document.scripts].map((s) => s.getAttribute('src')).filter(Boolean)")
        if src.startswith("/assets/js")
    ]
    own = [name for name in loaded if "/" not in name]
    kinds = [name for name in loaded if name.startswith("tiles/")]
    assert own == sorted(own)
    assert loaded == own + kinds, "tile kinds come after the ground they stand on"
    assert kinds[0] == "tiles/_shared.js"
