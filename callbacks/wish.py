"""Reads what a browser asks for. Nothing in it is trusted: shapes, lengths and names are checked here, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from core.errors import BadRequestError
from layouts.board import Board
from metrics.calendar import BusinessCalendar
from metrics.scope import MAX_QUERY, Dropped, Scope, parse_scope

LOCALES = ("zh", "en")
MAX_TEXT = {"query": MAX_QUERY, "seen": 80, "locale": 8, "board": 64}
MAX_NOTES = 5
MOST_MS = 2**53  # what a browser counts exactly
FIRST_DAY = date(1990, 1, 1)  # days outside [FIRST_DAY, tomorrow] are nobody's business


@dataclass(frozen=True, slots=True)
class Wish:
    """A checked question of a screen. `dropped` is what of its address was not understood."""

    board: Board
    scope: Scope
    locale: str
    seen: str
    dropped: tuple[Dropped, ...]
    painted: tuple[int, int] | None = None  # the newest marker that was painted, and the milliseconds since


def read_wish(
    ask: Any,
    boards: Mapping[str, Board],
    members: Callable[[str], frozenset[str] | None],
    calendar: BusinessCalendar,
    now: datetime,
) -> Wish:
    """The question in `ask` = {seen, query, locale, board}. Raises BadRequestError with one line for anything else."""
    if not isinstance(ask, dict):
        raise BadRequestError("a question is an object")
    texts = {name: _text(ask, name, limit) for name, limit in MAX_TEXT.items()}
    if texts["locale"] not in LOCALES:
        raise BadRequestError("no such language")
    if texts["board"] not in boards:
        raise BadRequestError("no such board")
    scope, dropped = read_scope(texts["query"], members, calendar, now)
    return Wish(boards[texts["board"]], scope, texts["locale"], texts["seen"], dropped, _painted(ask.get("painted")))


def _painted(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    numbers = isinstance(value, list) and len(value) == 2 and all(type(part) is int for part in value)
    if not numbers or not all(0 <= part < MOST_MS for part in value):
        raise BadRequestError("painted is a marker and the milliseconds since")
    return value[0], value[1]


def _text(ask: Mapping[str, Any], name: str, limit: int) -> str:
    value = ask.get(name)
    if not isinstance(value, str):
        raise BadRequestError(f"{name} is a text")
    if len(value) > limit and name != "query":  # a long address is answered with a note, not refused
        raise BadRequestError(f"{name} is too long")
    return value


def read_scope(
    query: str, members: Callable[[str], frozenset[str] | None], calendar: BusinessCalendar, now: datetime
) -> tuple[Scope, tuple[Dropped, ...]]:
    """The scope an address means; what is unknown in it is left out and named, a few parts at most."""
    try:
        scope, dropped = parse_scope(query, members)
    except ValueError:  # more parts than parse_qs takes
        return Scope(), (Dropped("url", query[:40], "too_long"),)
    if scope.day and not FIRST_DAY <= scope.day <= calendar.day_of(now) + timedelta(days=1):
        dropped = (*dropped, Dropped("day", scope.day.isoformat(), "bad_date"))
        scope = Scope(filters=scope.filters, step=scope.step, focus=scope.focus)
    return scope, dropped[:MAX_NOTES]
