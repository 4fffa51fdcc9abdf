"""Measures several asks of one scope by one SELECT a ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from core.errors import LivewallError, QueryFailedError
from metrics.ask import Ask
from queries.builder import Built, Parameters, Store, join_statements, part_rows
from queries.client import ClickHouse
from queries.readings import Found, Measured, build_kept, collect
from queries.statement import Result, Statement

log = structlog.get_logger("queries")


class Group:
    """Asks of one scope and moment, measured by one SELECT a ledger. Each part may be run by another thread.

    Where a joined SELECT fails, its parts are run one by one: what is broken breaks its own asks only.
    """

    def __init__(self, clickhouse: ClickHouse, store: Store, asks: Sequence[Ask], now: datetime) -> None:
        self._clickhouse, self._store, self._asks, self._now = clickhouse, store, asks, now
        self._parameters = Parameters()
        self._found: list[Found] = [defaultdict(dict) for _ in asks]
        self._took = [0.0] * len(asks)
        self._tables: list[dict[str, None]] = [{} for _ in asks]
        self.problems: dict[int, Exception] = {}  # by the index of an ask
        self.parts: dict[str, list[tuple[int, Built]]] = defaultdict(list)  # by ledger, with the index of its ask
        for index, ask in enumerate(asks):
            try:
                self._build(index, ask)
            except LivewallError as problem:
                self.problems[index] = problem

    def _build(self, index: int, ask: Ask) -> None:
        for each in build_kept(self._clickhouse, self._store, ask, self._now, self._parameters):
            self.parts[each.ledger].append((index, each))

    def run(self, ledger: str) -> None:
        """Ask for everything of a ledger. Raises nothing that ClickHouse refuses: it is in `problems`."""
        parts = self.parts[ledger]
        if len(parts) > 1:
            try:
                self._run_joined(ledger, parts)
            except QueryFailedError:
                log.warning("a joined statement failed, its parts are asked one by one", ledger=ledger, exc_info=True)
            else:
                return
        for index, built in parts:
            if index not in self.problems:
                try:
                    self._take(index, built, self._clickhouse.read(_own(built)))
                except QueryFailedError as problem:
                    self.problems[index] = problem

    def _run_joined(self, ledger: str, parts: Sequence[tuple[int, Built]]) -> None:
        builts = [built for _, built in parts]
        keys = max(built.keys for built in builts)
        result = self._clickhouse.read(join_statements(f"tick: {ledger}", builts, self._parameters))
        rows: list[list[tuple[object, ...]]] = [[] for _ in parts]
        for row in result.rows:
            rows[row[0]].append(part_rows(row, builts[row[0]], keys))
        for (index, built), own in zip(parts, rows, strict=True):
            self._take(index, built, Result(result.columns, own, result.took_ms / len(parts)))

    def _take(self, index: int, built: Built, result: Result) -> None:
        self._took[index] += result.took_ms
        self._tables[index].update(dict.fromkeys(built.tables))
        collect(self._store, self._asks[index], built, result.rows, self._found[index])

    def measured(self, index: int) -> Measured:
        """What was found for an ask, once all its ledgers ran. Raises its problem."""
        if index in self.problems:
            raise self.problems[index]
        return Measured(self._found[index], self._took[index], tuple(self._tables[index]))


def _own(built: Built) -> Statement:
    """The statement by itself: of the parameters that it shares, those that it names."""
    used = {name: value for name, value in built.statement.parameters.items() if f"{{{name}:" in built.statement.sql}
    return replace(built.statement, parameters=used)
