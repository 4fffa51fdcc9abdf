""" "Today" moves by itself, on the store's clock: over an hour that comes twice, the end of a month, and a sale."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from metrics.profile import StoreProfile
from queries.client import ClickHouse
from tests.browser.conftest import Watch
from tests.browser.real import RunningClock, pay, running
from tests.browser.stage import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600), pytest.mark.usefixtures("without_plotly")]
PATIENCE = 120.0  # seconds: for what waits on the machine
NEW_YORK = StoreProfile(name="纽约店", name_en="New York", time_zone="America/New_York", simulated=True)
BACK = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)  # two in the morning becomes one again
SALE = datetime(2026, 11, 10, 16, 0, tzinfo=UTC)  # 双11 begins: midnight in Shanghai
DECEMBER = datetime(2026, 12, 1, 5, 0, tzinfo=UTC)  # midnight in New York, in winter


def test_an_hour_that_comes_twice_keeps_the_day_and_the_end_of_a_month_begins_a_new_one(
    clean_store: ClickHouse, tmp_path: Path, page: Page, watch: Watch, free_port: int
) -> None:
    clock = RunningClock(BACK - timedelta(seconds=90))
    pay(clean_store, BACK - timedelta(minutes=30), 10.0, "before")  # 01:30, the first time
    day, time, link = (page.locator(f'[data-part="{name}"]') for name in ("day", "clock", "link"))

    def hero() -> str:
        return page.locator('[data-tile="hero"] [data-text]').first.get_attribute("data-text") or ""

    def sold(*texts: str) -> bool:
        return until(lambda: hero() in texts, PATIENCE)

    with running(clean_store, tmp_path, clock, free_port, NEW_YORK):
        page.goto(f"http://127.0.0.1:{free_port}/wall?lang=zh&channel=live")
        page.wait_for_selector('[data-tile="hero"] [data-text]', timeout=PATIENCE * 1000)
        assert sold("10", "10.00")
        page.evaluate("() => { window.here = true; }")
        expect(day).to_contain_text("11月1日")

        clock.jump(BACK + timedelta(seconds=5))
        pay(clean_store, BACK + timedelta(seconds=2), 5.0, "again")
        assert sold("15", "15.00"), "the second of the two hours belongs to the same day"
        assert until(lambda: time.inner_text().startswith("01:0"), PATIENCE), time.inner_text()
        expect(day).to_contain_text("11月1日")

        clock.jump(DECEMBER - timedelta(minutes=10))
        expect(day).to_contain_text("11月30日", timeout=PATIENCE * 1000)
        clock.jump(DECEMBER + timedelta(seconds=5))
        pay(clean_store, DECEMBER + timedelta(seconds=3), 7.0, "december")
        expect(day).to_contain_text("12月1日", timeout=PATIENCE * 1000)
        assert sold("7", "7.00"), "the new day, and month, starts from nothing"
        expect(link).to_have_text("已连接", timeout=PATIENCE * 1000)
        assert page.evaluate("() => [window.here, location.search]") == [True, "?lang=zh&channel=live"]
        assert watch.errors == []


def test_a_sale_begins_and_ends_by_itself(
    clean_store: ClickHouse, tmp_path: Path, page: Page, watch: Watch, free_port: int
) -> None:
    clock = RunningClock(SALE - timedelta(seconds=60))
    pay(clean_store, SALE - timedelta(minutes=5), 10.0, "before")
    name, label, brought = (page.locator(f".countdown-{part}") for part in ("name", "label", "value"))

    with running(clean_store, tmp_path, clock, free_port):
        page.goto(f"http://127.0.0.1:{free_port}/event?lang=zh")
        expect(name).to_have_text("双11", timeout=PATIENCE * 1000)
        expect(label).to_have_text("距开始")
        page.evaluate("() => { window.here = true; }")

        clock.jump(SALE + timedelta(seconds=5))
        pay(clean_store, SALE + timedelta(seconds=3), 7.0, "first")
        expect(label).to_have_text("距结束", timeout=PATIENCE * 1000)
        expect(brought).to_have_text("¥7.00", timeout=PATIENCE * 1000)  # and nothing of what was sold before

        clock.jump(SALE + timedelta(days=1, seconds=5))
        expect(name).to_have_text("双12", timeout=PATIENCE * 1000)
        expect(label).to_have_text("距开始", timeout=PATIENCE * 1000)
        expect(page.locator(".countdown-sum")).to_be_hidden(timeout=PATIENCE * 1000)
        assert page.evaluate("() => window.here")
        assert watch.errors == []
