"""Loads a file in a process of its own, which kills itself in the middle: run by test_loader_crash.

Arguments: store folder, CSV file, the statement to die in ('' for none), how often it runs before, seconds into it.
Prints what the ledgers and rollups hold as one line of JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

from core.clock import SystemClock
from ingest.loader import load_files
from ingest.mapping import load_mapping
from queries import staging
from queries.client import ClickHouse
from queries.migrate import migrate
from queries.statement import Statement


class DyingClickHouse(ClickHouse):
    """Kills its process, as a power cut would, a moment after a certain statement has begun."""

    def __init__(self, dsn: str, last_words: str, spared: int, delay_s: float) -> None:
        super().__init__(dsn, readers=1)
        self._last_words, self._spared, self._delay_s = last_words, spared, delay_s

    def write(self, statement: Statement) -> None:
        if statement.name == self._last_words:
            self._spared -= 1
            if self._spared < 0:
                threading.Timer(self._delay_s, os.kill, (os.getpid(), signal.SIGKILL)).start()
        super().write(statement)


def main() -> None:
    folder, file, last_words, spared, delay_s = sys.argv[1:]
    staging.SLICE_ROWS = 400
    clickhouse = DyingClickHouse(f"chdb://{folder}", last_words, int(spared), float(delay_s))
    migrate(clickhouse)
    summary = load_files(clickhouse, load_mapping("tmall"), [Path(file)], None, SystemClock())
    sums = "SELECT count(), uniqExact(event_id), sumIf(amount, kind = 'paid') FROM order_events"
    rollup = "SELECT sum(paid__amount), sum(created__orders) FROM %s"
    state = {
        "ledger": clickhouse.read(Statement("ledger", sums)).rows[0],
        "minutes": clickhouse.read(Statement("minutes", rollup % "orders_1m")).rows[0],
        "hours": clickhouse.read(Statement("hours", rollup % "orders_1h")).rows[0],
        "dead": clickhouse.read(Statement("dead", "SELECT count() FROM dead_letters")).rows[0],
        "loads": clickhouse.read(Statement("loads", "SELECT origin, rows, events FROM loads")).rows,
        "left": clickhouse.read(
            Statement("left", "SELECT name FROM system.tables WHERE startsWith(name, 'stage_')")
        ).rows,
        "finished": summary.finished,
    }
    print(json.dumps(state))
    clickhouse.close()


if __name__ == "__main__":
    main()
