"""What each kind of tile draws from given answers: compared as trees, in both languages, with its faces."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from layouts.plan import plan_board
from layouts.tiles.region_map import class_of, quantile_breaks
from layouts.view import draw_tile
from metrics.catalogue import Catalogue
from metrics.reading import Reading, Row
from metrics.scope import FUNNEL_STEPS, Scope
from metrics.snapshot import AlertView
from tests.layouts.sample import NOW, PROFILE, catalogue, context, draw, tile, view, wall, with_rows

EAST_AND_LIVE = Scope(filters=(("channel", ("live",)), ("large_region", ("east",))))


def totals(**metrics: dict[str, float | None]) -> dict[str, dict[str, float | None]]:
    """Values by span from values by metric: (current, previous_day, previous_week)."""
    spans: dict[str, dict[str, float | None]] = {}
    for metric, values in metrics.items():
        for span, value in values.items():
            spans.setdefault(span, {})[metric] = value
    return spans


def hero(locale: str = "zh", current: float | None = 3_482_915.4, **changes: Any) -> dict[str, Any]:
    values = totals(paid_gmv={"current": current, "previous_day": 3_000_000, "previous_week": 4_000_000})
    return draw_tile(tile("hero"), with_rows(view("hero", locale=locale, **changes), "total", values))


def test_the_hero_shows_the_exact_number_its_changes_and_the_goal() -> None:
    assert hero() == {
        "title": "今日成交额",
        "value": {"sign": "", "prefix": "¥", "number": "3,482,915", "unit": "", "text": "¥3,482,915"},
        "compact": "¥348.3万",
        "changes": [
            {"against": "较昨日同时", "short": "日", "text": "+16.1%", "direction": "up", "good": True},
            {"against": "较上周同时", "short": "周", "text": "-12.9%", "direction": "down", "good": False},
        ],
        "goal": {"part": 0.8707, "reached": False, "text": "目标 ¥400.0万 · 已达成 87.1%"},
    }


def test_the_hero_speaks_english() -> None:
    drawn = hero("en")
    assert (drawn["title"], drawn["compact"]) == ("GMV today", "¥3.48M")
    assert drawn["changes"][0]["against"] == "vs yesterday, same time"
    assert drawn["goal"]["text"] == "Goal ¥4.00M · 87.1% reached"


def test_a_reached_goal_is_full_and_says_so() -> None:
    goal = hero(current=4_400_000)["goal"]
    assert (goal["part"], goal["reached"]) == (1.0, True)
    assert "110.0%" in goal["text"]


def test_the_goal_of_the_whole_store_is_not_held_against_a_part_of_it() -> None:
    assert draw("hero", EAST_AND_LIVE)["goal"] is None


def test_no_number_is_a_dash_and_not_zero() -> None:
    drawn = hero(current=None)
    assert drawn["value"]["text"] == "—"
    assert drawn["changes"][0]["text"] == "—"
    assert drawn["changes"][0]["direction"] == "flat"


def test_a_past_day_is_named_and_compared_as_a_whole() -> None:
    drawn = draw("hero", Scope(day=date(2026, 11, 20)), live=False)
    assert drawn["title"] == "11月20日 周五 成交额"
    assert drawn["changes"][0]["against"] == "较前一日"


def test_a_rising_refund_rate_goes_up_and_is_bad() -> None:
    values = totals(refund_rate={"current": 0.08, "previous_day": 0.07, "previous_week": 0.08})
    drawn = draw_tile(tile("refund_rate"), with_rows(view("refund_rate"), "total", values))
    assert drawn["changes"][0] | {"against": ""} == {
        "against": "",
        "short": "日",
        "text": "+1.0 pp",
        "direction": "up",
        "good": False,
    }
    assert drawn["changes"][1]["good"] is None


def test_a_sparkline_is_24_hours_or_60_minutes_of_heights() -> None:
    assert len(draw("orders_paid")["spark"]) == 24
    minutes = draw("gmv_per_minute")["spark"]
    assert len(minutes) == 60
    assert max(minutes) == 1.0
    assert draw("gmv_per_minute")["title"].endswith("近5分钟")


def test_a_distinct_count_shows_its_own_moment_and_the_changes_of_the_last_whole_minute() -> None:
    minute = {"current": {"visitors": 1_200}, "previous_day": {"visitors": 1_000}, "previous_week": {"visitors": 2_400}}
    shown = with_rows(view("visitors", locale="en"), "total", {"current": {"visitors": 1_234}})
    drawn = draw_tile(tile("visitors"), with_rows(shown, "changes", minute))
    assert drawn["value"]["number"] == "1,234"
    assert [change["text"] for change in drawn["changes"]] == ["+20.0%", "-50.0%"]
    unheard = replace(shown, answers={role: a for role, a in shown.answers.items() if role != "changes"})
    assert {change["text"] for change in draw_tile(tile("visitors"), unheard)["changes"]} == {"—"}


def test_a_store_of_sketches_writes_users_as_about() -> None:
    sketched = PROFILE.model_copy(update={"distinct": "sketch"})
    values = {"current": {"visitors": 1_234}}
    drawn = draw_tile(tile("visitors"), with_rows(view("visitors", profile=sketched), "total", values))
    assert drawn["value"]["text"] == "≈1,234" and drawn["value"]["prefix"] == "≈"
    empty = draw_tile(
        tile("visitors"), with_rows(view("visitors", profile=sketched), "total", {"current": {"visitors": None}})
    )
    assert empty["value"]["text"] == "—"
    orders = draw_tile(tile("orders_paid"), view("orders_paid", profile=sketched))
    assert "≈" not in orders["value"]["text"]
    assert draw_tile(tile("pay_conversion"), view("pay_conversion", profile=sketched))["value"]["text"].startswith("≈")
    assert "≈" not in draw_tile(tile("online_live_rooms"), view("online_live_rooms", profile=sketched))["value"]["text"]


BY_TIER = Scope(filters=(("tier", ("vip",)),))


def without_tier() -> Catalogue:
    """The catalogue as if nothing could be filtered by tier."""
    known = catalogue()
    metrics = {
        key: replace(metric, dimensions=tuple(name for name in metric.dimensions if name != "tier"))
        for key, metric in known.metrics.items()
    }
    return Catalogue(metrics, known.dimensions)


def test_a_window_over_a_whole_day_says_average_only_where_it_is_one() -> None:
    past = Scope(day=date(2026, 11, 20))
    assert draw("gmv_per_minute", past, "en", live=False)["title"].endswith("day average")
    assert draw("online_live_rooms", past, "en", live=False)["title"].endswith("whole day")


@pytest.mark.parametrize(
    "key",
    [
        tile.key
        for tile in wall().tiles
        if tile.kind in ("hero", "kpi", "trend", "funnel", "region_map", "rank", "split")
    ],
)
def test_a_filter_a_metric_cannot_take_is_said_and_never_a_wrong_number(key: str) -> None:
    drawn = draw(key, BY_TIER, catalogue=without_tier())
    assert "不支持按" in drawn["empty"]
    assert {"value", "rows", "steps", "current", "regions", "items"}.isdisjoint(drawn)
    blocked = plan_board(wall(), replace(context(BY_TIER), catalogue=without_tier()))
    assert not next(plan for plan in blocked if plan.key == key).questions


def test_a_funnel_keeps_the_steps_that_can_be_filtered() -> None:
    by_day = Scope(filters=(("order_day", ("2026-11-22",)),))
    steps = {step["code"]: step for step in draw("funnel", by_day)["steps"]}
    assert (steps["impression"]["value"]["text"], steps["pay"]["reason"]) == ("—", None)
    assert "不支持按" in steps["impression"]["reason"]
    assert steps["pay"]["value"]["text"] != "—"


def test_the_trend_sends_sums_in_buckets_up_to_now() -> None:
    drawn = draw("trend")
    assert (drawn["bucket"], drawn["adds"], drawn["mode"]) == (5, True, "cumulative")
    assert (len(drawn["times"]), len(drawn["before"])) == (289, 288)
    assert (drawn["times"][0], drawn["times"][1], drawn["times"][-1]) == ("00:00", "00:05", "24:00")
    assert len(drawn["current"]) == 169  # 14:02 stands in the bucket from 14:00
    assert drawn["now"] == pytest.approx(168.5, abs=0.01)
    reading = view("trend").reading("curve")
    assert reading is not None
    total = sum(row.value("paid_gmv") or 0 for row in reading.rows)
    assert sum(drawn["current"]) == pytest.approx(total, abs=1)


def test_a_metric_in_focus_takes_the_trend_by_the_hour() -> None:
    drawn = draw("trend", Scope(focus="refund_rate"))
    assert (drawn["metric"], drawn["adds"], drawn["bucket"]) == ("refund_rate", False, 60)
    assert len(drawn["before"]) == 24
    assert drawn["scale"]["percent"] is True


def funnel(counts: list[int], before: list[int]) -> dict[str, Any]:
    metrics = tile("funnel").metrics
    rates = tile("funnel").options["rates"]
    values: dict[str, dict[str, float | None]] = {}
    for span, numbers in (("current", counts), ("previous_day", before)):
        values[span] = dict(zip(metrics, map(float, numbers), strict=True))
        values[span] |= {rate: numbers[i + 1] / numbers[i] for i, rate in enumerate(rates)}
        values[span]["impression_to_pay_rate"] = numbers[-1] / numbers[0]
    return draw_tile(tile("funnel"), with_rows(view("funnel"), "steps", values))


def test_the_funnel_marks_the_step_that_lost_the_largest_part_of_itself() -> None:
    drawn = funnel([100_000, 4_000, 3_000, 600, 300, 90], [100_000, 4_000, 3_000, 600, 300, 255])
    steps = {step["code"]: step for step in drawn["steps"]}
    assert list(steps) == list(FUNNEL_STEPS)
    assert [code for code, step in steps.items() if step["worst"]] == ["pay"]
    assert steps["pay"]["rate"] == "30.0%"
    assert steps["pay"]["change"]["text"] == "-55.0 pp"
    assert steps["impression"]["rate"] == ""
    assert steps["impression"]["width"] == 1.0
    assert drawn["title"] == "转化漏斗 · 曝光→支付 0.09% · 条长按对数"


def test_a_funnel_that_lost_nothing_marks_nothing() -> None:
    same = [100_000, 4_000, 3_000, 600, 300, 255]
    assert not any(step["worst"] for step in funnel(same, same)["steps"])


def test_a_silent_day_is_empty_and_not_a_funnel_of_zeros() -> None:
    values = {"current": dict.fromkeys(tile("funnel").metrics, 0)}
    assert draw_tile(tile("funnel"), with_rows(view("funnel"), "steps", values))["empty"] == "所选时段没有数据"


def test_the_map_has_every_region_and_marks_selected_ones_through_their_large_region() -> None:
    drawn = draw("map", EAST_AND_LIVE)
    codes = {region["code"]: region for region in drawn["regions"]}
    assert {"710000", "810000", "820000"} <= set(codes)  # Taiwan, Hong Kong, Macao
    assert len(codes) == 34
    assert {code for code, region in codes.items() if region["selected"]} == set(context().regions.children_of("east"))
    assert drawn["any_selected"] is True
    assert codes["440000"]["label"] == "广东"
    assert codes["820000"]["classes"][0] == -1  # nothing sold there in the samples
    assert drawn["frame"]["inset"]["label"] == "南海诸岛"
    assert [parent["code"] for parent in drawn["parents"] if parent["selected"]] == ["east"]


def test_the_largest_province_does_not_flatten_the_rest() -> None:
    values = [1_000_000.0, 90_000, 80_000, 70_000, 60_000, 50_000, 40_000, 30_000, 20_000, 10_000]
    breaks = quantile_breaks(values)
    classes = [class_of(value, breaks) for value in values]
    assert set(classes) == {0, 1, 2, 3, 4}
    assert max(classes.count(place) for place in range(5)) <= 3


def test_colour_limits_stand_still_while_numbers_creep() -> None:
    values = [float(size) for size in (123_456, 98_765, 76_543, 54_321, 32_109, 12_345)]
    assert quantile_breaks(values) == quantile_breaks([value * 1.001 for value in values])


def test_no_number_has_no_colour() -> None:
    assert class_of(None, [1, 2]) == -1
    assert quantile_breaks([1.0, None, 0]) == []


def ranking(now: dict[str, float], before: dict[str, float], scope: Scope | None = None) -> dict[str, Any]:
    here = view("regions", scope)
    reading = here.reading("rank")
    assert reading is not None
    rows = tuple(
        Row(
            (code,),
            None,
            {"current": {"paid_gmv": now.get(code, 0)}, "previous_day": {"paid_gmv": before.get(code, 0)}},
        )
        for code in {**now, **before}
    )
    return draw_tile(tile("regions"), replace(here, answers={"rank": replace(reading, rows=rows)}))


def test_a_ranking_says_who_moved_and_who_is_new() -> None:
    drawn = ranking({"440000": 50, "320000": 90, "330000": 10}, {"440000": 80, "320000": 60})
    assert [(row["label"], row["place"], row["moved"]) for row in drawn["rows"]] == [
        ("江苏", 1, 1),
        ("广东", 2, -1),
        ("浙江", 3, None),
    ]
    assert [row["part"] for row in drawn["rows"]] == [1.0, 0.5556, 0.1111]


def test_a_selected_region_below_the_shown_places_keeps_its_rank() -> None:
    codes = list(context().regions.regions)[:20]
    drawn = ranking({code: 100 - i for i, code in enumerate(codes)}, {}, Scope(filters=(("province", (codes[17],)),)))
    assert [row["place"] for row in drawn["rows"]] == [1, 2, 3, 4, 5, 18]
    assert drawn["rows"][-1]["selected"]


def test_parts_make_the_whole_and_scenes_gather_their_channels() -> None:
    drawn = draw("channels", EAST_AND_LIVE)
    assert sum(item["part"] for item in drawn["items"]) == pytest.approx(1, abs=0.001)
    assert {item["code"]: item["group"] for item in drawn["items"]}["mall"] == "shelf"
    assert {group["code"] for group in drawn["groups"]} == {"live", "short_video", "shelf"}
    assert [item["code"] for item in drawn["items"] if item["selected"]] == ["live"]


def test_a_part_keeps_its_colour_when_ranks_swap() -> None:
    here = view("channels")
    reading = here.reading("split")
    assert isinstance(reading, Reading)
    turned = replace(
        reading,
        rows=tuple(
            replace(row, values={"current": {"paid_gmv": 1000 / (1 + place)}, "previous_day": {"paid_gmv": 1}})
            for place, row in enumerate(reversed(reading.rows))
        ),
    )
    colours = [
        {item["code"]: item["colour"] for item in draw_tile(tile("channels"), drawn)["items"]}
        for drawn in (here, replace(here, answers={"split": turned}))
    ]
    assert colours[0] == colours[1]


def alert(rule: str, state: str, severity: str = "warning", minutes: int = 3) -> AlertView:
    return AlertView(
        rule=rule,
        severity=severity,
        state=state,
        since=NOW - timedelta(minutes=minutes),
        value=0.031,
        limit=0.45,
        metric="create_to_pay_rate",
        dimension="large_region",
        code="east",
        name={"zh": "支付成功率过低", "en": "Payment success too low"},
        cause={"zh": "", "en": ""},
        action={"zh": "联系支付值班", "en": "Call payments"},
        owner={"zh": "支付团队", "en": "Payments"},
        unit="ratio",
    )


def test_firing_comes_first_and_critical_before_warning() -> None:
    alerts = (
        alert("a", "resolved"),
        alert("b", "pending"),
        alert("c", "firing"),
        alert("d", "firing", "critical", minutes=90),
        alert("e", "inactive"),
    )
    drawn = draw("alerts", alerts=alerts)
    assert [row["key"].split(":")[0] for row in drawn["rows"]] == ["d", "c"]
    assert (drawn["firing"], drawn["unlisted"], drawn["watching"]) == (2, 2, "正在监看 5 条规则")
    assert drawn["words"]["more"] == "还有 {count} 条"
    first = drawn["rows"][0]
    assert (first["where"], first["value"], first["limit"]) == ("华东", "3.10%", "45.0%")
    assert first["since"] == "12:32 起 · 1.5 小时"
    assert first["metric"] == "create_to_pay_rate"


def test_all_quiet_says_how_much_is_watched() -> None:
    drawn = draw("alerts", alerts=(alert("a", "inactive"), alert("b", "inactive")), locale="en")
    assert (drawn["quiet"], drawn["watching"], drawn["rows"]) == ("All quiet", "Watching 2 rules", [])


def test_the_order_ticker_shows_nothing_personal() -> None:
    rows = draw("orders")["rows"]
    assert len(rows) == 4
    assert set(rows[0]) == {"key", "time", "where", "category", "channel", "amount"}
    assert rows[0]["time"] == "14:02:30"


def test_no_orders_yet_is_said() -> None:
    assert draw("orders", face="empty")["empty"] == "还没有订单"


@pytest.mark.parametrize("key", [tile.key for tile in wall().tiles if tile.metrics])
def test_a_tile_without_answers_waits(key: str) -> None:
    drawn = draw(key, answers={})
    assert drawn["waiting"] is True
    assert drawn["title"]


def lines(*amounts: tuple[str, float], limit: int = 40) -> list[tuple[object, str]]:
    """Orders drawn from (order, amount) lines, as (key, amount written)."""
    here = view("orders")
    listing = here.listing("latest")
    assert listing is not None
    row = listing.rows[0]
    rows = tuple(
        {**row, "order_id": order, "event_id": f"{order}-{place}", "amount": amount}
        for place, (order, amount) in enumerate(amounts)
    )
    made = replace(listing, ask=replace(listing.ask, limit=limit), rows=rows)
    drawn = draw_tile(tile("orders"), replace(here, answers={"latest": made}))
    return [(entry["key"], entry["amount"]["text"]) for entry in drawn["rows"]]


def test_the_lines_of_an_order_are_one_order() -> None:
    assert lines(("a", 10.0), ("a", 5.5), ("b", 3.0)) == [("a-0", "¥15.50"), ("b-2", "¥3.00")]


def test_an_order_that_was_cut_off_shows_no_part_of_its_amount() -> None:
    assert lines(("a", 10.0), ("b", 3.0), ("b", 4.0), limit=3) == [("a-0", "¥10.00")]
    assert lines(("b", 3.0), ("b", 4.0), limit=2) == [("b-0", "—")]
