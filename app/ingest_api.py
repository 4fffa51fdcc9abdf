"""`POST /ingest/v1/events`: events of a running business, each with its verdict; 200 means they are on disk."""

from __future__ import annotations

import hmac
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from core.clock import Clock
from core.errors import BadRequestError
from ingest.body import Entry, TooLargeError, read_entries, unpack
from ingest.incoming import EventCheck, Incoming, Refusal
from ingest.receiver import BusyError, Letter, NotTakenError, Receiver

PATH = "/ingest/v1/events"
MOST_EVENTS = 10_000
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
SHORTEST_KEY = 16
MEGABYTE = 1024 * 1024


def read_keys(text: str) -> dict[str, str]:
    """`INGEST_KEYS="shop=…,app=…"` as key by source. Raises BadRequestError, which never repeats a key."""
    keys: dict[str, str] = {}
    for number, part in enumerate(filter(None, (part.strip() for part in text.split(","))), start=1):
        name, separator, key = part.partition("=")
        if not separator or not NAME.fullmatch(name.strip()):
            raise BadRequestError(f"INGEST_KEYS: entry {number} is not source=key with a source of a-z, 0-9, _ and -")
        name, key = name.strip(), key.strip()
        if len(key) < SHORTEST_KEY or not key.isascii():
            raise BadRequestError(f"INGEST_KEYS: the key of {name} needs {SHORTEST_KEY} ASCII characters or more")
        if name in keys or key in keys.values():
            raise BadRequestError(f"INGEST_KEYS: {name} or its key stands twice")
        keys[name] = key
    return keys


@dataclass(frozen=True)
class Ingestion:
    """What the endpoint works with. `simulated` stores take no real events; `at_once` is how many requests are read."""

    receiver: Receiver
    check: EventCheck
    keys: Mapping[str, str]
    clock: Clock
    simulated: bool
    body_mb: int
    at_once: int
    told: Callable[[Mapping[str, int]], None] = lambda _: None  # how many got which verdict


class _RefusedError(Exception):
    """A request that gets no verdicts: a status, one line, and perhaps when to come again."""

    def __init__(self, status: int, line: str, retry_after_s: int = 0) -> None:
        self.status, self.line, self.retry_after_s = status, line, retry_after_s
        super().__init__(line)


def serve_ingest(server: Flask, ingestion: Ingestion) -> None:
    """Add the endpoint. Whatever a producer sends gets an answer in JSON with one line that says what to do."""
    reading = threading.BoundedSemaphore(ingestion.at_once)  # the screens need threads of the server as well

    @server.post(PATH)
    def events() -> tuple[Response, int]:
        try:
            source = find_source(ingestion.keys, request.headers)
            if ingestion.simulated:
                raise _RefusedError(
                    409, "this store is simulated: real events would mix with it; start a wall on another STORE"
                )
            if not reading.acquire(blocking=False):
                raise _RefusedError(429, "too many requests at once: send this again, with more events in each", 1)
            try:
                return jsonify(_take(ingestion, source)), 200
            finally:
                reading.release()
        except _RefusedError as refused:
            answer = jsonify({"error": refused.line})
            if refused.retry_after_s:
                answer.headers["Retry-After"] = str(refused.retry_after_s)
            if refused.status == 401:
                answer.headers["WWW-Authenticate"] = "Bearer"
            return answer, refused.status


def find_source(keys: Mapping[str, str], headers: Headers) -> str:
    """Whose key the request carries. Every key is compared, so that the time tells nothing about them."""
    if not keys:
        raise _RefusedError(403, "this wall takes no events: set INGEST_KEYS (docs/how-to/send-events.md)")
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    given = token.strip() if scheme.lower() == "bearer" else headers.get("X-Api-Key", "")
    matches = [source for source, key in keys.items() if hmac.compare_digest(key.encode(), given.encode())]
    if not matches:
        raise _RefusedError(401, "a key of INGEST_KEYS is needed: Authorization: Bearer <key>")
    return matches[0]


def _take(ingestion: Ingestion, source: str) -> dict[str, Any]:
    most = ingestion.body_mb * MEGABYTE
    request.max_content_length = most  # other routes stay at the small limit of app/security.py
    try:
        packed = request.get_data(cache=False)
        body = unpack(packed, request.headers.get("Content-Encoding", "").strip().lower(), most)
        entries = read_entries(body, MOST_EVENTS)
    except RequestEntityTooLarge as problem:
        raise _RefusedError(413, f"the body has more than {ingestion.body_mb} MB: send fewer events") from problem
    except TooLargeError as problem:
        raise _RefusedError(413, str(problem)) from problem
    except ClientDisconnected as problem:
        raise _RefusedError(400, "the body ended before its length") from problem
    except BadRequestError as problem:
        raise _RefusedError(400, str(problem)) from problem
    now = ingestion.clock.now()
    checked = [entry.refusal or ingestion.check.check(entry.value, source, now) for entry in entries]
    events = [found for found in checked if isinstance(found, Incoming)]
    try:
        taken = iter(ingestion.receiver.receive(source, events, _letters(entries, checked)))
    except BusyError as problem:
        raise _RefusedError(429, str(problem), problem.retry_after_s) from problem
    except NotTakenError as problem:
        raise _RefusedError(503, str(problem), problem.retry_after_s) from problem
    verdicts = [_verdict(entry, found, taken) for entry, found in zip(entries, checked, strict=True)]
    counts = {word: sum(v["verdict"] == word for v in verdicts) for word in ("accepted", "duplicate", "rejected")}
    ingestion.told(counts)
    return {**counts, "events": verdicts}


def _letters(entries: list[Entry], checked: list[Incoming | Refusal]) -> list[Letter]:
    return [
        Letter(entry.line, found.reason, found.detail, entry.text)
        for entry, found in zip(entries, checked, strict=True)
        if isinstance(found, Refusal)
    ]


def _verdict(entry: Entry, found: Incoming | Refusal, taken: Any) -> dict[str, Any]:
    if isinstance(found, Incoming):
        word = "accepted" if next(taken) else "duplicate"
        return {"line": entry.line, "event_id": found.event_id, "verdict": word}
    given = entry.value.get("event_id") if isinstance(entry.value, dict) else None
    return {
        "line": entry.line,
        "event_id": given if isinstance(given, str) else None,
        "verdict": "rejected",
        "reason": found.reason,
        "detail": found.detail,
        "did_you_mean": list(found.suggestions),
    }
