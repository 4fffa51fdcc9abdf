"""Every figure that is known of the hour of Taobao behaviour comes out exactly."""

from __future__ import annotations

from pathlib import Path

import pytest

from queries.client import ClickHouse
from tests.ingest.truth import Truth, top

pytestmark = pytest.mark.shared
DAY = ("2017-11-26", "2017-11-27")


@pytest.fixture(scope="module")
def behaviour(clickhouse: ClickHouse, shared_data: Path) -> Truth:
    return Truth(
        clickhouse, "taobao_behavior", [shared_data / "taobao_behavior" / "user_behavior_20171126_09_11.parquet"]
    )


def test_every_row_is_read_once(behaviour: Truth) -> None:
    (file,) = behaviour.summary.files
    assert (file.rows, file.rejected_rows) == (46895, 0)


def test_events_and_users_by_behaviour(behaviour: Truth) -> None:
    events = behaviour.total("product_views cart_adds favourites orders_paid orders_created", *DAY)
    assert events == (41890, 2539, 1474, 992, 992)
    users = behaviour.total("view_users cart_users favourite_users paying_buyers order_users", *DAY)
    assert users == (28196, 2370, 1335, 964, 964)


def test_peak_minute(behaviour: Truth) -> None:
    reading = behaviour.ask("product_views cart_adds favourites orders_paid", *DAY, grain="minute")
    per_minute = {row.bucket: sum(value or 0 for value in row.values["current"].values()) for row in reading.rows}
    assert max(per_minute.items(), key=lambda entry: entry[1]) == (9 * 60 + 58, 878)
    assert sum(per_minute.values()) == 46895


def test_top_items_by_buy(behaviour: Truth) -> None:
    bought = behaviour.split("orders_paid", *DAY, "sku")
    assert top(bought, 0, 1) == [("517285", 3)]
    twice = {item for item, (count,) in bought.items() if count == 2}
    assert {"451147", "676683", "724262", "936924"} <= twice
    viewed = behaviour.split("product_views", *DAY, "sku")
    assert [viewed.get(item, (0,))[0] for item in ("517285", "676683", "724262", "451147")] == [2, 1, 4, 0]
