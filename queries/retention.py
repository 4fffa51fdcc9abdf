"""How long tables keep their rows: settings become TTLs, and what is gone is refused, not answered with 0."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from core.errors import BadRequestError
from queries.client import ClickHouse
from queries.rollups import DAY, HOUR, RAW, ROLLUPS, SECONDS, Source, raw_source
from queries.statement import Statement
from queries.watermark import watermarks

TTL = re.compile(r"\bTTL [^\n]*? \+ toInterval(Day|Month)\((\d+)\)")
EXISTING = (
    "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
)
SHORTEST_MONTH = 28  # days; what a TTL of months keeps in any month

_known: WeakKeyDictionary[ClickHouse, dict[str, timedelta]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Retention:
    """For how long rows are kept; 0 is for ever."""

    raw_days: int = 0
    minute_days: int = 0
    rollup_months: int = 0

    def of(self, source: Source) -> str:
        """The TTL of a source's table as SQL, '' for none."""
        if source.is_raw:
            return _ttl(source.time, "Day", self.raw_days)
        if source.step in {HOUR, DAY}:
            return _ttl(source.time, "Month", self.rollup_months)
        return _ttl(source.time, "Day", self.minute_days)


def _ttl(time: str, unit: str, number: int) -> str:
    return f"toDateTime({time}) + toInterval{unit}({number})" if number else ""


def sources() -> tuple[Source, ...]:
    """Every ledger and rollup."""
    return (*(raw_source(ledger) for ledger in RAW), *SECONDS.values(), *ROLLUPS)


def apply_retention(clickhouse: ClickHouse, retention: Retention, now: datetime) -> list[str]:
    """Give every ledger and rollup its TTL, or take it away; returns the tables that changed.

    A shorter TTL drops rows in the background, whole parts at a time; there is no way back. Raises BadRequestError
    where it would drop a store of old data whole.
    """
    newest = [mark.reached for mark in watermarks(clickhouse, now) if mark.reached]
    if newest and retention.raw_days and max(newest) < now - timedelta(days=retention.raw_days):
        raise BadRequestError(
            f"RAW_DAYS={retention.raw_days} would drop every event of this store: "
            f"the newest is of {max(newest):%Y-%m-%d}"
        )
    existing = dict(clickhouse.read(Statement("tables and their TTLs", EXISTING)).rows)
    changed = []
    for source in sources():
        wanted, found = retention.of(source), TTL.search(existing.get(source.table, ""))
        if source.table not in existing or (found[0].removeprefix("TTL ") if found else "") == wanted:
            continue
        name = f"retention of {source.table}"
        if wanted:
            clickhouse.write(Statement(name, f"ALTER TABLE {source.table} MODIFY SETTING ttl_only_drop_parts = 1"))
            clickhouse.write(Statement(name, f"ALTER TABLE {source.table} MODIFY TTL {wanted}"))
        else:
            clickhouse.write(Statement(name, f"ALTER TABLE {source.table} REMOVE TTL"))
        changed.append(source.table)
    _known.pop(clickhouse, None)
    return changed


def kept_for(clickhouse: ClickHouse) -> Mapping[str, timedelta]:
    """For how long each table that has a TTL surely keeps its rows. Asked once a store."""
    if clickhouse not in _known:
        found = ((name, TTL.search(sql)) for name, sql in clickhouse.read(Statement("TTLs", EXISTING)).rows)
        _known[clickhouse] = {
            name: timedelta(days=int(ttl[2]) * (1 if ttl[1] == "Day" else SHORTEST_MONTH)) for name, ttl in found if ttl
        }
    return _known[clickhouse]


def check_kept(clickhouse: ClickHouse, oldest: Mapping[str, datetime], now: datetime) -> None:
    """Raises BadRequestError when a question reads a table before the time from which it keeps its rows."""
    for table, start in oldest.items():
        kept = kept_for(clickhouse).get(table)
        if kept is not None and start < now - kept:
            raise BadRequestError(
                f"this needs {table} from {start:%Y-%m-%d %H:%M} UTC, which is kept for {kept.days} days only: "
                "ask for whole hours or days, fewer filters, or a later time"
            )
