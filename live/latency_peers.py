"""Tells the other web processes of a wall what screens reported here, and hears theirs: all headers say the same.

On a thread of its own: an answer to a screen never waits for Redis. Without Redis what was heard is forgotten with its
age, and a header shows the reports to its own process alone.
"""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from typing import Any

import orjson
import redis
import structlog

from live.latency import WINDOW_S, PixelLatency, Reports

TURN_S = 2.0  # the reports of other processes are at most so late
# KEYS reports; ARGV kept_ms, who, what. By the clock of Redis: machines differ. What a dead process was told stays
# until it is too old to count.
SWAP = """
local now = redis.call('time')
now = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('hset', KEYS[1], ARGV[2], string.format('%d ', now) .. ARGV[3])
redis.call('pexpire', KEYS[1], ARGV[1])
local found, told = redis.call('hgetall', KEYS[1]), {}
for i = 1, #found, 2 do
  local at, what = string.match(found[i + 1], '^(%d+) (.*)$')
  if not at or now - at > tonumber(ARGV[1]) then
    redis.call('hdel', KEYS[1], found[i])
  elseif found[i] ~= ARGV[2] then
    told[#told + 1] = tostring(math.max(0, now - at))
    told[#told + 1] = what
  end
end
return told
"""

log = structlog.get_logger("latency")


class LatencyPeers:
    """This process's place among those that share a wall's latency. `start()` runs it, `stop()` ends it."""

    def __init__(self, client: redis.Redis, name: str, pixels: PixelLatency) -> None:
        """`name` is the wall's, as in `live/exchange.py`. The client is of our own: it may be slow."""
        self._client, self._key, self._pixels = client, f"livewall:{name}:pixels", pixels
        self._me = secrets.token_hex(8)  # not the process's number, which the next process may have
        self._swap: Any = client.register_script(SWAP)  # redis-py answers `Awaitable | value`
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="latency", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Safe without `start()`."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(10)
        self._client.close()

    def turn(self) -> None:
        """Tell and hear, in one step. Raises redis.RedisError; what was heard before stays and ages."""
        told = self._swap(keys=[self._key], args=[int(WINDOW_S * 1000), self._me, pack_reports(self._pixels.own())])
        heard: Reports = []
        for age_ms, what in zip(told[::2], told[1::2], strict=True):
            heard += unpack_reports(what, float(age_ms) / 1000)
        self._pixels.hear(heard)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.turn()
            except redis.RedisError as problem:
                log.debug("latency was not shared", problem=str(problem))
            except Exception:  # the first seam: a turn that fails is logged, the next one goes on
                log.exception("sharing latency failed")
            self._stopping.wait(TURN_S)


def pack_reports(reports: Reports) -> bytes:
    """[[seconds ago, [[latency, count], …]], …] as JSON."""
    return orjson.dumps([[round(age_s, 1), list(counts.items())] for age_s, counts in reports])


def unpack_reports(text: bytes, told_s_ago: float) -> Reports:
    """What `pack_reports` made so many seconds ago; nothing where it is another version's or nobody's words."""
    try:
        return [
            (max(float(age_s), 0.0) + told_s_ago, Counter({float(seconds): int(count) for seconds, count in counts}))
            for age_s, counts in orjson.loads(text)
            if all(0 <= seconds <= WINDOW_S and count > 0 for seconds, count in counts)
        ]
    except (ValueError, TypeError):
        log.warning("what another process tells of latency cannot be read")
        return []
