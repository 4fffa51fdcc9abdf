"""The newest rows of a ledger: the order ticker, and drill-down to detail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from core.errors import BadRequestError
from metrics.ask import Latest
from metrics.model import KINDS, MONEY_COLUMNS
from metrics.profile import MONEY_SCALE
from metrics.reading import Listing
from queries.builder import MOMENT, TEXTS, Parameters, Store, filter_condition
from queries.client import ClickHouse
from queries.retention import check_kept
from queries.rollups import RAW
from queries.statement import Statement

DIMENSIONS = ("channel", "room", "category", "sku", "country", "province", "city", "tier", "source")
COLUMNS: dict[str, tuple[str, ...]] = {
    "orders": (
        *("ts", "kind", "order_id", "event_id", "orders", "amount", "units", "created_at", "user_id", "session_id"),
        *DIMENSIONS,
    ),
    "behaviour": ("ts", "kind", "quantity", "event_id", "user_id", "session_id", *DIMENSIONS),
}
# How far back to look, in turn. The table is sorted by kind and time: a quarter of an hour
# of a busy shop is enough, and read much faster than an hour.
REACHES = (timedelta(minutes=15), timedelta(hours=4), None)
MAX_LIMIT = 1_000


def fetch_latest(clickhouse: ClickHouse, store: Store, question: Latest, now: datetime) -> Listing:
    """The newest `limit` rows, newest first. Raises BadRequestError for an unknown ledger, kind or dimension."""
    if question.ledger not in RAW:
        raise BadRequestError(f"unknown ledger {question.ledger!r}: {' or '.join(RAW)}")
    for kind in question.kinds:
        if kind not in KINDS[question.ledger]:
            raise BadRequestError(f"unknown kind {kind!r} in the ledger {question.ledger}")
    for dimension, _ in question.filters:
        if question.ledger not in store.catalogue.dimension(dimension).ledgers:
            raise BadRequestError(f"the ledger {question.ledger} has no {dimension}")
    check_kept(clickhouse, {RAW[question.ledger]: question.span.end}, now)
    limit = max(0, min(question.limit, MAX_LIMIT))
    end, took, rows = min(question.span.end, now + timedelta(minutes=1)), 0.0, list[Mapping[str, object]]()
    for reach in REACHES:
        start = question.span.start if reach is None else max(question.span.start, end - reach)
        if start < end:
            result = clickhouse.read(_statement(store, question, start, end, limit))
            took += result.took_ms
            rows = [_row(result.columns, row) for row in result.rows]
        if len(rows) >= limit or start == question.span.start:
            break
    return Listing(question, tuple(rows), now, took)


def _statement(store: Store, question: Latest, start: datetime, end: datetime, limit: int) -> Statement:
    parameters = Parameters()
    conditions = [f"ts >= {parameters.bind(start, MOMENT)}", f"ts < {parameters.bind(end, MOMENT)}"]
    if question.kinds:
        conditions.append(f"kind IN {parameters.bind(list(question.kinds), TEXTS)}")
    conditions += [filter_condition(store, name, codes, parameters) for name, codes in question.filters]
    sql = (
        f"SELECT {', '.join(COLUMNS[question.ledger])} FROM {RAW[question.ledger]} "
        f"WHERE {' AND '.join(conditions)} ORDER BY ts DESC, event_id DESC LIMIT {parameters.bind(limit, 'UInt32')}"
    )
    return Statement(question.name, sql, parameters.values)


def _row(columns: tuple[str, ...], row: tuple[Any, ...]) -> Mapping[str, object]:
    return {
        name: value / MONEY_SCALE if name in MONEY_COLUMNS else value for name, value in zip(columns, row, strict=True)
    }
