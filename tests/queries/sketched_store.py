"""Asks a store that keeps sketches of users, in a process of its own: `python -m tests.queries.sketched_store FOLDER`.

Prints one JSON line: for each question the counted users and the exact number, and the tables that answered; under
`random` the same for scopes by chance, a list a row.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from metrics.ask import CURRENT, Ask, make_filters
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
INSERT INTO behaviour_events (ts, kind, quantity, event_id, user_id, channel, category, province, country)
SELECT
  toDateTime64({start:DateTime64(3, 'UTC')}, 3, 'UTC') + toIntervalSecond(number * 172800 / {events:UInt32}), 'view', 1,
  toString(number), toString(cityHash64(number) % 60000), if(number % 3 = 0, 'live', 'mall'), 'food',
  ['440000', '330000', '110000'][number % 7 % 3 + 1], 'CHN'
FROM numbers({events:UInt32})
"""
BETWEEN = "ts >= {start:DateTime64(3, 'UTC')} AND ts < {end:DateTime64(3, 'UTC')}"
EXACT = f"SELECT uniqExact(user_id) FROM behaviour_events WHERE {BETWEEN}"
SCOPES = 150
STEPS = (timedelta(minutes=1), timedelta(hours=1), timedelta(hours=24))
FILTERS = {"channel": ("live", "mall"), "province": ("440000", "330000", "110000"), "country": ("CHN",)}


def random_span(dice: random.Random) -> Span:
    """Minutes, hours or days, on an edge or beside it by seconds: what each rollup answers and what is stitched."""
    step, two_days = dice.choice(STEPS), timedelta(days=2)
    edges = sorted(dice.sample(range(int(two_days / step) + 1), 2))
    beside = timedelta(seconds=dice.choice((0, 0, dice.randrange(60))))
    return Span(START + edges[0] * step + beside, min(START + two_days, START + edges[1] * step + beside))


def ask_random(answer: Callable[[Ask], Reading], clickhouse: ClickHouse, dice: random.Random) -> list[list[object]]:
    """One random scope: for each of its rows the counted users, the exact number, and the tables that answered."""
    span, by = random_span(dice), tuple(dice.sample(sorted(FILTERS), dice.choice((0, 0, 1, 1, 2))))
    chosen = {name: (dice.choice(FILTERS[name]),) for name in dice.sample(sorted(FILTERS), dice.choice((0, 0, 1)))}
    metric = dice.choice(("visitors", "view_users"))  # every event is a view of a visitor
    ask = Ask("random", (metric,), ((CURRENT, span),), by, None, make_filters(chosen))
    reading = answer(ask)
    filters = "".join(f" AND {name} = '{code}'" for name, (code,) in chosen.items())
    keys = "".join(f"{name}, " for name in by)
    sql = f"SELECT {keys}uniqExact(user_id) FROM behaviour_events WHERE {BETWEEN}{filters}"
    sql += f" GROUP BY {', '.join(by)}" if by else ""
    rows = clickhouse.read(Statement("exact", sql, {"start": span.start, "end": span.end})).rows
    counted = {row.keys: row.value(metric) for row in reading.rows}
    assert len(counted) == len(rows), (ask, counted, rows)
    return [[counted[tuple(map(str, row[:-1]))], row[-1], reading.sources] for row in rows]


def main() -> None:
    profile = StoreProfile(name="sketched", distinct="sketch")
    clickhouse = ClickHouse(f"chdb://{sys.argv[1]}/clickhouse", readers=1)
    migrate(clickhouse, profile)
    clickhouse.write(Statement("fill", FILL, {"start": START, "events": EVENTS}))
    catalogue, regions = load_catalogue(), load_region_set("cn_provinces")

    def answer(ask: Ask) -> Reading:
        reading = fetch(clickhouse, catalogue, profile, regions, ask, ask.spans[0][1].end)
        assert isinstance(reading, Reading)
        return reading

    found: dict[str, object] = {}
    spans = {
        "two days": Span(START, START + timedelta(days=2)),
        "a day and an edge": Span(START + timedelta(hours=3), START + timedelta(days=1, hours=5, minutes=7, seconds=3)),
        "few": Span(START, START + timedelta(minutes=5)),
    }
    for name, span in spans.items():
        for by in ((), ("channel",), ("category",)):
            ask = Ask(name, ("view_users",), ((CURRENT, span),), by)
            reading = answer(ask)
            counted = [row.value("view_users") for row in reading.rows]
            exact = clickhouse.read(Statement("exact", EXACT, {"start": span.start, "end": span.end})).rows[0][0]
            found[f"{name} {''.join(by)}"] = {"counted": counted, "exact": exact, "tables": reading.sources}
    dice = random.Random(7)
    found["random"] = [row for _ in range(SCOPES) for row in ask_random(answer, clickhouse, dice)]
    clickhouse.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
