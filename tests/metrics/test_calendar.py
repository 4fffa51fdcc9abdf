"""Business days: midnight, four in the morning, days of 23 and 25 hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from metrics.calendar import BusinessCalendar, Span

SHANGHAI = BusinessCalendar(ZoneInfo("Asia/Shanghai"), time(0))
EARLY = BusinessCalendar(ZoneInfo("Asia/Shanghai"), time(4))
LONDON = BusinessCalendar(ZoneInfo("Europe/London"), time(0))


def test_a_day_turns_over_exactly_at_midnight_of_its_zone() -> None:
    midnight = datetime(2026, 11, 10, 16, 0, tzinfo=UTC)
    assert SHANGHAI.day_of(midnight - timedelta(milliseconds=1)) == date(2026, 11, 10)
    assert SHANGHAI.day_of(midnight) == date(2026, 11, 11)
    assert SHANGHAI.start_of(date(2026, 11, 11)) == midnight


def test_a_day_that_begins_at_four_keeps_its_night() -> None:
    night = datetime(2026, 11, 10, 19, 59, tzinfo=UTC)  # 03:59 in Shanghai
    assert EARLY.day_of(night) == date(2026, 11, 10)
    assert EARLY.day_of(night + timedelta(minutes=1)) == date(2026, 11, 11)
    assert EARLY.at(date(2026, 11, 10), time(3, 59)) == night


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)])
def test_days_are_as_long_as_their_clocks_say(day: date, hours: int) -> None:
    whole = LONDON.whole(day)
    assert whole.end - whole.start == timedelta(hours=hours)


def test_a_whole_day_is_compared_with_a_whole_day_across_a_clock_change() -> None:
    assert LONDON.same_part(LONDON.whole(date(2026, 3, 30)), "previous_day") == LONDON.whole(date(2026, 3, 29))
    assert LONDON.same_part(LONDON.whole(date(2026, 11, 1)), "previous_week") == LONDON.whole(date(2026, 10, 25))


def test_a_part_of_a_day_never_passes_its_end_nor_its_start() -> None:
    day = date(2026, 11, 11)
    assert SHANGHAI.until(day, SHANGHAI.end_of(day) + timedelta(hours=1)) == SHANGHAI.whole(day)
    assert SHANGHAI.until(day, SHANGHAI.start_of(day) - timedelta(hours=1)).minutes == 0


def test_same_time_yesterday_is_the_same_local_time() -> None:
    noon = datetime(2026, 11, 11, 4, tzinfo=UTC)
    part = SHANGHAI.same_part(SHANGHAI.until(date(2026, 11, 11), noon), "previous_day")
    assert part == Span(SHANGHAI.start_of(date(2026, 11, 10)), noon - timedelta(days=1))
