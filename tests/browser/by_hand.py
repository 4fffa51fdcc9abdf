"""A store whose wall is dead: an order paid into it, and what was paid in it, summed up from its single events.

In a process of its own (`python -m tests.browser.by_hand STORE …`): the engine holds one store a process, and that of
the tests has its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from queries.client import ClickHouse
from queries.statement import Statement
from tests.browser.real import pay
from tests.conftest import ROOT

PROVINCE = "440000"
# A number shown is of all events before a whole second, and was asked for soon after it: what was on its way into the
# store then, for five seconds on a busy machine, or came in later, may be in it or not.
PAID = """
SELECT toInt64(sumIf(amount, ingested_at < {asked:DateTime64(3, 'UTC')} - INTERVAL 5 SECOND)), toInt64(sum(amount))
FROM order_events
WHERE kind = 'paid' AND province = {province:String} AND ts < {until:DateTime64(3, 'UTC')}
  AND toDate(ts, 'Asia/Shanghai') = toDate({until:DateTime64(3, 'UTC')} - INTERVAL 1 MILLISECOND, 'Asia/Shanghai')
"""


@dataclass(frozen=True, slots=True)
class Between:
    """What was paid until a moment at the least and at the most; the same where nothing came late."""

    least: Decimal
    most: Decimal


def pay_into(store: Path, amount: int) -> None:
    _run(store, "pay", str(amount))


def paid_until(store: Path, moments: list[str]) -> list[Between]:
    """For each moment that a wall said to have asked at, in ISO 8601."""
    pairs = json.loads(_run(store, "paid", *moments))
    return [Between(*(Decimal(amount) / 10_000 for amount in pair)) for pair in pairs]


def _run(store: Path, *words: str) -> str:
    said = subprocess.run(
        [sys.executable, "-m", "tests.browser.by_hand", str(store), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert said.returncode == 0, said.stderr
    return said.stdout


def _paid(clickhouse: ClickHouse, moment: str) -> tuple[int, int]:
    asked = datetime.fromisoformat(moment)
    parameters = {"asked": asked, "until": asked.replace(microsecond=0), "province": PROVINCE}
    ((least, most),) = clickhouse.read(Statement("paid by hand", PAID, parameters)).rows
    return least, most


def main(store: str, what: str, *words: str) -> None:
    with closing(ClickHouse(f"chdb://{store}/clickhouse", readers=1)) as clickhouse:
        if what == "pay":
            pay(clickhouse, datetime.now(UTC), float(words[0]), "while the wall was dead", province=PROVINCE)
        else:
            sys.stdout.write(json.dumps([_paid(clickhouse, moment) for moment in words]))


if __name__ == "__main__":
    main(*sys.argv[1:])
