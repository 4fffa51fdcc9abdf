"""How far each ledger has come, read from the parts' own minima and maxima rather than from rows."""

from __future__ import annotations

from datetime import datetime

from metrics.snapshot import Watermark
from queries.builder import MOMENT
from queries.client import ClickHouse
from queries.rollups import RAW
from queries.statement import Statement

NEWEST = "SELECT toInt64(count()), max(ts) FROM {table}"
NEWEST_PAST = f"SELECT toInt64(count()), max(ts) FROM {{table}} WHERE ts <= {{{{now:{MOMENT}}}}}"


def watermarks(clickhouse: ClickHouse, now: datetime) -> tuple[Watermark, ...]:
    """One watermark per ledger. Events dated after `now` do not move it: a wrong clock must not make a wall fresh."""
    return tuple(_watermark(clickhouse, ledger, table, now) for ledger, table in RAW.items())


def _watermark(clickhouse: ClickHouse, ledger: str, table: str, now: datetime) -> Watermark:
    ((count, reached),) = clickhouse.read(Statement(f"watermark of {ledger}", NEWEST.format(table=table))).rows
    if count and reached > now:
        statement = Statement(f"watermark of {ledger} until now", NEWEST_PAST.format(table=table), {"now": now})
        ((count, reached),) = clickhouse.read(statement).rows
    if not count:
        return Watermark(ledger, None, None)
    return Watermark(ledger, reached, (now - reached).total_seconds())
