"""What an event looks like on its way in: the Arrow schemas of the two ledgers, and the check that a batch fits."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

TIME = pa.timestamp("ms", tz="UTC")
# Texts that repeat. A batch may carry them as plain strings too: the ledger's column takes both.
WORD = pa.dictionary(pa.int32(), pa.string())

BEHAVIOUR_KINDS = (
    "visit",
    "impression",
    "click",
    "view",
    "cart",
    "uncart",
    "favourite",
    "checkout",
    "promo_impression",
    "promo_click",
)
ORDER_KINDS = ("created", "paid", "cancelled", "refunded")

_DIMENSIONS = [
    pa.field("channel", WORD),
    pa.field("room", WORD),
    pa.field("category", WORD),
    pa.field("sku", WORD),
    pa.field("country", WORD),
    pa.field("province", WORD),
    pa.field("city", WORD),
    pa.field("tier", WORD),
    pa.field("source", WORD),
]


@dataclass(frozen=True)
class Ledger:
    """One append-only table: its name, what a batch for it must carry, and the kinds of event it knows.

    `ingested_at` is not part of a batch: the store stamps it.
    """

    table: str
    schema: pa.Schema
    kinds: tuple[str, ...]


BEHAVIOUR = Ledger(
    "behaviour_events",
    pa.schema(
        [
            pa.field("ts", TIME),
            pa.field("kind", WORD),
            pa.field("quantity", pa.uint32()),  # how many such events the row stands for
            pa.field("event_id", pa.string()),
            pa.field("user_id", pa.string()),
            pa.field("session_id", pa.string()),
            *_DIMENSIONS,
        ]
    ),
    BEHAVIOUR_KINDS,
)

ORDERS = Ledger(
    "order_events",
    pa.schema(
        [
            pa.field("ts", TIME),
            pa.field("kind", WORD),
            pa.field("order_id", pa.string()),
            pa.field("event_id", pa.string()),
            pa.field("orders", pa.uint8()),  # 1 on the order's leading line, 0 on its other lines
            pa.field("amount", pa.int64()),  # ten-thousandths of the currency unit (metrics.profile.MONEY_SCALE)
            pa.field("units", pa.uint32()),
            pa.field("created_at", TIME),
            pa.field("user_id", pa.string()),
            pa.field("session_id", pa.string()),
            *_DIMENSIONS,
        ]
    ),
    ORDER_KINDS,
)

# Events that mean nothing, sent to see how long the others take.
MARKERS = Ledger(
    "markers",
    pa.schema(
        [pa.field("ts", TIME), pa.field("kind", WORD), pa.field("event_id", pa.string()), pa.field("source", WORD)]
    ),
    ("marker",),
)


def check_batch(ledger: Ledger, batch: pa.Table) -> pa.Table:
    """The batch with the ledger's columns in order. Raises ValueError naming the columns or kinds that do not fit."""
    missing = [name for name in ledger.schema.names if name not in batch.column_names]
    extra = [name for name in batch.column_names if name not in ledger.schema.names]
    if missing or extra:
        raise ValueError(f"{ledger.table}: columns missing {missing}, not known {extra}")
    kinds = {value for value in batch.column("kind").unique().to_pylist() if value not in ledger.kinds}
    if kinds:
        raise ValueError(f"{ledger.table}: kinds not known {sorted(map(str, kinds))}")
    holes = [name for name in batch.column_names if batch.column(name).null_count]
    if holes:
        raise ValueError(f"{ledger.table}: columns with empty cells {holes}")
    return batch.select(ledger.schema.names)
