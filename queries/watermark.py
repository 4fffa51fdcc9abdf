"""How far each ledger has come, from the parts' own minima and maxima, and every ten seconds from its sources."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from metrics.snapshot import MARKERS, Watermark
from queries.builder import MOMENT
from queries.client import ClickHouse
from queries.own_sources import own_of
from queries.rollups import RAW
from queries.sources import held_back
from queries.statement import Statement

NEWEST = "SELECT toInt64(count()), max(ts) FROM {table}"
TABLES = {**RAW, MARKERS: "markers"}
EACH = " UNION ALL ".join(f"SELECT '{ledger}', toInt64(count()), max(ts) FROM {table}" for ledger, table in RAW.items())
MARKER = f"SELECT '{MARKERS}', toInt64(count()), max(ts) FROM markers WHERE ts < {{until:{MOMENT}}}"
NEWEST_PAST = f"{NEWEST} WHERE ts <= {{{{now:{MOMENT}}}}} AND ts > {{{{since:{MOMENT}}}}}"
# How far back to look, in turn, when a ledger holds events dated after now: rows have to be read then.
LATER = datetime.max.replace(tzinfo=UTC)
REACHES = (timedelta(minutes=5), timedelta(days=1), timedelta(days=36_500))


def watermarks(clickhouse: ClickHouse, now: datetime, until: datetime | None = None) -> tuple[Watermark, ...]:
    """One watermark per ledger, that of markers last: its newest event, unless a source that was lively until lately
    has fallen silent, which holds it back for ten minutes. Events dated after `now` do not move it: a wrong clock must
    not make a wall fresh. Markers count before `until`, the moment up to which numbers are asked: one is not said to be
    shown while an order of the same moment is not."""
    until, own = until or now, own_of(clickhouse).ledgers
    if own:  # their tables may be large and know no newest row by heart: look back from now instead
        found = dict.fromkeys(RAW, (1, LATER))
        asked = Statement("watermarks", MARKER, {"until": until})
    else:
        found, asked = {}, Statement("watermarks", f"{EACH} UNION ALL {MARKER}", {"until": until})
    found |= {ledger: (count, reached) for ledger, count, reached in clickhouse.read(asked).rows}
    marks = tuple(_watermark(clickhouse, ledger, *found[ledger], now) for ledger in TABLES)
    back = held_back(clickhouse, now) if not own and any(mark.reached for mark in marks) else {}
    return tuple(_held_to(mark, back.get(mark.ledger), now) for mark in marks)


def _held_to(mark: Watermark, source: datetime | None, now: datetime) -> Watermark:
    if source is None or mark.reached is None or source >= mark.reached:
        return mark
    return Watermark(mark.ledger, source, (now - source).total_seconds())


def _watermark(clickhouse: ClickHouse, ledger: str, count: int, reached: datetime, now: datetime) -> Watermark:
    if count and reached > now:
        for reach in REACHES:
            parameters = {"now": now, "since": now - reach}
            past = Statement(f"watermark of {ledger} until now", NEWEST_PAST.format(table=TABLES[ledger]), parameters)
            ((count, reached),) = clickhouse.read(past).rows
            if count:
                break
    if not count:
        return Watermark(ledger, None, None)
    return Watermark(ledger, reached, (now - reached).total_seconds())
