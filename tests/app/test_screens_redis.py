"""Screens kept in a real Redis are known to every web process, and what one is told at another reaches it once."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis

from core.clock import ManualClock
from live.screen_book import BookError
from live.screen_redis import KEPT_S, RedisBook
from live.screen_report import Order, read_report
from live.screens import Screens
from tests.redis_server import RedisServer

LOBBY = {"id": "lobby-0123456789abcdef", "name": "lobby", "board": "wall", "heap_mb": 40.0}


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    return redis_server.url


@pytest.fixture
def books(redis_url: str) -> Iterator[tuple[RedisBook, RedisBook, RedisBook]]:
    made = RedisBook(redis_url, "mall"), RedisBook(redis_url, "mall"), RedisBook(redis_url, "other shop")
    yield made
    for book in made:
        book.close()


def test_two_processes_share_screens_and_commands(
    books: tuple[RedisBook, RedisBook, RedisBook],
    clock: ManualClock,
    redis_url: str,
) -> None:
    one, other, stranger = (Screens(book, clock) for book in books)
    assert one.beat(read_report(LOBBY)) == ()
    assert [view.screen.name for view in other.views()] == ["lobby"]
    assert stranger.views() == (), "another wall in the same Redis has screens of its own"

    told = other.give("lobby", Order(kind="message", text="开会", severity="critical"))
    clock.advance(seconds=9)
    assert [command.order.text for command in one.beat(read_report(LOBBY))] == ["开会"]
    assert other.beat(read_report({**LOBBY, "done": [{"id": told.id}]})) == ()
    (view,) = one.views()
    assert view.command is not None and view.command.state(clock.now()) == "done"
    assert view.screen.heaps == (40.0,)

    client = redis.Redis.from_url(redis_url)
    kept = [client.ttl(key) for key in client.keys("livewall:screens:*")]
    assert kept and all(0 < int(seconds) <= KEPT_S for seconds in kept), "nothing stays in Redis for ever"
    client.close()

    clock.advance(seconds=70)
    assert [view.state for view in other.views()] == ["dark"]
    other.forget("lobby")
    assert one.views() == ()
    assert not books[0].commands(view.screen.key)


def test_what_another_version_wrote_is_passed_over(
    books: tuple[RedisBook, RedisBook, RedisBook],
    clock: ManualClock,
    redis_url: str,
) -> None:
    screens = Screens(books[0], clock)
    screens.beat(read_report(LOBBY))
    command = screens.give("lobby", Order(kind="reload"))
    (view,) = screens.views()
    client = redis.Redis.from_url(redis_url)
    (name,) = [key for key in client.keys("livewall:screens:*") if key.endswith(view.screen.key.encode())]
    client.hset(name, "report", '{"format": 7}')
    client.hset(name, "command:x", "no JSON")
    client.close()
    assert screens.views() == ()
    assert [found.id for found in screens.beat(read_report(LOBBY))] == [command.id]
    clock.advance(seconds=timedelta(days=3).total_seconds())
    assert [view.state for view in screens.views()] == ["dark"], "until a person says that it is gone"


def test_a_redis_that_is_not_there_is_said(clock: ManualClock) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        book = RedisBook(f"redis://127.0.0.1:{probe.getsockname()[1]}/0", "mall")
        with pytest.raises(BookError, match="Redis does not answer"):
            Screens(book, clock).beat(read_report(LOBBY))
        book.close()
