"""The event calendar: the same moment of the last edition, also where years, zones and day starts differ."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from core.errors import BadRequestError, DefinitionError
from metrics.calendar import BusinessCalendar, Span
from metrics.catalogue import load_catalogue
from metrics.event_calendar import SaleEvent, last_event_part, load_events
from metrics.profile import StoreProfile
from metrics.request import parse_request

SHOP = StoreProfile(name="a")
EARLY = StoreProfile(name="b", day_start=time(4))
LONDON = StoreProfile(name="c", time_zone="Europe/London", home_country="GBR")
EVENTS = load_events()
BLACK_FRIDAY = SaleEvent.model_validate(
    {
        "key": "black_friday",
        "zh": "黑五",
        "en": "Black Friday",
        "editions": [
            {"from": "2025-03-28T18:00", "to": "2025-03-31T00:00"},
            {"from": "2026-11-27T18:00", "to": "2026-11-29T00:00"},
        ],
    }
)


def span(start: str, end: str) -> Span:
    return Span(datetime.fromisoformat(start).astimezone(UTC), datetime.fromisoformat(end).astimezone(UTC))


def test_double_11_so_far_is_compared_with_the_same_part_of_the_last_one() -> None:
    asked = span("2026-11-11T00:00+08:00", "2026-11-11T12:34:56.789+08:00")
    assert last_event_part(asked, EVENTS, SHOP) == span("2025-11-11T00:00+08:00", "2025-11-11T12:34:56.789+08:00")


@pytest.mark.parametrize("profile", [SHOP, EARLY])
def test_a_whole_event_day_is_compared_with_a_whole_event_day(profile: StoreProfile) -> None:
    calendar = BusinessCalendar.of(profile)
    found = last_event_part(calendar.whole(date(2026, 11, 11)), EVENTS, profile)
    assert found == calendar.whole(date(2025, 11, 11))


def test_editions_move_by_the_local_clock_and_never_past_their_end() -> None:
    asked = span("2026-11-27T18:00+00:00", "2026-11-28T23:00+00:00")
    assert last_event_part(asked, [BLACK_FRIDAY], LONDON) == span("2025-03-28T18:00+00:00", "2025-03-29T23:00+00:00")
    over = SaleEvent.model_validate(
        {
            **BLACK_FRIDAY.model_dump(exclude={"editions"}),
            "editions": [
                {"from": "2025-03-29T18:00", "to": "2025-03-30T12:00"},  # the night in which an hour is left out
                {"from": "2026-11-27T18:00", "to": "2026-11-29T00:00"},
            ],
        }
    )
    night = span("2026-11-27T18:00+00:00", "2026-11-28T06:00+00:00")
    assert last_event_part(night, [over], LONDON) == span("2025-03-29T18:00+00:00", "2025-03-30T06:00+01:00")
    whole = span("2026-11-27T18:00+00:00", "2026-11-29T00:00+00:00")
    assert last_event_part(whole, [over], LONDON).end == span("2025-03-30T12:00+01:00", "2025-03-30T12:00+01:00").end


@pytest.mark.parametrize(
    ("start", "end", "profile", "said"),
    [
        ("2026-11-12T00:00+08:00", "2026-11-12T01:00+08:00", SHOP, "2026-11-12 lies in no event"),
        ("2026-11-10T23:59+08:00", "2026-11-11T01:00+08:00", SHOP, "lies in no event"),
        ("2026-11-11T00:00+08:00", "2026-11-12T00:01+08:00", SHOP, "past the end of Double 11"),
        ("2026-11-11T00:00+00:00", "2026-11-11T01:00+00:00", LONDON, "no event"),
    ],
)
def test_where_there_is_no_counterpart_it_says_why(start: str, end: str, profile: StoreProfile, said: str) -> None:
    with pytest.raises(BadRequestError, match=said):
        last_event_part(span(start, end), EVENTS, profile)


def test_the_first_edition_has_nothing_before_it() -> None:
    with pytest.raises(BadRequestError, match="Black Friday has no edition before"):
        last_event_part(span("2025-03-28T18:00+00:00", "2025-03-28T19:00+00:00"), [BLACK_FRIDAY], LONDON)


def test_a_request_may_name_it_beside_the_others() -> None:
    now = datetime(2026, 11, 11, 4, tzinfo=UTC)
    params = {"metrics": "paid_gmv", "compare": "previous_day,last_event"}
    (ask,) = parse_request(params, load_catalogue(), SHOP, None, now)
    assert dict(ask.spans)["last_event"] == span("2025-11-11T00:00+08:00", "2025-11-11T12:00+08:00")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{key: a, zh: a, en: a}", "events[a].*either `yearly` or `editions`"),
        ("{key: a, zh: a, en: a, yearly: 11-31}", "events[a].yearly.*no date of a year"),
        ("{key: a, zh: a, en: a, yearly: 02-29}", "not in every year"),
        ("{key: a, zh: a, en: a, yearly: 11-11, day: 2}", r"events\[a\].day.*[Ee]xtra"),
        ("{key: a, zh: a, en: a, editions: [{from: 2026-01-02, to: 2026-01-01}]}", "`from` must lie before `to`"),
        ("{key: a, zh: a, en: a, editions: [{from: 2026-01-01T00:00Z, to: 2026-01-02}]}", "without a zone"),
    ],
)
def test_a_wrong_entry_names_file_entry_and_problem(tmp_path: Path, entry: str, said: str) -> None:
    path = tmp_path / "event_calendar.yaml"
    path.write_text(f"events:\n  - {entry}\n", "utf-8")
    with pytest.raises(DefinitionError, match=said.replace("[a]", r"\[a\]") if "\\" not in said else said) as problem:
        load_events(path)
    assert "event_calendar.yaml" in str(problem.value)
