"""Loopback ports for tests, other ones in every process that runs them.

The system gives a port away again as soon as nobody has it, to another worker too, and a server takes seconds to come
up on the one that it was told. So ports are counted up here, below those that the system gives to outgoing connections
(from 32768 on Linux, from 49152 on macOS).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

FIRST, SHARE, SHARES = 20_000, 2_000, 6  # ports of each worker, the last share of who runs alone: up to 31,999
APART = 1_237  # has no divisor with SHARE: runs whose process ids are close begin far from each other


def _share() -> int:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    number = int(worker.removeprefix("gw")) if worker else SHARES - 1
    if worker and number >= SHARES - 1:
        raise RuntimeError(f"there are ports for {SHARES - 1} workers: make SHARE smaller")
    return number


def _counted() -> Iterator[int]:
    begin = os.getpid() * APART
    for step in range(SHARE):
        yield FIRST + SHARE * _share() + (begin + step) % SHARE


_counting = _counted()


def free_port() -> int:
    """A port that nobody listens on, and that this process was not given before."""
    for port in _counting:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise RuntimeError(f"this process has had all of its {SHARE} ports")
