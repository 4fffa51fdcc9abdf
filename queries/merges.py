"""Holds background merges back while a large fill writes, so that both cores draw and write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from queries.client import ClickHouse
from queries.statement import Statement


@contextmanager
def merges_held(clickhouse: ClickHouse) -> Iterator[None]:
    """No merges inside; they go on afterwards, also after an error. A new process always begins with merges on.

    Nothing on a server: its merges are not ours alone, and not on this machine's cores.
    """
    if not clickhouse.embedded:
        yield
        return
    clickhouse.write(Statement("hold merges", "SYSTEM STOP MERGES"))
    try:
        yield
    finally:
        clickhouse.write(Statement("release merges", "SYSTEM START MERGES"))
