"""Goods that sell: a table of SKUs with their category, any metrics, and what is left of the morning's stock."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.errors import DefinitionError
from layouts.asking import blocking_dimension, compared, make_ask
from layouts.board import Tile
from layouts.parts import WAITING, by_key, reason_blocked, title_of
from layouts.regions import selected_codes
from layouts.table import bar, column, label, number, table
from layouts.view import PlanContext, View
from metrics.ask import Ask, Question
from metrics.catalogue import Catalogue
from metrics.reading import Reading, Row
from metrics.stock import Stock, load_stock, stock_of

SMALLEST = (34.0, 20.0)
STILL = True
PACES = {"stock": 30.0}
BY, PARENT, UNITS = "sku", "category", "units"
SHOWN = 8
LOW, OUT = 0.2, 0.05  # of the morning's stock: marked, marked as nearly gone


def check(tile: Tile, catalogue: Catalogue) -> None:
    if not tile.metrics:
        raise DefinitionError("board", tile.key, "a goods table ranks by its first metric: name at least one")
    for metric in tile.metrics:
        if not {BY, PARENT} <= set(catalogue.metric(metric).dimensions):
            raise DefinitionError("board", tile.key, f"{metric} cannot be split by {BY}")


def plan(tile: Tile, context: PlanContext) -> dict[str, Question]:
    filters = context.scope.filters
    if any(blocking_dimension(context.catalogue, metric, filters, BY) for metric in tile.metrics):
        return {}
    top = make_ask(tile.metrics, compared(context, context.span), filters, BY, limit=_shown(tile))
    asks: dict[str, Question] = {"top": replace(top, name="top goods", by=(PARENT, BY))}
    known = stock_of(load_stock(), context.profile)
    if tile.options.get("stock") and known:
        tracked = ((BY, tuple(sorted(known.opening))),)  # everything sold counts, whatever the wall is filtered to
        asks["stock"] = make_ask((UNITS,), compared(context, context.span), tracked, BY)
    return asks


def _shown(tile: Tile) -> int:
    return int(tile.options.get("shown", SHOWN))


def draw(tile: Tile, view: View) -> dict[str, Any]:
    payload: dict[str, Any] = {"title": title_of(tile, view, view.words.t("tile.goods.title"))}
    reasons = [reason_blocked(view, metric, view.scope.filters, BY) for metric in tile.metrics]
    if any(reasons):
        return payload | {"empty": next(filter(None, reasons))}
    reading = view.reading("top")
    if reading is None:
        return payload | WAITING
    lead = tile.metrics[0]
    rows = sorted(
        (row for row in reading.rows if len(row.keys) == 2 and row.keys[1] and row.value(lead)),
        key=lambda row: (-float(row.value(lead) or 0), row.keys),
    )[: _shown(tile)]
    if not rows:
        return payload | {"empty": view.words.t("tile.empty.no_events")}
    stock = stock_of(load_stock(), view.profile) if tile.options.get("stock") else None
    left = stock_left(view.reading("stock"), stock)
    chosen = selected_codes(view, PARENT)  # a click on an article filters its category: what a wall can be split by
    lines = [{"key": row.keys[1], "code": row.keys[0], "cells": _cells(tile, view, row, stock, left)} for row in rows]
    selected = {row.keys[0]: row.keys[0] in chosen for row in rows}
    return payload | table(_columns(tile, view, bool(stock)), lines, PARENT, _shown(tile), selected)


def stock_left(reading: Reading | None, stock: Stock | None) -> dict[str, float]:
    """Pieces left by SKU: the morning's stock less what was paid for. Empty where the answer does not see all sales:
    a wall narrowed to a region does not know what the others sold."""
    if reading is None or stock is None or not _sees_all(reading.ask):
        return {}
    sold = by_key(reading.rows)
    return {
        code: max(0.0, opening - float(sold[code].value(UNITS) or 0) if code in sold else opening)
        for code, opening in stock.opening.items()
    }


def _sees_all(ask: Ask) -> bool:
    return {name for name, _ in ask.filters} <= {BY}


def _columns(tile: Tile, view: View, stock: bool) -> list[dict[str, Any]]:
    t = view.words.t
    metrics = [
        column(
            metric,
            view.name(metric),
            "number" if view.metric(metric).unit != "ratio" else "text",
            "11.5rem",
            wide=stock and place > 0,
        )
        for place, metric in enumerate(tile.metrics)
    ]
    more = [column("stock", t("tile.goods.stock"), "bar", "14rem") | {"narrow": "7.6rem"}] if stock else []
    return [column("sku", t("tile.goods.sku"), "label", "minmax(0, 1fr)"), *metrics, *more]


def _cells(tile: Tile, view: View, row: Row, stock: Stock | None, left: dict[str, float]) -> dict[str, Any]:
    category, sku = row.keys
    cells: dict[str, Any] = {"sku": label(view.label(BY, sku), view.label(PARENT, category))}
    for metric in tile.metrics:
        value = row.value(metric)
        cells[metric] = (
            str(view.write(metric, value)) if view.metric(metric).unit == "ratio" else number(view, metric, value)
        )
    if stock:
        cells["stock"] = _stock_cell(view, left.get(sku), stock.opening.get(sku))
    return cells


def _stock_cell(view: View, left: float | None, opening: float | None) -> dict[str, Any]:
    if left is None or not opening:
        return bar(None, view.words.t("tile.none"))
    part = left / opening
    tone = "bad" if part <= OUT else "warning" if part <= LOW else ""
    return bar(part, str(view.write(UNITS, round(left))), tone)
