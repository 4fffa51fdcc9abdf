"""The known figures of the real data sets, from the two commands a person types: `load`, then `query`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.app.test_run import command

FILES = {
    "tmall": ["tmall/tmall_orders_20200201_20200220.csv"],
    "ga360": ["ga360/sessions.parquet", "ga360/events.parquet", "ga360/orders.parquet"],
    "taobao_behavior": ["taobao_behavior/user_behavior_20171126_09_11.parquet"],
    "online_retail": ["online_retail/online_retail.parquet"],
}
SPANS = {
    "tmall": ("2020-02-01", "2020-02-22"),
    "ga360": ("2017-07-31", "2017-08-04"),
    "taobao_behavior": ("2017-11-26", "2017-11-27"),
    "online_retail": ("2010-12-01", "2011-09-01"),
}
TOTALS = {
    "tmall": {
        "created_gmv": 567424.12,
        "paid_gmv": 495954.08,
        "refund_amount": 145331.13,
        "net_gmv": 350622.95,
        "refund_rate": 0.293033,
        "orders_created": 6063,
        "orders_paid": 5222,
        "orders_refunded": 1494,
        "create_to_pay_rate": 0.86129,
        "refund_rate_orders": 0.286097,
        "average_order_value": 94.974,
    },
    "ga360": {
        "visit_sessions": 1698,
        "visitors": 1545,
        "visits": 7063,
        "impressions": 26675,
        "clicks": 1121,
        "product_views": 861,
        "cart_adds": 338,
        "impression_sessions": 1081,
        "click_sessions": 282,
        "view_sessions": 281,
        "cart_sessions": 123,
        "checkout_sessions": 77,
        "orders_paid": 32,
        "paid_gmv": 7262.73,
        "session_conversion": 0.018846,
        "click_rate": 0.042024,
        "cart_rate": 0.392567,
    },
    "taobao_behavior": {
        "product_views": 41890,
        "cart_adds": 2539,
        "favourites": 1474,
        "orders_paid": 992,
        "view_users": 28196,
        "cart_users": 2370,
        "favourite_users": 1335,
        "paying_buyers": 964,
    },
    "online_retail": {
        "paid_gmv": 6293764.0,
        "refund_amount": 520770.56,
        "orders_paid": 12494,
        "orders_refunded": 2554,
        "paying_buyers": 3317,
    },
}
SPLITS = {
    "tmall": (
        ("paid_gmv,orders_paid", "province", "310000", {"paid_gmv": 93435.19, "orders_paid": 980}),
        ("paid_gmv,orders_paid", "large_region", "east", {"paid_gmv": 200652.77, "orders_paid": 2129}),
        ("created_gmv,paid_gmv", "order_day", "2020-02-20", {"created_gmv": 141271.8, "paid_gmv": 123695.7}),
        ("paid_gmv,orders_paid", "day", "2020-02-18", {"paid_gmv": 83372.45, "orders_paid": 846}),
    ),
    "ga360": (
        ("visit_sessions", "channel", "organic_search", {"visit_sessions": 911}),
        ("visit_sessions", "country", "GBR", {"visit_sessions": 119}),
    ),
    "taobao_behavior": (("product_views", "sku", "1715", None),),
    "online_retail": (
        ("paid_gmv,orders_paid", "country", "IRL", {"paid_gmv": 177970.17, "orders_paid": 167}),
        ("paid_gmv,orders_paid", "day", "2010-12-07", {"paid_gmv": 99618.2, "orders_paid": 84}),
        ("paid_gmv", "sku", "22423", {"paid_gmv": 131777.52}),
    ),
}


@pytest.mark.shared
@pytest.mark.parametrize("name", list(FILES))
def test_load_then_query_gives_the_known_figures(name: str, shared_data: Path, tmp_path: Path) -> None:
    loaded = command(tmp_path, "load", name, *(str(shared_data / file) for file in FILES[name]))
    assert loaded.returncode == 0, loaded.stderr
    start, end = SPANS[name]

    def ask(metrics: str, *more: str) -> list[dict[str, Any]]:
        words = ["query", f"--metrics={metrics}", f"--from={start}", f"--to={end}", "--format=json", *more]
        said = command(tmp_path, *words)
        assert said.returncode == 0, said.stderr
        return list(json.loads(said.stdout)["rows"])

    (total,) = ask(",".join(TOTALS[name]))
    found = {key: round(value, 6) for key, value in total["values"].items()}
    assert {**found, **_rounded(found, TOTALS[name])} == TOTALS[name]
    for metrics, by, code, expected in SPLITS[name]:
        rows = {row[by]: row["values"] for row in ask(metrics, f"--by={by}")}
        assert code in rows
        assert expected is None or {key: round(value, 4) for key, value in rows[code].items()} == expected


def _rounded(found: dict[str, float], truth: dict[str, float]) -> dict[str, float]:
    """Ratios and money as the truth writes them: ratios to its decimals, money to two. Counts are exact."""
    written = {key: len(str(value).partition(".")[2]) for key, value in truth.items() if isinstance(value, float)}
    money = {key: 2 for key in truth if key.endswith(("gmv", "amount"))}
    return {key: round(found[key], decimals) for key, decimals in {**written, **money}.items()}
