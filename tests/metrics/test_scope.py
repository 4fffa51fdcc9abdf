"""A scope and its URL are the same thing; what a URL says wrongly is dropped by name."""

from __future__ import annotations

import random
from datetime import date, time

import pytest

from metrics.scope import FUNNEL_STEPS, MAX_QUERY, Scope, parse_scope

CODES = {
    "province": frozenset({"440000", "330000", "310000"}),
    "channel": frozenset({"live", "search"}),
    "category": frozenset({"a&b", "x=y", "c d", "食品", "p+q", "%41"}),
    "focus": frozenset({"paid_gmv"}),
}


@pytest.mark.parametrize("seed", range(40))
def test_url_round_trip(seed: int) -> None:
    dice = random.Random(seed)
    scope = Scope(dice.choice([None, date(2020, 2, 19)]), dice.choice([None, time(14, 30)]))
    for dimension in ("province", "channel", "category"):
        for code in dice.sample(sorted(CODES[dimension]), dice.randrange(3)):
            scope = scope.toggled(dimension, code)
    if dice.random() < 0.5:
        scope = scope.toggled("step", dice.choice(FUNNEL_STEPS)).toggled("focus", "paid_gmv")
    assert parse_scope(scope.to_query(), CODES.get) == (scope, ())


def test_clicking_twice_clears_and_order_does_not_matter() -> None:
    one = Scope().toggled("province", "440000").toggled("channel", "live")
    other = Scope().toggled("channel", "live").toggled("province", "440000")
    assert one == other and hash(one) == hash(other)
    assert one.toggled("province", "440000").toggled("channel", "live") == Scope()


def test_a_clicked_chart_keeps_its_full_view() -> None:
    scope = Scope().toggled("province", "440000").toggled("channel", "live")
    assert scope.without("province") == Scope().toggled("channel", "live")


@pytest.mark.parametrize(
    ("query", "name", "reason"),
    [
        ("province=999", "province", "unknown_value"),
        ("colour=red", "colour", "unknown_filter"),
        ("day=tomorrow", "day", "bad_date"),
        ("at=25:00", "at", "bad_time"),
        ("step=jump", "step", "unknown_value"),
        ("focus=nothing", "focus", "unknown_value"),
        ("province=" + "4" * MAX_QUERY, "url", "too_long"),
    ],
)
def test_what_is_not_understood_is_dropped_by_name(query: str, name: str, reason: str) -> None:
    scope, (dropped,) = parse_scope(query, CODES.get)
    assert scope == Scope() and (dropped.name, dropped.reason) == (name, reason)


def test_known_codes_survive_beside_unknown_ones() -> None:
    scope, dropped = parse_scope("?province=440000,000000", CODES.get)
    assert scope.codes("province") == ("440000",) and [entry.value for entry in dropped] == ["000000"]
