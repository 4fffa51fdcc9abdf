"""The data health board: every topic is answered by the real store and drawn in both languages."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from core.errors import UnknownNameError
from layouts.board import load_board
from layouts.gallery import sample_part
from metrics.ask import HEALTH_TOPICS, Facts
from metrics.labels import Labels
from queries.client import ClickHouse
from queries.comparison import Report
from queries.health import TOPICS, fetch_facts
from queries.reconciliations import keep_report
from tests.layouts.sample import SAMPLES, catalogue, context, regions
from tests.queries.events import insert_random

BOARD = load_board("health-board")
NOW = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)


def test_the_board_shows_every_topic_that_is_answered() -> None:
    assert {tile.options["topic"] for tile in BOARD.tiles} == set(HEALTH_TOPICS) == set(TOPICS)


@pytest.mark.parametrize("face", ["loading", "fresh", "stale", "empty", "error"])
def test_every_tile_has_every_face(face: str) -> None:
    for tile in BOARD.tiles:
        part = sample_part(tile, BOARD, face, context(), Labels(catalogue(), regions()), "zh", SAMPLES)
        assert part["face"] == face


def test_every_topic_is_answered_by_the_store(clean_store: ClickHouse) -> None:
    insert_random(clean_store, NOW - timedelta(minutes=20), NOW, 200)
    day = date(2026, 11, 11)
    keep_report(clean_store, Report(day, day, "", 120, ()), NOW, 1500)
    answers = {topic: fetch_facts(clean_store, Facts(topic, topic), NOW).rows for topic in HEALTH_TOPICS}
    assert {row["label"] for row in answers["sources"]} == {"one", "two"}
    assert {row["label"] for row in answers["ledgers"]} == {"orders", "behaviour"}
    assert answers["letters"] == ()
    assert {row["label"]: row["value"] for row in answers["reconciliation"]}["compared"] == 120
    for topic in ("rows", "parts", "disk", "statements"):
        assert answers[topic], topic
    with pytest.raises(UnknownNameError, match="did you mean 'sources'"):
        fetch_facts(clean_store, Facts("x", "source"), NOW)
