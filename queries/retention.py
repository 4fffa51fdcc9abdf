"""How long tables keep their rows: settings become TTLs, and what is gone is refused, not answered with 0."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from core.errors import BadRequestError
from queries.client import ClickHouse
from queries.rollups import (
    DAY,
    HOUR,
    LOCAL,
    RAW,
    ROLLUPS,
    SECONDS,
    SUM_ROLLUPS,
    UNIQ_ROLLUPS,
    Source,
    raw_source,
)
from queries.statement import Statement

TTL = re.compile(r"\bTTL [^\n]*? \+ toInterval(Day|Month)\((\d+)\)")
EXISTING = (
    "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
)
SHORTEST_MONTH = 28  # days; what a TTL of months keeps in any month
# A file's event must still be known, its business day be whole, when its load broke off and is finished a day later.
EDGE = timedelta(days=2)
DROPPED = {"RAW_DAYS": "event", "MINUTE_DAYS": "second and minute", "ROLLUP_MONTHS": "hour and day"}
NOW = "SELECT now64(3, 'UTC')"
NEWEST = (
    "SELECT toDateTime64(maxOrNull({time}), 3, 'UTC') AS at FROM {table} WHERE {time} <= {{now:DateTime64(3, 'UTC')}}"
)

_known: WeakKeyDictionary[ClickHouse, dict[str, timedelta]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Retention:
    """For how long rows are kept; 0 is for ever."""

    raw_days: int = 0
    minute_days: int = 0
    rollup_months: int = 0

    def of(self, source: Source) -> str:
        """The TTL of a source's table as SQL, '' for none."""
        unit = "Month" if self.setting(source) == "ROLLUP_MONTHS" else "Day"
        return _ttl(source.time, unit, self.number(source))

    def number(self, source: Source) -> int:
        """For how many days or months a source's table is kept."""
        numbers = {"RAW_DAYS": self.raw_days, "MINUTE_DAYS": self.minute_days, "ROLLUP_MONTHS": self.rollup_months}
        return numbers[self.setting(source)]

    @staticmethod
    def setting(source: Source) -> str:
        """What the setting for a source's table is called."""
        if source.is_raw:
            return "RAW_DAYS"
        return "ROLLUP_MONTHS" if source.step in {HOUR, DAY} else "MINUTE_DAYS"


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
    existing = dict(clickhouse.read(Statement("tables and their TTLs", EXISTING)).rows)
    due = []
    for source in sources():
        wanted, found = retention.of(source), TTL.search(existing.get(source.table, ""))
        if source.table in existing and (found[0].removeprefix("TTL ") if found else "") != wanted:
            due.append(source)
    for setting, what in DROPPED.items():
        _refuse_to_empty(clickhouse, retention, setting, what, due, now)
    for source in due:
        name, wanted = f"retention of {source.table}", retention.of(source)
        if wanted:
            clickhouse.write(Statement(name, f"ALTER TABLE {source.table} MODIFY SETTING ttl_only_drop_parts = 1"))
            clickhouse.write(Statement(name, f"ALTER TABLE {source.table} MODIFY TTL {wanted}"))
        else:
            clickhouse.write(Statement(name, f"ALTER TABLE {source.table} REMOVE TTL"))
    _known.pop(clickhouse, None)
    return [source.table for source in due]


def _refuse_to_empty(
    clickhouse: ClickHouse, retention: Retention, setting: str, what: str, due: Sequence[Source], now: datetime
) -> None:
    """Raises BadRequestError when a setting gives tables a TTL that none of their rows outlives."""
    concerned = [source for source in due if retention.setting(source) == setting and retention.number(source)]
    if not concerned:
        return
    each = " UNION ALL ".join(NEWEST.format(time=source.time, table=source.table) for source in concerned)
    asked = Statement("newest rows", f"SELECT max(at) FROM ({each})", {"now": now})
    ((newest,),) = clickhouse.read_long(asked).rows
    number = retention.number(concerned[0])
    days = number * (SHORTEST_MONTH if setting == "ROLLUP_MONTHS" else 1)
    if newest is not None and newest < now - timedelta(days=days):
        raise BadRequestError(
            f"{setting}={number} would drop every {what} of this store: the newest is of {newest:%Y-%m-%d}"
        )


def kept_for(clickhouse: ClickHouse) -> Mapping[str, timedelta]:
    """For how long each table that has a TTL surely keeps its rows. Asked once a store."""
    kept = _known.get(clickhouse)
    if kept is None:
        found = ((name, TTL.search(sql)) for name, sql in clickhouse.read(Statement("TTLs", EXISTING)).rows)
        _known[clickhouse] = kept = {
            name: timedelta(days=int(ttl[2]) * (1 if ttl[1] == "Day" else SHORTEST_MONTH)) for name, ttl in found if ttl
        }
    return kept


def kept_from(clickhouse: ClickHouse) -> dict[str, datetime]:
    """From when on each table that has a TTL surely keeps its rows; a cluster's own tables under the name of all.

    The engine is asked for the time, because TTLs go by its clock, and anew for the TTLs: who writes by them must not
    miss that another process has changed them. Raises QueryFailedError.
    """
    _known.pop(clickhouse, None)
    kept = kept_for(clickhouse)
    if not kept:
        return {}
    ((now,),) = clickhouse.read(Statement("the engine's time", NOW)).rows
    return {name.removesuffix(LOCAL): now - so_long for name, so_long in kept.items()}


def taken_from(clickhouse: ClickHouse) -> dict[str, datetime]:
    """From when on a file's events are taken, by ledger; one that keeps everything is not named.

    Older ones would be gone at once from where a load looks for what it has, and be counted again by the next file; or
    from the minutes that hours are made of, where an interrupted load could not be mended. Raises QueryFailedError.
    """
    kept = kept_from(clickhouse)
    taken = {}
    for ledger, table in RAW.items():
        rollups = (*SUM_ROLLUPS.get(ledger, ()), *UNIQ_ROLLUPS.get(ledger, ()), *filter(None, [SECONDS.get(ledger)]))
        tables = [table, *(source.table for source in rollups if source.step < HOUR)]
        found = [kept[name] for name in tables if name in kept]
        if found:
            taken[ledger] = max(found) + EDGE
    return taken


def check_kept(clickhouse: ClickHouse, oldest: Mapping[str, datetime], now: datetime) -> None:
    """Raises BadRequestError when a question reads a table before the time from which it keeps its rows."""
    for table, start in oldest.items():
        kept = kept_for(clickhouse).get(table)
        if kept is not None and start < now - kept:
            raise BadRequestError(
                f"this needs {table} from {start:%Y-%m-%d %H:%M} UTC, which is kept for {kept.days} days only: "
                "ask for whole hours or days, fewer filters, or a later time"
            )
