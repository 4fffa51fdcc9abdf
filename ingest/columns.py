"""Simulated events as number columns; they become Arrow tables with words only when they are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ingest.dice import Ints
from ingest.event import BEHAVIOUR, BEHAVIOUR_KINDS, ORDER_KINDS, ORDERS, TIME
from ingest.world import COUNTRY, SOURCE, World

DIMENSIONS = ("channel", "room", "category", "sku", "province", "city", "tier")
SHARED = ("ts", "kind", "event", "user", "session", *DIMENSIONS)
BEHAVIOUR_COLUMNS = (*SHARED, "quantity")
ORDER_COLUMNS = (*SHARED, "order", "amount", "units", "created_ms")
EVENTS_PER_SESSION = 32  # an event's number is its session's number times this, plus its place in the session


@dataclass(frozen=True, eq=False)
class Rows:
    """Columns of one length by name; `ts` and `created_ms` in epoch milliseconds, dimensions as world indices."""

    columns: Mapping[str, npt.NDArray[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> Ints:
        return self.columns[name]

    def take(self, which: npt.NDArray[Any] | slice) -> Rows:
        """The rows at some positions, in that order, or where a mask holds."""
        return Rows({name: column[which] for name, column in self.columns.items()})

    def having(self, **columns: npt.NDArray[Any]) -> Rows:
        """The same rows with columns added or replaced."""
        return Rows({**self.columns, **columns})

    def only(self, names: Iterable[str]) -> Rows:
        return Rows({name: self.columns[name] for name in names})


def join(parts: Iterable[Rows], names: Iterable[str]) -> Rows:
    """All rows of `parts` under each other, with the columns `names`."""
    present = [part for part in parts if len(part)]
    return Rows(
        {
            name: np.concatenate([part[name] for part in present]) if present else np.empty(0, dtype=np.int64)
            for name in names
        }
    )


def in_ledger_order(rows: Rows) -> Rows:
    """The rows in the ledgers' sorting order: numpy sorts them in a fifth of the time that an insert would take."""
    return rows.take(np.lexsort((rows["ts"], rows["kind"])))


def event_number(session: Ints, place: Ints | int) -> Ints:
    """The number of an event: unique for a session and a place below EVENTS_PER_SESSION."""
    return np.asarray(session * EVENTS_PER_SESSION + place)


def _words(indices: Ints, words: tuple[str, ...]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(indices.astype(np.int32)), pa.array(words, pa.string()))


def _same(word: str, length: int) -> pa.DictionaryArray:
    return _words(np.zeros(length, dtype=np.int64), (word,))


def _names(prefix: str, numbers: Ints) -> pa.StringArray:
    text = pc.cast(pa.array(numbers), pa.string())
    return pc.binary_join_element_wise(prefix, text, "") if prefix else text


def _moments(milliseconds: Ints) -> pa.Array:
    return pa.array(milliseconds).cast(TIME)


def _shared(rows: Rows, kinds: tuple[str, ...], world: World) -> dict[str, pa.Array]:
    return {
        "ts": _moments(rows["ts"]),
        "kind": _words(rows["kind"], kinds),
        "event_id": _names("", rows["event"]),
        "user_id": _names("U", rows["user"]),
        "session_id": _names("S", rows["session"]),
        "country": _same(COUNTRY, len(rows)),
        "source": _same(SOURCE, len(rows)),
        **{name: _words(rows[name], world.codes[name]) for name in DIMENSIONS},
    }


def to_behaviour(rows: Rows, world: World) -> pa.Table:
    """Behaviour rows as a batch of the ledger."""
    columns = _shared(rows, BEHAVIOUR_KINDS, world)
    columns["quantity"] = pa.array(rows["quantity"].astype(np.uint32))
    return pa.table({name: columns[name] for name in BEHAVIOUR.schema.names})


def to_orders(rows: Rows, world: World) -> pa.Table:
    """Order rows as a batch of the ledger; every simulated order has one line."""
    columns = _shared(rows, ORDER_KINDS, world)
    columns |= {
        "order_id": _names("O", rows["order"]),
        "orders": pa.array(np.ones(len(rows), dtype=np.uint8)),
        "amount": pa.array(rows["amount"]),
        "units": pa.array(rows["units"].astype(np.uint32)),
        "created_at": _moments(rows["created_ms"]),
    }
    return pa.table({name: columns[name] for name in ORDERS.schema.names})
