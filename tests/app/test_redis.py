"""Frames kept in a real Redis are built once, whichever process asks."""

from __future__ import annotations

import pickle

from flask import Flask
from flask_caching import Cache

from app.frames import cache_settings
from callbacks.shelf import FrameShelf
from tests.redis_server import RedisServer


def shelf_of_a_process(url: str) -> FrameShelf:
    cache = Cache(config=cache_settings(url))
    cache.init_app(Flask("screens"))
    return FrameShelf(cache)


def test_two_processes_share_frames_through_redis(redis_server: RedisServer) -> None:
    built: list[str] = []

    def build() -> str:
        built.append("frame")
        return '{"title":"实时"}'

    one, other = shelf_of_a_process(redis_server.url), shelf_of_a_process(redis_server.url)
    assert one.take(("v1", "zh"), build) == other.take(("v1", "zh"), build) == '{"title":"实时"}'
    assert len(built) == 1
    other.take(("v2", "zh"), build)
    assert len(built) == 2


def test_without_redis_frames_are_built_and_nothing_breaks(redis_server: RedisServer) -> None:
    shelf = shelf_of_a_process(redis_server.url)
    assert shelf.take(("v1", "zh"), lambda: "a") == "a"
    redis_server.stop()
    assert shelf.take(("v1", "zh"), lambda: "b") == "b"


def test_a_pickle_in_redis_is_never_opened(redis_server: RedisServer) -> None:
    shelf = shelf_of_a_process(redis_server.url)
    shelf.take(("v1", "zh"), lambda: "a")
    client = redis_server.client()
    (key,) = client.keys("livewall:frame:*")
    client.set(key, pickle.dumps(["planted"], protocol=0))
    client.close()
    assert isinstance(shelf.take(("v1", "zh"), lambda: "b"), str)
