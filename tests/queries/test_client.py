"""The traps of the embedded engine, each with a test that fails when someone walks into it."""

from __future__ import annotations

import queue
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from core.errors import QueryFailedError, StoreBusyError
from metrics.calendar import Span
from queries.client import INSERTERS, ClickHouse
from queries.statement import Statement
from tests.conftest import ROOT, embedded_only

OPEN = """
import sys
from core.errors import StoreBusyError
from queries.client import INSERTERS, ClickHouse
try:
    ClickHouse(sys.argv[1])
except StoreBusyError as busy:
    print("busy", busy)
"""


def test_a_slow_statement_does_not_hold_up_others(clickhouse: ClickHouse) -> None:
    slow = Statement("slow", "SELECT sleepEachRow(0.5) FROM numbers(8) SETTINGS max_block_size = 1")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(clickhouse.read, slow)
        time.sleep(0.2)
        clickhouse.read(Statement("quick", "SELECT 1"))
        assert not running.done()  # the quick one was answered while the slow one still ran
        running.result()


def test_many_threads_get_their_own_answers(clickhouse: ClickHouse) -> None:
    def ask(number: int) -> bool:
        return bool(clickhouse.read(Statement("n", "SELECT {n:UInt64}", {"n": number})).rows[0][0] == number)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(200)))


@pytest.mark.parametrize("sql", ["CREATE TABLE x (a Int8) ENGINE = Memory", "SET readonly = 0", "TRUNCATE TABLE loads"])
def test_reading_clients_cannot_write(clickhouse: ClickHouse, sql: str) -> None:
    with pytest.raises(QueryFailedError) as refused:
        clickhouse.read(Statement("write", sql))
    assert not refused.value.retryable


def test_reading_does_not_make_the_writer_read_only(clickhouse: ClickHouse) -> None:
    clickhouse.read(Statement("read", "SELECT 1", settings={"max_execution_time": 1}))
    clickhouse.write(Statement("make", "CREATE TABLE IF NOT EXISTS trap (a Int8) ENGINE = Memory"))
    clickhouse.write(Statement("drop", "DROP TABLE trap"))


@embedded_only
def test_a_second_process_is_told_that_the_store_is_held(clickhouse: ClickHouse) -> None:
    run = subprocess.run(
        [sys.executable, "-c", OPEN, clickhouse.dsn], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert run.stdout.startswith("busy the store"), run.stdout + run.stderr
    assert clickhouse.read(Statement("still here", "SELECT 1")).rows[0][0] == 1


@embedded_only
def test_a_second_path_in_one_process_is_told_the_same(clickhouse: ClickHouse, tmp_path: Path) -> None:
    with pytest.raises(StoreBusyError):
        ClickHouse(f"chdb://{tmp_path}/other")


def test_the_engine_is_not_imported_before_a_store_is_opened() -> None:
    code = "import queries.client, queries.readings, sys; sys.exit('chdb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=300, check=False).returncode == 0


def test_times_come_back_aware_and_to_the_millisecond(clickhouse: ClickHouse) -> None:
    moment = datetime(2026, 11, 11, 23, 59, 59, 999_000, tzinfo=UTC)
    result = clickhouse.read(Statement("time", "SELECT {t:DateTime64(3, 'UTC')}", {"t": moment}))
    (back,) = result.rows[0]
    assert back.tzinfo is not None and back == moment


def test_naive_times_are_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        Span(datetime(2026, 1, 1), datetime(2026, 1, 2))  # noqa: DTZ001


def test_ledger_and_rollup_times_are_never_naive(clickhouse: ClickHouse) -> None:
    sql = (
        "SELECT table, name, type FROM system.columns WHERE database = currentDatabase() AND type LIKE '%DateTime%' "
        "AND table NOT LIKE '%view' AND type NOT LIKE 'DateTime64(%, \\'UTC\\')'"
    )
    assert clickhouse.read(Statement("naive columns", sql)).rows == []


def test_the_first_line_of_a_refusal_names_the_statement_and_code(clickhouse: ClickHouse) -> None:
    with pytest.raises(QueryFailedError, match="broken one") as failed:
        clickhouse.read(Statement("broken one", "SELECT nothing FROM nowhere"))
    assert failed.value.code == 60 and "\n" not in str(failed.value)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT throwIf(number = 300000) FROM numbers(400000)",  # fails after some blocks went out
        "SELECT number FROM numbers(600000)",  # more rows than a result may have
        "SELECT sum(sipHash64(number)) FROM numbers(400000000) SETTINGS max_execution_time = 0.2",
        "SELEC 1",
    ],
)
def test_a_statement_that_failed_leaves_nothing_in_the_next_answer(clickhouse: ClickHouse, sql: str) -> None:
    clients = clickhouse._readers.qsize()
    for _ in range(clients):  # every client of the pool has one that fails, then answers
        with pytest.raises(QueryFailedError):
            clickhouse.read(Statement("fails", sql))
    for number in range(2 * clients):
        asked = Statement("next", "SELECT {number:UInt32}, 'a'", {"number": number})
        assert list(clickhouse.read(asked).rows) == [(number, "a")]
    with pytest.raises(QueryFailedError):
        clickhouse.read_long(Statement("fails", sql, {}, {"max_result_rows": 500_000, "result_overflow_mode": "throw"}))
    for _ in range(INSERTERS):
        assert list(clickhouse.read_long(Statement("next", "SELECT 7")).rows) == [(7,)]
    assert clickhouse._readers.qsize() == clients


class Recording:
    """A client that notes the settings that went with each call."""

    def __init__(self, client: object, seen: list[object]) -> None:
        self._client, self._seen = client, seen

    def __getattr__(self, name: str) -> object:
        call = getattr(self._client, name)

        def noted(*given: object, **named: object) -> object:
            settings = named.get("settings")
            self._seen.append(settings.get("log_comment") if isinstance(settings, dict) else None)
            return call(*given, **named)

        return noted


def test_every_statement_that_writes_is_named_too(clean_store: ClickHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setattr(clean_store, "_writer", Recording(clean_store._writer, seen))
    monkeypatch.setattr(clean_store, "_admin", Recording(clean_store._admin, seen))
    inserters: queue.Queue[object] = queue.Queue()
    inserters.put(Recording(clean_store._inserters.queue[0], seen))
    monkeypatch.setattr(clean_store, "_inserters", inserters)
    clean_store.write(Statement("one load", "INSERT INTO loads (load_id) SELECT 'a'"))
    clean_store.insert_arrow("dead_letters_settled", pa.table({"letter_id": ["a"], "verdict": ["accepted"]}))
    assert seen == ["livewall:one load", "livewall:insert into dead_letters_settled"]
    clean_store.write(Statement("empty loads", "TRUNCATE TABLE loads"))
    assert seen[2] == (None if clean_store.embedded else "livewall:empty loads"), "the embedded engine keeps no log"


def test_a_small_insert_makes_one_file_a_table_and_is_not_summed_twice(clean_store: ClickHouse) -> None:
    minute = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)
    times = pa.array([minute, minute], pa.timestamp("s", "UTC"))
    clean_store.insert_arrow("behaviour_1m_total", pa.table({"minute": times, "visit__quantity": [1, 2]}), token="one")
    parts = (
        "SELECT part_storage_type, toInt64(rows) FROM system.parts "
        "WHERE database = currentDatabase() AND table = 'behaviour_1m_total' AND active"
    )
    assert clean_store.read(Statement("parts", parts)).rows == [("Packed", 2)]
    summed = Statement("summed", "SELECT toInt64(sum(visit__quantity)) FROM behaviour_1m_total")
    assert clean_store.read(summed).rows == [(3,)]
