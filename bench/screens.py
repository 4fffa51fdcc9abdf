"""Screens without browsers: asks a running wall as so many open pages do, in a process of its own, and counts.

`python -m bench.screens URL SCREENS TICK_S SECONDS [BOARD]` prints one JSON object; with the board `-` the pages are
those of any Dash app whose one callback hangs on an interval. Each screen keeps a connection, asks at
every beat with the version it shows, never twice at once, and goes on from what it was answered. It begins anywhere in
a tick and then comes when the server says that it is best, as the page does (`assets/js/35-pace.js`). Frames are not
put together (that is a browser's work, and this process shares the machine with the server): only their versions and
that moment are read.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import statistics
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

WARM_S = 24.0  # the server has counted its screens and told them when to come, the first whole frames are behind
PATIENCE_S = 10.0  # as the page's
WHOLE = re.compile(rb'\\"version\\":\\"([^"\\]+)\\"')
CHANGED = re.compile(rb'\\"version\\":\{\\"r\\":\\"([^"\\]+)\\"\}')
BEST = re.compile(rb'\\"next\\":([\d.]+),\\"spread\\":([\d.]+)')
AFTER_S, SLACK_S = 0.04, 0.1  # as the page's


@dataclass
class Heard:
    """What all screens heard in the measured time. `delivered` are beats that were answered before the next one."""

    beats: int = 0
    delivered: int = 0
    failed: int = 0
    whole: int = 0
    changes: int = 0
    nothing: int = 0
    bytes: int = 0
    took_ms: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Door:
    """Where to post, and what of the request never changes. `board` is None where the interval itself is the input."""

    host: str
    port: int
    body: dict[str, Any]
    board: str | None

    def request(self, n: int, seen: str) -> bytes:
        wish = {"n": n, "seen": seen, "query": "", "locale": "zh", "board": self.board}
        ask = n if self.board is None else wish
        body = json.dumps({**self.body, "inputs": [{**self.body["inputs"][0], "value": ask}]}).encode()
        head = (
            f"POST /_dash-update-component HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def find_door(url: str, board: str | None) -> Door:
    """What a page posts on a tick, made from Dash's own list of callbacks."""
    callbacks = httpx.get(f"{url}/_dash-dependencies", timeout=60).raise_for_status().json()
    (callback,) = [entry for entry in callbacks if not entry["clientside_function"]]
    named = [name.rpartition(".") for name in callback["output"].strip(".").split("...")]
    outputs = [{"id": output_id, "property": output_property} for output_id, _, output_property in named]
    (given,) = callback["inputs"]
    body = {
        "output": callback["output"],
        "outputs": outputs if callback["output"].startswith("..") else outputs[0],
        "inputs": [given],
        "changedPropIds": [f"{given['id']}.{given['property']}"],
        "state": [],
    }
    parts = urlsplit(url)
    return Door(parts.hostname or "127.0.0.1", parts.port or 80, body, board)


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes, int]:
    """Status, body and bytes on the wire of one answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    body = await reader.readexactly(int(found[1])) if found else b""
    return int(head.split(b" ", 2)[1]), body, len(head) + len(body)


class Pace:
    """When a screen is best to ask, as the page finds it."""

    def __init__(self, tick_s: float) -> None:
        self._tick_s, self._slot, self._off = tick_s, random.random(), 0

    def move_s(self, body: bytes, due: float) -> float:
        """Seconds by which the next beat comes later than a tick after `due`, whose question was answered so."""
        found = BEST.search(body)
        if found is None:
            return 0.0
        late = (time.monotonic() + float(found[1]) + self._slot * float(found[2]) - due) % self._tick_s
        by = late - self._tick_s if late > self._tick_s / 2 else late
        self._off = self._off + 1 if by > 0 or by < -min(SLACK_S, 0.3 * self._tick_s) else 0
        if self._off < 2:
            return 0.0
        self._off = 0
        return by + AFTER_S


async def screen(door: Door, phase_s: float, tick_s: float, begin: float, end: float, heard: Heard) -> None:
    """One screen until `end`; what happens before `begin` is not counted."""
    reader, writer = await asyncio.open_connection(door.host, door.port)
    seen, n, due, pace = "", 0, begin - WARM_S + phase_s, Pace(tick_s)
    while due < end:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        counts = due >= begin
        heard.beats += counts
        n += 1
        try:
            sent = time.monotonic()
            writer.write(door.request(n, seen))
            status, body, size = await asyncio.wait_for(answer(reader), PATIENCE_S)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            heard.failed += counts
            writer.close()
            seen = ""
            reader, writer = await asyncio.open_connection(door.host, door.port)
        else:
            took = time.monotonic() - sent
            changed = CHANGED.search(body)
            version = changed or WHOLE.search(body)
            seen = version[1].decode() if version else seen
            moved = pace.move_s(body, due)
            if counts:
                heard.failed += status not in (200, 204)
                heard.delivered += status in (200, 204) and took <= tick_s
                heard.nothing += status == 204
                heard.changes += status == 200 and changed is not None
                heard.whole += status == 200 and changed is None
                heard.bytes += size
                heard.took_ms.append(took * 1000)
            due += moved
        due += tick_s
        while due < time.monotonic() - tick_s:  # beats that passed while a question was under way ask nothing
            heard.beats += due >= begin
            due += tick_s
    writer.close()


async def watch(url: str, screens: int, tick_s: float, seconds: float, board: str | None) -> dict[str, Any]:
    """So many screens, which begin spread evenly over a tick, for the warm-up and `seconds` more."""
    door, heard = find_door(url, board), Heard()
    begin = time.monotonic() + WARM_S
    phases = [tick_s * index / screens for index in range(screens)]
    running = asyncio.gather(*(screen(door, phase, tick_s, begin, begin + seconds, heard) for phase in phases))
    await asyncio.sleep(max(0.0, begin - time.monotonic()))
    print("measuring", flush=True)  # the parent reads the server's CPU from here on
    await running
    took = heard.took_ms
    cuts = statistics.quantiles(took, n=20) if len(took) > 1 else [0.0] * 19
    return {**asdict(heard), "took_ms": None, "p50_ms": cuts[9], "p95_ms": cuts[18], "own_cpu_s": time.process_time()}


def main() -> None:
    url, screens, tick_s, seconds, *rest = sys.argv[1:]
    board = rest[0] if rest else "wall"
    heard = asyncio.run(watch(url, int(screens), float(tick_s), float(seconds), None if board == "-" else board))
    print(json.dumps(heard))


if __name__ == "__main__":
    main()
