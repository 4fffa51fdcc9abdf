"""Scattered events for tests, the same on every run, made inside the engine; with gaps and unknown codes."""

from __future__ import annotations

from datetime import datetime

from queries.client import ClickHouse
from queries.statement import Statement

PROVINCES = ["440000", "330000", "110000", "310000", "510000", "", "999999"]
CHANNELS = ["live", "short_video", "search", "mall", "recommendation", "", "fax"]
DIMENSIONS = """
    {channels:Array(String)}[cityHash64(number, 20) % 7 + 1] AS channel,
    if(channel = 'live', concat('room-0', toString(cityHash64(number, 21) % 4)), '') AS room,
    ['apparel', 'beauty', 'food', ''][cityHash64(number, 22) % 4 + 1] AS category,
    concat('sku-', toString(cityHash64(number, 23) % 30)) AS sku,
    ['CHN', 'USA', ''][cityHash64(number, 24) % 3 + 1] AS country,
    {provinces:Array(String)}[cityHash64(number, 25) % 7 + 1] AS province,
    ['city-1', 'city-2', ''][cityHash64(number, 26) % 3 + 1] AS city,
    ['new', 'returning', 'member', 'vip', ''][cityHash64(number, 27) % 5 + 1] AS tier,
    ['one', 'two'][cityHash64(number, 28) % 2 + 1] AS source
"""
BEHAVIOUR = """
INSERT INTO behaviour_events
    (ts, kind, quantity, event_id, user_id, session_id,
     channel, room, category, sku, country, province, city, tier, source)
SELECT
    fromUnixTimestamp64Milli({begin:Int64} + toInt64(cityHash64(number, 1) % {length:UInt64}), 'UTC') AS ts,
    ['visit', 'impression', 'click', 'view', 'cart', 'uncart', 'favourite', 'checkout', 'promo_click'
    ][cityHash64(number, 2) % 9 + 1],
    cityHash64(number, 3) % 12 + if(cityHash64(number, 4) % 50 = 0, 0, 1),
    concat('b', toString(number)),
    if(cityHash64(number, 5) % 10 = 0, '', concat('u', toString(cityHash64(number, 6) % 400))) AS user_id,
    concat('s', toString(cityHash64(number, 7) % 900)),
""" + DIMENSIONS.replace("AS source", "AS source FROM numbers({first:UInt64}, {count:UInt64})")
ORDERS = """
INSERT INTO order_events
    (ts, kind, order_id, event_id, orders, amount, units, created_at, user_id, session_id,
     channel, room, category, sku, country, province, city, tier, source)
SELECT
    fromUnixTimestamp64Milli({begin:Int64} + toInt64(cityHash64(number, 1) % {length:UInt64}), 'UTC') AS ts,
    ['created', 'paid', 'paid', 'cancelled', 'refunded'][cityHash64(number, 2) % 5 + 1],
    concat('o', toString(cityHash64(number, 3) % 2000)),
    concat('e', toString(number)),
    if(cityHash64(number, 4) % 5 = 0, 0, 1),
    toInt64(cityHash64(number, 8) % 9000000) + 1,
    cityHash64(number, 9) % 4 + 1,
    ts - toIntervalSecond(cityHash64(number, 10) % 90000),
    if(cityHash64(number, 5) % 10 = 0, '', concat('u', toString(cityHash64(number, 6) % 400))) AS user_id,
    concat('s', toString(cityHash64(number, 7) % 900)),
""" + DIMENSIONS.replace("AS source", "AS source FROM numbers({first:UInt64}, {count:UInt64})")


def insert_random(clickhouse: ClickHouse, start: datetime, end: datetime, count: int, first: int = 0) -> None:
    """Put `count` random events into each ledger, at any millisecond of [start, end)."""
    begin = int(start.timestamp() * 1000)
    parameters = {
        "begin": begin,
        "length": int(end.timestamp() * 1000) - begin,
        "count": count,
        "first": first,
        "channels": CHANNELS,
        "provinces": PROVINCES,
    }
    clickhouse.write(Statement("random behaviour", BEHAVIOUR, parameters))
    clickhouse.write(Statement("random orders", ORDERS, parameters))
