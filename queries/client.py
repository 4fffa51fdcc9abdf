"""Connections to ClickHouse: the embedded engine or a server, one interface; the DSN decides."""

from __future__ import annotations

import queue
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import QueryFailedError, StoreBusyError
from queries.limits import default_limits, limits_of
from queries.server import Access, connect, connections, first_line
from queries.statement import Result, Statement

if TYPE_CHECKING:
    import pyarrow as pa

WRITE_SETTINGS = {
    "max_partitions_per_insert_block": 2000,
    # what a retry repeats is dropped by the views as well: the default of newer servers only
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    # A view sums its block: doing so once more as it is written finds nothing, for up to a quarter of a batch's CPU.
    "optimize_on_insert": 0,
}
# A batch's states are few and large: cut into 256 buckets by their size they only make more, smaller blocks. Statements
# that may spill to disk need the buckets, so this is for batches alone.
BATCH_SETTINGS = {"group_by_two_level_threshold": 0, "group_by_two_level_threshold_bytes": 0}
RECENT = 4_000  # statements remembered as (perf_counter seconds, name, milliseconds)
INSERTERS = 2  # one insert keeps about one core busy; two fill a store in little more than half the time
ENGINE_MEMORY = 6_000_000_000
ENGINE_FILE = Path(__file__).parent / "engine.xml"
# A load's own tables are named after it; whoever loads may make and drop them, and no others.
INGESTS = re.compile(r"\s*(?:INSERT\b|(?:CREATE|DROP)\s+TABLE\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?stage_)", re.IGNORECASE)
LOCKED = 76  # CANNOT_OPEN_FILE: another process holds the directory
NOT_IMPLEMENTED = 48  # ClickHouse's word for writing into a view, among others
RETRYABLE_CODES = {159, 202, 209, 210, 241, 319}  # timeouts, too many queries, network, memory, unknown status


class ClickHouse:
    """A pool of reading clients, a pair of inserting clients, and one each for INSERT … SELECT and for DDL.

    On a server they are its three roles: dashboard, ingest, ingest again, and admin (deploy/clickhouse/).

    One client per running statement: a slow statement on a shared client blocks every other one behind it
    (measured 41 s against 10 ms). `chdb` is imported here, on first open and never before: a process that forks
    after importing it hangs in the child.
    """

    def __init__(self, dsn: str | Access, readers: int = 4) -> None:
        """Open the store at `chdb://path`, or a server as the users of an `Access` (one DSN is one user for all).

        Raises StoreBusyError when another process holds the embedded store, QueryFailedError when a server does not
        let us in, BadRequestError for a DSN that cannot be read.
        """
        self.access = dsn if isinstance(dsn, Access) else Access(dsn)
        self.dsn = self.access.read
        self._write_lock, self._admin_lock = threading.Lock(), threading.Lock()
        self._readers: queue.Queue[Any] = queue.Queue()
        self._all: list[Any] = []
        self._made: dict[int, tuple[Mapping[str, Any], str]] = {}  # how each embedded client was opened
        self.recent: deque[tuple[float, str, float]] = deque(maxlen=RECENT)
        self._closing: list[Callable[[], None]] = []
        self.heard: Callable[[str, float, bool], None] = lambda _name, _seconds, _failed: (
            None
        )  # of each reading statement
        self._pool = None if self.embedded else connections(self.access.options, readers + INSERTERS + 2)
        try:
            self._open_all(readers)
        except BaseException:
            self.close()
            raise

    def _open_all(self, readers: int) -> None:
        self._writer_settings = dict(WRITE_SETTINGS)
        ingest = self.access.ingest or self.dsn
        self._writer = self._open({}, ingest)
        self._all.append(self._writer)
        self._admin = self._open({}, self.access.admin or ingest)
        self._all.append(self._admin)
        self._inserters: queue.Queue[Any] = queue.Queue()
        for _ in range(INSERTERS):
            client = self._open({}, ingest)
            self._all.append(client)
            self._inserters.put(client)
        for _ in range(readers):
            client = self._open({**default_limits(), "result_overflow_mode": "throw", "readonly": 2}, self.dsn)
            self._all.append(client)
            self._readers.put(client)

    @property
    def embedded(self) -> bool:
        return self.access.embedded

    def _open(self, settings: Mapping[str, Any], dsn: str) -> Any:
        if not self.embedded:
            return connect(dsn, settings, self.access.options, self._pool)
        import clickhouse_connect
        from clickhouse_connect.driver.exceptions import Error

        try:
            path = Path(dsn.removeprefix("chdb://")).resolve()
            path.mkdir(parents=True, exist_ok=True)
            client = clickhouse_connect.get_client(
                interface="chdb",
                path=str(path),
                settings=dict(settings),
                tz_mode="aware",  # the default hands out UTC columns as naive times
                chdb_options={"max_server_memory_usage": ENGINE_MEMORY, "config-file": str(ENGINE_FILE)},
            )
            self._made[id(client)] = (settings, dsn)
            return client
        except Error as problem:
            text = str(problem)
            if "Cannot lock file" in text or "another path" in text or "already running" in text or "Code: 36" in text:
                raise StoreBusyError(
                    f"the store {self.dsn.removeprefix('chdb://')} is held by another process; "
                    "stop it, or use its wall's address"
                ) from problem
            raise QueryFailedError("open", 0, first_line(text), retryable=False) from problem

    @contextmanager
    def _lent(self, pool: queue.Queue[Any]) -> Iterator[Any]:
        """A client of a pool. After an error a new one takes its place.

        The embedded engine keeps the rows that a statement gave before it failed, and hands them out as the beginning
        of the same client's next answer (measured: `SELECT 1` answered with 130,000 rows of the statement before it).
        """
        client = pool.get()
        try:
            yield client
        except BaseException:
            client = self._renewed(client)
            raise
        finally:
            pool.put(client)

    def _renewed(self, client: Any) -> Any:
        if not self.embedded:
            return client
        settings, dsn = self._made.pop(id(client))
        fresh = self._open(settings, dsn)  # before the old one is closed: the engine ends with its last client
        self._all[self._all.index(client)] = fresh
        client.close()
        return fresh

    def read(self, statement: Statement) -> Result:
        """Run a SELECT on a reading client. Raises QueryFailedError with ClickHouse's code."""
        with self._lent(self._readers) as client:
            return self._run(client, statement, limits_of(statement.name))

    def read_long(self, statement: Statement) -> Result:
        """Run a SELECT that may take as long as it takes, as who brings events: checks of whole files and days."""
        with self._lent(self._inserters) as client:
            return self._run(client, statement, {})

    def inspect(self, statement: Statement) -> Result:
        """Run a SELECT as who changes tables: on a server nobody else needs to see tables that are not ours."""
        with self._admin_lock:
            return self._run(self._admin, statement, {})

    def _run(self, client: Any, statement: Statement, limits: Mapping[str, Any]) -> Result:
        from clickhouse_connect.driver.exceptions import Error

        settings = {**limits, **statement.settings, **_named(statement.name)}
        begun = time.perf_counter()
        try:
            answer = client.query(statement.sql, parameters=dict(statement.parameters), settings=settings)
            rows = answer.result_rows
        except Error as problem:
            self.heard(statement.name, time.perf_counter() - begun, True)
            raise _failed(statement.name, problem) from problem
        self.recent.append((time.perf_counter(), statement.name, (time.perf_counter() - begun) * 1000))
        self.heard(statement.name, time.perf_counter() - begun, False)
        worked = int(answer.summary.get("elapsed_ns", 0)) / 1e6
        return Result(tuple(answer.column_names), rows, worked or (time.perf_counter() - begun) * 1000)

    def write(self, statement: Statement) -> None:
        """Run an INSERT … SELECT, or DDL on tables of a load, as who brings events; other DDL as who changes tables."""
        if _ingests(statement.sql):
            self._write(self._writer, self._write_lock, statement)
        else:
            self.administer(statement)

    def administer(self, statement: Statement) -> None:
        """Run any statement as who changes tables: migrations, retention, rebuilding."""
        self._write(self._admin, self._admin_lock, statement)

    def _write(self, client: Any, lock: threading.Lock, statement: Statement) -> None:
        from clickhouse_connect.driver.exceptions import Error

        name = _named(statement.name)
        clause: dict[str, Any] = {**self._writer_settings, **statement.settings, **name}
        with lock:
            try:
                # `query` sends settings with the statement; `command` would SET and restore them (5x slower).
                if statement.sql.lstrip()[:6].upper() == "INSERT":
                    client.query(statement.sql, parameters=dict(statement.parameters), settings=clause)
                else:  # the embedded engine writes no log of statements
                    settings = None if self.embedded else name
                    client.command(statement.sql, parameters=dict(statement.parameters), settings=settings)
            except Error as problem:
                raise _failed(statement.name, problem) from problem

    def insert_arrow(self, table: str, batch: pa.Table, token: str | None = None) -> None:
        """Insert an Arrow table; `token` makes a retry of the same batch a no-op in the table and all its views."""
        from clickhouse_connect.driver.exceptions import Error

        settings: dict[str, Any] = {**self._writer_settings, **BATCH_SETTINGS, **_named(f"insert into {table}")}
        if token:
            settings["insert_deduplication_token"] = token
        with self._lent(self._inserters) as client:
            try:
                client.insert_arrow(table, batch, settings=settings)
            except Error as problem:
                raise _failed(f"insert into {table}", problem) from problem

    @contextmanager
    def writes_held(self) -> Iterator[None]:
        """Nothing is inserted by this process inside; who wants to insert waits. Reading and `administer` go on."""
        held = []
        try:
            with self._write_lock:
                for _ in range(INSERTERS):
                    held.append(self._inserters.get())
                yield
        finally:
            for client in held:
                self._inserters.put(client)

    def also_close(self, close: Callable[[], None]) -> None:
        """Do this too at the end: what was started for this store."""
        self._closing.append(close)

    def close(self) -> None:
        """Close every client; the embedded store is free for another process afterwards."""
        for client in self._all:
            client.close()
        self._all.clear()
        while self._closing:
            self._closing.pop()()


def _named(name: str) -> dict[str, Any]:
    """The setting by which a server's query_log knows a statement."""
    return {"log_comment": f"livewall:{name}"}


def _ingests(sql: str) -> bool:
    """Whether the role that brings events may run it: INSERT, and DDL on the tables of a load."""
    return bool(INGESTS.match(sql))


def _failed(name: str, problem: Exception) -> QueryFailedError:
    code, told = int(getattr(problem, "code", 0) or 0), first_line(str(problem))
    if code == NOT_IMPLEMENTED and "storage View" in told:
        told = (
            "this ledger is made of own tables and takes no events in (own-tables remove gives the store its own back)"
        )
    return QueryFailedError(name, code, told, retryable=code in RETRYABLE_CODES or code == 0)
