"""Events over HTTP: each gets its verdict, what is accepted is in the ledgers once, and nothing is lost silently."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.ingest_api import PATH, Ingestion, read_keys, serve_ingest
from core.clock import ManualClock
from core.errors import BadRequestError, QueryFailedError
from ingest.incoming import EventCheck, Incoming, Refusal
from ingest.receiver import Limits, Receiver, until_turn
from ingest.spool import Spool
from ingest.writer import SPOOL, send_leftovers
from metrics.profile import DEMO, StoreProfile, read_profile
from queries.client import ClickHouse
from queries.statement import Statement
from tests.browser.stage import until

KEY, OTHER = "a-key-of-the-shop-1", "a-key-of-the-app-22"
KEYS = {"shop": KEY, "app": OTHER}


class Endpoint:
    """The endpoint on a server of its own, over the real store and a spool in a folder."""

    def __init__(self, store: ClickHouse, folder: Path, clock: ManualClock, **changes: Any) -> None:
        limits = changes.pop("limits", Limits(batch_ms=20))
        self.spool = Spool(folder / SPOOL, every_s=changes.pop("every_s", 2.0))
        self.receiver = Receiver(store, self.spool, clock, limits)
        given: dict[str, Any] = {"keys": KEYS, "simulated": False, "body_mb": 1, "at_once": 4, **changes}
        check = EventCheck(read_profile(DEMO), given.pop("kept_days", 0))
        server = Flask("endpoint")
        server.config["MAX_CONTENT_LENGTH"] = 256 * 1024
        serve_ingest(server, Ingestion(receiver=self.receiver, check=check, clock=clock, **given))
        self._client = server.test_client()
        self.receiver.start()

    def send(self, body: bytes | str | list[Any], key: str = KEY, **headers: str) -> TestResponse:
        raw = orjson.dumps(body) if isinstance(body, list) else body
        return self._client.post(PATH, data=raw, headers={"Authorization": f"Bearer {key}", **headers})

    def verdicts(self, body: bytes | str | list[Any], key: str = KEY) -> list[str]:
        answer = self.send(body, key)
        assert answer.status_code == 200, answer.text
        return [event["verdict"] for event in answer.get_json()["events"]]

    def settle(self) -> None:
        assert self.receiver.settle(), "the store did not take what waits"

    def close(self) -> None:
        self.receiver.stop()
        self.spool.close()


@pytest.fixture
def endpoint(clean_store: ClickHouse, tmp_path: Path, clock: ManualClock) -> Iterator[Endpoint]:
    endpoint = Endpoint(clean_store, tmp_path, clock)
    yield endpoint
    endpoint.close()


def paid(event_id: str = "o1:paid", **changes: Any) -> dict[str, Any]:
    """An order that was paid a moment before the clock of the tests."""
    return {
        "event_id": event_id,
        "kind": "paid",
        "time": "2026-11-11T11:59:58.250+08:00",
        "order_id": event_id.partition(":")[0],
        "amount": "129.90",
        "created_at": "2026-11-11T11:58:00+08:00",
        "province": "广东",
        **changes,
    }


def created(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in paid("o1:created", kind="created", **changes).items() if key != "created_at"}


def view(event_id: str = "v1", **changes: Any) -> dict[str, Any]:
    return {"event_id": event_id, "kind": "view", "time": "2026-11-11T03:59:59Z", "user_id": "u1", **changes}


def rows(store: ClickHouse, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in store.read(Statement("look", sql)).rows]


def test_accepted_events_stand_in_the_ledgers_and_rollups(endpoint: Endpoint, clean_store: ClickHouse) -> None:
    assert endpoint.verdicts([paid(), view()]) == ["accepted", "accepted"]
    endpoint.settle()
    order = "toString(ts), kind, order_id, event_id, orders, amount, province, country, source"
    assert rows(clean_store, f"SELECT {order} FROM order_events") == [
        ("2026-11-11 03:59:58.250", "paid", "o1", "o1:paid", 1, 1_299_000, "440000", "CHN", "shop")
    ]
    assert rows(clean_store, "SELECT toString(created_at) FROM order_events") == [("2026-11-11 03:58:00.000",)]
    assert rows(clean_store, "SELECT kind, quantity, user_id FROM behaviour_events") == [("view", 1, "u1")]
    assert rows(clean_store, "SELECT sum(paid__amount) FROM orders_1h_region") == [(1_299_000,)]
    assert rows(clean_store, "SELECT sum(view__quantity) FROM behaviour_1m_total") == [(1,)]
    assert endpoint.spool.left() == []


def test_a_correction_changes_the_amount_and_counts_as_no_order_unit_or_buyer(
    endpoint: Endpoint, clean_store: ClickHouse
) -> None:
    later = "2026-11-11T11:59:59+08:00"
    less = paid("o1:paid:less", order_id="o1", correction=True, amount="-29.90", time=later, user_id="u7")
    more = paid("o1:created:more", order_id="o1", kind="created", correction=True, amount=0.5, time=later)
    assert endpoint.verdicts([paid(user_id="u7"), less, more]) == ["accepted", "accepted", "accepted"]
    assert endpoint.verdicts([less]) == ["duplicate"]
    endpoint.settle()
    sums = "sum(paid__amount), sum(paid__orders), sum(paid__units), sum(created__amount), sum(created__orders)"
    for table in ("orders_1m", "orders_1h", "orders_1m_total"):
        assert rows(clean_store, f"SELECT {sums} FROM {table}") == [(1_000_000, 1, 1, 5_000, 0)], table
    assert rows(clean_store, "SELECT user_id FROM order_events ORDER BY event_id") == [("",), ("u7",), ("",)]
    assert rows(clean_store, "SELECT toString(created_at) FROM order_events WHERE kind = 'created'") == [
        ("2026-11-11 03:58:00.000",)
    ]


def test_lines_and_packed_bodies_are_read_alike(endpoint: Endpoint) -> None:
    lines = "\n\n" + json.dumps(view("a")) + "\r\n\n" + json.dumps(view("b"), ensure_ascii=False) + "\n"
    answer = endpoint.send(lines)
    assert [(e["line"], e["verdict"]) for e in answer.get_json()["events"]] == [(3, "accepted"), (5, "accepted")]
    packed = endpoint.send(gzip.compress(lines.encode()), **{"Content-Encoding": "gzip"})
    assert packed.get_json()["duplicate"] == 2
    members = gzip.compress(orjson.dumps(view("c")) + b"\n") + gzip.compress(orjson.dumps(view("d")))
    assert endpoint.send(members, **{"Content-Encoding": "gzip"}).get_json()["accepted"] == 2


def test_an_event_is_a_duplicate_within_a_request_in_another_batch_and_after_a_restart(
    endpoint: Endpoint, clean_store: ClickHouse, tmp_path: Path, clock: ManualClock
) -> None:
    assert endpoint.verdicts([view("a"), view("a"), view("b")]) == ["accepted", "duplicate", "accepted"]
    assert endpoint.verdicts([view("c"), view("b")]) == ["accepted", "duplicate"]  # perhaps not sent yet
    endpoint.settle()
    assert endpoint.verdicts([view("b", time="2026-11-11T03:00:00Z"), view("d")]) == ["duplicate", "accepted"]
    assert endpoint.verdicts([view("b")], OTHER) == ["accepted"], "another source has ids of its own"
    endpoint.close()
    again = Endpoint(clean_store, tmp_path, clock)
    assert again.verdicts([view("c"), view("e")]) == ["duplicate", "accepted"]
    again.settle()
    again.close()
    assert rows(clean_store, "SELECT count(), uniqExact(source, event_id) FROM behaviour_events") == [(6, 6)]


def test_an_event_older_than_the_window_is_known_by_its_time(endpoint: Endpoint, clean_store: ClickHouse) -> None:
    old = view("old", time="2026-10-01T00:00:00Z")
    assert endpoint.verdicts([old]) == ["accepted"]
    endpoint.settle()
    clean_store.write(Statement("the window passes", "TRUNCATE TABLE seen_events"))
    assert endpoint.verdicts([old]) == ["duplicate"]
    assert endpoint.verdicts([{**old, "time": "2026-10-01T00:00:01Z"}]) == ["accepted"]


def test_an_event_of_a_fast_clock_is_known_in_the_minutes_between_its_window_and_its_age(
    endpoint: Endpoint, clean_store: ClickHouse, clock: ManualClock
) -> None:
    ahead = view("ahead", time="2026-11-11T04:04:59Z")
    assert endpoint.verdicts([ahead]) == ["accepted"]
    endpoint.settle()
    for seconds in (1, 5 * 60, 24 * 3600):
        clean_store.write(Statement("the window passes", "TRUNCATE TABLE seen_events"))
        clock.advance(seconds=24 * 3600 + seconds)
        assert endpoint.verdicts([ahead]) == ["duplicate"], seconds
        clock.advance(seconds=-24 * 3600 - seconds)


BAD = [
    (paid(kind="payed"), "unknown_value", ["paid"]),
    (paid(amount="-1"), "bad_amount", []),
    (paid(amount=1.23456), "bad_amount", []),
    (paid(amount="1e3"), "bad_amount", []),
    (paid(amount=True), "bad_amount", []),
    (paid(amount="900000000000.0001"), "bad_amount", []),
    (paid(currency="USD"), "unknown_value", []),
    (paid(time="2026-11-11T12:00:00"), "bad_time", []),
    (paid(time=1_794_369_600), "bad_time", []),
    (paid(time="2026-02-30T12:00:00Z"), "bad_time", []),
    (paid(time="2026-11-11T12:06:00+08:00"), "bad_time", []),
    (paid(time="1999-12-31T00:00:00Z"), "bad_time", []),
    (paid(created_at=None), "missing_value", []),
    (paid(order_id=""), "missing_value", []),
    (paid("  "), "missing_value", []),
    ({key: value for key, value in paid().items() if key != "amount"}, "missing_value", []),
    (paid(orders=2), "bad_number", []),
    (paid(units=-1), "bad_number", []),
    (paid(correction=True, amount="-1", orders=1), "bad_number", []),
    (paid(correction=True, amount="-1", units=2), "bad_number", []),
    (paid(correction="yes"), "unknown_value", []),
    (paid(corection=True), "unknown_field", ["correction"]),
    (created(correction=True, amount="-1"), "missing_value", []),
    (view(quantity=4_294_967_296), "bad_number", []),
    (view(user_id=7), "bad_text", []),
    (view(sku="x" * 129), "bad_text", []),
    (view(session_id="a\nb"), "bad_text", []),
    (view(provnce="x"), "unknown_field", ["province"]),
    (view(order_id="o1"), "unknown_field", []),
    (view(province="Guangdogn"), "unknown_region", ["guangdong"]),
    (view(country="Chine"), "unknown_region", ["chile", "china"]),
    ([1, 2], "bad_json", []),
    ("text", "bad_json", []),
    (None, "bad_json", []),
]


def test_a_bad_event_is_rejected_with_a_reason_and_kept_as_a_dead_letter(
    endpoint: Endpoint, clean_store: ClickHouse
) -> None:
    answer = endpoint.send([entry for entry, _, _ in BAD] + [view("fine")]).get_json()
    assert (answer["accepted"], answer["rejected"]) == (1, len(BAD))
    for (entry, reason, meant), verdict in zip(BAD, answer["events"], strict=False):
        assert (verdict["verdict"], verdict["reason"]) == ("rejected", reason), (entry, verdict)
        assert set(meant) <= set(verdict["did_you_mean"]), (entry, verdict)
        assert verdict["detail"]
    endpoint.settle()
    kept = rows(clean_store, "SELECT line, reason, content, source, origin FROM dead_letters ORDER BY line")
    assert [(line, reason, json.loads(content)) for line, reason, content, _, _ in kept] == [
        (line, reason, entry) for line, (entry, reason, _) in enumerate(BAD, start=1)
    ]
    assert {row[3:] for row in kept} == {("shop", "POST /ingest/v1/events")}
    assert rows(clean_store, "SELECT count() FROM order_events") == [(0,)]


def test_a_broken_line_does_not_spoil_its_neighbours_and_is_one_letter_however_often_it_comes(
    endpoint: Endpoint, clean_store: ClickHouse
) -> None:
    lines = b'{"event_id": \n' + orjson.dumps(view()) + b"\n\xff\xfe\n" + b'"' + b"x" * 70_000 + b'"\n'
    reasons = [e.get("reason") for e in endpoint.send(lines).get_json()["events"]]
    assert reasons == ["bad_json", None, "bad_json", "too_long"]
    endpoint.settle()
    endpoint.send(lines)
    endpoint.settle()
    assert rows(clean_store, "SELECT count(), max(length(content)) FROM dead_letters") == [(3, 1024)]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"[1,", {}, 400),
        (b" \n ", {}, 400),
        (b"not gzip", {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(b"[]" * 90)[:-9], {"Content-Encoding": "gzip"}, 400),
        (b"[]", {"Content-Encoding": "br"}, 400),
        (b"[" * 100_000, {}, 400),
        (b" " * (1024 * 1024 + 1), {}, 413),
        (gzip.compress(b" " * 80_000_000), {"Content-Encoding": "gzip"}, 413),
        (b"[" + b"1," * 10_000 + b"1]", {}, 413),
    ],
    ids=["array", "empty", "gzip", "cut", "brotli", "deep", "long", "bomb", "many"],
)
def test_a_body_that_cannot_be_read_is_one_clear_line(
    endpoint: Endpoint, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = endpoint.send(body, **headers)
    assert answer.status_code == status
    assert "\n" not in answer.get_json()["error"]
    assert endpoint.receiver.waiting == 0


def test_a_body_larger_than_other_routes_take_is_read(endpoint: Endpoint) -> None:
    many = [view(f"e{number}", user_id="u" * 100) for number in range(2_000)]
    assert len(orjson.dumps(many)) > 256 * 1024
    assert endpoint.verdicts(many) == ["accepted"] * 2_000


def test_only_a_key_opens_the_endpoint(clean_store: ClickHouse, tmp_path: Path, clock: ManualClock) -> None:
    opened = Endpoint(clean_store, tmp_path / "a", clock)
    wrong = [opened.send([view()], key) for key in ("", "wrong", KEY[:-1], KEY + "x", "ключ-ключ-ключ-ключ")]
    assert {answer.status_code for answer in wrong} == {401}
    assert not any(KEY in answer.text for answer in wrong)
    assert opened.send([view()], "", **{"X-Api-Key": OTHER, "Authorization": ""}).status_code == 200
    opened.close()
    shut = Endpoint(clean_store, tmp_path / "b", clock, keys={})
    answer = shut.send([view()])
    assert (answer.status_code, "INGEST_KEYS" in answer.get_json()["error"]) == (403, True)
    shut.close()


def test_a_simulated_store_takes_no_real_events(clean_store: ClickHouse, tmp_path: Path, clock: ManualClock) -> None:
    endpoint = Endpoint(clean_store, tmp_path, clock, simulated=True)
    answer = endpoint.send([view()])
    endpoint.close()
    assert (answer.status_code, "simulated" in answer.get_json()["error"]) == (409, True)
    assert rows(clean_store, "SELECT count() FROM behaviour_events") == [(0,)]


def test_an_event_that_retention_would_drop_at_once_is_refused(
    clean_store: ClickHouse, tmp_path: Path, clock: ManualClock
) -> None:
    endpoint = Endpoint(clean_store, tmp_path, clock, kept_days=30)
    assert endpoint.verdicts([view("a", time="2026-10-11T00:00:00Z"), view("b", time="2026-10-13T00:00:00Z")]) == [
        "rejected",
        "accepted",
    ]
    endpoint.close()


FULL = QueryFailedError("insert into behaviour_events", 243, "no space left", retryable=False)


class Refusing:
    """A store that takes no inserts until it is told to."""

    def __init__(self, store: ClickHouse, problem: Exception = FULL) -> None:
        self._store, self._problem, self.refuses = store, problem, True
        self.read = store.read

    def insert_arrow(self, table: str, batch: Any, token: str | None = None) -> None:
        if self.refuses:
            raise self._problem
        self._store.insert_arrow(table, batch, token)


def test_what_waits_is_bounded_and_an_acknowledged_event_outlives_the_process(
    clean_store: ClickHouse, tmp_path: Path, clock: ManualClock
) -> None:
    refusing = Refusing(clean_store)
    limits = Limits(batch_ms=5, waiting_rows=30)
    first = Endpoint(refusing, tmp_path, clock, limits=limits)  # type: ignore[arg-type]
    taken = 0
    while (answer := first.send([view(f"e{taken + n}") for n in range(10)])).status_code == 200:
        taken += 10
    assert (taken, answer.status_code) == (30, 429)
    assert int(answer.headers["Retry-After"]) >= 1
    first.close()
    assert rows(clean_store, "SELECT count() FROM behaviour_events") == [(0,)]
    assert send_leftovers(clean_store, tmp_path) == 3
    assert send_leftovers(clean_store, tmp_path) == 0
    second = Endpoint(clean_store, tmp_path, clock)
    assert second.verdicts([view(f"e{n}") for n in range(31)]) == ["duplicate"] * 30 + ["accepted"]
    second.settle()
    second.close()
    assert rows(clean_store, "SELECT count(), uniqExact(event_id) FROM behaviour_events") == [(31, 31)]
    assert rows(clean_store, "SELECT sum(view__quantity) FROM behaviour_1m") == [(31,)]


@pytest.mark.parametrize("problem", [FULL, RuntimeError("what no driver says"), MemoryError()])
def test_a_store_that_refuses_for_a_while_gets_everything_later(
    clean_store: ClickHouse, tmp_path: Path, clock: ManualClock, problem: Exception
) -> None:
    refusing = Refusing(clean_store, problem)
    endpoint = Endpoint(refusing, tmp_path, clock)  # type: ignore[arg-type]
    assert endpoint.verdicts([view("a")]) == ["accepted"]
    assert endpoint.verdicts([view("a"), view("b")]) == ["duplicate", "accepted"], "known before the store has it"
    refusing.refuses = False
    endpoint.settle()
    endpoint.close()
    assert rows(clean_store, "SELECT count() FROM behaviour_events") == [(2,)]


def test_a_refused_event_that_comes_again_before_the_store_has_it_is_one_letter(
    clean_store: ClickHouse, tmp_path: Path, clock: ManualClock
) -> None:
    refusing = Refusing(clean_store)
    endpoint = Endpoint(refusing, tmp_path, clock)  # type: ignore[arg-type]
    lines = b'{"event_id": \n' + orjson.dumps(view())
    for _ in range(2):
        assert endpoint.send(lines).get_json()["events"][0]["verdict"] == "rejected"
    assert endpoint.receiver.waiting == 2, "one event and one letter"
    refusing.refuses = False
    endpoint.settle()
    endpoint.send(lines)
    endpoint.settle()
    endpoint.close()
    assert rows(clean_store, "SELECT count() FROM dead_letters") == [(1,)]


def kill(spool: Spool) -> None:
    """The files as they are for the next process when this one is killed."""
    spool._closing.set()
    spool._thread.join()
    spool._held.close()


def test_a_batch_stays_on_disk_until_the_disk_has_what_the_store_has(
    clean_store: ClickHouse, tmp_path: Path, clock: ManualClock
) -> None:
    flushed: list[int] = []

    def flush(number: int) -> None:
        flushed.append(number)
        if len(flushed) < 3:
            raise OSError(5, "Input/output error")

    spool = Spool(tmp_path / SPOOL, every_s=60, flush=flush)
    receiver = Receiver(clean_store, spool, clock, Limits(batch_ms=1))
    receiver.start()
    event = EventCheck(read_profile(DEMO)).check(view("a"), "shop", clock.now())
    assert isinstance(event, Incoming)
    assert receiver.receive("shop", [event]) == [True]
    assert receiver.settle()
    receiver.stop()
    for failures in (1, 2):
        spool._forget()
        assert (len(flushed), spool.left()) == (failures, [])
        assert len(list((tmp_path / SPOOL).glob("*.arrow"))) == 1, "the disk does not have it"
    kill(spool)
    assert send_leftovers(clean_store, tmp_path) == 0
    assert rows(clean_store, "SELECT count() FROM behaviour_events") == [(1,)]
    assert list((tmp_path / SPOOL).glob("*.arrow")) == []


@pytest.mark.parametrize("lost", ["behaviour_events", "seen_events", "visitors_1h"])
def test_what_a_power_cut_took_from_the_store_comes_back_from_disk(
    clean_store: ClickHouse, tmp_path: Path, clock: ManualClock, lost: str
) -> None:
    first = Endpoint(clean_store, tmp_path, clock, every_s=60)
    assert first.verdicts([view("a"), view("b", user_id="u2")]) == ["accepted", "accepted"]
    first.settle()
    first.receiver.stop()
    kill(first.spool)  # power is cut: the files are there, of the tables a part
    clean_store.write(Statement("cut", f"ALTER TABLE {lost} DELETE WHERE 1 SETTINGS mutations_sync = 1"))
    assert send_leftovers(clean_store, tmp_path) == (lost != "visitors_1h")
    assert rows(clean_store, "SELECT count() FROM behaviour_events") == [(2,)]
    assert rows(clean_store, "SELECT uniqExactMerge(any__user_id) FROM visitors_1h") == [(2,)]
    second = Endpoint(clean_store, tmp_path, clock)
    assert second.verdicts([view("a"), view("c")]) == ["duplicate", "accepted"]
    second.close()


class Holding(Refusing):
    """A store that takes one table only when it is let, and tells what is in."""

    def __init__(self, store: ClickHouse, held: str) -> None:
        super().__init__(store)
        self.refuses, self.held, self.free, self.inserted = False, held, threading.Event(), list[str]()

    def insert_arrow(self, table: str, batch: Any, token: str | None = None) -> None:
        if table == self.held:
            assert self.free.wait(30)
        super().insert_arrow(table, batch, token)
        self.inserted.append(table)


@pytest.mark.parametrize("held", ["order_events", "behaviour_events"])
def test_ledgers_do_not_wait_for_each_other_and_what_remembers_events_waits_for_both(
    clean_store: ClickHouse, tmp_path: Path, clock: ManualClock, held: str
) -> None:
    holding = Holding(clean_store, held)
    endpoint = Endpoint(holding, tmp_path, clock)  # type: ignore[arg-type]
    assert endpoint.verdicts([paid(), view(), view("v2", time="?")]) == ["accepted", "accepted", "rejected"]
    assert until(lambda: len(holding.inserted) == 1)
    time.sleep(0.1)
    assert holding.inserted == [next(table for table in ("order_events", "behaviour_events") if table != held)]
    holding.free.set()
    endpoint.settle()
    assert holding.inserted[1:3] == [held, "seen_events"] and set(holding.inserted[3:]) == {"dead_letters"}
    assert until(lambda: not endpoint.spool.left())
    endpoint.close()


@pytest.mark.parametrize(("past_s", "left_s"), [(0.03, 0.49), (0.5, 0.02), (0.3, 0.22), (0.0, 0.02), (0.9, 0.12)])
def test_a_batch_ends_just_after_the_clock_turned_whenever_it_began(past_s: float, left_s: float) -> None:
    moment = datetime(2026, 11, 11, 4, 0, 7, tzinfo=UTC) + timedelta(seconds=past_s)
    assert until_turn(moment, 0.5) == pytest.approx(left_s, abs=1e-5)


def test_a_full_disk_is_no_acknowledgement(
    endpoint: Endpoint, clean_store: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(parts: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(endpoint.spool, "keep", full)
        answer = endpoint.send([view("a"), view("bad", time="?")])
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert endpoint.receiver.waiting == 0
    assert endpoint.verdicts([view("a")]) == ["accepted"]


def test_more_requests_than_the_server_spares_threads_for_are_put_off(
    clean_store: ClickHouse, tmp_path: Path, clock: ManualClock
) -> None:
    clock.advance(seconds=1)  # the batch ends nine seconds later
    endpoint = Endpoint(clean_store, tmp_path, clock, at_once=1, limits=Limits(batch_ms=10_000, batch_rows=2))
    answers: list[int] = []
    waiting = threading.Thread(target=lambda: answers.append(endpoint.send([view("a")]).status_code))
    waiting.start()
    while not endpoint.receiver.waiting:
        time.sleep(0.005)
    assert endpoint.send([view("b")]).status_code == 429
    endpoint.receiver.stop()  # answers who waits
    waiting.join()
    assert answers == [200]
    endpoint.close()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("secret-secret-secret", "entry 1 is not source=key"),
        ("shop=short", "needs 16"),
        ("Shop=secret-secret-secret", "entry 1"),
        ("shop=secret-secret-secret,shop=secret-secret-secreT", "twice"),
        ("shop=secret-secret-secret,app=secret-secret-secret", "twice"),
        ("shop=sécret-secret-secret", "ASCII"),
    ],
)
def test_wrong_keys_are_named_without_being_shown(text: str, says: str) -> None:
    with pytest.raises(BadRequestError, match=says) as wrong:
        read_keys(text)
    assert "secret-secret" not in str(wrong.value)
    assert read_keys(f" shop={KEY} , app={OTHER},") == KEYS


def test_the_check_follows_the_store(clock: ManualClock) -> None:
    abroad = EventCheck(StoreProfile(name="x", region_level="country", region_set="world_cn", currency="GBP"))
    found = abroad.check(paid(country="united kingdom", province="any text", currency="GBP"), "shop", clock.now())
    assert isinstance(found, Incoming)
    assert (found.row["country"], found.row["province"]) == ("GBR", "any text")
    refused = abroad.check(paid(province="", currency="CNY"), "shop", clock.now())
    assert isinstance(refused, Refusal)
    assert "GBP" in refused.detail
