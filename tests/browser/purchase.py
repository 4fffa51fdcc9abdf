"""Somebody looks and buys: one event in each ledger, so that the number moves and the watermark with it."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from ingest.event import BEHAVIOUR
from ingest.world import SOURCE
from ingest.writer import Writer
from queries.client import ClickHouse
from queries.statement import Statement
from tests.browser.real import pay


def clear_of_midnight(needed_s: float) -> None:
    """Wait for the next Shanghai day where too little is left of this one: a day's number begins anew with it."""
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    left = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0) - now
    if left.total_seconds() < needed_s:
        time.sleep(left.total_seconds() + 1)


def buy(clickhouse: ClickHouse, at: datetime, amount: float, name: str) -> None:
    """An order of Guangdong, paid now by somebody who looked. Of the simulator's source: if that fell silent, it would
    hold the watermark back for ten minutes."""
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    row: dict[str, Any] = {
        **dict.fromkeys(BEHAVIOUR.schema.names, ""),
        "ts": at,
        "kind": "view",
        "quantity": 1,
        "event_id": f"{name}-view",
        "channel": "live",
        "country": "CHN",
        "province": "440000",
        "source": SOURCE,
    }
    batch = pa.table({field.name: pa.array([row[field.name]]).cast(field.type) for field in BEHAVIOUR.schema})
    Writer(clickhouse).write(BEHAVIOUR, batch, f"test:{name}-view")
    pay(clickhouse, at, amount, name, source=SOURCE)


def paid_by_hand(clickhouse: ClickHouse, at: datetime, text: str, province: str = "") -> str:
    """What was paid on the Shanghai day of a moment, summed up from single events and written with as many decimals as
    a text has."""
    day = "toDate({at:DateTime64(3, 'UTC')}, 'Asia/Shanghai')"
    sql = (
        "SELECT toInt64(sum(amount)) FROM order_events WHERE kind = 'paid' "
        f"AND toDate(ts, 'Asia/Shanghai') = {day} AND (province = {{province:String}} OR {{province:String}} = '')"
    )
    ((amount,),) = clickhouse.read(Statement("paid by hand", sql, {"at": at, "province": province})).rows
    return f"{as_in(text, Decimal(amount) / 10_000):,f}"


def as_in(text: str, amount: Decimal) -> Decimal:
    """An amount with as many decimals as a text has, rounded half up as the wall does it."""
    return amount.quantize(Decimal(1).scaleb(-len(text.partition(".")[2])), rounding=ROUND_HALF_UP)


def number(text: str) -> Decimal:
    """A number as it stands on the screen, in full."""
    return Decimal(text.replace(",", ""))
