"""How far each source of events has come, which have gone silent, and which of those hold the watermark back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from queries.builder import MOMENT
from queries.client import ClickHouse
from queries.rollups import DAY, HOUR, RAW
from queries.statement import Statement

REMEMBERED = timedelta(days=7)  # a source that is silent for longer is forgotten
SQL = " UNION ALL ".join(
    f"SELECT '{ledger}' AS ledger, toString(source), max(ts) FROM {table} "
    f"WHERE ts > {{since:{MOMENT}}} AND ts <= {{until:{MOMENT}}} GROUP BY source"
    for ledger, table in RAW.items()
)
Reached = dict[tuple[str, str], datetime]  # (ledger, source) -> its newest event


@dataclass(slots=True)
class _Heard:
    at: datetime  # when the days were looked through
    reached: Reached = field(default_factory=dict)


_known: WeakKeyDictionary[ClickHouse, _Heard] = WeakKeyDictionary()


def reached_by_source(clickhouse: ClickHouse, now: datetime) -> Reached:
    """The newest event until `now` of every source that sent one in the last seven days. Raises QueryFailedError.

    Single events are read: of the last hour each time, of seven days, one by one, at first and then once an hour.
    """
    heard = _known.get(clickhouse)
    if heard is None or not heard.at <= now < heard.at + HOUR:
        heard = _Heard(now)
        for back in range(REMEMBERED // DAY):
            _hear(clickhouse, heard.reached, now - (back + 1) * DAY, now - back * DAY)
        _known[clickhouse] = heard
    reached = dict(heard.reached)
    _hear(clickhouse, reached, now - HOUR, now)
    heard.reached = reached
    return {place: at for place, at in reached.items() if at > now - REMEMBERED}


def _hear(clickhouse: ClickHouse, reached: Reached, since: datetime, until: datetime) -> None:
    rows = clickhouse.read(Statement("health: sources", SQL, {"since": since, "until": until})).rows
    for ledger, source, at in rows:
        place = (str(ledger), str(source))
        reached[place] = max(at, reached.get(place, at))


LATELY = timedelta(minutes=10)
EVERY = timedelta(seconds=10)  # so often are sources looked at for the watermark, which is asked on every tick
LEAST_SILENCE = timedelta(seconds=60)
GAPS = 10  # a silence of so many of its usual gaps is none that chance makes
PACE = " UNION ALL ".join(
    f"SELECT '{ledger}', max(ts), toInt64(count()) FROM {table} "
    f"WHERE ts > {{since:{MOMENT}}} AND ts <= {{now:{MOMENT}}} GROUP BY source"
    for ledger, table in RAW.items()
)


@dataclass(frozen=True, slots=True)
class _Held:
    at: datetime
    back: dict[str, datetime]


_held: WeakKeyDictionary[ClickHouse, _Held] = WeakKeyDictionary()


def held_back(clickhouse: ClickHouse, now: datetime) -> dict[str, datetime]:
    """Ledgers whose watermark a silent source holds back, and to when: to the source's newest event.

    It does from the moment when its silence is longer than a minute and ten of its usual gaps, until ten minutes after
    its newest event: then it is no part of the stream any more, and stands on the data health board. Raises
    QueryFailedError.
    """
    held = _held.get(clickhouse)
    if held is None or not held.at <= now < held.at + EVERY:
        rows = clickhouse.read(Statement("pace of sources", PACE, {"since": now - LATELY, "now": now})).rows
        back: dict[str, datetime] = {}
        for ledger, reached, count in rows:
            if now - reached > max(LEAST_SILENCE, GAPS * LATELY / count):
                back[ledger] = min(reached, back.get(ledger, reached))
        _held[clickhouse] = held = _Held(now, back)
    return held.back
