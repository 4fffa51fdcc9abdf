"""A load that is killed in the middle and run again ends with every event once, in ledgers and rollups alike."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

ORDERS = 900


@pytest.fixture(scope="module")
def orders_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """900 orders over three days, all paid, and a row that is refused."""
    path = tmp_path_factory.mktemp("orders") / "orders.csv"
    lines = ["订单编号,总金额,买家实际支付金额,收货地址 ,订单创建时间,订单付款时间 ,退款金额"]
    for number in range(ORDERS):
        day, hour, minute = 1 + number // 300, number % 24, number % 60
        moment = f"2020-02-0{day} {hour:02}:{minute:02}"
        lines.append(f"{number},{number}.25,0,北京,{moment}:00,{moment}:30,0")
    lines.append("x,1,0,火星,2020-02-01 00:00:00,,0")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def run(store: Path, file: Path, last_words: str = "", spared: int = 0, delay_s: float = 0.0) -> dict[str, Any] | None:
    """One run in its own process; None when it was killed."""
    arguments = [str(store), str(file), last_words, str(spared), str(delay_s)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.ingest.killed_load", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode == -signal.SIGKILL:
        return None
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize(
    ("last_words", "spared", "delay_s", "resumed"),
    [
        ("check rows", 0, 0.0, False),
        ("load orders", 0, 0.004, True),
        ("load orders", 2, 0.008, True),
    ],
)
def test_a_killed_load_ends_with_each_event_once(
    tmp_path: Path, orders_file: Path, last_words: str, spared: int, delay_s: float, resumed: bool
) -> None:
    assert run(tmp_path / "store", orders_file, last_words, spared, delay_s) is None
    state = run(tmp_path / "store", orders_file)
    assert state is not None
    paid = sum(number * 10_000 + 2_500 for number in range(ORDERS))
    assert state["ledger"] == [2 * ORDERS, 2 * ORDERS, paid]
    assert state["minutes"] == state["hours"] == [paid, ORDERS]
    assert state["dead"] == [1]
    assert state["loads"] == [["orders.csv", ORDERS + 1, 2 * ORDERS]]
    assert state["left"] == []
    assert state["finished"] == (["orders.csv"] if resumed else [])
