"""Every figure that is known of UCI Online Retail and that our metrics cover comes out exactly."""

from __future__ import annotations

from pathlib import Path

import pytest

from queries.client import ClickHouse
from tests.ingest.truth import Truth, top

pytestmark = pytest.mark.shared
ALL = ("2010-12-01", "2011-09-01")
MONTHS = """
2010-12-01	1559	823746.14
2011-01-01	1086	691364.56
2011-02-01	1100	523631.89
2011-03-01	1454	717639.36
2011-04-01	1246	537808.62
2011-05-01	1681	770536.02
2011-06-01	1533	761739.9
2011-07-01	1475	719221.19
2011-08-01	1360	748076.32
"""


@pytest.fixture(scope="module")
def retail(clickhouse: ClickHouse, shared_data: Path) -> Truth:
    return Truth(clickhouse, "online_retail", [shared_data / "online_retail" / "online_retail.parquet"])


def test_every_line_is_read_or_set_aside_with_a_reason(retail: Truth) -> None:
    (file,) = retail.summary.files
    assert (file.rows, file.rejected_rows) == (320705, 0)
    assert file.skipped == {"bad_debt": 3, "write_off": 1797}


def test_money(retail: Truth) -> None:
    gross, cancelled, net = retail.total("paid_gmv refund_amount net_gmv", *ALL)
    assert gross is not None and cancelled is not None and net is not None
    assert (round(gross, 2), cancelled) == (6293764, 520770.56)
    # Net of everything is net of refunds less what was written off as bad debt.
    assert round(net - 11062.06, 3) == 5761931.382


def test_orders_and_buyers(retail: Truth) -> None:
    metrics = "orders_created orders_paid orders_refunded paying_buyers"
    assert retail.total(metrics, *ALL) == (12494, 12494, 2554, 3317)


def test_countries(retail: Truth) -> None:
    found = retail.split("orders_paid paid_gmv", *ALL, "country")
    rounded = {code: (orders, round(money or 0, 2)) for code, (orders, money) in found.items()}
    assert top(rounded, 1, 6) == [
        ("GBR", 11326, 5260140.24),
        ("NLD", 54, 180198.4),
        ("IRL", 167, 177970.17),
        ("DEU", 273, 143128.31),
        ("FRA", 230, 113765.99),
        ("AUS", 39, 109021.33),
    ]


def test_best_days(retail: Truth) -> None:
    found = retail.split("orders_paid paid_gmv", *ALL, "order_day")
    rounded = {day: (orders, round(money or 0, 2)) for day, (orders, money) in found.items()}
    assert top(rounded, 1, 5) == [
        ("2010-12-07", 84, 99618.2),
        ("2011-01-18", 41, 95978.05),
        ("2011-08-11", 69, 72433.79),
        ("2011-03-29", 62, 70711.92),
        ("2011-01-11", 58, 68655.59),
    ]
    assert not any(day in rounded for day in ("2010-12-24", "2010-12-25", "2011-01-03"))  # closed


def test_months(retail: Truth) -> None:
    lines = [line.split("\t") for line in MONTHS.strip().splitlines()]
    ends = [*(first for first, *_ in lines[1:]), "2011-09-01"]
    for (first, orders, gross), after in zip(lines, ends, strict=True):
        count, money = retail.total("orders_paid paid_gmv", first, after)
        assert (count, round(money or 0, 2)) == (int(orders), float(gross)), first


def test_products(retail: Truth) -> None:
    found = retail.split("units paid_gmv", *ALL, "sku")
    rounded = {sku: (units, round(money or 0, 2)) for sku, (units, money) in found.items()}
    assert top(rounded, 1, 5) == [
        ("22423", 10518, 131777.52),
        ("DOT", 553, 116338.15),
        ("47566", 15486, 83725.66),
        ("23166", 76571, 79945.97),
        ("85123A", 27768, 76436.28),
    ]
