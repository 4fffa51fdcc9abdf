"""A table of attempts to be more than data: through every field, the key, the name and the body of ingestion."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.clock import ManualClock
from core.errors import UnknownNameError
from ingest.settling import list_letters
from queries.client import ClickHouse
from queries.dead_letters import open_groups
from tests.ingest.test_api import KEY, Endpoint, paid, rows, view

ATTEMPTS = (
    "' OR 1=1 --",
    "'; DROP TABLE order_events; --",
    "\\'; DROP TABLE order_events; --",
    "x' UNION ALL SELECT name FROM system.tables --",
    "{event_id:String}",
    "{{source}}",
    "%(source)s",
    "%s",
    "$(touch /tmp/x)",
    "`order_events`",
    '"; SELECT sleep(3); --',
    "a\\",
    "'",
    "/* */ FORMAT Null",
    "file('/etc/passwd')",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "[1,2]",
    "NULL",
    "\\N",
    "𝒳́'日本\u202e",
)
TEXTS = ("event_id", "order_id", "user_id", "session_id", "channel", "room", "category", "sku", "city", "tier")
CHECKED = ("kind", "time", "amount", "currency", "units", "orders", "created_at", "province", "country")


@pytest.fixture
def endpoint(clean_store: ClickHouse, tmp_path: Path, clock: ManualClock) -> Iterator[Endpoint]:
    endpoint = Endpoint(clean_store, tmp_path, clock)
    yield endpoint
    endpoint.close()


def test_what_stands_in_a_text_is_kept_as_that_text(endpoint: Endpoint, clean_store: ClickHouse) -> None:
    texts = [(field, text, f"{field}-{n}") for field in TEXTS for n, text in enumerate(ATTEMPTS)]
    events = [{**paid(name), field: text} for field, text, name in texts]
    assert endpoint.verdicts(events) == ["accepted"] * len(events)
    assert endpoint.verdicts(events) == ["duplicate"] * len(events)
    endpoint.settle()
    assert endpoint.verdicts(events) == ["duplicate"] * len(events)
    kept = rows(clean_store, f"SELECT event_id, {', '.join(TEXTS)} FROM order_events")
    assert {row[0] for row in kept} == {e["event_id"] for e in events}
    by_name = {row[0]: dict(zip(TEXTS, row[1:], strict=True)) for row in kept}
    assert all(by_name[event["event_id"]][field] == text for event, (field, text, _) in zip(events, texts, strict=True))


def test_what_is_checked_is_refused_and_kept_as_a_letter(endpoint: Endpoint, clean_store: ClickHouse) -> None:
    assert endpoint.verdicts([paid("before"), view("v")]) == ["accepted"] * 2
    events = [paid(f"{field}-{n}", **{field: text}) for field in CHECKED for n, text in enumerate(ATTEMPTS)]
    assert endpoint.verdicts(events) == ["rejected"] * len(events)
    endpoint.settle()
    assert rows(clean_store, "SELECT event_id FROM order_events") == [("before",)]
    assert sum(group.count for group in open_groups(clean_store)) == len(events)


def test_a_value_of_another_shape_never_breaks_the_endpoint(endpoint: Endpoint) -> None:
    values = ({"$gt": ""}, ["x"], 1, None, True, {"a": {"b": []}})
    tries = [(field, value) for field in (*TEXTS, *CHECKED) for value in values]
    verdicts = endpoint.verdicts([{**paid(f"e{n}"), field: value} for n, (field, value) in enumerate(tries)])
    accepted = [tried for tried, verdict in zip(tries, verdicts, strict=True) if verdict != "rejected"]
    assert accepted == [("amount", 1), ("units", 1), ("orders", 1)]


def test_neither_a_field_name_nor_a_key_nor_a_filter_reaches_the_store(
    endpoint: Endpoint, clean_store: ClickHouse
) -> None:
    assert endpoint.verdicts([*({**view(f"a{n}"), text: "x"} for n, text in enumerate(ATTEMPTS)), view("b")]) == [
        *["rejected"] * len(ATTEMPTS),
        "accepted",
    ]
    endpoint.settle()
    for text in ATTEMPTS:
        printable = text.encode("ascii", "ignore").decode()
        assert endpoint.send([view("c")], KEY + printable).status_code == 401
        assert open_groups(clean_store, source=text) == open_groups(clean_store, reason=text) == ()
        with pytest.raises(UnknownNameError, match="unknown source of dead letters"):
            list_letters(clean_store, source=text)
    assert rows(clean_store, "SELECT event_id FROM behaviour_events") == [("b",)]
