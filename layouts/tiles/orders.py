"""The live order ticker: the newest paid orders, without anything personal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.errors import DefinitionError
from layouts.board import Tile
from layouts.parts import WAITING, title_of
from layouts.view import PlanContext, View
from metrics.ask import Latest, Question
from metrics.catalogue import Catalogue
from metrics.formats import format_clock, format_value
from metrics.reading import Listing

SMALLEST = (22.0, 20.0)

SHOWN = 8
LINES_PER_ORDER = 40  # the ledger has a row per line of an order; the wall shows orders


def check(tile: Tile, catalogue: Catalogue) -> None:
    if tile.metrics or tile.by:
        raise DefinitionError("board", tile.key, "the order ticker lists orders; it takes no metrics and no `by`")


def plan(tile: Tile, context: PlanContext) -> dict[str, Question]:
    lines = int(tile.options.get("shown", SHOWN)) * LINES_PER_ORDER
    return {"latest": Latest("latest paid orders", "orders", ("paid",), context.span, context.scope.filters, lines)}


def draw(tile: Tile, view: View) -> dict[str, Any]:
    title = view.words.t("tile.orders.title" if view.live else "tile.orders.title_day")
    payload: dict[str, Any] = {"title": title_of(tile, view, title)}
    listing = view.listing("latest")
    if listing is None:
        return payload | WAITING
    if not listing.rows:
        return payload | {"empty": view.words.t("tile.empty.no_orders")}
    shown = int(tile.options.get("shown", SHOWN))
    return payload | {"rows": [_row(view, order) for order in whole_orders(listing)[:shown]], "shown": shown}


def whole_orders(listing: Listing) -> list[Mapping[str, object]]:
    """Lines gathered to orders, the newest first, each as its first line with the amount of all of them.

    The listing may end in the middle of its last order: that one is left out, or, when it is the only one, has no
    amount rather than a part of it.
    """
    orders: dict[str, dict[str, Any]] = {}
    for line in listing.rows:
        key = str(line.get("order_id") or line.get("event_id"))
        amount = float(str(line["amount"]))
        if key in orders:
            orders[key]["amount"] += amount
        else:
            orders[key] = {**line, "amount": amount}
    found: list[Mapping[str, object]] = list(orders.values())
    if len(listing.rows) < listing.ask.limit:
        return found
    return found[:-1] or [{**found[0], "amount": None}]


def _row(view: View, row: Mapping[str, object]) -> dict[str, Any]:
    moment, level = row["ts"], view.profile.region_level
    amount = row["amount"]
    return {
        "key": str(row.get("event_id") or f"{row.get('order_id')}-{moment}"),
        "time": format_clock(moment, view.profile.zone) if isinstance(moment, datetime) else "",
        "where": view.label(level, str(row.get(level) or "")),
        "category": view.label("category", str(row.get("category") or "")),
        "channel": view.label("channel", str(row.get("channel") or "")),
        "amount": format_value(
            float(amount) if isinstance(amount, int | float) else None, "money", view.locale, view.profile.currency
        ).parts(),
    }
