"""Keeps built frames and changes: one screen builds, the others with the same view take the same string."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable

from callbacks.deps import FrameCache

KEPT_S = 120
CHANGES_S = 30  # how long the way from one frame to a later one is kept: screens of a scope ask within a few ticks


class FrameShelf:
    """Frames by everything they depend on: version (of the data), board, narrowed scope, locale, notes."""

    def __init__(self, cache: FrameCache) -> None:
        self._cache = cache
        self._building = threading.Lock()

    def take(self, parts: tuple[str, ...], build: Callable[[], str]) -> str:
        """The frame for `parts`, built at most once a process however many screens ask in the same moment."""
        return self._take(_key("frame", parts), KEPT_S, build)

    def find(self, parts: tuple[str, ...]) -> str | None:
        """The frame for `parts` if it is still here."""
        held: str | None = self._cache.get(_key("frame", parts))
        return held

    def take_changes(self, old: tuple[str, ...], new: tuple[str, ...], build: Callable[[], str]) -> str:
        """What leads from one frame to another, built at most once a process."""
        return self._take(_key("changes", (*old, *new)), CHANGES_S, build)

    def _take(self, key: str, kept_s: int, build: Callable[[], str]) -> str:
        held: str | None = self._cache.get(key)
        if held is not None:
            return held
        with self._building:  # building is a few milliseconds of Python: two at once would only take turns
            held = self._cache.get(key)
            if held is None:
                held = build()
                self._cache.set(key, held, timeout=kept_s)
            return held


def is_changes(key: str) -> bool:
    """Whether a key of the cache is that of changes, not of a whole frame."""
    return key.startswith("changes:")


def _key(kind: str, parts: tuple[str, ...]) -> str:
    """A digest. As JSON: whatever a browser wrote into a part cannot pass for two of them."""
    return f"{kind}:" + hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()
