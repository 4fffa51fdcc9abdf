"""Writes checked batches into the ledgers, so that trying again never counts anything twice."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc

from core.clock import wait
from core.errors import QueryFailedError
from ingest.event import BEHAVIOUR, ORDERS, Ledger, check_batch
from ingest.spool import Kept, Part, Spool
from ingest.under_way import UnderWay
from queries.client import ClickHouse
from queries.healing import heal_rollups
from queries.retention import kept_from
from queries.seen_events import inserts_under_way, missing_rows

# Together about 15 s: longer than a merge or a memory squeeze lasts, shorter than a screen's patience.
BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)

IN_FLIGHT_S, IN_FLIGHT_TRIES = 0.25, 120
log = logging.getLogger(__name__)

LEDGERS = frozenset(ledger.table for ledger in (BEHAVIOUR, ORDERS))
SPOOL = "spool"  # the folder inside a store's folder


class Inserts(Protocol):
    """The one thing a writer needs of a store; `queries.client.ClickHouse` has it."""

    def insert_arrow(self, table: str, batch: pa.Table, token: str | None = None) -> None: ...


def token_of(batch: pa.Table) -> str:
    """Names a batch by its events, in whatever order they stand: source, id and time of each."""
    parts = [pc.cast(batch.column(name), pa.string()) for name in ("source", "event_id")]
    times = pc.cast(pc.cast(batch.column("ts"), pa.int64()), pa.string())
    digest = hashlib.sha256()
    for event in sorted(pc.binary_join_element_wise(*parts, times, "\x1f").to_pylist()):
        digest.update(event.encode())
        digest.update(b"\x1e")
    return digest.hexdigest()[:32]


class Writer:
    """Inserts Arrow batches with a deduplication token; the store's materialized views keep the rollups.

    A batch that fails in a way worth retrying is sent again unchanged under the same token: if the first try did get
    through, wholly or into some of the views only, the store completes what is missing and drops the rest. With a spool
    the batch is on disk before the first try, and `settle()` of the next process sends what this one could not finish.
    """

    def __init__(
        self,
        clickhouse: Inserts,
        *,
        spool: Spool | None = None,
        pause: Callable[[float], object] = wait,
        backoff: Sequence[float] = BACKOFF_SECONDS,
        under_way: UnderWay | None = None,
    ) -> None:
        """`pause` waits between tries; a caller that must stop early passes the `wait` of its stop event. Ticks wait
        for what is `under_way`: who writes what belongs together says so there."""
        self.under_way = under_way or UnderWay()
        self._clickhouse, self._spool, self._pause, self._backoff = clickhouse, spool, pause, tuple(backoff)
        self._stuck: list[Kept] = []
        self._lock = threading.Lock()

    def write(self, ledger: Ledger, batch: pa.Table, token: str = "") -> int:
        """Insert one batch; returns its rows. `token` must be the same for the same bytes and for nothing else; left
        out, it is made of the batch's events.

        Raises ValueError when the batch does not fit the ledger, and QueryFailedError when the store refuses it or
        still fails after the last try; it is then stuck, and goes in with the next `settle()`.
        """
        if batch.num_rows == 0:
            return 0
        checked = check_batch(ledger, batch)
        part = Part(ledger.table, f"{ledger.table}:{token or token_of(checked)}", checked)
        if self._spool is None:
            self.insert(part)
            return int(checked.num_rows)
        kept = self._spool.keep([part])
        try:
            self.insert(part)
        except QueryFailedError:
            with self._lock:
                self._stuck.append(kept)
            raise
        self._spool.drop(kept)
        return int(checked.num_rows)

    def insert(self, part: Part) -> None:
        """Insert a part, with retries. Raises QueryFailedError after the last one."""
        for seconds in (*self._backoff, None):
            try:
                self._clickhouse.insert_arrow(part.table, part.rows, token=part.token)
            except QueryFailedError as problem:
                if seconds is None or not problem.retryable:
                    raise
                self._pause(seconds)
            else:
                break

    def settle(self) -> int:
        """Send what could not be finished before, under its own tokens; returns how many batches.

        Whoever asks the ledgers where to go on calls this first. Raises QueryFailedError when it still fails.
        """
        count = 0
        while self._stuck and self._spool is not None:
            for part in self._stuck[0].parts:
                self.insert(part)
            self._spool.drop(self._stuck[0])
            with self._lock:
                self._stuck.pop(0)
            count += 1
        return count


def send_leftovers(clickhouse: ClickHouse, folder: Path) -> int:
    """Send what an earlier process on the store in `folder` had on disk; returns how many batches the store lacked.

    Call it whenever a store was opened, before anything is written or asked. What is in already is found by looking,
    not by tokens: a process that dies in the middle of an insert may leave a note of a block without the block, or the
    block without its note. What is older than what is kept is not sent: it may have been in and gone again. Rollups are
    then compared with their sources. Raises StoreBusyError, SpoolDamagedError or QueryFailedError.
    """
    if not (folder / SPOOL).is_dir():
        return 0
    with Spool(folder / SPOOL) as spool:
        writer = Writer(clickhouse)
        left = [spool.read(path) for path in spool.left()]
        if left and not clickhouse.embedded:
            _await_inserts(clickhouse)
        since = kept_from(clickhouse) if left else {}
        moments: set[datetime] = set()
        lacking = 0
        for kept in left:
            lacked = False
            for part in kept.parts:
                missing = missing_rows(clickhouse, part.table, _still_kept(part, since))
                if missing.num_rows:
                    lacked = True
                    writer.insert(Part(part.table, f"{part.token}:{uuid4().hex}", missing))
                if part.table in LEDGERS:
                    moments.update(part.rows.column("ts").to_pylist())
            lacking += lacked
        heal_rollups(clickhouse, moments)
        for kept in left:
            spool.drop(kept)
    return lacking


def _still_kept(part: Part, since: Mapping[str, datetime]) -> pa.Table:
    """The rows of a part that its ledger would keep."""
    if part.table not in since or part.table not in LEDGERS:
        return part.rows
    kept = part.rows.filter(pc.greater_equal(part.rows.column("ts"), pa.scalar(since[part.table])))
    if kept.num_rows < part.rows.num_rows:
        log.warning(
            "%s events of %s before %s are no longer kept and were not sent after the crash",
            part.rows.num_rows - kept.num_rows,
            part.table,
            since[part.table].isoformat(timespec="seconds"),
        )
    return kept


def _await_inserts(clickhouse: ClickHouse) -> None:
    """A server goes on with what a killed process had sent it: looked for too early, it would be sent a second time."""
    for _ in range(IN_FLIGHT_TRIES):
        wait(IN_FLIGHT_S)  # before the first look, too: what was sent may be on its way into the list of statements
        if not inserts_under_way(clickhouse):
            return
    log.warning("other inserts go on as this user: what an earlier process left is sent beside them")
