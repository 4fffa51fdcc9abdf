"""Numbers as people of a locale read them: tables by hand, properties by hypothesis."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.formats import (
    currency_symbol,
    direction,
    format_change,
    format_clock,
    format_day,
    format_duration,
    format_value,
    number_scale,
)


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        (None, "—", "—"),
        (0, "¥0.00", "¥0.00"),
        (532.5, "¥532.50", "¥532.50"),
        (999.994, "¥999.99", "¥999.99"),
        (999.995, "¥1,000", "¥1,000"),
        (9_999.4, "¥9,999", "¥9,999"),
        (9_999.6, "¥1.00万", "¥10.0K"),
        (12_345, "¥1.23万", "¥12.3K"),
        (123_456, "¥12.3万", "¥123.5K"),
        (999_960, "¥100.0万", "¥1.00M"),
        (12_345_000, "¥1,234.5万", "¥12.3M"),
        (99_999_999, "¥1.00亿", "¥100.0M"),
        (124_000_000, "¥1.24亿", "¥124.0M"),
        (1_240_000_000, "¥12.40亿", "¥1.24B"),
        (-54_321, "-¥5.43万", "-¥54.3K"),
    ],
)
def test_money_is_written_in_the_steps_people_count_in(value: float | None, zh: str, en: str) -> None:
    assert str(format_value(value, "money", "zh")) == zh
    assert str(format_value(value, "money", "en")) == en


@pytest.mark.parametrize(
    ("value", "unit", "zh", "en"),
    [
        (0, "count", "0", "0"),
        (9_812, "count", "9,812", "9,812"),
        (48_210, "count", "4.82万", "48.2K"),
        (0.0312, "ratio", "3.12%", "3.12%"),
        (0.861, "ratio", "86.1%", "86.1%"),
        (0.00001, "ratio", "<0.01%", "<0.01%"),
        (0, "ratio", "0.00%", "0.00%"),
        (5_230.5, "rate_money", "¥5,231/分", "¥5,231/min"),
        (12.34, "rate_count", "12.3/分", "12.3/min"),
        (95, "duration", "1 分钟", "1 min"),
    ],
)
def test_every_unit_has_its_way_of_writing(value: float, unit: str, zh: str, en: str) -> None:
    assert str(format_value(value, unit, "zh")) == zh
    assert str(format_value(value, unit, "en")) == en


def test_a_hero_shows_all_digits() -> None:
    parts = format_value(3_482_915.5, "money", "zh", exact=True).parts()
    assert parts == {"sign": "", "prefix": "¥", "number": "3,482,916", "unit": "", "text": "¥3,482,916"}


def test_the_currency_is_the_stores() -> None:
    assert str(format_value(12.5, "money", "en", "GBP")) == "£12.50"
    assert str(format_value(12.5, "money", "zh", "USD")) == "US$12.50"
    assert str(format_value(12.5, "money", "en", "JPY")) == "¥13"
    assert currency_symbol("CNY", "en") == "¥"


@pytest.mark.parametrize(
    ("change", "unit", "text", "way"),
    [
        (0.032, "money", "+3.2%", "up"),
        (-0.2, "count", "-20.0%", "down"),
        (-0.004, "ratio", "-0.4 pp", "down"),
        (0.0004, "ratio", "+0.04 pp", "up"),
        (0.0001, "money", "0.0%", "flat"),
        (-0.0001, "money", "0.0%", "flat"),
        (15, "money", ">+1,000%", "up"),
        (None, "money", "—", "flat"),
    ],
)
def test_a_change_carries_its_sign_and_its_direction(change: float | None, unit: str, text: str, way: str) -> None:
    assert str(format_change(change, unit, "zh")) == text
    assert direction(change, unit) == way


@pytest.mark.parametrize(
    ("seconds", "zh"),
    [
        (0, "0 秒"),
        (59.9, "59 秒"),
        (60, "1 分钟"),
        (3599, "59 分钟"),
        (5400, "1.5 小时"),
        (7200, "2 小时"),
        (200_000, "2 天"),
    ],
)
def test_durations_say_the_largest_unit(seconds: float, zh: str) -> None:
    assert str(format_duration(seconds, "zh")) == zh


def test_clock_and_day_are_the_businesss() -> None:
    moment, zone = datetime(2026, 11, 21, 16, 2, 31, tzinfo=UTC), ZoneInfo("Asia/Shanghai")
    assert format_clock(moment, zone) == "00:02:31"
    assert format_clock(moment, zone, seconds=False) == "00:02"
    assert format_day(date(2026, 11, 22), "zh") == "11月22日 周日"
    assert format_day(date(2026, 11, 22), "en") == "Sun, Nov 22"


@given(
    st.floats(min_value=0, max_value=1e13, allow_nan=False),
    st.sampled_from(["money", "count"]),
    st.sampled_from(["zh", "en"]),
)
def test_a_written_number_is_the_number_to_its_last_digit(value: float, unit: str, locale: str) -> None:
    text = format_value(value, unit, locale)
    steps = {word: size for size, word in number_scale(unit, locale, "CNY")["steps"]}  # type: ignore[union-attr]
    size = steps.get(text.unit, 1.0)
    decimals = len(text.number.partition(".")[2])
    assert float(text.number.replace(",", "")) * size == pytest.approx(value, abs=0.5000001 * size / 10**decimals)


@given(st.floats(min_value=10_000, max_value=1e9, allow_nan=False), st.sampled_from(["zh", "en"]))
def test_no_number_reaches_the_next_step_and_stays_below(value: float, locale: str) -> None:
    text = format_value(value, "count", locale)
    largest = {"万": 10_000, "K": 1_000, "M": 1_000}.get(text.unit)
    assert largest is None or float(text.number.replace(",", "")) < largest
