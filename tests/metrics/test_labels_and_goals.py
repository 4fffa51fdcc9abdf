"""Codes become words, wherever the words stand; regions, comparison and goals."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.errors import DefinitionError, UnknownNameError
from metrics.catalogue import load_catalogue
from metrics.cities import load_cities
from metrics.compare import change
from metrics.goals import goal_for, load_goals
from metrics.labels import Labels
from metrics.profile import StoreProfile
from metrics.regions import load_region_set

CATALOGUE = load_catalogue()
CHINA, WORLD = load_region_set("cn_provinces"), load_region_set("world_cn")


@pytest.mark.parametrize(
    ("dimension", "code", "zh", "en"),
    [
        ("province", "440000", "广东", "Guangdong"),
        ("large_region", "east", "华东", "East"),
        ("channel", "live", "直播", "Live stream"),
        ("scene", "shelf", "货架", "Shelf"),
        ("category", "apparel", "服饰", "Apparel"),
        ("tier", "vip", "高级会员", "VIP"),
        ("category", "Bücher", "Bücher", "Bücher"),
        ("city", "", "未知", "Unknown"),
    ],
)
def test_labels(dimension: str, code: str, zh: str, en: str) -> None:
    labels = Labels(CATALOGUE, CHINA)
    assert (labels.of(dimension, code, "zh"), labels.of(dimension, code, "en")) == (zh, en)


def test_countries_are_named_in_a_world_store_and_in_a_chinese_one() -> None:
    assert Labels(CATALOGUE, WORLD).of("country", "GBR", "zh") == Labels(CATALOGUE, CHINA).of("country", "GBR", "zh")
    assert Labels(CATALOGUE, WORLD).of("country", "GBR", "zh") != "GBR"


def test_china_has_34_provinces_each_in_one_large_region() -> None:
    children = [code for parent in CHINA.parents for code in CHINA.children_of(parent)]
    assert len(CHINA.regions) == 34 and sorted(children) == sorted(CHINA.regions)
    assert CHINA.code_of("上海") == CHINA.code_of("上海市") == "310000"


def test_an_unknown_region_set_says_which_there_are() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'cn_provinces'"):
        load_region_set("cn_province")


@pytest.mark.parametrize(
    ("now", "before", "unit", "moved"),
    [
        (110, 100, "count", 0.1),
        (50, 100, "money", -0.5),
        (5, -10, "money", 1.5),
        (0.25, 0.5, "ratio", -0.25),
        (1, 0, "count", None),
        (0.5, 0.0, "ratio", 0.5),
        (None, 1, "count", None),
        (1, None, "ratio", None),
    ],
)
def test_change(now: float | None, before: float | None, unit: str, moved: float | None) -> None:
    assert change(now, before, unit) == pytest.approx(moved)


def test_the_demo_goal_holds_for_simulated_stores_only() -> None:
    goals = load_goals(CATALOGUE.metrics)
    assert goal_for(goals, "paid_gmv", StoreProfile(name="any", simulated=True)) is not None
    assert goal_for(goals, "paid_gmv", StoreProfile(name="any")) is None
    assert goal_for(goals, "orders_paid", StoreProfile(name="any", simulated=True)) is None


def test_a_goal_for_an_unknown_metric_is_named(tmp_path: Path) -> None:
    path = tmp_path / "goals.yaml"
    path.write_text("goals: [{metric: paid_gvm, target: 1, store: demo, owner: o}]", encoding="utf-8")
    with pytest.raises(DefinitionError, match="did you mean 'paid_gmv'"):
        load_goals(CATALOGUE.metrics, path)


def test_every_city_has_an_english_name_of_its_own_letters() -> None:
    cities = load_cities().values()
    wrong = [city.zh for city in cities if not city.en[:1].isupper() or not re.fullmatch(r"[A-Za-zü' ]+", city.en)]
    assert wrong == [] and len(cities) == 370
    labels = Labels(CATALOGUE, CHINA)
    assert [labels.of("city", code, "en") for code in ("440100", "610100", "150100")] == [
        "Guangzhou",
        "Xi'an",
        "Hohhot",
    ]
    assert labels.of("city", "440100", "zh") == "广州市"
