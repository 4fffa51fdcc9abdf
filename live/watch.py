"""Something asked once a tick beside the tiles: its last good value, and why the last asking failed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import datetime
from typing import Generic, TypeVar

import structlog

from live.slots import describe
from locales.words import LOCALES, load_words
from metrics.snapshot import AlertView, Watermark

Value = TypeVar("Value")
ENGINE = "alert_engine"
log = structlog.get_logger("live")


class Watched(Generic[Value]):
    """Never runs twice at once: while an asking is under way the last value stands. Used by the tick only."""

    def __init__(self, work: Callable[[datetime, tuple[Watermark, ...]], Value], first: Value) -> None:
        self.value = first
        self.error: str | None = None
        self._work = work
        self._pending: Future[Value] | None = None
        self._asked_at: datetime | None = None
        self.heard_at: datetime | None = None  # when the value was asked for
        self.ticks = 0  # that the asking under way has seen begin

    @property
    def futures(self) -> list[Future[Value]]:
        """The asking under way, for waiting on it together with others."""
        return [self._pending] if self._pending is not None else []

    def ask(self, pool: Executor, now: datetime, watermarks: tuple[Watermark, ...]) -> None:
        self.collect()
        if self._pending is None:
            self._pending, self._asked_at, self.ticks = pool.submit(self._work, now, watermarks), now, 0
        self.ticks += 1

    def waits_s(self, now: datetime) -> float:
        """Seconds for which the asking under way has had no answer; 0 when there is none."""
        if self._asked_at is None or self._pending is None or self._pending.done():
            return 0.0
        return (now - self._asked_at).total_seconds()

    def collect(self) -> None:
        """Take what has come. A failure keeps the last good value and is logged when it is a new one."""
        if self._pending is None or not self._pending.done():
            return
        future, self._pending = self._pending, None
        problem = None if future.cancelled() else future.exception()
        if problem is not None:
            if describe(problem) != self.error:
                log.error("watching failed", problem=describe(problem), exc_info=problem)
            self.error = describe(problem)
        elif not future.cancelled():
            self.value, self.error, self.heard_at = future.result(), None, self._asked_at


def engine_failed(problem: str) -> AlertView:
    """What stands among the alerts while they cannot be evaluated at all: silence would look like health."""
    words = {locale: load_words(locale) for locale in LOCALES}
    return AlertView(
        rule=ENGINE,
        severity="critical",
        state="error",
        since=None,
        value=None,
        limit=None,
        metric="",
        dimension=None,
        code=None,
        name={locale: text.t("alert.engine.name") for locale, text in words.items()},
        cause={locale: text.t("alert.engine.cause", problem=problem) for locale, text in words.items()},
        action={locale: text.t("alert.engine.action") for locale, text in words.items()},
        owner=dict.fromkeys(LOCALES, ""),
    )
