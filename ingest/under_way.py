"""What is on its way into the store from this process: a tick that waits for it shows the second that just ended."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class UnderWay:
    """Counts batches in and out. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open: set[int] = set()
        self._newest = 0

    def begin(self) -> int:
        """A batch is on its way; its number, for `end`."""
        with self._changed:
            self._newest += 1
            self._open.add(self._newest)
            return self._newest

    def end(self, number: int) -> None:
        """It is in the store, or will not get there."""
        with self._changed:
            self._open.discard(number)
            self._changed.notify_all()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """A batch is on its way inside."""
        number = self.begin()
        try:
            yield
        finally:
            self.end(number)

    def settle(self, timeout: float) -> bool:
        """Wait until everything is in that is on its way now, not for what comes later; False when it took too long."""
        with self._changed:
            newest = self._newest
            return self._changed.wait_for(lambda: all(number > newest for number in self._open), timeout)
