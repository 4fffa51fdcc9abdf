"""Says how the heartbeat is: what a tick did, and whether the wall may be called ready."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

LATELY = 16  # ticks by which it is judged what one takes
MISSED_TICKS = 3  # so many ticks without a publication, or without word from the store, and the wall is not ready
HANGS_S = 6.0  # more than a statement may take (5 s, queries/limits.yaml): what is under way for longer hangs


@dataclass(frozen=True, slots=True)
class Beat:
    """What one tick did: for health, the log and tests. Times in milliseconds."""

    number: int
    at: datetime
    scopes: int
    asked: int  # different questions sent
    failed: int
    waiting: int  # questions still under way at the end
    took_ms: float
    engine_ms: float
    store_answers: bool  # the last watermark statement came back, and the one under way does not hang
    lag_s: float | None
    problem: str | None = None
    slowed_s: float = 0.0  # seconds to the next tick while load makes ticks rarer than usual, otherwise 0


class Took:
    """When ticks have answered lately: a screen that asks sooner hears nothing new, and then waits a whole tick."""

    def __init__(self, tick_s: float) -> None:
        """`tick_s` is the usual time between two ticks."""
        self._turn_s = min(1.0, tick_s)
        self._number = -1
        self._seconds: tuple[float, ...] = ()

    def answered(self, as_of: datetime, last: Beat | None) -> tuple[float, float]:
        """When a tick of a moment has answered at the soonest and usually, epoch seconds: so long after its turn as the
        last ticks had, the quickest of them and all but the slowest. `last` is counted in, unless it came out of turn
        for a new screen."""
        if last is not None and last.number != self._number:
            self._number = last.number
            late = last.at.timestamp() % self._turn_s
            if late <= self._turn_s / 2:
                self._seconds = (*self._seconds, late + last.took_ms / 1000)[-LATELY:]
        turn = as_of.timestamp() // self._turn_s * self._turn_s
        in_order = sorted(self._seconds) or [0.0]
        return turn + in_order[0], turn + in_order[-2:][0]


@dataclass(frozen=True, slots=True)
class Health:
    """The answer of /readyz. `reason` is empty when ready, otherwise one line that says what is wrong."""

    ready: bool
    reason: str
    tick_age_s: float | None
    lag_s: float | None  # of the ledger that is furthest; None when nothing ever arrived
    scopes: int
    ticks: int
    failed: int  # questions refused in the last tick
    waiting: int  # questions slower than the last tick


def hangs(ticks: int, seconds: float, tick_s: float) -> bool:
    """Whether a question that had no answer for so many ticks and seconds gets none any more. Both have to be many: new
    screens make ticks come at once, and load makes them rare. `tick_s` is the usual time between two."""
    return ticks > MISSED_TICKS and seconds > max(MISSED_TICKS * tick_s, HANGS_S)


def check_health(last: Beat | None, now: datetime, tick_s: float) -> Health:
    """Ready: a tick published within the last three, and the store answers (`hangs`; the tick says whether)."""
    if last is None:
        return Health(False, "no tick yet", None, None, 0, 0, 0, 0)
    age = (now - last.at).total_seconds()
    reason = ""
    if age > MISSED_TICKS * tick_s:
        reason = f"no tick for {age:.0f} s"
    elif not last.store_answers:
        reason = f"the store does not answer: {last.problem}"
    elif last.asked and last.failed == last.asked:
        reason = f"every one of {last.asked} questions failed"
    return Health(not reason, reason, age, last.lag_s, last.scopes, last.number, last.failed, last.waiting)
