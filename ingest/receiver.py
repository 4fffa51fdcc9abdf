"""Takes events from many requests at once: batches them by size and time, and answers when they are on disk."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pyarrow as pa

from core.clock import Clock, stopwatch
from core.errors import LivewallError, QueryFailedError
from ingest.beside import side_by_side
from ingest.event import BEHAVIOUR, MARKERS, ORDERS, Ledger, check_batch
from ingest.incoming import AHEAD, Incoming
from ingest.spool import Kept, Part, Spool
from ingest.under_way import UnderWay
from ingest.writer import Writer, token_of
from queries.client import ClickHouse
from queries.dead_letters import LETTERS, known_letters, letter_rows
from queries.seen_events import TABLE as SEEN
from queries.seen_events import ids_in_ledger, seen_ids, seen_rows

ORIGIN = "POST /ingest/v1/events"
BUSINESS = (BEHAVIOUR.table, ORDERS.table)
PATIENCE_S = 30.0  # longer than the store's own retries; who waits longer is told to send again
LONGEST_PAUSE_S = 10.0
TURN_S = 0.02  # a batch ends so long after a turn of the clock: what happened just before it is on its way

log = logging.getLogger(__name__)


class BusyError(LivewallError):
    """Too much waits already: nothing of this request was taken. Becomes HTTP 429 with Retry-After."""

    retryable = True

    def __init__(self, waiting: int, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"{waiting:,} events wait for the store: send this again in {retry_after_s} s")


class NotTakenError(LivewallError):
    """The events could not be put on disk or compared with the store. Becomes HTTP 503: sending again is safe."""

    retryable = True
    retry_after_s = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """How events are batched and how many may wait; `window_hours` is how long an event's id is remembered.

    Batches end when the clock shows a multiple of `batch_ms`, and so with every second: ticks come a moment later.
    """

    batch_rows: int = 5_000
    batch_ms: int = 500
    waiting_rows: int = 100_000
    window_hours: int = 24


@dataclass(frozen=True, slots=True)
class Letter:
    """An event that is refused, as it was sent."""

    line: int
    reason: str
    detail: str
    content: str


@dataclass(eq=False)
class _Request:
    source: str
    events: Sequence[Incoming]
    letters: Sequence[Letter]
    answered: threading.Event = field(default_factory=threading.Event)
    accepted: list[bool] = field(default_factory=list)
    problem: LivewallError | None = None

    @property
    def rows(self) -> int:
        return len(self.events) + len(self.letters)


def letter_name(source: str, content: str) -> str:
    """Names a refused event by who sent it and what it said: sent twice, it is one letter."""
    return "api_" + hashlib.sha256(f"{source}\x1f{content}".encode()).hexdigest()[:32]


def until_turn(now: datetime, batch_s: float) -> float:
    """Seconds until a batch ends that is begun now."""
    return batch_s - (now.timestamp() - TURN_S) % batch_s


class Receiver:
    """Collects, compares, keeps, sends. One thread decides what is new and puts it on disk, one brings it to the store.

    `receive` returns when every event of the call is either on disk under a token or known already. What is on disk
    goes into the ledgers once: by this process, or by the next one on the same store (`send_leftovers`).
    """

    def __init__(
        self,
        clickhouse: ClickHouse,
        spool: Spool,
        clock: Clock,
        limits: Limits | None = None,
        under_way: UnderWay | None = None,
    ) -> None:
        self._clickhouse, self._spool, self._clock, self._limits = clickhouse, spool, clock, limits or Limits()
        self._way = under_way or UnderWay()
        self._stopping = threading.Event()
        self._writer = Writer(clickhouse, pause=self._stopping.wait)
        self.heard: Callable[[Part], None] = lambda _: None  # of each part that is in the store
        self._changed = threading.Condition()
        self._requests: list[_Request] = []
        self._outgoing: list[tuple[int, Kept] | None] = []  # with its number among those under way
        self._waiting = 0
        self._under_way: set[tuple[str, str]] = set()  # on disk, and not yet remembered by the store
        self._letters_under_way: set[str] = set()
        self._threads = [
            threading.Thread(target=self._collect, name="ingest-collect", daemon=True),
            threading.Thread(target=self._send, name="ingest-send", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Take nothing more, answer who waits, and send what time allows; the rest stays on disk for the next start."""
        with self._changed:
            self._stopping.set()
            self._changed.notify_all()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout)

    @property
    def waiting(self) -> int:
        """Events and letters taken and not yet in the store."""
        with self._changed:
            return self._waiting

    def receive(self, source: str, events: Sequence[Incoming], letters: Sequence[Letter] = ()) -> list[bool]:
        """Whether each event is new; False is a duplicate. Everything is on disk or in the store when this returns.

        Raises BusyError when too much waits, NotTakenError when it could not be kept; in both cases send it again.
        """
        request = _Request(source, events, letters)
        if not request.rows:
            return []
        with self._changed:
            if self._stopping.is_set():
                raise NotTakenError("the wall is stopping: send this again in a moment")
            if self._waiting and self._waiting + request.rows > self._limits.waiting_rows:
                raise BusyError(self._waiting, 1 + self._waiting // (10 * self._limits.batch_rows))
            self._waiting += request.rows
            self._requests.append(request)
            self._changed.notify_all()
        if not request.answered.wait(PATIENCE_S):
            raise NotTakenError("the events could not be kept in time: send them again")
        if request.problem is not None:
            raise request.problem
        return request.accepted

    def settle(self, timeout: float = PATIENCE_S) -> bool:
        """Wait until nothing waits any more; False when it took too long."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, timeout)

    def _collect(self) -> None:
        while taken := self._take():
            number = self._way.begin()
            try:
                if not self._keep(taken, number):
                    self._way.end(number)
            except (LivewallError, OSError) as problem:
                log.error("events were not taken: %s", problem)
                self._way.end(number)
                self._answer(taken, NotTakenError(f"the events could not be kept ({problem}): send them again"))
            except Exception:  # the askers must hear of it, and the next ones are still to be served
                log.exception("events were not taken")
                self._way.end(number)
                self._answer(taken, NotTakenError("the events could not be kept: send them again"))
        with self._changed:
            self._outgoing.append(None)  # nothing comes after this
            self._changed.notify_all()

    def _take(self) -> list[_Request]:
        """The requests of the next batch: enough rows, or all there are at the next turn after the first one came."""
        with self._changed:
            self._changed.wait_for(lambda: self._requests or self._stopping.is_set())
            since, patience = stopwatch(), until_turn(self._clock.now(), self._limits.batch_ms / 1000)
            while not self._stopping.is_set() and sum(r.rows for r in self._requests) < self._limits.batch_rows:
                left = patience - since()
                if left <= 0:
                    break
                self._changed.wait(left)
            taken, self._requests = self._requests, []
            return taken

    def _answer(self, taken: Iterable[_Request], problem: LivewallError | None) -> None:
        for request in taken:
            if problem is not None:
                request.problem = problem
                self._forget(request.rows)
            request.answered.set()

    def _forget(self, rows: int) -> None:
        with self._changed:
            self._waiting -= rows
            self._changed.notify_all()

    def _keep(self, taken: list[_Request], number: int) -> bool:
        """Decide what is new, put it on disk, answer. Whether there is something for the store."""
        known = self._known(taken)
        fresh: dict[tuple[str, str], Incoming] = {}
        for request in taken:
            for event in request.events:
                key = (request.source, event.event_id)
                is_new = key not in known and key not in fresh
                request.accepted.append(is_new)
                if is_new:
                    fresh[key] = event
        letters = self._new_letters(taken)
        parts = _parts(fresh, letters, self._limits.window_hours)
        kept = self._spool.keep(parts) if parts else None
        rows, total = len(fresh) + len(letters), sum(request.rows for request in taken)
        with self._changed:
            self._under_way |= set(fresh)
            self._letters_under_way |= {letter["load_id"] for letter in letters}
            self._waiting -= total - rows
            if kept is not None:
                self._outgoing.append((number, kept))
            self._changed.notify_all()
        self._answer(taken, None)
        return kept is not None

    def _known(self, taken: Iterable[_Request]) -> set[tuple[str, str]]:
        """The events that are in the store or on their way into it."""
        by_source: dict[str, list[Incoming]] = {}
        for request in taken:
            by_source.setdefault(request.source, []).extend(request.events)
        asked = {(source, event.event_id) for source, events in by_source.items() for event in events}
        with self._changed:
            known = asked & self._under_way  # before the store is asked: what leaves this set is in the store
        # An event may be ahead of its insertion: its id is forgotten before its time is as old as the window. As much
        # again is for clocks that differ: ids are forgotten by the store's.
        old = self._clock.now() - timedelta(hours=self._limits.window_hours) + 2 * AHEAD
        for source, events in by_source.items():
            found = seen_ids(self._clickhouse, source, [event.event_id for event in events])
            for ledger in (BEHAVIOUR, ORDERS):
                late = [e.row for e in events if e.ledger is ledger and e.row["ts"] < old]
                if late:
                    places = [(row["kind"], row["ts"], row["event_id"]) for row in late]
                    found |= ids_in_ledger(self._clickhouse, ledger.table, source, places)
            known |= {(source, event_id) for event_id in found}
        return known

    def _new_letters(self, taken: Iterable[_Request]) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for request in taken:
            for letter in request.letters:
                name = letter_name(request.source, letter.content)
                words = {"line": letter.line, "reason": letter.reason, "detail": letter.detail}
                content = {"source": request.source, "origin": ORIGIN, "content": letter.content, "load_id": name}
                found.setdefault(name, {**words, **content})
        with self._changed:  # before the store is asked, as for events
            for name in self._letters_under_way & set(found):
                found.pop(name)
        for source in {letter["source"] for letter in found.values()}:
            names = [name for name, letter in found.items() if letter["source"] == source]
            for known in known_letters(self._clickhouse, source, names):
                found.pop(known)
        return list(found.values())

    def _send(self) -> None:
        """Bring what is on disk to the store, in order, however long the store refuses."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._outgoing))
                batch = self._outgoing[0]
            if batch is None:
                return
            number, kept = batch
            if not self._bring_all(kept.parts, number):
                return
            self._spool.drop(kept)
            with self._changed:
                self._outgoing.pop(0)
                for part in kept.parts:
                    if part.table == SEEN:
                        sources, ids = part.rows["source"].to_pylist(), part.rows["event_id"].to_pylist()
                        self._under_way -= set(zip(sources, ids, strict=True))
                        continue
                    if part.table == LETTERS:
                        self._letters_under_way -= set(part.rows["load_id"].to_pylist())
                    self._waiting -= part.rows.num_rows
                self._changed.notify_all()

    def _bring_all(self, parts: Sequence[Part], number: int) -> bool:
        """The ledgers of the business at once, which is sooner; after them, one by one, what says that they are in.

        Ticks wait for what screens show, and not for what remembers which events came.
        """
        business = [partial(self._bring, part) for part in parts if part.table in BUSINESS]
        markers = [part for part in parts if part.table == MARKERS.table]
        if not all(side_by_side(business)) or not all(self._bring(part) for part in markers):
            return False
        self._way.end(number)
        return all(self._bring(part) for part in parts if part.table in (SEEN, LETTERS))

    def _bring(self, part: Part) -> bool:
        """A part into the store; False when the wall stops first, and it stays on disk."""
        pause = 0.5
        while True:
            try:
                self._writer.insert(part)
            except QueryFailedError as problem:
                log.error("the store does not take events, they stay on disk: %s", problem)
            except Exception:  # without this thread everybody would be told 429 for ever
                log.exception("the store does not take events, they stay on disk")
            else:
                self.heard(part)
                return True
            if self._stopping.wait(pause):
                return False
            pause = min(2 * pause, LONGEST_PAUSE_S)


def _parts(fresh: dict[tuple[str, str], Incoming], letters: Sequence[dict[str, Any]], window_hours: int) -> list[Part]:
    """One part a table. What remembers the events comes last: it must not be there before they are."""
    parts = []
    for ledger in (BEHAVIOUR, ORDERS, MARKERS):
        rows = [event.row for event in fresh.values() if event.ledger is ledger]
        if rows:
            batch = check_batch(ledger, _table(ledger, rows))
            parts.append(Part(ledger.table, f"{ledger.table}:{token_of(batch)}", batch))
    if fresh:
        digest = hashlib.sha256("\x1e".join(sorted("\x1f".join(key) for key in fresh)).encode()).hexdigest()[:32]
        token = f"{SEEN}:{digest}:{parts[0].token}"
        sources, ids = zip(*fresh, strict=True)
        parts.append(Part(SEEN, token, seen_rows(sources, ids, window_hours)))
    if letters:
        # Settled letters may come again, so their names do not name the batch; on disk it keeps the name it was given.
        parts.append(Part(LETTERS, f"{LETTERS}:{uuid4().hex}", letter_rows(letters)))
    return parts


def _table(ledger: Ledger, rows: Sequence[Any]) -> pa.Table:
    """Rows sorted as the ledger is, so that equal events make equal batches."""
    ordered = sorted(rows, key=lambda row: (row["kind"], row["ts"], row["source"], row["event_id"]))
    return pa.table({field.name: pa.array([row[field.name] for row in ordered], field.type) for field in ledger.schema})
