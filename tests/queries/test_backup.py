"""Backup and restore as docs/how-to/operate.md tells it: the restored store gives the same numbers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from queries.client import ClickHouse
from queries.listener import Listener, Listening
from queries.migrate import migrate
from queries.statement import Statement
from tests.conftest import OVER_HTTP, ROOT, free_port

pytestmark = pytest.mark.skipif(OVER_HTTP, reason="starts listeners of its own, whatever the store of the tests is")
ORDERS = """
INSERT INTO order_events (ts, kind, event_id, order_id, amount, orders, province)
SELECT toDateTime64('2026-11-10 02:00:00', 3, 'UTC') + number, 'paid', concat('e', toString(number)),
       concat('o', toString(number)), 100 + number, 1, if(number % 2, '440000', '330000')
FROM numbers(500)
"""
RAW = "SELECT count(), sum(amount) FROM order_events"
ROLLED = "SELECT province, sum(paid__amount) FROM orders_1h GROUP BY province ORDER BY province"
TOTAL = sum(range(100, 600))


def numbers(store: ClickHouse) -> list[tuple[object, ...]]:
    return [*store.read(Statement("raw", RAW)).rows, *store.read(Statement("rolled", ROLLED)).rows]


def as_admin(served: Listening, sql: str) -> str:
    auth = ("admin", served.passwords["admin"])
    answer = httpx.post(f"http://127.0.0.1:{served.port}/", content=sql, auth=auth, trust_env=False, timeout=300)
    return answer.text.strip()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Listening]]:
    """A served store with five hundred paid orders."""
    folder = tmp_path_factory.mktemp("shop")
    listener = Listener(folder / "listener", folder / "clickhouse", free_port())
    store = ClickHouse(listener.start().access(), readers=1)
    migrate(store)
    store.write(Statement("orders", ORDERS))
    assert numbers(store)[0] == (500, TOTAL)
    store.close()
    yield folder, listener.told
    listener.stop()


def test_a_backup_taken_while_the_store_is_served_restores_into_a_new_folder(
    shop: tuple[Path, Listening], tmp_path: Path
) -> None:
    folder, served = shop
    said = as_admin(served, "BACKUP DATABASE default TO Disk('backups', 'monday')")
    assert said.endswith("BACKUP_CREATED"), said
    store = ClickHouse(served.access(), readers=1)
    before = numbers(store)
    # what comes after the backup is not in it
    store.write(Statement("later", "INSERT INTO order_events (ts, kind, event_id) SELECT now64(3), 'paid', 'late'"))
    assert numbers(store) != before
    store.close()

    shutil.copytree(folder / "backups" / "monday", tmp_path / "backups" / "monday")
    listener = Listener(tmp_path / "listener", tmp_path / "clickhouse", free_port())
    new = listener.start()
    try:
        said = as_admin(new, "RESTORE DATABASE default FROM Disk('backups', 'monday')")
        assert said.endswith("RESTORED"), said
        restored = ClickHouse(new.access(), readers=1)
        assert migrate(restored) == [], "the register of migrations comes back too"
        assert numbers(restored) == before
        # views came back as well: a further event reaches the rollups
        restored.write(Statement("one more", ORDERS.replace("concat('e'", "concat('f'").replace("(500)", "(1)")))
        assert numbers(restored)[0] == (501, TOTAL + 100)
        assert sum(int(str(row[1])) for row in numbers(restored)[1:]) == TOTAL + 100
        restored.close()
    finally:
        listener.stop()


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("BACKUP DATABASE default TO File('/etc/livewall')", 497),
        ("BACKUP DATABASE default TO Disk('default', 'b')", 36),
        ("BACKUP DATABASE default TO Disk('backups', '../b')", 36),
        ("BACKUP DATABASE system TO Disk('backups', 's')", 497),
        ("CREATE DATABASE other", 497),
        (
            "CREATE TABLE default.t (a Int8) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type=local, path='/')",
            36,
        ),
    ],
)
def test_a_backup_goes_to_its_own_folder_only(shop: tuple[Path, Listening], sql: str, code: int) -> None:
    said = as_admin(shop[1], sql)
    assert said.startswith(f"Code: {code}."), said[:300]


@pytest.mark.parametrize("role", ["dashboard", "ingest"])
def test_only_the_admin_backs_up(shop: tuple[Path, Listening], role: str) -> None:
    served = shop[1]
    answer = httpx.post(
        f"http://127.0.0.1:{served.port}/",
        content="BACKUP DATABASE default TO Disk('backups', 'mine')",
        auth=(role, served.passwords[role]),
        trust_env=False,
    )
    assert answer.text.startswith("Code: 497."), answer.text[:300]


COPY = """
import os, shutil, sys
from typer.testing import CliRunner
from app.__main__ import cli

shop, copy = sys.argv[1] + "/shop", sys.argv[1] + "/copy"
days = ["--from", "2020-02-01", "--to", "2020-02-03"]

def app(store, *words):
    os.environ["STORE"] = store
    run = CliRunner().invoke(cli, words)
    assert run.exit_code == 0, run.output
    print(run.output)

app(shop, "load", "tmall", "tests/data/tmall_small.csv")
shutil.copytree(shop, copy, symlinks=True)
shutil.rmtree(shop)  # nothing of the copy may lead back to the first
app(copy, "query", "--metrics", "paid_gmv,orders_paid", "--by", "day", *days, "--format", "csv")
app(copy, "reconcile", *days)
"""


def test_a_copied_folder_is_the_same_store(tmp_path: Path) -> None:
    """In a process of its own, as each embedded store."""
    environment = {**os.environ, "DSN": "", "NO_COLOR": "1"}
    words = [sys.executable, "-c", COPY, str(tmp_path)]
    run = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert "2020-02-01,108.1,2" in run.stdout and "2020-02-02,20.5,1" in run.stdout, run.stdout
    assert ", 0 differ" in run.stdout
