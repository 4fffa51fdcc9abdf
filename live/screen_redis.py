"""Keeps screens and their commands in Redis, so that several web processes know all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import redis
import structlog
from pydantic import ValidationError

from live.screen_book import BookError
from live.screen_report import Command, Screen

KEPT_S = 90 * 24 * 3600  # dark walls stay on the list; Redis drops what no process is left to forget
REPORT, COMMAND = "report", "command:"
log = structlog.get_logger("screens")


class RedisBook:
    """One hash a screen (its report and a field a command) that expires, and a set of the screens there are.

    A field is written by one side only: a heartbeat never undoes what another process put into a command.
    """

    def __init__(self, url: str, wall: str) -> None:
        """`wall` is what the processes that share screens have in common: several walls may live in one Redis."""
        self._redis: redis.Redis = redis.Redis.from_url(
            url, decode_responses=True, socket_timeout=2.0, socket_connect_timeout=2.0
        )
        self._prefix = f"livewall:screens:{wall}"

    def close(self) -> None:
        self._redis.close()

    def screens(self) -> Mapping[str, Screen]:
        with _asking():
            keys: list[str] = sorted(self._answer(self._redis.smembers(self._prefix)))
            pipe = self._redis.pipeline(transaction=False)
            for key in keys:
                pipe.hget(self._hash(key), REPORT)
            texts = pipe.execute()
            found = {key: screen for key, text in zip(keys, texts, strict=True) if (screen := _screen(text))}
            gone = [key for key in keys if key not in found]
            if gone:
                self._redis.srem(self._prefix, *gone)
            return found

    def screen(self, key: str) -> Screen | None:
        with _asking():
            return _screen(self._answer(self._redis.hget(self._hash(key), REPORT)))

    def put_screen(self, screen: Screen) -> None:
        with _asking():
            pipe = self._redis.pipeline(transaction=True)
            pipe.hset(self._hash(screen.key), REPORT, screen.model_dump_json())
            pipe.expire(self._hash(screen.key), KEPT_S)
            pipe.sadd(self._prefix, screen.key)
            pipe.expire(self._prefix, KEPT_S)
            pipe.execute()

    def drop_screen(self, key: str) -> None:
        with _asking():
            pipe = self._redis.pipeline(transaction=True)
            pipe.delete(self._hash(key))
            pipe.srem(self._prefix, key)
            pipe.execute()

    def commands(self, key: str) -> tuple[Command, ...]:
        with _asking():
            fields: dict[str, str] = self._answer(self._redis.hgetall(self._hash(key)))
        return _commands(text for field, text in fields.items() if field.startswith(COMMAND))

    def all_commands(self) -> Mapping[str, tuple[Command, ...]]:
        with _asking():
            keys: list[str] = sorted(self._answer(self._redis.smembers(self._prefix)))
            pipe = self._redis.pipeline(transaction=False)
            for key in keys:
                pipe.hgetall(self._hash(key))
            answers: list[dict[str, str]] = pipe.execute()
        texts = {
            key: [text for field, text in fields.items() if field.startswith(COMMAND)]
            for key, fields in zip(keys, answers, strict=True)
        }
        return {key: _commands(kept) for key, kept in texts.items() if kept}

    def put_command(self, key: str, command: Command) -> None:
        with _asking():
            pipe = self._redis.pipeline(transaction=True)
            pipe.hset(self._hash(key), f"{COMMAND}{command.id}", command.model_dump_json())
            pipe.expire(self._hash(key), KEPT_S)
            pipe.execute()

    def drop_command(self, key: str, command_id: str) -> None:
        with _asking():
            self._redis.hdel(self._hash(key), f"{COMMAND}{command_id}")

    def flush(self) -> None:
        """Nothing: Redis outlives this process."""

    def _hash(self, key: str) -> str:
        return f"{self._prefix}:{key}"

    @staticmethod
    def _answer(answer: Any) -> Any:
        """redis types every answer as one of its synchronous and asynchronous clients; ours is the former."""
        return answer


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as problem:
        raise BookError(f"Redis does not answer for the screens: {problem}") from problem


def _screen(text: str | None) -> Screen | None:
    try:
        return Screen.model_validate_json(text) if text else None
    except ValidationError:
        return None  # another version's words: the next heartbeat replaces them


def _commands(texts: Iterable[str]) -> tuple[Command, ...]:
    found = []
    for text in texts:
        try:
            found.append(Command.model_validate_json(text))
        except ValidationError:
            log.warning("a command in Redis is unreadable")
    return tuple(sorted(found, key=lambda command: (command.given_at, command.id)))
