"""Beats: asks every question of every scope in use once per tick, and publishes one snapshot per scope."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import structlog

from core.clock import Clock
from live.health import Beat, hangs
from live.pace import Load, Pace, gap_after, interval_of, next_pace
from live.peers import NoPeers, Peers
from live.slots import Slot, TileState, describe
from live.store import Key, SnapshotStore
from live.watch import ENGINE, Watched, engine_failed
from metrics.ask import Question
from metrics.calendar import BusinessCalendar
from metrics.reading import Answer, Joint
from metrics.scope import Scope
from metrics.snapshot import AlertView, PlannedTile, Snapshot, Watermark, of_business

Plan = Callable[[str, Scope, datetime], Sequence[PlannedTile]]
Fetch = Callable[[Question, datetime], Answer]
Watermarks = Callable[[datetime], tuple[Watermark, ...]]
Join = Callable[[Sequence[Question], Fetch, datetime], Joint]
Observe = Callable[[datetime, tuple[Watermark, ...]], tuple[AlertView, ...]]

PAST_EVERY_S = 60.0  # a day that is over changes only by late corrections
FIRST_PUBLISH = 0.2  # share of the budget after which what is there goes out, before the slow ones
INFO_EVERY_S = 60.0  # one line a minute in the log for people, the others only for debugging
HANGS_SURELY_S = 30.0  # some times what a statement may take, however rare ticks are
RULES_S = 60.0  # so long the rules may take: they are judged once a minute
SETTLE_S, SETTLE_SHARE = 0.3, 0.25  # so long, or so much of it, a tick waits for what happened before its turn
WAKE_GAP_S = 0.05  # newcomers share a beat instead of having one each

log = structlog.get_logger("live")


@dataclass(slots=True)
class _ScopeState:
    tiles: dict[str, TileState] = field(default_factory=dict)
    broken: str | None = None  # why the plan could not be made

    def slots(self) -> list[Slot]:
        return [slot for tile in self.tiles.values() for slot in tile.slots.values()]


class Ticker:
    """Drives the store. `tick_once()` is the whole work; `start()` only repeats it on a thread.

    Everything it needs is given: `plan` names the questions of a board, `fetch` (thread-safe) answers one, `join`
    (where there is one) says how those of a scope are answered together, `watermarks` says how far the ledgers are,
    `observe` evaluates the alerts.
    """

    def __init__(
        self,
        *,
        plan: Plan,
        fetch: Fetch,
        watermarks: Watermarks,
        observe: Observe,
        store: SnapshotStore,
        clock: Clock,
        calendar: BusinessCalendar,
        tick_s: float = 2.0,
        after_s: float = 0.0,
        settle: Callable[[float], object] = lambda _: None,
        budget_s: float = 2.0,
        readers: int = 4,
        join: Join | None = None,
        peers: Peers | None = None,
        every_tick_s: float = INFO_EVERY_S,
        heard: Callable[[Beat], None] = lambda _: None,
    ) -> None:
        """`tick_s` is the usual time between two ticks, which come `after_s` after a turn of the clock (`gap_after`)
        and then wait, so many seconds at most, for what is on its way into the store (`settle`). `budget_s` is how long
        such a tick waits for its slowest question, `readers` how many are asked at once.

        Only while `peers` say that this process leads it beats. `every_tick_s` is how often a tick is a line at info,
        `heard` is told of each.
        """
        self._peers = peers or NoPeers()
        self._info_every_s, self._heard = every_tick_s, heard
        self._held: tuple[tuple[Watermark, ...], tuple[AlertView, ...]] = ((), ())
        self._resumed = False
        self.store, self.clock, self.usual_s, self.pace = store, clock, tick_s, Pace()
        self._after_s, self._settle = after_s, settle
        self._plan, self._fetch, self._calendar, self._budget_s = plan, fetch, calendar, budget_s
        self._join = join
        self._scopes: dict[Key, _ScopeState] = {}
        self._pool = ThreadPoolExecutor(readers, thread_name_prefix="ask")
        self._side = ThreadPoolExecutor(2, thread_name_prefix="watch")  # never queued behind tiles
        self._watermarks = Watched[tuple[Watermark, ...]](lambda now, _: watermarks(now), ())
        self._alerts = Watched[tuple[AlertView, ...]](observe, ())
        self._running, self._stopping, self._woken = threading.Lock(), threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._count = 0
        self.last: Beat | None = None
        store.on_new_scope(self.wake)

    @property
    def tick_s(self) -> float:
        """Seconds between two ticks now: more than `usual_s` under load."""
        return interval_of(self.pace, self.usual_s)

    @property
    def slowed_s(self) -> float:
        """The same while ticks are slower than usual, otherwise 0."""
        return self.tick_s if self.pace.step else 0.0

    def tick_once(self) -> Beat | None:
        """One tick. None, and nothing asked, while another one is still running."""
        if not self._running.acquire(blocking=False):
            return None
        try:
            self.last = self._tick()
            self._peers.beat(self.last)
            self._heard(self.last)
            return self.last
        finally:
            self._running.release()

    def _tick(self) -> Beat:
        begun, now = self.clock.monotonic(), self.clock.now()
        self._count += 1
        self._resume()
        day = self._calendar.day_of(now)
        live = {key: self._is_live(key[1], now) for key in self.store.in_use()}
        for gone in set(self._scopes) - set(live):
            self._forget(gone)
        for key in live:
            self._plan_scope(key, now, PAST_EVERY_S if not live[key] else 0.0)
        self._watermarks.ask(self._side, now, ())
        budget_s = self._budget_s * self.tick_s / self.usual_s
        fresh = self._ask_due(begun, now, day)
        wanted = sum(slot.pending is not None for slot in self._slots())
        wait(self._watermarks.futures, timeout=budget_s * FIRST_PUBLISH)
        self._watermarks.collect()
        self._alerts.ask(self._side, now, self._watermarks.value)
        for patience in (budget_s * FIRST_PUBLISH, budget_s * (1 - FIRST_PUBLISH)):
            running: list[Future[Any]] = [*fresh, *self._alerts.futures]
            left = wait(running, timeout=patience).not_done
            self._publish(live, now)
            if not left:
                break
        late = sum(slot.pending is not None for slot in self._slots())
        self._keep_pace(Load(self.clock.monotonic() - begun, wanted, late))
        return self._beat(begun, now, len(live), fresh)

    def _keep_pace(self, load: Load) -> None:
        before, self.pace = self.tick_s, next_pace(self.pace, load, self.usual_s)
        if self.tick_s != before:
            slower = self.tick_s > before
            (log.warning if slower else log.info)("pace changed", tick_s=self.tick_s, before_s=before, late=load.late)

    def _plan_scope(self, key: Key, now: datetime, slowest: float) -> None:
        """Ask the board what a scope wants to know. A plan that fails breaks its own scope only."""
        state, held = self._scopes.get(key), None
        if state is None:
            state, held = self._scopes.setdefault(key, _ScopeState()), self.store.latest(*key)
        try:
            planned = self._plan(key[0], key[1], now)
        except Exception as problem:
            state.broken = describe(problem)
            log.error("plan failed", board=key[0], scope=key[1].to_query(), exc_info=True)
            return
        state.broken = None
        for tile in planned:
            told = state.tiles.setdefault(tile.key, TileState())
            told.plan(tile, slowest)
            if held is not None and tile.key in held.tiles:  # another process asked so far
                told.take_over(held.tiles[tile.key])

    def _ask_due(self, moment: float, now: datetime, day: date) -> list[Future[Answer]]:
        """Send each different question once, whatever the number of scopes and tiles that wait for it."""
        wanted: dict[Question, Scope] = {}  # the first scope that wants it asks it
        slots: list[Slot] = []
        for (_, scope), state in self._scopes.items():
            for slot in state.slots():
                if slot.pending is None or slot.pending.done():
                    slots.append(slot)
                    slot.collect(self._count)
                    if slot.due(moment, day, self.tick_s):
                        wanted.setdefault(slot.question, scope)
        asked: dict[Question, Future[Answer]] = {}
        for scope in dict.fromkeys(wanted.values()):
            asked |= self._send([question for question, first in wanted.items() if first == scope], now)
        for slot in slots:  # also who was not due yet: the answer comes for nothing
            if slot.question in asked:
                slot.ask(asked[slot.question], moment, day)
        return list(asked.values())

    def _send(self, questions: Sequence[Question], now: datetime) -> dict[Question, Future[Answer]]:
        """Have the questions of a scope answered."""
        if self._join is None:
            return {question: self._pool.submit(self._fetch, question, now) for question in questions}
        joint = self._join(questions, self._fetch, now)
        for work in joint.works:
            self._pool.submit(work)
        return dict(joint.answers)

    def _slots(self) -> list[Slot]:
        return [slot for state in self._scopes.values() for slot in state.slots()]

    def _publish(self, live: dict[Key, bool], now: datetime) -> None:
        """One snapshot per scope with whatever has come; unanswered tiles keep what they had."""
        for slot in self._slots():
            slot.collect(self._count)
        self._alerts.collect()
        problem = self._alerts.error or self._unjudged(now)
        alerts = self._alerts.value + ((engine_failed(problem),) if problem else ())
        marks = _aged(self._watermarks.value, now)
        published = []
        for key, is_live in live.items():
            state = self._scopes[key]
            slots = state.slots()
            if state.broken:
                for slot in slots:
                    slot.refuse(state.broken)
            tiles = {name: tile.readings(name) for name, tile in state.tiles.items()}
            complete = bool(tiles) and all(tile.heard for tile in state.tiles.values())
            heard = {id(slot.answer): slot.answer for slot in slots if slot.answer and slot.heard_in == self._count}
            engine_ms = sum(answer.engine_ms for answer in heard.values())
            said, mute = self._watermarks.heard_at, self._mute() is not None
            made = Snapshot(key[1], "", now, is_live, tiles, marks, alerts, engine_ms, complete, said, mute)
            published.append((key, self.store.publish(key[0], made)))
        self._peers.published(published, marks, alerts)

    def _is_live(self, scope: Scope, now: datetime) -> bool:
        """Whether a scope's numbers still move: the live day, or a day whose shown part is not over."""
        if scope.day is None:
            return True
        end = self._calendar.at(scope.day, scope.at) if scope.at else self._calendar.end_of(scope.day)
        return end > now

    def _forget(self, key: Key) -> None:
        for slot in self._scopes.pop(key).slots():
            if slot.pending is not None:
                slot.pending.cancel()

    def _beat(self, begun: float, now: datetime, scopes: int, fresh: list[Future[Answer]]) -> Beat:
        done = [future for future in fresh if future.done() and not future.cancelled()]
        good = [future.result() for future in done if future.exception() is None]
        failed = len(done) - len(good)
        mute = self._mute()
        lags = [mark.lag_s for mark in of_business(_aged(self._watermarks.value, now)) if mark.lag_s is not None]
        return Beat(
            number=self._count,
            at=now,
            scopes=scopes,
            asked=len(fresh),
            failed=failed,
            waiting=len(fresh) - len(done),
            took_ms=(self.clock.monotonic() - begun) * 1000,
            engine_ms=sum(answer.engine_ms for answer in good),
            store_answers=mute is None,
            lag_s=min(lags) if lags else None,
            problem=mute or self._alerts.error or self._unjudged(now),
            slowed_s=self.slowed_s,
        )

    def _mute(self) -> str | None:
        """What is wrong when the store does not answer: it refuses, or stands still so that it does not even do that.

        Asked on every tick, also a slow one: /readyz, the log and every screen say the same.
        """
        waits_s = self._watermarks.waits_s(self.clock.now())
        if self._watermarks.error:
            return self._watermarks.error
        if waits_s <= HANGS_SURELY_S and not hangs(self._watermarks.ticks, waits_s, self.usual_s):
            return None
        return f"the watermarks were asked for {waits_s:.0f} s ago"

    def _unjudged(self, now: datetime) -> str | None:
        """What is wrong when the rules hang: they are judged once a minute, and the last verdict would stay."""
        return "no answer for a minute" if self._alerts.waits_s(now) > RULES_S else None

    def start(self) -> None:
        """Beat on a thread of its own until `stop()`."""
        if self._thread is not None:
            raise RuntimeError("this ticker beats already")
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Have the next tick come at once: somebody opened a new scope."""
        self._woken.set()

    @property
    def watermarks(self) -> tuple[Watermark, ...]:
        """How far the ledgers are, as the last tick heard, and how long ago that is now."""
        return _aged(self._watermarks.value, self.clock.now())

    @property
    def alerts(self) -> tuple[AlertView, ...]:
        """How the rules stand, as the last tick heard."""
        return self._alerts.value

    def resume(self, watermarks: tuple[Watermark, ...], alerts: tuple[AlertView, ...]) -> None:
        """Go on, from the next tick, where another process stood: what the store holds is the first answer to all."""
        self._held, self._resumed = (watermarks, alerts), True

    def _resume(self) -> None:
        if not self._resumed:
            return
        self._resumed = False
        for key in tuple(self._scopes):
            self._forget(key)
        watermarks, alerts = self._held
        if watermarks:
            held = [snapshot for key in self.store.in_use() if (snapshot := self.store.latest(*key))]
            said = [snapshot.heard for snapshot in held if snapshot.heard is not None]  # the news have no moment
            self._watermarks.value = watermarks
            self._watermarks.heard_at = max(said, default=self._watermarks.heard_at)
        judged = tuple(alert for alert in alerts if alert.rule != ENGINE)  # whether it runs here is seen here
        self._alerts.value = judged or self._alerts.value

    def stop(self, timeout: float = 10.0) -> None:
        """Stop beating, let running questions end, drop waiting ones. Safe to call twice and without `start()`."""
        self._stopping.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join(timeout)
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._side.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> None:
        """Tick after tick. A tick that raises is logged here and the next one goes on: the first of the three seams."""
        told = -self._info_every_s
        while not self._stopping.is_set():
            begun, began = self.clock.monotonic(), self.clock.now()
            self._woken.clear()
            try:
                beat = self.tick_once() if self._peers.leads() else None
                if beat is not None:
                    loud = begun - told >= self._info_every_s
                    told = begun if loud else told
                    (log.info if loud else log.debug)("tick", **_line(beat))
            except Exception:
                log.exception("tick failed")
            self._stopping.wait(WAKE_GAP_S)
            gap = gap_after(began, self.tick_s, self._after_s)
            if not self._woken.wait(max(0.0, gap - (self.clock.monotonic() - begun))):
                self._settle(min(SETTLE_S, self.tick_s * SETTLE_SHARE))


def _aged(marks: tuple[Watermark, ...], now: datetime) -> tuple[Watermark, ...]:
    """Watermarks with their lag as of now: they may stem from an earlier tick."""
    return tuple(replace(mark, lag_s=(now - mark.reached).total_seconds() if mark.reached else None) for mark in marks)


def _line(beat: Beat) -> dict[str, object]:
    """A beat as one line of the log, without what is empty."""
    values = {name: getattr(beat, name) for name in Beat.__dataclass_fields__ if name != "at"}
    return {
        name: round(value, 1) if isinstance(value, float) else value
        for name, value in values.items()
        if value is not None
    }
