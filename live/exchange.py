"""What the processes of one wall tell each other through Redis: who leads, what is watched, what was published.

Every write of a leader is checked against the lock inside Redis, in the same step: a leader that was asleep while
another took over cannot overwrite anything (the fence), however late its message arrives.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping, Sequence
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import LockError
from redis.lock import Lock
from redis.retry import Retry

KEPT_MS = 60_000  # snapshots of a wall that is gone, and scopes that nobody watches
# KEYS lock, news, snapshots, channel; ARGV token, kept_ms, news, then pairs of scope and snapshot
PUBLISH = """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('set', KEYS[2], ARGV[3], 'PX', ARGV[2])
redis.call('del', KEYS[3])
for i = 4, #ARGV, 2 do redis.call('hset', KEYS[3], ARGV[i], ARGV[i + 1]) end
if #ARGV > 3 then redis.call('pexpire', KEYS[3], ARGV[2]) end
redis.call('publish', KEYS[4], 'news')
return 1
"""
# KEYS lock, target; ARGV token, value
KEEP = """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('set', KEYS[2], ARGV[2])
return 1
"""
# KEYS scopes; ARGV kept_ms, then pairs of scope and age in ms. By the clock of Redis: machines differ.
WATCH = """
local now = redis.call('time')
now = now[1] * 1000 + math.floor(now[2] / 1000)
for i = 2, #ARGV, 2 do redis.call('zadd', KEYS[1], 'GT', now - ARGV[i + 1], ARGV[i]) end
redis.call('zremrangebyscore', KEYS[1], '-inf', now - ARGV[1])
local found = redis.call('zrange', KEYS[1], 0, -1, 'WITHSCORES')
for i = 2, #found, 2 do found[i] = tostring(math.max(0, now - found[i])) end
return found
"""


def connect(url: str, timeout_s: float) -> redis.Redis:
    """A client that fails after `timeout_s` instead of trying again: who calls it decides what a failure means."""
    client: redis.Redis = redis.Redis.from_url(
        url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0)
    )
    return client


class Exchange:
    """One process's side. Every method may raise redis.RedisError. `build` marks what version of us leads."""

    def __init__(self, client: redis.Redis, name: str, build: str, lease_s: float) -> None:
        """`name` is the wall: processes that ask the same store with the same limits, and no others."""
        self.token = f"{build}:{secrets.token_hex(8)}"
        self._redis: Any = client  # redis-py answers `Awaitable | value`, which no caller can use as typed
        self._build = build
        self._lock_key, self._channel = f"livewall:{name}:leader", f"livewall:{name}:nudge"
        self._scopes, self._snapshots = f"livewall:{name}:scopes", f"livewall:{name}:snapshots"
        self._news, self._alerts = f"livewall:{name}:news", f"livewall:{name}:alerts"
        self._metrics = f"livewall:{name}:metrics"
        self.process = f"{socket.gethostname()}:{os.getpid()}"
        self._term, self._boot = f"livewall:{name}:term", f"livewall:{name}:boot"
        self._lock = Lock(client, self._lock_key, timeout=lease_s, blocking=False, thread_local=False)
        self._publish = client.register_script(PUBLISH)
        self._keep = client.register_script(KEEP)
        self._watch = client.register_script(WATCH)

    def claim(self) -> str | None:
        """Become the leader: the name of this reign, which no other one ever has, or None: somebody leads."""
        if not self._lock.acquire(token=self.token):
            return None
        self._redis.set(self._boot, secrets.token_hex(4), nx=True)
        boot, term = self._redis.get(self._boot), self._redis.incr(self._term)
        return f"{boot.decode()}.{int(term)}"

    def renew(self) -> bool:
        """Lead for another lease; False when somebody else leads by now."""
        try:
            self._lock.reacquire()
        except LockError:
            return False
        return True

    def release(self) -> None:
        """Stop leading at once, so that another process need not wait for the end of the lease."""
        if self._lock.local.token is not None:
            try:
                self._lock.release()
            except LockError:
                return  # it was not ours any more
            self.nudge()

    def foreign(self) -> bool:
        """Whether a process of another version leads: its snapshots are not read."""
        holder = self._redis.get(self._lock_key)
        return holder is not None and not bytes(holder).startswith(f"{self._build}:".encode())

    def watch(self, scopes: Sequence[tuple[bytes, float]]) -> list[tuple[bytes, float]]:
        """Say which scopes our screens watch, (key, seconds since last seen); returns those of all processes."""
        told = [part for key, age_s in scopes for part in (key, int(age_s * 1000))]
        found = self._watch(keys=[self._scopes], args=[KEPT_MS, *told])
        return [(bytes(key), float(age) / 1000) for key, age in zip(found[::2], found[1::2], strict=True)]

    def publish(self, news: bytes, snapshots: Mapping[bytes, bytes]) -> bool:
        """Swap in what a tick brought, whole; False, and nothing changed, when we do not lead any more."""
        told = [part for pair in snapshots.items() for part in pair]
        keys = [self._lock_key, self._news, self._snapshots, self._channel]
        return bool(self._publish(keys=keys, args=[self.token, KEPT_MS, news, *told]))

    def fetch(self, keys: Sequence[bytes]) -> tuple[bytes | None, list[bytes | None]]:
        """The newest news, and the snapshot of each key."""
        news = self._redis.get(self._news)
        return news, self._redis.hmget(self._snapshots, list(keys)) if keys else []

    def keep_alerts(self, text: str) -> bool:
        """Keep the alerts' states for the next leader; False when we do not lead any more."""
        return bool(self._keep(keys=[self._lock_key, self._alerts], args=[self.token, text]))

    def alerts(self) -> str | None:
        """What the last leader kept."""
        kept = self._redis.get(self._alerts)
        return bytes(kept).decode() if kept else None

    def tell_metrics(self, text: str) -> None:
        """Leave our numbers for whoever is asked for those of all; forgotten with our silence."""
        self._redis.set(f"{self._metrics}:{self.process}", text, px=KEPT_MS)
        self._redis.sadd(self._metrics, self.process)

    def told_metrics(self) -> dict[str, str]:
        """The numbers of each process that lives."""
        processes = sorted(bytes(name).decode() for name in self._redis.smembers(self._metrics))
        if not processes:
            return {}
        texts = self._redis.mget([f"{self._metrics}:{process}" for process in processes])
        gone = [process for process, text in zip(processes, texts, strict=True) if text is None]
        if gone:
            self._redis.srem(self._metrics, *gone)
        return {process: bytes(text).decode() for process, text in zip(processes, texts, strict=True) if text}

    def nudge(self) -> None:
        """Have the other processes look now instead of at their next turn."""
        self._redis.publish(self._channel, "look")

    def listener(self) -> Any:
        """A subscription whose `get_message(timeout=…)` returns when somebody nudges."""
        heard = self._redis.pubsub(ignore_subscribe_messages=True)
        heard.subscribe(self._channel)
        return heard
