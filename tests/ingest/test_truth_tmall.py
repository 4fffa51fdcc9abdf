"""Every figure that is known of the Tmall orders comes out exactly, through the tiles' own questions."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.clock import ManualClock
from ingest.loader import load_files
from queries.client import ClickHouse
from tests.ingest.truth import NOW, Truth, top

pytestmark = pytest.mark.shared
ALL = ("2020-02-01", "2020-02-23")  # the last order was paid on the 21st

BY_DAY = """
2020-02-01	176	163	16673	14545	7514
2020-02-02	222	199	23919	20937	12429
2020-02-03	267	239	22357	19431	8115
2020-02-04	469	417	40841.89	36657.72	14730.98
2020-02-05	369	333	33205	29899	14214
2020-02-06	144	126	14170	12080	6131
2020-02-07	177	156	14585	12695	5586
2020-02-09	404	353	38632	32378	10255
2020-02-10	27	23	4369	1443	433
2020-02-11	15	15	386	386	22
2020-02-12	1	1	22	22	0
2020-02-13	5	5	110	110	0
2020-02-14	7	7	383	383	0
2020-02-15	5	4	103	83	0
2020-02-17	390	342	32742.7	29658.46	6354.63
2020-02-18	1015	838	95230.53	83022.36	15711.62
2020-02-19	1025	861	88423.2	78527.84	19161.5
2020-02-20	1345	1140	141271.8	123695.7	24673.4
"""
BY_PROVINCE = """
310000	1090	980	93435.19	24302.31	69132.88
110000	521	470	47668.54	11585.96	36082.58
440000	658	533	47201.61	15126.55	32075.06
320000	398	356	40757.02	9071.14	31685.88
510000	397	344	30855.81	9359.59	21496.22
330000	347	308	28492.6	8086.3	20406.3
120000	245	220	25587.34	7110.88	18476.46
370000	255	201	17830.57	5099.6	12730.97
"""
BY_REGION = """
east	2129	200652.77	0.2641
north	923	93748.62	0.264
southwest	699	60942.42	0.2844
south	659	57473.38	0.3115
northeast	378	35221.1	0.3506
central	313	30516.28	0.467
northwest	121	17399.51	0.3299
"""


def table(text: str) -> list[tuple[object, ...]]:
    """Lines of tab-separated figures: the first is a code, the others numbers."""
    lines = (line.split("\t") for line in text.strip().splitlines())
    return [(code, *(float(number) for number in numbers)) for code, *numbers in lines]


@pytest.fixture(scope="module", params=["tmall_orders_20200201_20200220.csv", "tmall_orders_dev_0201_0220.parquet"])
def tmall(request: pytest.FixtureRequest, clickhouse: ClickHouse, shared_data: Path) -> Truth:
    return Truth(clickhouse, "tmall", [shared_data / "tmall" / request.param])


def test_every_row_is_read(tmall: Truth) -> None:
    (file,) = tmall.summary.files
    assert (file.rows, file.rejected, dict(file.skipped)) == (6063, (), {})
    assert file.events == {("orders", "created"): 6063, ("orders", "paid"): 5222, ("orders", "refunded"): 1494}


def test_headline_money(tmall: Truth) -> None:
    found = tmall.total("created_gmv paid_gmv refund_amount net_gmv refund_rate", *ALL)
    assert found == (567424.12, 495954.08, 145331.13, 350622.95, 0.293033)


def test_order_counts(tmall: Truth) -> None:
    metrics = "orders_created orders_paid orders_refunded create_to_pay_rate refund_rate_orders"
    assert tmall.total(metrics, *ALL) == (6063, 5222, 1494, 0.86129, 0.286097)
    (value,) = tmall.total("average_order_value", *ALL)
    assert value is not None and round(value, 4) == 94.974


def test_provinces(tmall: Truth) -> None:
    found = tmall.split("orders_created orders_paid paid_gmv refund_amount net_gmv", *ALL, "province")
    assert top(found, 2, 8) == table(BY_PROVINCE)
    assert len(found) == 31


def test_large_regions(tmall: Truth) -> None:
    found = tmall.split("orders_paid paid_gmv refund_rate", *ALL, "large_region")
    rounded = {code: (orders, money, round(rate or 0, 4)) for code, (orders, money, rate) in found.items()}
    assert top(rounded, 1, 9) == table(BY_REGION)


def test_days_of_creation(tmall: Truth) -> None:
    found = tmall.split("orders_created orders_paid created_gmv paid_gmv refund_amount", *ALL, "order_day")
    assert sorted((code, *values) for code, values in found.items()) == table(BY_DAY)


def test_days_of_payment(tmall: Truth) -> None:
    reading = tmall.ask("orders_paid paid_gmv", *ALL, grain="day")
    days = {row.bucket: (row.value("orders_paid"), row.value("paid_gmv")) for row in reading.rows}
    assert (days[19], days[17], days[18]) == ((1133, 122290.7), (846, 83372.45), (859, 78493.44))


def test_peak_minute_and_hour_of_payment(tmall: Truth) -> None:
    minutes = tmall.ask("orders_paid paid_gmv", "2020-02-19", "2020-02-20", grain="minute")
    peak = max(minutes.rows, key=lambda row: row.value("orders_paid") or 0)
    assert (peak.bucket, peak.value("orders_paid"), peak.value("paid_gmv")) == (15 * 60 + 35, 11, 443.7)
    hours = tmall.ask("orders_paid paid_gmv", "2020-02-20", "2020-02-21", grain="hour")
    peak = max(hours.rows, key=lambda row: row.value("orders_paid") or 0)
    assert (peak.bucket, peak.value("orders_paid"), peak.value("paid_gmv")) == (22, 130, 15430.5)


def test_the_other_form_of_the_same_orders_changes_nothing(
    tmall: Truth, clickhouse: ClickHouse, shared_data: Path
) -> None:
    others = sorted(path for path in (shared_data / "tmall").glob("tmall_orders*") if path not in tmall.files)
    summary = load_files(clickhouse, tmall.mapping, others, None, ManualClock(NOW))
    assert (summary.events, summary.files[0].known) == (0, 12779)
    assert tmall.total("orders_created paid_gmv", *ALL) == (6063, 495954.08)
