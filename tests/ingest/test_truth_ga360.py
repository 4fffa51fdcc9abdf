"""Every figure that is known of the Google Merchandise Store's day comes out exactly."""

from __future__ import annotations

from pathlib import Path

import pytest

from queries.client import ClickHouse
from tests.ingest.truth import Truth, top

pytestmark = pytest.mark.shared
DAY = ("2017-08-01", "2017-08-02")


@pytest.fixture(scope="module")
def store(clickhouse: ClickHouse, shared_data: Path) -> Truth:
    files = (shared_data / "ga360" / f"{name}.parquet" for name in ("sessions", "events", "orders"))
    return Truth(clickhouse, "ga360", files)


def test_every_row_is_read(store: Truth) -> None:
    files = {file.input: file for file in store.summary.files}
    assert {name: file.rows for name, file in files.items()} == {"sessions": 1698, "events": 46107, "orders": 32}
    assert store.summary.rejected_rows == 0
    assert files["events"].skipped == {"purchase_hit": 258}  # reloads of the thank-you page are no orders


def test_sessions_and_visitors(store: Truth) -> None:
    assert store.total("visit_sessions visitors visits", *DAY) == (1698, 1545, 7063)
    sessions = store.split("visit_sessions", *DAY, "tier")
    assert sessions["new"][0] == 1246


def test_orders_are_counted_once(store: Truth) -> None:
    assert store.total("orders_paid paid_gmv orders_created pay_sessions", *DAY) == (32, 7262.73, 32, 32)


def test_event_counts(store: Truth) -> None:
    assert store.total("impressions clicks product_views cart_adds", *DAY) == (26675, 1121, 861, 338)
    assert store.total("impression_users click_users view_users cart_users", *DAY) == (1009, 262, 261, 109)


def test_session_funnel(store: Truth) -> None:
    steps = "impression_sessions click_sessions view_sessions cart_sessions checkout_sessions pay_sessions"
    assert store.total(steps, *DAY) == (1081, 282, 281, 123, 77, 32)


def test_conversion(store: Truth) -> None:
    conversion = store.total("session_conversion click_rate cart_rate", *DAY)
    assert conversion == (round(0.01884570082449941, 6), round(0.04202436738519213, 6), round(0.39256678281068524, 6))


def test_channels(store: Truth) -> None:
    found = store.split("visit_sessions orders_paid paid_gmv", *DAY, "channel")
    assert top(found, 0, 9) == [
        ("organic_search", 911, 3, 129.14),
        ("referral", 293, 21, 4551.38),
        ("direct", 271, 7, 2541.92),
        ("social", 124, 0, 0),
        ("paid_search", 38, 0, 0),
        ("affiliates", 35, 0, 0),
        ("display", 26, 1, 40.29),
    ]


def test_countries(store: Truth) -> None:
    found = store.split("visit_sessions", *DAY, "country")
    assert top(found, 0, 6) == [
        ("USA", 775),
        ("GBR", 119),
        ("IND", 118),
        ("DEU", 77),
        ("CAN", 52),
        ("RUS", 37),
    ]


def test_states_of_the_usa(store: Truth) -> None:
    reading = store.ask("visit_sessions orders_paid paid_gmv", *DAY, by=("province",), country="USA")
    found = {
        row.keys[0]: (row.value("visit_sessions"), row.value("orders_paid"), row.value("paid_gmv"))
        for row in reading.rows
    }
    assert top(found, 2, 6) == [
        ("CA", 240, 10, 3514.8),
        ("", 347, 6, 1339.13),
        ("IL", 16, 2, 1037.5),
        ("NY", 84, 7, 992.43),
        ("TX", 21, 1, 137.07),
        ("WA", 24, 2, 121.83),
    ]


def test_visits_by_hour_add_up(store: Truth) -> None:
    reading = store.ask("visits", *DAY, grain="hour")
    assert sum(row.value("visits") or 0 for row in reading.rows) == 7063
    assert len(reading.rows) >= 15
