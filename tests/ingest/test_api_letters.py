"""Refused events: listed by source and reason, taken in once when they are fine now, left alone otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.commands.dead_letters import _show
from app.ingestion import Intake
from app.settings import Settings
from core.clock import ManualClock
from core.errors import BadRequestError, UnknownNameError
from ingest.incoming import EventCheck
from ingest.settling import list_letters, retry_letters
from ingest.under_way import UnderWay
from ingest.writer import Writer
from metrics.profile import DEMO, read_profile
from queries.client import ClickHouse
from queries.statement import Statement
from tests.ingest.test_api import OTHER, Endpoint, paid, rows, view

EARLY = "2026-11-11T13:00:00+08:00"  # an hour ahead of the clock of the tests


@pytest.fixture
def endpoint(clean_store: ClickHouse, tmp_path: Path, clock: ManualClock) -> Iterator[Endpoint]:
    endpoint = Endpoint(clean_store, tmp_path, clock)
    endpoint.send([paid("early", time=EARLY), paid("wrong", kind="payed"), view("also-early", time=EARLY)])
    endpoint.send([view("other", province="Atlantis")], OTHER)
    endpoint.settle()
    yield endpoint
    endpoint.close()


@pytest.fixture
def intake(endpoint: Endpoint, clean_store: ClickHouse, clock: ManualClock) -> Intake:
    return Intake(
        clean_store, endpoint.receiver, Writer(clean_store), EventCheck(read_profile(DEMO)), clock, UnderWay()
    )


def test_letters_are_grouped_and_a_wrong_filter_says_what_was_meant(
    endpoint: Endpoint, clean_store: ClickHouse
) -> None:
    groups = list_letters(clean_store)
    assert [(g.source, g.reason, g.count) for g in groups] == [
        ("shop", "bad_time", 2),
        ("app", "unknown_region", 1),
        ("shop", "unknown_value", 1),
    ]
    assert json.loads(groups[1].content)["province"] == "Atlantis"
    assert [g.count for g in list_letters(clean_store, source="shop", reason="bad_time")] == [2]
    with pytest.raises(UnknownNameError, match="did you mean 'bad_time'"):
        list_letters(clean_store, reason="bad_tme")


def test_retry_takes_in_what_is_fine_now_once(intake: Intake, clean_store: ClickHouse, clock: ManualClock) -> None:
    def retry(**filters: str) -> dict[str, Any]:
        return intake.letters_job({"action": "retry", **filters}, lambda _: None)

    refused = {"bad_time": 2, "unknown_value": 1, "unknown_region": 1}
    assert retry() == {"accepted": 0, "duplicate": 0, "refused": refused, "of_files": 0}
    clock.set(datetime(2026, 11, 11, 5, 0, tzinfo=UTC))
    assert retry(source="app") == {"accepted": 0, "duplicate": 0, "refused": {"unknown_region": 1}, "of_files": 0}
    assert retry()["accepted"] == 2
    still = {"unknown_value": 1, "unknown_region": 1}
    assert retry() == {"accepted": 0, "duplicate": 0, "refused": still, "of_files": 0}
    assert intake.receiver.settle()
    assert rows(clean_store, "SELECT event_id, source FROM order_events") == [("early", "shop")]
    assert rows(clean_store, "SELECT sum(view__quantity) FROM behaviour_1m_total") == [(1,)]
    left = intake.letters_job({"action": "list"}, lambda _: None)["groups"]
    assert {group["reason"] for group in left} == {"unknown_region", "unknown_value"}
    with pytest.raises(BadRequestError):
        intake.letters_job({"action": "burn"}, lambda _: None)


def test_a_retry_that_was_broken_off_counts_nothing_twice(
    intake: Intake, clean_store: ClickHouse, clock: ManualClock
) -> None:
    clock.set(datetime(2026, 11, 11, 5, 0, tzinfo=UTC))
    retry_letters(clean_store, intake.receiver, intake.check, clock)
    clean_store.write(Statement("it died before it said so", "TRUNCATE TABLE dead_letters_settled"))
    done = retry_letters(clean_store, intake.receiver, intake.check, clock)
    assert (done.accepted, done.duplicate) == (0, 2)
    assert intake.receiver.settle()
    assert rows(clean_store, "SELECT count() FROM order_events") == [(1,)]


def test_rows_of_files_are_left_alone(intake: Intake, clean_store: ClickHouse) -> None:
    sql = "INSERT INTO dead_letters (source, origin, line, reason, content, load_id) VALUES"
    row = "('tmall', 'a.csv', 3, 'bad_time', '{}', 'load_x')"
    clean_store.write(Statement("a letter of a file", f"{sql} {row}"))
    done = retry_letters(clean_store, intake.receiver, intake.check, intake.clock, source="tmall")
    assert (done.of_files, done.accepted, done.refused) == (1, 0, {})


def test_the_list_is_shown_as_it_is_without_reading_markup_into_it(capsys: pytest.CaptureFixture[str]) -> None:
    group = {"source": "s", "origin": "o", "reason": "r", "count": 3, "first": "2026", "last": "2027", "line": 7}
    _show([{**group, "detail": "[red]no[/red]", "content": "[/]" + "x" * 500}])
    shown = capsys.readouterr().out
    assert "3 × r from s" in shown
    assert "line 7: [red]no[/red]" in shown
    assert len(shown) < 400
    _show([])
    assert "no open dead letters" in capsys.readouterr().out


def test_the_settings_of_ingestion_stay_out_of_what_is_printed() -> None:
    settings = Settings(_env_file=None, ingest_keys="shop=a-secret-of-the-shop")
    assert "a-secret" not in f"{settings!r}{settings}"
