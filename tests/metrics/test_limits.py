"""The last gate before ClickHouse: nobody asks past what they may see."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from metrics.ask import HEALTH_TOPICS, Ask, Facts, Filters, Latest
from metrics.calendar import Span
from metrics.limits import NOBODY, narrow_question
from queries.client import ClickHouse
from queries.health import fetch_facts
from tests.queries.events import insert_random

DAY = Span(datetime(2026, 11, 11, tzinfo=UTC), datetime(2026, 11, 12, tzinfo=UTC))
ASK = Ask("a", ("paid_gmv",), (("current", DAY),))
EAST: Filters = (("large_region", ("east",)),)


def test_without_limits_a_question_stays_as_it_is() -> None:
    for question in (ASK, Latest("l", "orders", (), DAY), Facts("f", "disk")):
        assert narrow_question(question, ()) is question


def test_a_limit_is_added_to_every_question_over_events() -> None:
    assert narrow_question(ASK, EAST).filters == EAST
    assert narrow_question(Latest("l", "orders", (), DAY), EAST).filters == EAST


@pytest.mark.parametrize(
    ("asked", "kept"), [(("east",), ("east",)), (("east", "south"), ("east",)), (("south",), (NOBODY,))]
)
def test_a_filter_is_cut_down_to_what_is_allowed(asked: tuple[str, ...], kept: tuple[str, ...]) -> None:
    question = replace(ASK, filters=(("channel", ("live",)), ("large_region", asked)))
    assert dict(narrow_question(question, EAST).filters) == {"channel": ("live",), "large_region": kept}


def test_facts_about_the_whole_store_are_not_for_a_narrowed_screen(clean_store: ClickHouse) -> None:
    insert_random(clean_store, DAY.start, DAY.end, 50)
    for topic in HEALTH_TOPICS:
        narrowed = narrow_question(Facts("f", topic), EAST)
        assert isinstance(narrowed, Facts)
        assert fetch_facts(clean_store, narrowed, DAY.end).rows == ()
    assert fetch_facts(clean_store, Facts("f", "sources"), DAY.end).rows != ()
