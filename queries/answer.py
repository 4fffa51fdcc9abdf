"""Answers a request of the command line or the API: the same code path as the tiles, written as plain values."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from metrics.ask import CURRENT, Ask
from metrics.catalogue import Catalogue
from metrics.compare import change
from metrics.profile import StoreProfile
from metrics.reading import Number, Reading, Row
from metrics.regions import RegionSet
from queries.builder import Store
from queries.client import ClickHouse
from queries.readings import bucket_span, fetch

Answer = dict[str, Any]


def answer_request(
    clickhouse: ClickHouse,
    catalogue: Catalogue,
    profile: StoreProfile,
    regions: RegionSet,
    asks: Sequence[Ask],
    now: datetime,
) -> Answer:
    """JSON-ready answer to the asks of `metrics.request.parse_request`; times in the store's zone.

    Raises what `queries.readings.fetch` raises.
    """
    (ask,) = asks
    reading = fetch(clickhouse, catalogue, profile, regions, ask, now)
    assert isinstance(reading, Reading)
    store = Store(catalogue, profile, regions)
    metrics = [catalogue.metric(key) for key in ask.metrics]
    return {
        "metrics": [
            {
                "key": key,
                "name": dict(metric.name),
                "unit": metric.unit,
                "approximate": profile.distinct == "sketch" and catalogue.counts_users(key),
            }
            for key, metric in zip(ask.metrics, metrics, strict=True)
        ],
        "by": [*ask.by, *([ask.grain] if ask.grain else [])],
        "from": _local(ask.current.start, profile),
        "to": _local(ask.current.end, profile),
        "time_zone": profile.time_zone,
        "currency": profile.currency,
        "filters": {dimension: list(codes) for dimension, codes in ask.filters},
        "compare": [name for name, _ in ask.spans[1:]],
        "rows": [_row(store, ask, row) for row in reading.rows],
        "as_of": _local(reading.as_of, profile),
        "engine_ms": round(reading.engine_ms, 1),
        "sources": list(reading.sources),
    }


def _row(store: Store, ask: Ask, row: Row) -> Answer:
    found: Answer = dict(zip(ask.by, row.keys, strict=True))
    if ask.grain:
        begin = bucket_span(store, ask.grain, ask.current, row.bucket).start
        day = store.calendar.day_of(begin)
        found[ask.grain] = day.isoformat() if ask.grain == "day" else _local(begin, store.profile)
    found["values"] = dict(row.values[CURRENT])
    moved: dict[str, dict[str, Number]] = {}
    for name, _ in ask.spans[1:]:
        found[name] = dict(row.values[name])
        moved[name] = {
            key: change(row.value(key), row.value(key, name), store.catalogue.metric(key).unit) for key in ask.metrics
        }
    if moved:
        found["change"] = moved
    return found


def _local(moment: datetime, profile: StoreProfile) -> str:
    return moment.astimezone(profile.zone).isoformat()


def _flat(answer: Answer) -> tuple[list[str], list[list[object]]]:
    """Header and rows: codes, values, then for each comparison its values and changes."""
    keys = [metric["key"] for metric in answer["metrics"]]
    header = [*answer["by"], *keys]
    for name in answer["compare"]:
        header += [f"{key}.{name}" for key in keys] + [f"{key}.change.{name}" for key in keys]
    rows = []
    for row in answer["rows"]:
        cells: list[object] = [row[name] for name in answer["by"]]
        cells += [row["values"][key] for key in keys]
        for name in answer["compare"]:
            cells += [row[name][key] for key in keys] + [row["change"][name][key] for key in keys]
        rows.append(["" if cell is None else cell for cell in cells])
    return header, rows


def to_csv(answer: Answer) -> str:
    """The answer as CSV with a header; no number is an empty cell. Cells that a spreadsheet would run are quoted."""
    header, rows = _flat(answer)
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([[_harmless(cell) for cell in row] for row in rows])
    return target.getvalue()


def _harmless(cell: object) -> object:
    """Codes come from other people's files: one that begins like a formula gets an apostrophe before it."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def to_table(answer: Answer) -> str:
    """The answer as a table of plain text for a terminal, numbers to the right."""
    header, rows = _flat(answer)
    written = [[_write(cell) for cell in row] for row in rows]
    widths = [max(len(line[place]) for line in [header, *written]) for place in range(len(header))]
    texts = len(answer["by"])

    def line(cells: Sequence[str]) -> str:
        parts = (c.ljust(w) if i < texts else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True)))
        return "  ".join(parts).rstrip()

    return "\n".join([line(header), line(["-" * width for width in widths]), *map(line, written)]) + "\n"


def _write(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:.6f}".rstrip("0").rstrip(".")
    return str(cell)
