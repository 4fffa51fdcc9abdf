"""Keeps built frames: one screen builds, the others with the same view take the same string."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable

from callbacks.deps import FrameCache

KEPT_S = 120


class FrameShelf:
    """Frames by everything they depend on: version (of the data), board, narrowed scope, locale, notes."""

    def __init__(self, cache: FrameCache) -> None:
        self._cache = cache
        self._building = threading.Lock()

    def take(self, parts: tuple[str, ...], build: Callable[[], str]) -> str:
        """The frame for `parts`, built at most once a process however many screens ask in the same moment."""
        key = "frame:" + hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()
        held: str | None = self._cache.get(key)
        if held is not None:
            return held
        with self._building:  # building is a few milliseconds of Python: two at once would only take turns
            held = self._cache.get(key)
            if held is None:
                held = build()
                self._cache.set(key, held, timeout=KEPT_S)
            return held
