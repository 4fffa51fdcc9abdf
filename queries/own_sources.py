"""What a store says about itself: which ledgers are own tables of the user, and which rollups are theirs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from queries.client import ClickHouse
from queries.rollups import GRAINS, RAW, Source
from queries.statement import Statement

PREFIX, MADE_OF = "own_rollup_", "own tables: "
VIEWS = """
SELECT name, comment FROM system.tables WHERE database = currentDatabase() AND engine = 'View'
AND (name IN {ledgers:Array(String)} OR startsWith(name, {prefix:String})) ORDER BY name
"""


@dataclass(frozen=True, slots=True)
class Own:
    """`mappings` by ledger: the mapping that a ledger is made of. `rollups` with the ledger each one sums up."""

    mappings: tuple[tuple[str, str], ...] = ()
    rollups: tuple[tuple[str, Source], ...] = ()

    @property
    def ledgers(self) -> frozenset[str]:
        return frozenset(ledger for ledger, _ in self.mappings)


_known: WeakKeyDictionary[ClickHouse, Own] = WeakKeyDictionary()


def own_of(clickhouse: ClickHouse) -> Own:
    """What of a store is the user's own. Asked once a store."""
    if clickhouse not in _known:
        values = {"ledgers": list(RAW.values()), "prefix": PREFIX}
        _known[clickhouse] = _read(clickhouse.read(Statement("own tables", VIEWS, values)).rows)
    return _known[clickhouse]


def forget(clickhouse: ClickHouse) -> None:
    """Ask again: own tables were put in or taken away."""
    _known.pop(clickhouse, None)


def comment_of(ledger: str, source: Source) -> str:
    """What stands on a rollup's view, so that the store can say what it is."""
    return json.dumps(
        {
            "ledger": ledger,
            "time": source.time,
            "dimensions": sorted(source.dimensions),
            "columns": sorted(source.columns),
            "rows": source.rows,
        }
    )


def _read(rows: Sequence[tuple[str, str]]) -> Own:
    names = {table: ledger for ledger, table in RAW.items()}
    mappings = tuple(
        (names[name], comment.removeprefix(MADE_OF)) for name, comment in rows if name in names and comment
    )
    return Own(mappings, tuple(_rollup(name, comment) for name, comment in rows if name.startswith(PREFIX)))


def _rollup(name: str, comment: str) -> tuple[str, Source]:
    said = json.loads(comment)
    step = dict(GRAINS.values())[said["time"]]
    return said["ledger"], Source(
        name, said["time"], step, frozenset(said["dimensions"]), frozenset(said["columns"]), int(said["rows"])
    )
