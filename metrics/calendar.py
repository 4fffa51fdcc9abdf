"""Business days: where a day begins and ends, and which moment of an earlier day is "the same time"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from metrics.profile import StoreProfile

COMPARISONS = {"previous_day": 1, "previous_week": 7}


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open stretch of time [start, end), both aware UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a span needs aware times")

    @property
    def minutes(self) -> float:
        return (self.end - self.start).total_seconds() / 60


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """The business clock of a store. All results are UTC; zone arithmetic happens only here."""

    zone: ZoneInfo
    day_start: time

    @classmethod
    def of(cls, profile: StoreProfile) -> BusinessCalendar:
        return cls(profile.zone, profile.day_start)

    def start_of(self, day: date) -> datetime:
        """When business day `day` begins."""
        return datetime.combine(day, self.day_start, tzinfo=self.zone).astimezone(UTC)

    def end_of(self, day: date) -> datetime:
        """When the next business day begins: 23, 24 or 25 hours later where clocks change."""
        return self.start_of(day + timedelta(days=1))

    def day_of(self, moment: datetime) -> date:
        """The business day an aware moment belongs to."""
        local = moment.astimezone(self.zone)
        day = local.date()
        return day if local.timetz().replace(tzinfo=None) >= self.day_start else day - timedelta(days=1)

    def at(self, day: date, local_time: time) -> datetime:
        """The moment of business day `day` at a local time; times before the day's start belong to the next date."""
        calendar_day = day if local_time >= self.day_start else day + timedelta(days=1)
        return datetime.combine(calendar_day, local_time, tzinfo=self.zone).astimezone(UTC)

    def whole(self, day: date) -> Span:
        return Span(self.start_of(day), self.end_of(day))

    def until(self, day: date, moment: datetime) -> Span:
        """Business day `day` from its start up to `moment`, never past its end."""
        return Span(self.start_of(day), max(self.start_of(day), min(moment, self.end_of(day))))

    def same_part(self, span: Span, comparison: str) -> Span:
        """The fair counterpart of `span`: as long, the same local time `previous_day` or `previous_week` ago.

        Both ends move by local calendar days, so a day that lost or gained an hour is compared by the clock on the
        shop's wall, and a whole day stays a whole day.
        """
        days = timedelta(days=COMPARISONS[comparison])

        def shift(moment: datetime) -> datetime:
            local = moment.astimezone(self.zone)
            return (local.replace(tzinfo=None) - days).replace(tzinfo=self.zone, fold=local.fold).astimezone(UTC)

        return Span(shift(span.start), max(shift(span.start), shift(span.end)))
