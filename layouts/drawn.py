"""Remembers drawn tiles whose answers have not changed: most tiles ask less often than the wall ticks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache

from layouts.board import Tile
from layouts.view import View, load_kind
from metrics.reading import Answer

MOST = 1_024

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Drawn:
    tile: Tile
    answers: dict[str, Answer]
    payload: Payload


class DrawnTiles:
    """Payloads by tile, scope and language, of kinds that say `STILL = True`: they draw the same from the same answers,
    whatever the moment and the alerts. Safe to share by threads."""

    def __init__(self) -> None:
        self._held: LRUCache[tuple[object, ...], _Drawn] = LRUCache(MOST)
        self._lock = threading.Lock()

    def take(self, tile: Tile, view: View, draw: Callable[[], Payload]) -> Payload:
        """The tile's payload, drawn when it has to be."""
        if not getattr(load_kind(tile.kind), "STILL", False):
            return draw()
        key = (id(tile), view.scope, view.locale, view.live)
        with self._lock:
            held = self._held.get(key)
        if held is not None and held.tile is tile and _same(held.answers, view):
            return held.payload
        payload = draw()
        with self._lock:
            self._held[key] = _Drawn(tile, dict(view.answers), payload)
        return payload


def _same(answers: dict[str, Answer], view: View) -> bool:
    """Whether these are the very answers: equal ones are compared more dearly than drawn."""
    return answers.keys() == view.answers.keys() and all(view.answers[role] is held for role, held in answers.items())
