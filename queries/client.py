"""Connections to ClickHouse: the embedded engine or a server, one interface; the DSN decides."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import QueryFailedError, StoreBusyError
from queries.limits import default_limits, limits_of
from queries.statement import Result, Statement

if TYPE_CHECKING:
    import pyarrow as pa

WRITE_SETTINGS = {"max_partitions_per_insert_block": 2000}
INSERTERS = 2  # one insert keeps about one core busy; two fill a store in little more than half the time
ENGINE_MEMORY = 6_000_000_000
LOCKED = 76  # CANNOT_OPEN_FILE: another process holds the directory
RETRYABLE_CODES = {159, 202, 209, 210, 241, 319}  # timeouts, too many queries, network, memory, unknown status


class ClickHouse:
    """A pool of reading clients, a pair of inserting clients and one for everything else that writes.

    One client per running statement: a slow statement on a shared client blocks every other one behind it
    (measured 41 s against 10 ms). `chdb` is imported here, on first open and never before: a process that forks
    after importing it hangs in the child.
    """

    def __init__(self, dsn: str, readers: int = 4) -> None:
        """Open the store at `chdb://path` or a server at `http(s)://user:password@host:port/database`.

        Raises StoreBusyError when another process holds the embedded store.
        """
        self.dsn = dsn
        self._write_lock = threading.Lock()
        self._writer = self._open({})
        self._writer_settings = dict(WRITE_SETTINGS)
        self._readers: queue.Queue[Any] = queue.Queue()
        self._all = [self._writer]
        self._inserters: queue.Queue[Any] = queue.Queue()
        for _ in range(INSERTERS):
            client = self._open({})
            self._all.append(client)
            self._inserters.put(client)
        for _ in range(readers):
            client = self._open({**default_limits(), "result_overflow_mode": "throw", "readonly": 2})
            self._all.append(client)
            self._readers.put(client)

    @property
    def embedded(self) -> bool:
        return self.dsn.startswith("chdb://")

    def _open(self, settings: Mapping[str, Any]) -> Any:
        import clickhouse_connect
        from clickhouse_connect.driver.exceptions import Error

        try:
            if self.embedded:
                path = Path(self.dsn.removeprefix("chdb://")).resolve()
                path.mkdir(parents=True, exist_ok=True)
                return clickhouse_connect.get_client(
                    interface="chdb",
                    path=str(path),
                    settings=dict(settings),
                    tz_mode="aware",  # the default hands out UTC columns as naive times
                    chdb_options={"max_server_memory_usage": ENGINE_MEMORY},
                )
            return clickhouse_connect.get_client(
                dsn=self.dsn, settings=dict(settings), autogenerate_session_id=False, query_retries=0, tz_mode="aware"
            )
        except Error as problem:
            text = str(problem)
            if "Cannot lock file" in text or "another path" in text or "already running" in text or "Code: 36" in text:
                raise StoreBusyError(
                    f"the store {self.dsn.removeprefix('chdb://')} is held by another process; "
                    "stop it, or use its wall's address"
                ) from problem
            raise QueryFailedError("open", 0, _first_line(text), retryable=not self.embedded) from problem

    @contextmanager
    def _reader(self) -> Iterator[Any]:
        client = self._readers.get()
        try:
            yield client
        finally:
            self._readers.put(client)

    def read(self, statement: Statement) -> Result:
        """Run a SELECT on a reading client. Raises QueryFailedError with ClickHouse's code."""
        with self._reader() as client:
            return self._run(client, statement)

    def _run(self, client: Any, statement: Statement) -> Result:
        from clickhouse_connect.driver.exceptions import Error

        settings = {**limits_of(statement.name), **statement.settings, "log_comment": f"livewall:{statement.name}"}
        begun = time.perf_counter()
        try:
            answer = client.query(statement.sql, parameters=dict(statement.parameters), settings=settings)
            rows = answer.result_rows
        except Error as problem:
            raise _failed(statement.name, problem) from problem
        worked = int(answer.summary.get("elapsed_ns", 0)) / 1e6
        return Result(tuple(answer.column_names), rows, worked or (time.perf_counter() - begun) * 1000)

    def write(self, statement: Statement) -> None:
        """Run an INSERT … SELECT or DDL on the writing client, one at a time."""
        from clickhouse_connect.driver.exceptions import Error

        clause: dict[str, Any] = {**self._writer_settings, **statement.settings}
        with self._write_lock:
            try:
                # `query` sends settings with the statement; `command` would SET and restore them (5x slower).
                if statement.sql.lstrip()[:6].upper() == "INSERT":
                    self._writer.query(statement.sql, parameters=dict(statement.parameters), settings=clause)
                else:
                    self._writer.command(statement.sql, parameters=dict(statement.parameters))
            except Error as problem:
                raise _failed(statement.name, problem) from problem

    def insert_arrow(self, table: str, batch: pa.Table, token: str | None = None) -> None:
        """Insert an Arrow table; `token` makes a retry of the same batch a no-op in the table and all its views."""
        from clickhouse_connect.driver.exceptions import Error

        settings: dict[str, Any] = dict(self._writer_settings)
        if token:
            settings["insert_deduplication_token"] = token
        client = self._inserters.get()
        try:
            client.insert_arrow(table, batch, settings=settings)
        except Error as problem:
            raise _failed(f"insert into {table}", problem) from problem
        finally:
            self._inserters.put(client)

    def close(self) -> None:
        """Close every client; the embedded store is free for another process afterwards."""
        for client in self._all:
            client.close()
        self._all.clear()


def _failed(name: str, problem: Exception) -> QueryFailedError:
    code = int(getattr(problem, "code", 0) or 0)
    return QueryFailedError(name, code, _first_line(str(problem)), retryable=code in RETRYABLE_CODES or code == 0)


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0][:400] if text.strip() else "no message"
