"""The tiles of the boards beside the wall: what they ask, what they show, and what they do not claim to know."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from layouts.board import board_names, load_board
from layouts.gallery import SAMPLES, sample_view
from layouts.plan import plan_board
from layouts.tiles import countdown, drill, funnel_by, goods, region_map, rooms
from layouts.view import PlanContext, View, draw_tile
from metrics.ask import Ask, make_filters
from metrics.calendar import BusinessCalendar
from metrics.labels import Labels
from metrics.reading import Reading, Row
from metrics.scope import Scope
from metrics.stock import load_stock, stock_of
from tests.layouts.sample import PROFILE, catalogue, context, goals, labels, on_board, regions

CALENDAR = BusinessCalendar.of(PROFILE)


def scope(**filters: tuple[str, ...]) -> Scope:
    return Scope(filters=make_filters(filters))


def tile(board: str, key: str) -> Any:
    return next(tile for tile in load_board(board).tiles if tile.key == key)


def asks(board: str, key: str, here: PlanContext) -> dict[str, Any]:
    return dict(next(plan for plan in plan_board(load_board(board), here) if plan.key == key).questions)


def view_of(board: str, key: str, here: PlanContext, locale: str = "zh") -> View:
    plan = next(plan for plan in plan_board(load_board(board), here) if plan.key == key)
    made = sample_view(plan, "fresh", here, labels(), locale, SAMPLES)
    return replace(made, goals=goals())


# --- the clock of a sale ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("local", "name", "running"),
    [
        ("2026-11-10T23:59:59", "双11", False),
        ("2026-11-11T00:00:00", "双11", True),
        ("2026-11-11T23:59:59", "双11", True),
        ("2026-11-12T00:00:00", "双12", False),
        ("2026-12-13T00:00:00", "618", False),
    ],
)
def test_the_clock_shows_the_sale_that_runs_or_the_next_one(local: str, name: str, running: bool) -> None:
    moment = datetime.fromisoformat(local).replace(tzinfo=PROFILE.zone).astimezone(UTC)
    shown = draw_tile(tile("event", "clock"), replace(view_of("event", "clock", context()), as_of=moment))
    assert (shown["name"], shown["running"]) == (name, running)


def test_a_running_sale_is_compared_with_the_same_moment_of_the_last_one() -> None:
    noon = datetime(2026, 11, 11, 12, 0, tzinfo=PROFILE.zone).astimezone(UTC)
    (ask,) = asks("event", "clock", context(as_of=noon)).values()
    spans = dict(ask.spans)
    assert spans["current"].start == datetime(2026, 11, 11, tzinfo=PROFILE.zone)
    assert spans["last_event"].end == datetime(2025, 11, 11, 12, 0, tzinfo=PROFILE.zone)
    shown = draw_tile(tile("event", "clock"), view_of("event", "clock", context(as_of=noon)))
    assert shown["value"] and shown["change"]["text"]


@pytest.mark.parametrize(
    ("locale", "when"), [("zh", "11月11日 周三 00:00 – 24:00"), ("en", "Wed, Nov 11 00:00 – 24:00")]
)
def test_a_sale_of_one_day_names_that_day_once(locale: str, when: str) -> None:
    noon = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)
    assert draw_tile(tile("event", "clock"), view_of("event", "clock", context(as_of=noon), locale))["when"] == when


def test_a_sale_of_several_days_names_the_first_and_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    longer = countdown.known_events()[1].model_copy(update={"days": 3})
    monkeypatch.setattr(countdown, "known_events", lambda: (longer,))
    noon = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)
    shown = draw_tile(tile("event", "clock"), view_of("event", "clock", context(as_of=noon), "en"))
    assert shown["when"] == "Wed, Nov 11 00:00 – Fri, Nov 13 24:00"


def test_before_a_sale_nothing_is_asked_and_a_tick_redraws_nothing() -> None:
    assert asks("event", "clock", context()) == {}
    first, later = (replace(view_of("event", "clock", context()), as_of=at) for at in moments())
    assert draw_tile(tile("event", "clock"), first) == draw_tile(tile("event", "clock"), later)


def moments() -> tuple[datetime, datetime]:
    return datetime(2026, 11, 22, 6, 0, tzinfo=UTC), datetime(2026, 11, 22, 6, 0, 2, tzinfo=UTC)


def test_a_past_day_shows_its_own_sale_standing_still() -> None:
    past = Scope(day=date(2026, 11, 11), at=time(20, 0))
    shown = draw_tile(tile("event", "clock"), view_of("event", "clock", context(past)))
    assert shown["name"] == "双11" and shown["running"]
    assert datetime.fromisoformat(shown["at"]) == datetime(2026, 11, 11, 20, 0, tzinfo=PROFILE.zone)


def test_a_store_abroad_has_no_sale_of_china() -> None:
    abroad = PROFILE.model_copy(update={"home_country": "GBR"})
    assert countdown.next_edition(moments()[0], abroad, CALENDAR) is None


# --- live rooms ---------------------------------------------------------------------------------------------------
def test_rooms_are_ranked_by_money_a_minute_and_say_who_sells() -> None:
    shown = on_board("event", "rooms")
    assert [row["code"] for row in shown["rows"]] == ["room-01", "room-02", "room-03"]
    assert shown["rows"][0]["cells"]["room"]["note"] == "达播"
    assert shown["rows"][1]["cells"]["room"]["note"] == "自播"


def test_a_room_that_nobody_watches_is_not_on_air() -> None:
    made = view_of("event", "rooms", context())
    answers = dict(made.answers)
    for role in ("pace", "viewers"):
        reading = answers[role]
        assert isinstance(reading, Reading)
        silent = tuple(
            Row(row.keys, None, {"current": dict.fromkeys(row.values["current"], 0)})
            if row.keys == ("room-02",)
            else row
            for row in reading.rows
        )
        answers[role] = replace(reading, rows=silent)
    shown = draw_tile(tile("event", "rooms"), replace(made, answers=answers))
    assert [row["code"] for row in shown["rows"]] == ["room-01", "room-03"]
    assert "2 个在播" in shown["title"]


def test_a_room_that_sells_to_nobody_now_has_no_conversion() -> None:
    made = view_of("event", "rooms", context())
    reading = made.answers["viewers"]
    assert isinstance(reading, Reading)
    left = tuple(
        replace(row, values={"current": dict.fromkeys(row.values["current"], 0)}) if row.keys == ("room-02",) else row
        for row in reading.rows
    )
    answers = {**made.answers, "viewers": replace(reading, rows=left)}
    shown = draw_tile(tile("event", "rooms"), replace(made, answers=answers))
    written = {row["code"]: row["cells"]["conversion"] for row in shown["rows"]}
    assert written["room-02"] == "—"
    assert written["room-01"].endswith("%") and written["room-03"].endswith("%")


def test_viewers_are_people_seen_in_the_last_minutes() -> None:
    ask = asks("event", "rooms", context())["viewers"]
    assert "visitors" in ask.metrics and ask.by == ("room",) and ask.current.minutes == 5


def test_a_filter_on_own_rooms_keeps_the_table_and_marks_them() -> None:
    shown = on_board("event", "rooms", scope(room_kind=("self",)))
    assert [row["selected"] for row in shown["rows"]] == [False, True, True]
    assert asks("event", "rooms", context(scope(room_kind=("self",))))["pace"].filters == ()


# --- goods --------------------------------------------------------------------------------------------------------
def stock_reading(filters: dict[str, tuple[str, ...]], sold: float) -> Reading:
    ask = asks("event", "goods", context())["stock"]
    assert isinstance(ask, Ask)
    rows = (Row(("SKU-00051",), None, {"current": {"units": sold}}),)
    return Reading(replace(ask, filters=(*ask.filters, *make_filters(filters))), rows, context().as_of)


def test_stock_left_is_the_mornings_less_what_was_paid_for() -> None:
    known = stock_of(load_stock(), PROFILE)
    assert known is not None
    opening = known.opening["SKU-00051"]
    assert goods.stock_left(stock_reading({}, 100), known)["SKU-00051"] == opening - 100
    assert goods.stock_left(stock_reading({}, opening * 2), known)["SKU-00051"] == 0
    assert goods.stock_left(stock_reading({}, 1), known)["SKU-00001"] == known.opening["SKU-00001"]


def test_a_wall_that_sees_only_a_region_does_not_claim_to_know_the_stock() -> None:
    known = stock_of(load_stock(), PROFILE)
    assert goods.stock_left(stock_reading({"large_region": ("east",)}, 1), known) == {}


def test_a_filter_narrows_what_sells_and_never_the_stock() -> None:
    found = asks("event", "goods", context(scope(channel=("live",))))
    assert found["top"].filters == (("channel", ("live",)),)
    assert [name for name, _ in found["stock"].filters] == ["sku"]


def test_goods_say_their_category_and_what_is_left() -> None:
    shown = on_board("event", "goods")
    assert {row["cells"]["sku"]["note"] for row in shown["rows"]} == {"服饰", "美妆", "数码"}
    assert all(row["cells"]["stock"]["part"] is not None for row in shown["rows"])


def test_a_click_on_an_article_filters_its_category() -> None:
    shown = on_board("event", "goods")
    assert shown["dimension"] == "category"
    assert [row["code"] for row in shown["rows"][:3]] == ["apparel", "beauty", "digital"]
    assert len({row["key"] for row in shown["rows"]}) == len(shown["rows"])


@pytest.mark.parametrize(("left", "tone"), [(50, ""), (20, "warning"), (5, "bad"), (0, "bad")])
def test_low_stock_is_marked(left: float, tone: str) -> None:
    cell = goods._stock_cell(view_of("event", "goods", context()), left, 100)
    assert (cell["tone"], cell["part"], cell["text"]) == (tone, left / 100, str(left))


def test_a_store_without_stock_has_no_such_column() -> None:
    real = PROFILE.model_copy(update={"simulated": False})
    assert stock_of(load_stock(), real) is None
    assert "stock" not in asks("event", "goods", replace(context(), profile=real))


# --- the drill ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("filters", "dimension", "inside"),
    [
        ({}, "large_region", ()),
        ({"large_region": ("east",)}, "province", (("large_region", ("east",)),)),
        ({"large_region": ("east", "south")}, "large_region", ()),
        ({"province": ("440000",)}, "city", (("province", ("440000",)),)),
        ({"province": ("440000", "330000")}, "province", ()),
        ({"province": ("440000",), "city": ("440100",)}, "city", (("province", ("440000",)),)),
    ],
)
def test_one_code_opens_the_next_rung(filters: dict[str, tuple[str, ...]], dimension: str, inside: Any) -> None:
    rung = drill.rung_of(scope(**filters), PROFILE, regions())
    assert (rung.dimension, rung.inside) == (dimension, inside)


def test_the_path_goes_back_up_and_keeps_other_filters() -> None:
    here = scope(province=("330000",), channel=("live",))
    path = on_board("regions", "drill", here)["path"]
    assert [step["label"] for step in path] == ["全国", "华东", "浙江"]
    assert path[0]["clear"] == ["large_region", "province", "city"]
    assert path[1]["keep"] == {"large_region": "east"} and path[1]["clear"] == ["province", "city"]
    ask = asks("regions", "drill", context(here))["drill"]
    assert ask.by == ("city",) and ask.filters == (("channel", ("live",)), ("province", ("330000",)))


def test_a_large_regions_goal_is_its_provinces() -> None:
    goal = goals()[0]
    east = sum(goal.parts["province"][code] for code in regions().children_of("east"))
    shown = on_board("regions", "drill")
    (row,) = [row for row in shown["rows"] if row["code"] == "east"]
    made = view_of("regions", "drill", context()).reading("drill")
    assert made is not None
    value = next(float(line.value("paid_gmv") or 0) for line in made.rows if line.keys == ("east",))
    assert row["cells"]["goal"]["part"] == pytest.approx(min(1.0, value / east), abs=1e-4)


def test_a_goal_of_all_channels_is_not_held_against_one() -> None:
    keys = [column["key"] for column in on_board("regions", "drill", scope(channel=("live",)))["columns"]]
    assert "goal" not in keys


def test_the_map_goes_down_with_the_drill_where_it_has_cities() -> None:
    assert on_board("regions", "map", scope(province=("440000",)))["frame"]["map"] == "cn_cities/440000"
    assert on_board("regions", "map", scope(province=("110000",)))["frame"]["map"] == "cn_provinces"
    assert region_map.plan(tile("wall", "map"), context(scope(province=("440000",))))["value"].by == ("province",)


# --- funnels side by side -----------------------------------------------------------------------------------------
def funnel_rows(counts: int, rate: float) -> tuple[Row, ...]:
    """Two channels: one as yesterday, one whose cart rate fell to `rate` of yesterday's."""
    steps, rates = tile("funnel", "by_channel").metrics, tile("funnel", "by_channel").options["rates"]
    before = {**dict.fromkeys(steps, counts), **dict.fromkeys(rates, 0.1)}
    return (
        Row(("search",), None, {"current": before, "previous_day": before}),
        Row(("live",), None, {"current": before | {"cart_rate": 0.1 * rate}, "previous_day": before}),
    )


def test_the_break_point_is_where_most_was_lost() -> None:
    assert funnel_by.break_point(tile("funnel", "by_channel"), list(funnel_rows(1000, 0.8))) == ("live", "cart_rate")


def test_a_few_events_or_a_small_loss_are_no_break_point() -> None:
    shown = tile("funnel", "by_channel")
    assert funnel_by.break_point(shown, list(funnel_rows(funnel_by.ENOUGH - 1, 0.1))) is None
    assert funnel_by.break_point(shown, list(funnel_rows(1000, 0.99))) is None


def test_the_break_point_is_named_in_words() -> None:
    made = view_of("funnel", "by_channel", context())
    reading = made.reading("steps")
    assert reading is not None
    answers = {**made.answers, "steps": replace(reading, rows=funnel_rows(1000, 0.8))}
    shown = draw_tile(tile("funnel", "by_channel"), replace(made, answers=answers))
    assert shown["note"] == "断点：直播 · 浏览 → 加购，转化率较昨日同时 -20.0%"
    (marked,) = [row for row in shown["rows"] if row["cells"]["cart_rate"]["tone"] == "bad"]
    assert marked["code"] == "live"


@pytest.mark.parametrize("module", [countdown, drill, funnel_by, goods, rooms])
def test_a_kind_says_how_much_room_it_needs(module: Any) -> None:
    width, height = module.SMALLEST
    assert width >= 16 and height >= 10


def test_every_board_has_a_place_for_its_tiles_in_every_shape() -> None:
    for name in board_names():
        assert set(load_board(name).variants) == {"wide", "strip", "portrait", "desk"}, name


def test_alerts_never_fill_a_column_of_a_strip() -> None:
    """They are quiet most of the time: a column of nothing, where a strip has room for something."""
    for name in board_names():
        strip = load_board(name).variants["strip"]
        heights = {key: area.height / strip.rows for key, area in strip.tiles.items() if key == "alerts"}
        assert all(height <= 0.65 for height in heights.values()), (name, heights)


def test_articles_of_the_simulated_shop_have_names_and_those_of_a_real_one_do_not() -> None:
    demo, real = (Labels(catalogue(), regions(), simulated=simulated) for simulated in (True, False))
    assert (demo.of("sku", "SKU-00001", "zh"), demo.of("sku", "SKU-00001", "en")) == ("纯棉圆领T恤", "Cotton crew tee")
    assert demo.of("sku", "SKU-09999", "zh") == real.of("sku", "SKU-00001", "zh").replace("00001", "09999")
