"""A wall in a process of its own, for benches that look at it from outside."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

SHORT = bool(os.environ.get("BENCH_SHORT"))
READY_S = 600


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(url: str, server: subprocess.Popen[bytes]) -> None:
    """Raises SystemExit when the wall ends or does not get ready."""
    end = time.monotonic() + READY_S
    while time.monotonic() < end and server.poll() is None:
        try:
            if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(1)
    raise SystemExit("the wall did not get ready")


@contextmanager
def served(port: int, *, module: str = "app", **wanted: str) -> Iterator[tuple[str, int]]:
    """`make run` with some settings, once it is ready: its address and process id. It ends with the context."""
    url = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "PORT": str(port), "HOST": "127.0.0.1", **wanted}
    command = [sys.executable, "-m", module, *(["run"] if module == "app" else [])]
    with subprocess.Popen(command, env=environment) as server:
        try:
            wait_until_ready(url, server)
            yield url, server.pid
        finally:
            server.terminate()
