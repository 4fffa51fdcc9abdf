"""The data health board: every topic is answered by the real store and drawn in both languages."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from core.errors import UnknownNameError
from layouts.board import load_board
from layouts.gallery import sample_part
from metrics.ask import HEALTH_TOPICS, Facts
from metrics.labels import Labels
from metrics.snapshot import MARKERS
from queries.client import ClickHouse
from queries.comparison import Report
from queries.health import TOPICS, fetch_facts
from queries.reconciliations import keep_report
from queries.statement import Statement
from queries.watermark import watermarks
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


MARKER = "INSERT INTO markers (ts, kind, event_id, source) SELECT {at:DateTime64(3, 'UTC')}, 'marker', 'm', 'livewall'"


def test_markers_are_no_ledger_that_anybody_asks_for(clean_store: ClickHouse) -> None:
    """Every live wall has them."""
    now = datetime.now(UTC)  # the store drops them after a day
    insert_random(clean_store, now - timedelta(minutes=20), now, 200)
    clean_store.write(Statement("a marker", MARKER, {"at": now - timedelta(seconds=5)}))
    assert MARKERS in {mark.ledger for mark in watermarks(clean_store, now) if mark.reached}
    rows = fetch_facts(clean_store, Facts("ledgers", "ledgers"), now).rows
    assert {row["label"] for row in rows} == {"orders", "behaviour"}


EVENT = (
    "INSERT INTO order_events (ts, kind, event_id, source, amount, orders) "
    "SELECT {at:DateTime64(3, 'UTC')}, 'paid', {source:String}, {source:String}, 10000, 1"
)


def sources(clickhouse: ClickHouse, now: datetime) -> list[object]:
    return [row["label"] for row in fetch_facts(clickhouse, Facts("sources", "sources"), now).rows]


def test_the_source_that_is_furthest_behind_comes_first_and_a_dead_one_stays(clean_store: ClickHouse) -> None:
    start = NOW + timedelta(days=30)  # nobody was heard of before
    for number in range(10):
        behind = timedelta(days=5) if number == 7 else timedelta(minutes=number)
        values = {"at": start - behind, "source": f"s{number}"}
        clean_store.write(Statement("an event", EVENT, values))
    assert sources(clean_store, start) == ["s7", "s9", "s8", "s6", "s5", "s4", "s3", "s2"]
    clean_store.write(Statement("an event", EVENT, {"at": start + timedelta(minutes=1), "source": "s9"}))
    assert sources(clean_store, start + timedelta(minutes=2))[:2] == ["s7", "s8"]
    later = start + timedelta(days=3)
    assert "s7" not in sources(clean_store, later) and "s8" in sources(clean_store, later)


def test_letters_that_were_settled_are_not_shown_and_older_ones_are(clean_store: ClickHouse) -> None:
    letters = (
        "INSERT INTO dead_letters (at, source, origin, line, reason, detail, content, load_id) "
        "SELECT {at:DateTime64(3, 'UTC')}, 'shop', 'o', number, 'bad_time', '', '', toString(number) FROM numbers(3)"
    )
    clean_store.write(Statement("letters", letters, {"at": NOW - timedelta(days=2)}))
    clean_store.write(
        Statement("settle", "INSERT INTO dead_letters_settled (letter_id, verdict) VALUES ('1', 'accepted')")
    )
    (row,) = fetch_facts(clean_store, Facts("letters", "letters"), NOW).rows
    assert (row["label"], row["value"]) == ("bad_time", 2)
