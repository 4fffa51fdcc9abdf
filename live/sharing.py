"""One process asks and all show the same: leads while it holds the lock, follows while another does.

Without Redis a process goes on alone: it asks for itself, says so, and joins the others again when Redis is back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import redis
import structlog

from core.clock import Clock
from live.exchange import Exchange
from live.health import Beat
from live.slots import describe
from live.store import Key, SnapshotStore
from live.wire import WireError, pack_key, pack_news, pack_snapshot, unpack_key, unpack_news, unpack_snapshot
from metrics.snapshot import AlertView, Snapshot, Watermark

Role = Literal["joining", "leader", "follower", "alone"]
Members = Callable[[], Mapping[str, frozenset[str]]]
Resume = Callable[[tuple[Watermark, ...], tuple[AlertView, ...]], None]

LEASE_TICKS, LEAST_LEASE_S = 2.0, 1.0  # with a turn of TURNS a dead leader is replaced within three ticks
TURNS = 8  # turns in a lease: renewed, claimed and followed so often at least

log = structlog.get_logger("sharing")


def lease_of(tick_s: float) -> float:
    """Seconds for which a leader leads without renewing."""
    return max(LEASE_TICKS * tick_s, LEAST_LEASE_S)


class Sharing:
    """The Peers of a ticker, by Redis. `start()` runs it on threads of its own, `stop()` hands over at once.

    `connect_ticker` gives it the ticker, which itself needs a Peers. `members()` are the codes this process has seen in
    events and `adopt_members` takes those of the leader.
    """

    def __init__(
        self,
        exchange: Exchange,
        store: SnapshotStore,
        clock: Clock,
        *,
        lease_s: float,
        members: Members,
        adopt_members: Callable[[Mapping[str, frozenset[str]]], None],
    ) -> None:
        self.exchange = self._exchange = exchange
        self._store, self._clock, self._lease_s = store, clock, lease_s
        self._members, self._adopt_members = members, adopt_members
        self._resume: Resume = lambda _marks, _alerts: None
        self._wake_ticker: Callable[[], None] = lambda: None
        self._see_marks: Callable[[tuple[Watermark, ...]], None] = lambda _marks: None
        self._turn_s = lease_s / TURNS
        self.role: Role = "joining"
        self.problem = ""  # why this process is alone
        self.last: Beat | None = None  # of whoever asks
        self.handovers = 0
        self._own = store.boot
        self._leads_until = 0.0
        self._heard_at = clock.monotonic()  # when Redis last answered
        self._alone_count = 0
        self._marks: tuple[Watermark, ...] = ()
        self._alerts: tuple[AlertView, ...] = ()
        self._outbox: dict[Key, Snapshot] | None = None
        self._turned_away: tuple[Key, ...] = ()
        self._raw: dict[bytes, bytes] = {}  # what was adopted, to tell what is new
        self._called: frozenset[bytes] = frozenset()  # scopes of ours that others have been nudged about
        self._lock = threading.Lock()
        self._woken, self._stopping = threading.Event(), threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name="sharing", daemon=True),
            threading.Thread(target=self._listen, name="sharing-listen", daemon=True),
        ]

    def connect_ticker(self, resume: Resume, wake: Callable[[], None], reread: Callable[[], None]) -> None:
        """What is told to the ticker and, by `reread`, to the alerts when this process begins to ask."""

        def begin(watermarks: tuple[Watermark, ...], alerts: tuple[AlertView, ...]) -> None:
            reread()
            resume(watermarks, alerts)

        self._resume, self._wake_ticker = begin, wake
        self._store.on_new_scope(self._on_new_scope)

    def on_marks(self, listener: Callable[[tuple[Watermark, ...]], None]) -> None:
        """`listener` hears how far the ledgers are by what any process may be showing, whoever asked."""
        self._see_marks = listener

    def leads(self) -> bool:
        """Whether this process asks: by a lease that is not over, or because it is alone."""
        return self.role == "alone" or (self.role == "leader" and self._clock.monotonic() < self._leads_until)

    def published(
        self,
        snapshots: Sequence[tuple[Key, Snapshot]],
        watermarks: tuple[Watermark, ...],
        alerts: tuple[AlertView, ...],
    ) -> None:
        with self._lock:
            self._outbox = dict(snapshots)
            self._marks, self._alerts = watermarks, alerts
        self._see_marks(watermarks)
        self._woken.set()

    def beat(self, beat: Beat) -> None:
        self.last = beat

    def keep_alerts(self, text: str) -> bool:
        """Keep the alerts' states for the next leader; False when another process leads: then nothing may be said."""
        try:
            return self._exchange.keep_alerts(text) if self.role == "leader" else self.role == "alone"
        except redis.RedisError:
            return self.leads()

    def alerts(self) -> str | None:
        """The states the last leader kept; None when there are none, or nobody can tell."""
        try:
            return self._exchange.alerts() if self.role != "alone" else None
        except redis.RedisError:
            return None

    @property
    def alone(self) -> bool:
        return self.role == "alone"

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Hand over. Safe without `start()`."""
        self._stopping.set()
        self._woken.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout)
        if self.role == "leader":
            self.role = "joining"
            try:
                self._exchange.release()
            except redis.RedisError as problem:
                log.warning("could not hand over; another process takes over later", problem=describe(problem))

    def _on_new_scope(self) -> None:
        self._woken.set()
        self._wake_ticker()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                self.turn()
            except Exception:  # the first seam: a turn that fails is logged, the next one goes on
                log.exception("sharing failed")
            self._woken.wait(self._turn_s)

    def _listen(self) -> None:
        """Turn at once when another process says that there is something; without it every turn comes by itself."""
        while not self._stopping.is_set():
            try:
                heard = self._exchange.listener()
                try:
                    while not self._stopping.is_set():
                        if heard.get_message(timeout=1.0) is not None:
                            self._woken.set()
                finally:
                    heard.close()
            except redis.RedisError:
                self._stopping.wait(self._turn_s)

    def turn(self) -> None:
        """Renew or claim, tell and hear. What Redis refuses is not an error before a whole lease has passed."""
        try:
            self._take_turn()
            self._heard_at = self._clock.monotonic()
        except redis.RedisError as problem:
            if self.role != "alone" and self._clock.monotonic() - self._heard_at >= self._lease_s:
                self._go_alone(f"Redis does not answer, this process asks for itself: {describe(problem)}")

    def _take_turn(self) -> None:
        begun = self._clock.monotonic()
        if self.role == "leader":
            if begun > self._leads_until - self._lease_s * 0.75:
                if not self._exchange.renew():
                    self._follow()
                    return
                self._leads_until = begun + self._lease_s
        elif (reign := self._exchange.claim()) is not None:
            self._lead(reign, begun)
        wanted = self._hear_scopes()
        if self.role == "leader":
            self._publish()
            return
        if self._exchange.foreign():
            if self.role != "alone":
                self._go_alone("a process of another version leads, this one asks for itself until it is gone")
            return
        if self.role != "follower":
            self._follow()
        local = [pack_key(key) for key, _ in self._store.watched()]
        self._adopt([key for key, _ in wanted if key in set(local)])

    def _hear_scopes(self) -> list[tuple[bytes, float]]:
        """Register what is watched here. A leader asks for what is watched anywhere."""
        mine = [(pack_key(key), age_s) for key, age_s in self._store.watched()]
        wanted = self._exchange.watch(mine)
        if self.role != "leader":
            self._call_for(frozenset(key for key, _ in mine))
            return wanted
        turned_away, fresh = list[Key](), False
        for packed, age_s in wanted:
            key = unpack_key(packed)
            kept = self._store.keep(*key, age_s)
            fresh |= kept == "new"
            if kept == "busy":
                turned_away.append(key)
        self._turned_away = tuple(turned_away)
        if fresh:
            self._wake_ticker()
        return wanted

    def _call_for(self, mine: frozenset[bytes]) -> None:
        """Have the leader look at scopes it may not know. Once each: a nudge wakes who sends it as well."""
        if self.role == "follower" and mine - self._called - set(self._raw):
            self._exchange.nudge()
        self._called = mine if self.role == "follower" else frozenset()

    def _publish(self) -> None:
        with self._lock:
            outbox, self._outbox = self._outbox, None
            marks, alerts = self._marks, self._alerts
        if outbox is None:
            return
        told = {pack_key(key): data for key, snapshot in outbox.items() if (data := _packed(key, snapshot))}
        for key in self._turned_away:
            told.setdefault(pack_key(key), pack_snapshot(self._store.turned_away(key[1])))
        if not self._exchange.publish(pack_news(self.last, marks, alerts, self._members()), told):
            self._follow()

    def _adopt(self, keys: Sequence[bytes]) -> None:
        """Take over what the leader published for these scopes, and its news."""
        news, found = self._exchange.fetch(keys)
        try:
            if news is not None:
                self.last, self._marks, self._alerts, members = unpack_news(news)
                self._adopt_members(members)
                self._see_marks(self._marks)
            for key, data in zip(keys, found, strict=True):
                if data is not None and self._raw.get(key) != data:
                    board, _ = unpack_key(key)
                    self._store.adopt(board, unpack_snapshot(data))
                    self._raw[key] = data
            self.problem = ""
        except WireError as problem:  # the last numbers stay, and age
            if not self.problem:
                log.error("what the leader tells cannot be read", problem=str(problem))
            self.problem = f"what the leader tells cannot be read: {problem}"
        self._raw = {key: data for key, data in self._raw.items() if key in set(keys)}

    def _lead(self, reign: str, begun: float) -> None:
        """Take over where the last leader stood: its snapshots are shown and age until the first answers are here."""
        wanted = self._exchange.watch([])
        for packed, age_s in wanted:
            self._store.keep(*unpack_key(packed), age_s)
        if self.role != "alone":
            self._adopt([key for key, _ in wanted])
        with self._lock:
            self._outbox = None
        self._store.lead(reign)
        self._leads_until = begun + self._lease_s
        self._change("leader", "")
        self._resume(self._marks, self._alerts)
        self._wake_ticker()

    def _follow(self) -> None:
        self._store.follow()
        self._raw = {}
        self._change("follower", "")
        self._woken.set()

    def _go_alone(self, problem: str) -> None:
        self._alone_count += 1
        self._store.lead(f"{self._own}.{self._alone_count}")
        self._change("alone", problem)
        self._resume(self._marks, self._alerts)
        self._wake_ticker()

    def _change(self, role: Role, problem: str) -> None:
        before, self.role, self.problem = self.role, role, problem
        if before != role:
            self.handovers += 1
            (log.warning if problem else log.info)("role", before=before, now=role, problem=problem or None)


def _packed(key: Key, snapshot: Snapshot) -> bytes | None:
    """A snapshot that cannot be told is logged, and missing for the others: the rest of the wall goes on."""
    try:
        return pack_snapshot(snapshot)
    except TypeError:
        log.exception("a snapshot cannot be told to other processes", board=key[0], scope=key[1].to_query())
        return None
