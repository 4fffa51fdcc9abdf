"""Writes checked batches into the ledgers, so that trying again never counts anything twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import pyarrow as pa

from core.clock import wait
from core.errors import QueryFailedError
from ingest.event import Ledger, check_batch

# Together about 15 s: longer than a merge or a memory squeeze lasts, shorter than a screen's patience.
BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)


class Inserts(Protocol):
    """The one thing a writer needs of a store; `queries.client.ClickHouse` has it."""

    def insert_arrow(self, table: str, batch: pa.Table, token: str | None = None) -> None: ...


class Writer:
    """Inserts Arrow batches with a deduplication token; the store's materialized views keep the rollups.

    A batch that fails in a way worth retrying is sent again unchanged under the same token: if the first try did get
    through, wholly or into some of the views only, the store completes what is missing and drops the rest.
    """

    def __init__(
        self,
        clickhouse: Inserts,
        *,
        pause: Callable[[float], object] = wait,
        backoff: Sequence[float] = BACKOFF_SECONDS,
    ) -> None:
        """`pause` waits between tries; a caller that must stop early passes the `wait` of its stop event."""
        self._clickhouse, self._pause, self._backoff = clickhouse, pause, tuple(backoff)

    def write(self, ledger: Ledger, batch: pa.Table, token: str) -> int:
        """Insert one batch; returns its rows. `token` must be the same for the same bytes and for nothing else.

        Raises ValueError when the batch does not fit the ledger, and QueryFailedError when the store refuses it or
        still fails after the last try.
        """
        if batch.num_rows == 0:
            return 0
        checked = check_batch(ledger, batch)
        for seconds in (*self._backoff, None):
            try:
                self._clickhouse.insert_arrow(ledger.table, checked, token=f"{ledger.table}:{token}")
            except QueryFailedError as problem:
                if seconds is None or not problem.retryable:
                    raise
                self._pause(seconds)
            else:
                break
        return int(checked.num_rows)
