"""Frames kept in a real Redis are built once, whichever process asks."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from flask import Flask
from flask_caching import Cache

from app.main import cache_settings
from callbacks.shelf import FrameShelf
from tests.app.test_run import free_port


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not on this machine (make test installs it where apt can)")
    port = free_port()
    process = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    try:
        client = redis.Redis(port=port)
        for _ in range(1200):
            try:
                client.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.05)
        client.close()
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(timeout=60)


def shelf_of_a_process(url: str) -> FrameShelf:
    cache = Cache(config=cache_settings(url))
    cache.init_app(Flask("screens"))
    return FrameShelf(cache)


def test_two_processes_share_frames_through_redis(redis_url: str) -> None:
    built: list[str] = []

    def build() -> str:
        built.append("frame")
        return '{"title":"实时"}'

    one, other = shelf_of_a_process(redis_url), shelf_of_a_process(redis_url)
    assert one.take(("v1", "zh"), build) == other.take(("v1", "zh"), build) == '{"title":"实时"}'
    assert len(built) == 1
    other.take(("v2", "zh"), build)
    assert len(built) == 2
