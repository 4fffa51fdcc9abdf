"""Requests as text, answered as plain values: JSON, CSV and a table."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from core.errors import LivewallError
from metrics.catalogue import load_catalogue
from metrics.profile import StoreProfile
from metrics.regions import load_region_set
from metrics.request import parse_request
from queries.answer import Answer, answer_request, to_csv, to_table
from queries.client import ClickHouse
from queries.statement import Statement
from tests.queries.events import insert_random

START = datetime(2026, 11, 8, 16, 0, tzinfo=UTC)
NOW = START + timedelta(days=2, hours=3)
CATALOGUE = load_catalogue()
PROFILE = StoreProfile(name="a")
REGIONS = load_region_set("cn_provinces")
HOSTILE = ["'", "x' OR 1=1 --", "{p0:String}", "\\", "\\'", "'); DROP TABLE order_events; --", "é\u2028\t", "%", "\x00"]


def ask(clickhouse: ClickHouse, **params: str | list[str]) -> Answer:
    params = {name.rstrip("_"): value for name, value in params.items()}
    asks = parse_request(params, CATALOGUE, PROFILE, None, NOW)
    return answer_request(clickhouse, CATALOGUE, PROFILE, REGIONS, asks, NOW)


@pytest.fixture
def events(clean_store: ClickHouse) -> ClickHouse:
    insert_random(clean_store, START, NOW, 2_000)
    return clean_store


def test_answer_is_json_and_carries_values_comparisons_and_changes(events: ClickHouse) -> None:
    answer = ask(events, metrics="paid_gmv,refund_rate", by="province", compare="previous_day", limit="3")
    again = json.loads(json.dumps(answer))
    assert again == answer
    assert [metric["key"] for metric in answer["metrics"]] == ["paid_gmv", "refund_rate"]
    assert len(answer["rows"]) == 3
    row = answer["rows"][0]
    now, before = row["values"]["paid_gmv"], row["previous_day"]["paid_gmv"]
    assert row["change"]["previous_day"]["paid_gmv"] == pytest.approx((now - before) / before)
    rate = row["values"]["refund_rate"] - row["previous_day"]["refund_rate"]
    assert row["change"]["previous_day"]["refund_rate"] == pytest.approx(rate)
    assert answer["from"] == "2026-11-11T00:00:00+08:00" and answer["to"] == "2026-11-11T03:00:00+08:00"


def test_largest_first_metric_comes_first(events: ClickHouse) -> None:
    values = [row["values"]["orders_paid"] for row in ask(events, metrics="orders_paid", by="category")["rows"]]
    assert values == sorted(values, reverse=True) and len(values) > 1


def test_order_day_is_the_day_of_creation_in_the_stores_zone(events: ClickHouse) -> None:
    rows = ask(events, metrics="orders_paid", by="order_day", from_="2026-11-09", to="2026-11-12")["rows"]
    sql = (
        "SELECT toString(toDate(toTimeZone(created_at, 'Asia/Shanghai'))) AS d, sum(orders) FROM order_events "
        "WHERE kind = 'paid' GROUP BY d"
    )
    right = {day: int(orders) for day, orders in events.read(Statement("twin", sql)).rows}
    assert {row["order_day"]: row["values"]["orders_paid"] for row in rows} == right


def test_days_are_named_by_date_and_add_up(events: ClickHouse) -> None:
    rows = ask(events, metrics="impressions", by="day", from_="2026-11-09", to="2026-11-12")["rows"]
    whole = ask(events, metrics="impressions", from_="2026-11-09", to="2026-11-12")["rows"][0]["values"]["impressions"]
    assert [row["day"] for row in rows] == ["2026-11-09", "2026-11-10", "2026-11-11"]
    assert sum(row["values"]["impressions"] for row in rows) == whole > 0


def test_nothing_happened_is_zero_for_sums_and_no_number_for_ratios(clean_store: ClickHouse) -> None:
    (row,) = ask(clean_store, metrics="paid_gmv,visitors,refund_rate,gmv_per_minute")["rows"]
    assert row["values"] == {"paid_gmv": 0, "visitors": 0, "refund_rate": None, "gmv_per_minute": 0}


def test_an_empty_stretch_of_time_has_no_rate(clean_store: ClickHouse) -> None:
    (row,) = ask(clean_store, metrics="gmv_per_minute", from_="2026-11-09", to="2026-11-09")["rows"]
    assert row["values"] == {"gmv_per_minute": None}


def test_hostile_codes_match_nothing_and_break_nothing(events: ClickHouse) -> None:
    whole = ask(events, metrics="orders_paid", from_="2026-11-09")
    assert whole["rows"][0]["values"]["orders_paid"] > 0
    for dimension, text in product(("province", "sku", "large_region", "scene", "order_day", "city"), HOSTILE):
        code = text.replace(",", "").replace(";", "")
        (row,) = ask(events, metrics="orders_paid", filter=f"{dimension}={code}")["rows"]
        assert row["values"] == {"orders_paid": 0}, (dimension, text)
        assert ask(events, metrics="orders_paid", from_="2026-11-09")["rows"] == whole["rows"], (dimension, text)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", ["metrics", "by", "from_", "to", "compare", "grain", "limit", "filter"])
def test_hostile_text_in_any_other_parameter_is_refused(clickhouse: ClickHouse, name: str, text: str) -> None:
    with pytest.raises(LivewallError):
        ask(clickhouse, **{"metrics": "paid_gmv", name: text if name != "filter" else f"{text}=x"})


def test_csv_and_table_carry_the_same_cells(events: ClickHouse) -> None:
    answer = ask(events, metrics="orders_paid,refund_rate", by="channel", compare="previous_week")
    lines = to_csv(answer).splitlines()
    assert lines[0] == (
        "channel,orders_paid,refund_rate,orders_paid.previous_week,refund_rate.previous_week,"
        "orders_paid.change.previous_week,refund_rate.change.previous_week"
    )
    assert len(lines) == len(answer["rows"]) + 1 == len(to_table(answer).splitlines()) - 1


def test_csv_never_carries_a_formula() -> None:
    row = {"sku": "=cmd()", "values": {"orders_paid": 1}}
    answer = {"metrics": [{"key": "orders_paid"}], "by": ["sku"], "compare": [], "rows": [row]}
    assert to_csv(answer).splitlines()[1] == "'=cmd(),1"
