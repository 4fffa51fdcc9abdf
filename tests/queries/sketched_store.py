"""Asks a store that keeps sketches of users, in a process of its own: `python -m tests.queries.sketched_store FOLDER`.

Prints one JSON line: for each question the counted users and the exact number, and the tables that answered.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta

from metrics.ask import CURRENT, Ask
from metrics.calendar import Span
from metrics.catalogue import load_catalogue
from metrics.profile import StoreProfile
from metrics.reading import Reading
from metrics.regions import load_region_set
from queries.client import ClickHouse
from queries.migrate import migrate
from queries.readings import fetch
from queries.statement import Statement

START = datetime(2026, 11, 5, 16, 0, tzinfo=UTC)
EVENTS = 400_000
FILL = """
INSERT INTO behaviour_events (ts, kind, quantity, event_id, user_id, channel, category)
SELECT
  toDateTime64({start:DateTime64(3, 'UTC')}, 3, 'UTC') + toIntervalSecond(number * 172800 / {events:UInt32}), 'view', 1,
  toString(number), toString(cityHash64(number) % 60000), if(number % 3 = 0, 'live', 'mall'), 'food'
FROM numbers({events:UInt32})
"""
EXACT = (
    "SELECT uniqExact(user_id) FROM behaviour_events "
    "WHERE ts >= {start:DateTime64(3, 'UTC')} AND ts < {end:DateTime64(3, 'UTC')}"
)


def main() -> None:
    profile = StoreProfile(name="sketched", distinct="sketch")
    clickhouse = ClickHouse(f"chdb://{sys.argv[1]}/clickhouse", readers=1)
    migrate(clickhouse, profile)
    clickhouse.write(Statement("fill", FILL, {"start": START, "events": EVENTS}))
    found = {}
    spans = {
        "two days": Span(START, START + timedelta(days=2)),
        "a day and an edge": Span(START + timedelta(hours=3), START + timedelta(days=1, hours=5, minutes=7, seconds=3)),
        "few": Span(START, START + timedelta(minutes=5)),
    }
    for name, span in spans.items():
        for by in ((), ("channel",), ("category",)):
            ask = Ask(name, ("view_users",), ((CURRENT, span),), by)
            reading = fetch(clickhouse, load_catalogue(), profile, load_region_set("cn_provinces"), ask, span.end)
            assert isinstance(reading, Reading)
            counted = [row.value("view_users") for row in reading.rows]
            exact = clickhouse.read(Statement("exact", EXACT, {"start": span.start, "end": span.end})).rows[0][0]
            found[f"{name} {''.join(by)}"] = {"counted": counted, "exact": exact, "tables": reading.sources}
    clickhouse.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
