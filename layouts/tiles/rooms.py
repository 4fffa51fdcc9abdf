"""Live rooms on air: who sells, how much a minute, how many watch, how many of them pay."""

from __future__ import annotations

from typing import Any

from core.errors import DefinitionError
from layouts.asking import blocking_dimension, compared, filters_beside, make_ask, recent
from layouts.board import Tile
from layouts.parts import WAITING, by_key, reason_blocked, title_of
from layouts.regions import selected_codes
from layouts.table import column, label, number, table
from layouts.view import PlanContext, View
from metrics.ask import Question
from metrics.catalogue import Catalogue
from metrics.reading import Row

SMALLEST = (36.0, 20.0)
STILL = True
PACES = {"conversion": 60.0}
BY, KIND = "room", "room_kind"
PACE, VIEWERS, CONVERSION, TOTAL = "gmv_per_minute", "visitors", "pay_conversion", "paid_gmv"
MINUTES, HOUR, SHOWN = 5, 60, 8
NOTHING = Row((), None, {})


def check(tile: Tile, catalogue: Catalogue) -> None:
    if tile.metrics or tile.by:
        raise DefinitionError("board", tile.key, "the rooms tile has its own metrics and splits by room")
    for metric in (PACE, VIEWERS, CONVERSION, TOTAL):
        catalogue.metric(metric)


def plan(tile: Tile, context: PlanContext) -> dict[str, Question]:
    filters = filters_beside(context.scope, BY)
    if blocking_dimension(context.catalogue, VIEWERS, filters, BY):
        return {}
    now, hour = recent(context, _minutes(tile)), recent(context, HOUR)
    return {
        "pace": make_ask((PACE,), compared(context, now), filters, BY),
        "viewers": make_ask((VIEWERS,), compared(context, now), filters, BY),
        "conversion": make_ask((CONVERSION,), compared(context, hour), filters, BY),
        "total": make_ask((TOTAL,), compared(context, context.span), filters, BY),
    }


def _minutes(tile: Tile) -> int:
    return int(tile.options.get("minutes", MINUTES))


def draw(tile: Tile, view: View) -> dict[str, Any]:
    t = view.words.t
    payload: dict[str, Any] = {"title": title_of(tile, view, t("tile.rooms.title"))}
    reason = reason_blocked(view, VIEWERS, filters_beside(view.scope, BY), BY)
    if reason:
        return payload | {"empty": reason}
    readings = {role: view.reading(role) for role in ("pace", "viewers", "conversion", "total")}
    if readings["pace"] is None or readings["viewers"] is None:
        return payload | WAITING
    found = {role: by_key(reading.rows) if reading else {} for role, reading in readings.items()}
    codes = {code for role in ("pace", "viewers") for code in found[role] if code}

    def size(code: str) -> tuple[float, float, str]:
        pace, viewers = found["pace"].get(code, NOTHING).value(PACE), found["viewers"].get(code, NOTHING).value(VIEWERS)
        return -float(pace or 0), -float(viewers or 0), code

    on_air = sorted((code for code in codes if size(code)[:2] != (0, 0)), key=size)
    if not on_air:
        return payload | {"empty": t("tile.rooms.none")}
    chosen = selected_codes(view, BY)
    count = int(tile.options.get("shown", SHOWN))
    rows = [{"code": code, "cells": _cells(view, code, found)} for code in on_air[:count]]
    window = t("tile.kpi.window_whole") if view.whole_day else t("tile.kpi.window", minutes=_minutes(tile))
    return payload | {
        "title": " · ".join([payload["title"], t("tile.rooms.on_air", count=len(on_air)), window]),
        **table(_columns(view), rows, BY, count, {code: code in chosen for code in on_air}),
    }


def _columns(view: View) -> list[dict[str, Any]]:
    t = view.words.t
    return [
        column("room", t("tile.rooms.room"), "label", "minmax(0, 1fr)"),
        column("pace", t("tile.rooms.pace"), "number", "11.5rem"),
        column("viewers", t("tile.rooms.viewers"), "number", "7.6rem"),
        column("conversion", t("tile.rooms.conversion"), "text", "9.4rem", wide=True),
        column("total", t("tile.rooms.total"), "number", "11.5rem", wide=True),
    ]


def _cells(view: View, code: str, found: dict[str, dict[str, Row]]) -> dict[str, Any]:
    def value(role: str, metric: str) -> Any:
        return found[role].get(code, NOTHING).value(metric)

    viewers = value("viewers", VIEWERS)
    # its window is an hour, theirs are minutes: beside nobody a share of them that pays would look wrong
    conversion = value("conversion", CONVERSION) if viewers else None
    return {
        "room": label(view.label(BY, code), kind_of(view, code)),
        "pace": number(view, TOTAL, value("pace", PACE)),
        "viewers": number(view, VIEWERS, viewers),
        "conversion": str(view.write(CONVERSION, conversion)),
        "total": number(view, TOTAL, value("total", TOTAL)),
    }


def kind_of(view: View, room: str) -> str:
    """Whether the shop sells itself or an influencer for it; '' where nobody said so."""
    members = view.catalogue.dimension(KIND).members
    return next((view.label(KIND, kind) for kind, rooms in members.items() if room in rooms), "")
