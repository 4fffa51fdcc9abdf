"""How far each source of events has come, and which have gone silent: days are looked through once an hour."""

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
