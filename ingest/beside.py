"""Does two things at once that wait for the store: the ledgers of a batch go in side by side, which is sooner."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def side_by_side(works: Sequence[Callable[[], T]]) -> list[T]:
    """What each returns, in order, once all have ended; then raises the first error there was.

    Threads of its own, not a pool: a store that never answers must not keep the process from ending.
    """
    futures = [Future[T]() for _ in works]

    def run(work: Callable[[], T], future: Future[T]) -> None:
        try:
            future.set_result(work())
        except BaseException as problem:  # raised below, in the thread that waits
            future.set_exception(problem)

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in zip(works, futures, strict=True)]
    for thread in threads[1:]:
        thread.start()
    for pair in zip(works[:1], futures[:1], strict=True):
        run(*pair)
    for thread in threads[1:]:
        thread.join()
    return [future.result() for future in futures]
