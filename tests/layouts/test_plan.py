"""What the wall asks: as little as possible, over fair spans, never what a metric cannot answer."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from layouts.plan import plan_board
from metrics.ask import Ask, Latest
from metrics.scope import Scope
from tests.layouts.sample import NOW, PROFILE, at, context, planned, wall


def ask(key: str, role: str, scope: Scope | None = None, as_of: datetime = NOW) -> Ask:
    question = planned(key, scope, as_of=as_of).questions[role]
    assert isinstance(question, Ask)
    return question


def test_additive_totals_are_one_question_for_all_tiles() -> None:
    shared = ask("hero", "total")
    assert shared == ask("orders_paid", "total") == ask("refund_rate", "total") == ask("average_order_value", "total")
    assert {"paid_gmv", "orders_paid", "refund_rate", "average_order_value"} == set(shared.metrics)
    assert not {"visitors", "pay_conversion", "paying_buyers"} & set(shared.metrics)


def test_distinct_counts_are_another_question_at_their_own_pace() -> None:
    shared = ask("visitors", "total")
    assert shared == ask("paying_buyers", "total") == ask("pay_conversion", "total")
    assert set(shared.metrics) == {"visitors", "paying_buyers", "pay_conversion"}
    assert planned("visitors").every > planned("funnel").every > planned("hero").every == 0


def test_changes_of_distinct_counts_end_on_the_last_whole_minute() -> None:
    assert ask("visitors", "total").spans == (("current", ask("hero", "total").current),)
    changes = dict(ask("visitors", "changes").spans)
    minute = NOW.replace(second=0)
    assert changes["current"].end == minute and changes["previous_week"].end == minute - timedelta(days=7)
    assert planned("visitors").pace("changes") == 60
    first = dict(ask("visitors", "changes", as_of=datetime(2026, 11, 21, 16, 0, 5, tzinfo=UTC)).spans)
    assert first["current"].minutes == 0, "no minute of the day is whole yet, and none of the day before is taken"


def test_the_wall_asks_few_questions_however_many_tiles() -> None:
    questions = {question for tile in plan_board(wall(), context()) for question in tile.questions.values()}
    assert len(questions) <= 15
    every_tick = {
        question
        for tile in plan_board(wall(), context())
        for role, question in tile.questions.items()
        if tile.pace(role) == 0
    }
    assert len(every_tick) <= 7


def test_map_and_ranking_of_regions_share_their_question() -> None:
    assert ask("map", "value") == ask("regions", "rank")


def test_two_plans_at_one_moment_are_equal() -> None:
    assert plan_board(wall(), context()) == plan_board(wall(), context())


def test_today_is_compared_with_the_same_part_of_earlier_days() -> None:
    spans = dict(ask("hero", "total").spans)
    assert spans["current"].start == datetime(2026, 11, 21, 16, tzinfo=UTC)
    assert spans["current"].end == NOW
    assert spans["previous_day"].end == NOW - timedelta(days=1)
    assert spans["previous_week"].start == spans["current"].start - timedelta(days=7)


def test_midnight_moves_the_day_by_itself() -> None:
    after = datetime(2026, 11, 22, 16, 0, 1, tzinfo=UTC)
    assert ask("hero", "total", as_of=after).current.start == datetime(2026, 11, 22, 16, tzinfo=UTC)


def test_a_past_day_is_whole_or_cut_at_a_time() -> None:
    whole = ask("hero", "total", Scope(day=date(2026, 11, 20))).current
    assert (whole.end - whole.start) == timedelta(days=1)
    cut = ask("hero", "total", Scope(day=date(2026, 11, 20), at=at(9, 30))).current
    assert (cut.end - cut.start) == timedelta(hours=9, minutes=30)


def test_minutes_are_complete_and_stay_inside_the_day() -> None:
    window = ask("gmv_per_minute", "total").current
    assert (window.start.minute, window.end) == (57, NOW.replace(second=0))
    early = ask("gmv_per_minute", "total", as_of=datetime(2026, 11, 21, 16, 2, 5, tzinfo=UTC)).current
    assert (early.start, early.minutes) == (datetime(2026, 11, 21, 16, tzinfo=UTC), 2)


def test_a_clicked_chart_keeps_its_full_view_and_the_others_follow() -> None:
    scope = Scope(filters=(("channel", ("live",)), ("large_region", ("east",)), ("province", ("440000",))))
    assert ask("map", "value", scope).filters == (("channel", ("live",)),)
    assert dict(ask("channels", "split", scope).filters) == {"large_region": ("east",), "province": ("440000",)}
    assert ask("hero", "total", scope).filters == scope.filters


def test_what_a_metric_cannot_be_filtered_by_is_not_asked() -> None:
    scope = Scope(filters=(("sku", ("sku-1",)),))
    for tile in plan_board(wall(), context(scope)):
        for question in tile.questions.values():
            if isinstance(question, Ask):
                for metric in question.metrics:
                    used = {name for name, _ in question.filters} | set(question.by)
                    assert used <= set(context().catalogue.metric(metric).dimensions)


def test_a_focused_step_changes_the_metric_of_tiles_that_follow() -> None:
    assert ask("map", "value", Scope(step="cart")).metrics == ("cart_adds",)
    assert ask("trend", "curve", Scope(step="cart")).metrics == ("cart_adds",)
    assert "paid_gmv" in ask("hero", "total", Scope(step="cart")).metrics


def test_a_focused_metric_is_what_the_trend_asks() -> None:
    trend = ask("trend", "curve", Scope(focus="refund_rate"))
    assert (trend.metrics, trend.grain) == (("refund_rate",), "hour")
    assert ask("trend", "curve").grain == "minute"


def test_countries_take_the_place_of_provinces_where_the_store_has_them() -> None:
    world = PROFILE.model_copy(update={"region_level": "country", "region_set": "world_cn", "map": "world_cn"})
    question = planned("map", profile=world).questions["value"]
    assert isinstance(question, Ask)
    assert question.by == ("country",)


def test_the_ticker_lists_paid_orders_of_the_scope() -> None:
    question = planned("orders", Scope(filters=(("channel", ("live",)),))).questions["latest"]
    assert isinstance(question, Latest)
    assert (question.ledger, question.kinds, question.filters) == ("orders", ("paid",), (("channel", ("live",)),))
