"""The listener as a real server: what each role may do, whom it lets in, and what is said when it cannot be reached."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from core.errors import BadRequestError, QueryFailedError, StoreBusyError
from ingest.spool import Part, Spool
from ingest.writer import SPOOL, send_leftovers
from queries.client import ClickHouse
from queries.listener import NOTE, Listener, Listening, answering, running
from queries.migrate import migrate
from queries.seen_events import inserts_under_way, seen_rows
from queries.server import Access, ServerOptions, read_address
from queries.statement import Statement
from tests.conftest import OVER_HTTP, ROOT, free_port

pytestmark = pytest.mark.skipif(OVER_HTTP, reason="starts listeners of its own, whatever the store of the tests is")
EMBEDDED = """
import sys
from queries.client import ClickHouse
from queries.migrate import migrate
from queries.statement import Statement
store = ClickHouse(sys.argv[1], readers=1)
migrate(store)
store.write(Statement("one", "INSERT INTO loads (load_id) SELECT {id:String}", {"id": sys.argv[2]}))
print(store.read(Statement("all", "SELECT arraySort(groupArray(load_id)) FROM loads")).rows[0][0])
store.close()
"""
ORDER = "INSERT INTO order_events (ts, kind, event_id, amount, orders) SELECT now64(3), 'paid', 'e1', 70000, 1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


def embedded(folder: Path, name: str) -> str:
    words = [sys.executable, "-c", EMBEDDED, f"chdb://{folder}/clickhouse", name]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True).stdout.strip()


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Listening]:
    """A store that embedded mode made, served."""
    embedded(folder, "before")
    listener = Listener(folder / "listener", folder / "clickhouse", free_port())
    yield listener.start()
    listener.stop()


def post(served: Listening, user: str, sql: str, **settings: object) -> str:
    answer = httpx.post(
        f"http://127.0.0.1:{served.port}/",
        params={"database": "default", **{name: str(value) for name, value in settings.items()}},
        content=sql,
        auth=(user, served.passwords.get(user, "")),
        trust_env=False,
        timeout=300,
    )
    return answer.text.strip()


REFUSED = (
    ("dashboard", "SELECT * FROM file('/etc/passwd', LineAsString)", 497),
    ("dashboard", "SELECT * FROM url('http://127.0.0.1:1/', LineAsString)", 497),
    ("dashboard", "SELECT * FROM remote('127.0.0.1', system.one)", 497),
    ("dashboard", "INSERT INTO loads (load_id) VALUES ('x')", 497),
    ("dashboard", "CREATE TABLE t (a Int8) ENGINE = MergeTree ORDER BY a", 497),
    ("dashboard", "DROP TABLE loads", 497),
    ("dashboard", "SET readonly = 0", 164),
    ("dashboard", "SELECT 1 SETTINGS max_execution_time = 0", 452),
    ("dashboard", "SELECT 1 SETTINGS max_execution_time = 61", 452),
    ("dashboard", "SELECT 1 SETTINGS max_memory_usage = 0", 452),
    ("dashboard", "SELECT 1 SETTINGS max_threads = 64", 452),
    ("dashboard", "SELECT 1 SETTINGS readonly = 0", 164),
    ("dashboard", "SELECT 1 SETTINGS readonly = 1, max_execution_time = 600", 164),
    ("dashboard", "SELECT 1 SETTINGS max_rows_to_read = 0", 452),
    ("dashboard", "SELECT 1 SETTINGS max_result_rows = 0", 452),
    ("dashboard", "ALTER TABLE order_events DELETE WHERE 1", 497),
    ("dashboard", "TRUNCATE TABLE order_events", 497),
    ("dashboard", "OPTIMIZE TABLE order_events", 497),
    ("dashboard", "BACKUP DATABASE default TO Disk('backups', 'x')", 497),
    ("ingest", "BACKUP DATABASE default TO Disk('backups', 'x')", 497),
    ("ingest", "SELECT * FROM file('/etc/passwd', LineAsString)", 497),
    ("ingest", "CREATE TABLE t (a Int8) ENGINE = MergeTree ORDER BY a", 497),
    ("ingest", "CREATE TABLE stage_k (a Int8) ENGINE = File(TSV, '/etc/passwd')", 497),
    ("ingest", "DROP TABLE order_events", 497),
    ("ingest", "TRUNCATE TABLE order_events", 497),
    ("ingest", "ALTER TABLE order_events DELETE WHERE 1", 497),
    ("admin", "SELECT * FROM url('http://127.0.0.1:1/', LineAsString)", 497),
    ("admin", "SELECT * FROM file('/etc/passwd', LineAsString)", 497),
    ("admin", "CREATE TABLE k (a Int8) ENGINE = Kafka('a', 'b', 'c', 'JSONEachRow')", 497),
    ("admin", "SYSTEM STOP LISTEN HTTP", 497),
    ("admin", "SYSTEM SHUTDOWN", 497),
)


@pytest.mark.parametrize(("role", "sql", "code"), REFUSED)
def test_a_role_may_not(served: Listening, role: str, sql: str, code: int) -> None:
    said = post(served, role, sql)
    assert said.startswith(f"Code: {code}."), said[:300]


def test_a_role_may_do_what_it_is_for(served: Listening) -> None:
    assert post(served, "dashboard", "SELECT load_id FROM loads") == "before"
    assert post(served, "dashboard", "SELECT 1 SETTINGS max_execution_time = 30, max_threads = 2") == "1"
    assert post(served, "ingest", "CREATE TABLE stage_a (a Int8) ENGINE = MergeTree ORDER BY a") == ""
    assert post(served, "ingest", "DROP TABLE stage_a SYNC") == ""
    assert post(served, "ingest", ORDER) == ""
    assert post(served, "dashboard", "SELECT sum(paid__amount) FROM orders_1m") == "70000"
    assert post(served, "admin", "ALTER TABLE loads MODIFY SETTING old_parts_lifetime = 60") == ""


@pytest.mark.parametrize("name", ["readonly", "max_execution_time", "max_memory_usage"])
def test_a_reader_cannot_raise_its_limits_by_the_address_either(served: Listening, name: str) -> None:
    said = post(served, "dashboard", "SELECT 1", **{name: 0})
    assert said.startswith(("Code: 164.", "Code: 452.")), said[:300]


def test_the_dashboards_quota_refuses_after_its_limit_and_nobody_else(tmp_path: Path) -> None:
    listener = Listener(tmp_path / "listener", tmp_path / "clickhouse", free_port(), queries_a_minute=5)
    told = listener.start()
    try:
        # of a table: the engine does not count `SELECT 1`
        asked = "SELECT count() > 0 FROM system.columns"
        said = [post(told, "dashboard", asked) for _ in range(20)]
        # a minute may begin in between, and counts anew
        assert said[:5] == ["1"] * 5 and said.count("1") <= 10, said
        refused = [answer for answer in said if answer != "1"]
        assert all(answer.startswith("Code: 201.") for answer in refused), refused[:1]
        assert [post(told, "ingest", asked) for _ in range(8)] == ["1"] * 8
    finally:
        listener.stop()


@pytest.mark.parametrize("user", ["default", "", "nobody", "dashboardx"])
def test_nobody_else_is_let_in(served: Listening, user: str) -> None:
    url, sent = f"http://127.0.0.1:{served.port}/", {"content": "SELECT 1", "trust_env": False, "timeout": 60}
    answer = httpx.post(url, auth=(user, ""), **sent)  # type: ignore[arg-type]
    assert answer.status_code in {401, 403, 404} and answer.text.strip() != "1"
    named = httpx.post(f"{url}?user={user}", **sent)  # type: ignore[arg-type]
    assert named.status_code in {401, 403, 404} and named.text.strip() != "1"


@pytest.mark.parametrize(
    "sql", ["SELECT * FROM loads", "SELECT * FROM file('/etc/passwd', LineAsString)", "DROP TABLE loads"]
)
def test_whoever_becomes_the_engines_own_user_can_do_nothing(served: Listening, sql: str) -> None:
    """A header may be right and name somebody else beside: that user has no password, and no rights."""
    auth = ("dashboard", "whatever")
    url = f"http://127.0.0.1:{served.port}/"
    more: dict[str, dict[str, str]]
    for more in ({"params": {"user": "default"}}, {"headers": {"X-ClickHouse-User": "default"}}):
        sent = {"content": sql.replace("loads", "default.loads"), "trust_env": False, "timeout": 60, **more}
        answer = httpx.post(url, auth=auth, **sent)  # type: ignore[arg-type]
        assert answer.status_code in {403, 404}, answer.text


def test_two_clients_read_one_store_and_retries_count_once(served: Listening) -> None:
    one, two = ClickHouse(served.access(), readers=1), ClickHouse(served.access(), readers=1)
    try:
        assert migrate(one) == []
        again = Statement(
            "again", "INSERT INTO loads (load_id) SELECT 'once'", settings={"insert_deduplication_token": "t1"}
        )
        for store in (one, two, one):
            store.write(again)
        count = Statement("count", "SELECT count() FROM loads WHERE load_id = 'once'")
        assert one.read(count).rows == two.read(count).rows == [(1,)]
    finally:
        one.close()
        two.close()


def test_what_was_written_over_http_is_there_in_embedded_mode_again(tmp_path: Path) -> None:
    listener = Listener(tmp_path / "listener", tmp_path / "clickhouse", free_port())
    store = ClickHouse(listener.start().access(), readers=1)
    migrate(store)
    store.write(Statement("one", "INSERT INTO loads (load_id) SELECT 'http'"))
    with pytest.raises(StoreBusyError, match="another process"):
        Listener(tmp_path / "second", tmp_path / "clickhouse", free_port()).start()
    assert running(tmp_path / "listener") == listener.told
    assert (tmp_path / "listener" / NOTE).stat().st_mode & 0o077 == 0
    store.close()
    listener.kill()
    assert running(tmp_path / "listener") is None and not answering(listener.port)
    assert embedded(tmp_path, "embedded") == "['embedded', 'http']"


def test_a_listener_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from queries.listener import Listener; "
        "told = Listener(Path(sys.argv[1]) / 'l', Path(sys.argv[1]) / 'd', int(sys.argv[2])).start(); "
        "print(told.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    port = free_port()
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), str(port)], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert int(run.stdout) > 0
    # the store is free again: a second listener on it starts
    for _ in range(100):
        try:
            listener = Listener(tmp_path / "l", tmp_path / "d", free_port())
            listener.start()
            break
        except StoreBusyError:
            continue
    listener.kill()


def unreachable(access: Access) -> QueryFailedError:
    with pytest.raises(QueryFailedError) as failed:
        ClickHouse(access, readers=1)
    assert "\n" not in str(failed.value)
    return failed.value


def test_a_server_that_cannot_be_reached_is_one_line_and_worth_another_try() -> None:
    problem = unreachable(Access(f"http://u:secret@127.0.0.1:{free_port()}/w", options=ServerOptions(connect_s=1)))
    assert "does not answer" in str(problem) and problem.retryable and "secret" not in str(problem)


def test_a_wrong_password_database_or_protocol_is_said_and_not_tried_again(served: Listening) -> None:
    right = served.access()
    wrong = unreachable(replace(right, read=right.read.replace(served.passwords["dashboard"], "guess")))
    assert "refuses the user 'dashboard'" in str(wrong) and not wrong.retryable and "guess" not in str(wrong)
    missing = unreachable(replace(right, read=right.read.replace("/default", "/nowhere")))
    assert ("nowhere" in str(missing)) and not missing.retryable
    tls = unreachable(replace(right, read=right.read.replace("http://", "https://")))
    assert "TLS" in str(tls) and not tls.retryable


@pytest.mark.parametrize("dsn", ["ftp://h/d", "http://", "http://h:x/d", "h:8123", "http://h/d?verify=false"])
def test_a_dsn_that_cannot_be_read_is_refused_without_its_password(dsn: str) -> None:
    with pytest.raises(BadRequestError):
        read_address(dsn)


def test_a_password_may_hold_any_character() -> None:
    address = read_address("https://a%40b:p%2F%3A%23@host/w")
    assert (address.user, address.password, address.port, address.database) == ("a@b", "p/:#", 8443, "w")
    assert address.shown == "https://a@b@host:8443/w"


def test_the_note_of_a_listener_that_is_gone_is_nobody(tmp_path: Path) -> None:
    gone = {"pid": 2**22 + 1, "port": free_port(), "passwords": {}}
    (tmp_path / NOTE).write_text(json.dumps(gone), "utf-8")
    assert running(tmp_path) is None


def test_one_user_alone_needs_the_roles_that_write_and_not_the_dashboards(served: Listening) -> None:
    alone = ClickHouse(Access(served.dsn("admin")), readers=1)
    assert migrate(alone) == []
    alone.write(Statement("one", "INSERT INTO loads (load_id) SELECT 'alone'"))
    assert alone.read(Statement("it", "SELECT count() FROM loads WHERE load_id = 'alone'")).rows[0][0] == 1
    alone.close()
    looking = ClickHouse(Access(served.dsn("dashboard")), readers=1)
    with pytest.raises(QueryFailedError) as refused:
        looking.write(Statement("one", "INSERT INTO loads (load_id) SELECT 'refused'"))
    assert refused.value.code in (164, 497)  # READONLY, ACCESS_DENIED
    looking.close()


def test_an_insert_that_a_server_still_makes_is_waited_for(served: Listening, tmp_path: Path) -> None:
    """As after a kill: looked for before it ends, its events would be sent a second time."""
    store = ClickHouse(served.access(), readers=1)
    rows = "SELECT if(sleepEachRow(0.5) = 0, 'slow', '') FROM numbers(6) SETTINGS max_block_size = 1"
    slow = f"INSERT INTO loads (load_id) {rows}"
    inserting = threading.Thread(target=lambda: store.write(Statement("slow", slow)))
    inserting.start()
    while not inserts_under_way(store):
        time.sleep(0.01)
    with Spool(tmp_path / SPOOL) as spool:
        spool.keep([Part("seen_events", "left", seen_rows(["s"], ["e"], 1))])
    assert send_leftovers(store, tmp_path) == 1
    assert inserts_under_way(store) == 0
    inserting.join()
    assert store.read(Statement("slow", "SELECT count() FROM loads WHERE load_id = 'slow'")).rows[0][0] == 6
    store.close()
