"""Frames that several processes share: texts in Redis, and a Redis that is gone costs drawing, not answers."""

from __future__ import annotations

import threading
from typing import Any

import structlog
from cachelib.serializers import RedisSerializer
from flask_caching.backends.rediscache import RedisCache
from redis import RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.clock import SystemClock

TIMEOUT_S = 0.5
PAUSE_S = 2.0  # after a failure, before Redis is tried again: else every screen would wait for it

log = structlog.get_logger("frames")


class TextSerializer(RedisSerializer):
    """Frames are texts. The cache's own serialiser would unpickle whatever it finds in Redis."""

    def dumps(self, value: Any, protocol: int = 0) -> bytes:  # noqa: ARG002
        if not isinstance(value, str):
            raise TypeError("frames are texts")
        return value.encode()

    def loads(self, bvalue: bytes | None) -> str | None:
        return bvalue.decode() if bvalue is not None else None


class RedisFrames(RedisCache):
    """flask-caching's Redis backend for texts, which a lost Redis empties instead of breaking."""

    serializer = TextSerializer()

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._clock, self._silent_until = SystemClock(), 0.0
        self._telling = threading.Lock()

    def get(self, key: str) -> Any:
        return self._try(super().get, key)

    def set(self, key: str, value: Any, timeout: Any = None) -> Any:
        return self._try(super().set, key, value, timeout)

    def _try(self, work: Any, *given: Any) -> Any:
        if self._clock.monotonic() < self._silent_until:
            return None
        try:
            return work(*given)
        except RedisError as problem:
            with self._telling:
                if self._clock.monotonic() >= self._silent_until:
                    log.warning("frames are not shared: Redis does not answer", problem=str(problem))
                self._silent_until = self._clock.monotonic() + PAUSE_S
            return None


def cache_settings(redis_url: str) -> dict[str, Any]:
    """Where frames are kept: in this process, or in Redis for several web processes."""
    if redis_url:
        return {
            "CACHE_TYPE": "app.frames.RedisFrames",
            "CACHE_REDIS_URL": redis_url,
            "CACHE_KEY_PREFIX": "livewall:",
            "CACHE_DEFAULT_TIMEOUT": 120,
            "CACHE_OPTIONS": {
                "socket_timeout": TIMEOUT_S,
                "socket_connect_timeout": TIMEOUT_S,
                "retry": Retry(NoBackoff(), 0),
            },
        }
    return {"CACHE_TYPE": "SimpleCache", "CACHE_THRESHOLD": 512, "CACHE_DEFAULT_TIMEOUT": 120}
