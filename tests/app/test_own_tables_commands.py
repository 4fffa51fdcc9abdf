"""A store of own tables from the command line to the wall: checked, printed, applied, asked, removed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(
    os.environ.get("LIVEWALL_TEST_HTTP", "") == "1", reason="commands on an embedded store of their own"
)
EXAMPLE = "queries/own_tables/examples/shop.yaml"
MAKE = """
import sys
from queries.client import ClickHouse
from queries.statement import Statement
from tests.queries.shop import TABLES, Shop, fill_shop
store = ClickHouse(f"chdb://{sys.argv[1]}/clickhouse", readers=1)
run = lambda sql: store.administer(Statement("shop writes", sql))
for sql in TABLES:
    run(sql)
fill_shop(Shop(store, run))
store.close()
"""
WALL = """
from datetime import UTC, datetime, timedelta
from pathlib import Path
from app.main import build_wall
from app.settings import read_settings
from app.store import keep_retention, open_store, settle_profile
from core.clock import ManualClock
from metrics.ask import CURRENT, Ask
from metrics.calendar import Span
settings = read_settings()
clock = ManualClock(datetime(2026, 11, 11, 4, 0, tzinfo=UTC))
profile = settle_profile(settings.store, None)
store = open_store(settings.store, settings.clickhouse_dsn, 2)
keep_retention(store, settings, clock.now())
wall = build_wall(settings, store, profile, clock)
wall.start()
start = datetime(2026, 11, 9, 16, 0, tzinfo=UTC)
ask = Ask("gmv", ("paid_gmv",), ((CURRENT, Span(start, start + timedelta(days=2))),))
print("simulated", profile.simulated, "paid", wall.ask(ask).rows[0].values[CURRENT]["paid_gmv"])
wall.stop()
store.close()
"""


def run(store: Path, *words: str, code: int = 0) -> str:
    """What a command says, both streams; its exit code has to be `code`."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env={**os.environ, "STORE": str(store), "RAW_DAYS": "0"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_store_of_own_tables_from_check_to_wall(tmp_path: Path) -> None:
    store, wrong = tmp_path / "shop_store", tmp_path / "shop.yaml"
    wrong.write_text((ROOT / EXAMPLE).read_text("utf-8").replace("user_id: visitor", "user_id: visiter"), "utf-8")
    run(store, "-c", MAKE, str(store))

    told = run(store, "-m", "app", "check", "--own-tables", str(wrong), code=2)
    line = "tables.clicks.shared.user_id: shop.clicks has no column 'visiter'; did you mean 'visitor'?"
    assert f"error: shop.yaml: {line}" in told
    assert "nothing was changed" in run(store, "-m", "app", "own-tables", "apply", str(wrong), code=2)
    assert "shop: 0 errors, not applied" in run(store, "-m", "app", "check", "--own-tables", EXAMPLE)
    assert "CREATE VIEW order_events" in run(store, "-m", "app", "own-tables", "apply", EXAMPLE, "--print")
    assert "are not applied" in run(store, "-m", "app", "own-tables", "remove", "shop", code=2)  # printed, not run

    run(store, "-m", "app", "own-tables", "apply", EXAMPLE)
    asked = ["paid_gmv", "--from", "2026-11-10", "--to", "2026-11-12", "--format", "csv"]
    paid = run(store, "-m", "app", "query", "--metrics", *asked).split()[-1].split(",")[-1]
    assert float(paid) > 100_000
    shown = run(store, "-c", WALL).splitlines()
    assert f"simulated False paid {float(paid)}" in shown

    assert "DROP VIEW" in run(store, "-m", "app", "own-tables", "remove", "shop", "--print")
    run(store, "-m", "app", "own-tables", "remove", "shop")
    again = run(store, "-m", "app", "query", "--metrics", *asked).split()[-1].split(",")[-1]
    assert again != paid
