"""The event calendar: sales that come back, and which moment of the last one is "the same moment"."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from core.errors import BadRequestError, DefinitionError
from metrics.calendar import BusinessCalendar, Span
from metrics.definition_file import read_definitions
from metrics.profile import StoreProfile

FILE = Path(__file__).parent / "event_calendar.yaml"
LAST_EVENT = "last_event"
LEAP_YEAR = 2000


class Edition(BaseModel):
    """One time that an event took place: local times of the store, `to` exclusive."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    begin: datetime = Field(alias="from")
    end: datetime = Field(alias="to")

    @model_validator(mode="after")
    def _local_and_in_order(self) -> Edition:
        if self.begin.tzinfo or self.end.tzinfo:
            raise ValueError("write local times without a zone: every store has its own")
        if self.begin >= self.end:
            raise ValueError("`from` must lie before `to`")
        return self


class SaleEvent(BaseModel):
    """A sale that comes back: yearly on a date, or in listed editions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    zh: str
    en: str
    countries: tuple[str, ...] = Field(default=(), description="Home countries of the stores that take part.")
    yearly: str = Field(default="", description="The date on which it begins every year, as 11-11.")
    days: int = Field(default=1, ge=1, le=60)
    editions: tuple[Edition, ...] = ()

    @field_validator("yearly")
    @classmethod
    def _is_a_date(cls, text: str) -> str:
        try:
            found = date.fromisoformat(f"{LEAP_YEAR}-{text}") if text else None
        except ValueError as wrong:
            raise ValueError(f"{text!r} is no date of a year like 11-11") from wrong
        if found and (found.month, found.day) == (2, 29):
            raise ValueError("02-29 is not in every year: list the editions")
        return text

    @model_validator(mode="after")
    def _one_way(self) -> SaleEvent:
        if bool(self.yearly) == bool(self.editions):
            raise ValueError("give either `yearly` or `editions`")
        if any(later.begin < earlier.end for earlier, later in pairwise(self.editions)):
            raise ValueError("editions stand in order of time and do not overlap")
        return self

    def around(self, moment: datetime, calendar: BusinessCalendar) -> list[Span]:
        """Its editions in order of time; of a yearly event those of the years around an aware moment."""
        if self.editions:
            return [Span(_aware(one.begin, calendar), _aware(one.end, calendar)) for one in self.editions]
        firsts = [date.fromisoformat(f"{moment.year + shift}-{self.yearly}") for shift in (-2, -1, 0, 1)]
        last = timedelta(days=self.days - 1)
        return [Span(calendar.start_of(first), calendar.end_of(first + last)) for first in firsts]


def _aware(local: datetime, calendar: BusinessCalendar) -> datetime:
    return local.replace(tzinfo=calendar.zone).astimezone(UTC)


def load_events(path: Path = FILE) -> tuple[SaleEvent, ...]:
    """All events. Raises DefinitionError naming file, entry and problem."""
    events: list[SaleEvent] = []
    for index, entry in enumerate(read_definitions(path).get("events") or ()):
        key = entry.get("key", index) if isinstance(entry, dict) else index
        try:
            event = SaleEvent.model_validate(entry)
        except ValidationError as problem:
            first = problem.errors()[0]
            where = ".".join([f"events[{key}]", *map(str, first["loc"])])
            raise DefinitionError(path.name, where, first["msg"].removeprefix("Value error, ")) from problem
        if any(event.key == other.key for other in events):
            raise DefinitionError(path.name, f"events[{key}]", "this key stands twice")
        events.append(event)
    return tuple(events)


def last_event_part(span: Span, events: Sequence[SaleEvent], profile: StoreProfile) -> Span:
    """The part of the last edition of an event that lies as far into it as `span` lies into this one.

    Both ends move by local time, as with `BusinessCalendar.same_part`. Raises BadRequestError when the span lies in no
    event of this store, reaches past its end, or when there was no edition before.
    """
    calendar, mine = (
        BusinessCalendar.of(profile),
        [event for event in events if not event.countries or profile.home_country in event.countries],
    )
    for event in mine:
        editions = event.around(span.start, calendar)
        for index, edition in enumerate(editions):
            if not edition.start <= span.start < edition.end:
                continue
            if span.end > edition.end:
                raise BadRequestError(f"{LAST_EVENT}: the time asked for reaches past the end of {event.en}")
            if index == 0:
                raise BadRequestError(f"{LAST_EVENT}: {event.en} has no edition before this one")
            before = editions[index - 1]
            moved = [_moved(moment, edition.start, before.start, calendar) for moment in (span.start, span.end)]
            return Span(min(moved[0], before.end), min(max(moved), before.end))
    names = ", ".join(event.key for event in mine) or "none"
    day = calendar.day_of(span.start)
    raise BadRequestError(f"{LAST_EVENT}: {day} lies in no event of {FILE.name} for this store (it has {names})")


def _moved(moment: datetime, start: datetime, before: datetime, calendar: BusinessCalendar) -> datetime:
    """`moment` as far after `before` as it is after `start`, by the clock on the shop's wall."""
    local, first, other = (when.astimezone(calendar.zone).replace(tzinfo=None) for when in (moment, start, before))
    return _aware(other + (local - first), calendar)
