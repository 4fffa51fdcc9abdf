"""Takes up the simulated business where a store's ledgers end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from ingest.columns import DIMENSIONS, Rows, event_number
from ingest.dice import Ints
from ingest.event import ORDER_KINDS
from ingest.fate import FATE_HOURS
from ingest.journey import CREATED
from ingest.scenario import Staged
from ingest.stream import Settings, Stream
from ingest.world import SOURCE, World
from queries.client import ClickHouse
from queries.continuation import last_events, open_orders


def second_of(moment: datetime) -> int:
    """The whole epoch second of an aware moment."""
    return int(moment.astimezone(UTC).timestamp())


def continue_stream(clickhouse: ClickHouse, settings: Settings, staged: Staged, *, earliest: datetime) -> Stream:
    """A stream that begins right after the newest simulated event, but not before `earliest`.

    The two ledgers may end at different moments (each is written by its own insert): each goes on from its own end.
    A ledger without simulated events begins at `earliest`.
    """
    floor = second_of(earliest) * 1000
    last = last_events(clickhouse, SOURCE)
    behaviour = max(floor, (last.behaviour or 0) + 1)
    orders = max(floor, (last.orders or 0) + 1)
    begin = min(behaviour, orders) // 1000
    stream = Stream(settings, staged, begin, behaviour_since=behaviour, orders_since=orders)
    if last.orders is not None:
        since = datetime.fromtimestamp(orders / 1000, UTC) - timedelta(hours=FATE_HOURS)
        stream.adopt(_created(open_orders(clickhouse, SOURCE, since), staged.world))
    return stream


def _created(columns: dict[str, list[str]], world: World) -> Rows:
    """Orders as the ledger tells them, as `created` rows; those whose codes this world no longer has are left out."""
    known = np.ones(len(columns["order_id"]), dtype=bool)
    dimensions: dict[str, Ints] = {}
    for name in DIMENSIONS:
        places = {code: index for index, code in enumerate(world.codes[name])}
        dimensions[name] = np.array([places.get(code, -1) for code in columns[name]], dtype=np.int64)
        known &= dimensions[name] >= 0
    numbers = {
        name: np.array([int(text[1:]) for text in columns[column]], dtype=np.int64)
        for name, column in (("order", "order_id"), ("user", "user_id"), ("session", "session_id"))
    }
    created = np.array(columns["created_ms"], dtype=np.int64)
    return Rows(
        {
            **dimensions,
            **numbers,
            "ts": created,
            "created_ms": created,
            "kind": np.full(len(created), ORDER_KINDS.index("created")),
            "event": event_number(numbers["session"], CREATED),
            "amount": np.array(columns["amount"], dtype=np.int64),
            "units": np.array(columns["units"], dtype=np.int64),
            "paid": np.array(columns["paid"], dtype=np.int64),
        }
    ).take(known)
