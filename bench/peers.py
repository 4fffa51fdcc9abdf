"""The six tiles by which dashboards are compared, as a wall and as plain Dash: a part of `make bench-live`, or
`python -m bench.peers` (BENCH_SHORT=1 for a look).

The wall is served by `make serve`, plain Dash by gunicorn; both read one store through one listener, while a
simulator in a process of its own goes on writing. One after the other, in turns, each with 1, 10 and 50 viewers at a
tick of two seconds. CPU is what the kernel counted for the contender's own processes; the database's is counted apart.
What was measured of other products on the same workload is a multiple of plain Dash, which therefore stands for them.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import redis

from bench.processes import family_cpu, family_memory_mb
from bench.results import put_section
from bench.served import SHORT, free_port
from bench.stand import HOURS, RATE, ROWS, Stand, says_200, standing, started

VIEWERS = (1, 10) if SHORT else (1, 10, 50)
SECONDS = 8.0 if SHORT else 20.0
ROUNDS = 1 if SHORT else 3
TICK_S = 2.0
BOARDS = Path(__file__).parent / "boards"
FAST_ENOUGH = 28  # refreshes of a viewer a minute, of 30


@dataclass(frozen=True, slots=True)
class Contender:
    """How one is started, what its pages ask for, and where it says that it is ready."""

    name: str
    command: list[str]
    board: str
    ready: str
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Window:
    """What one contender did for some viewers; CPU in seconds."""

    cpu_s: float
    database_s: float
    clock_s: float
    memory_mb: float
    heard: dict[str, Any]

    @property
    def refreshes(self) -> int:
        return int(max(1, self.heard["changes"] + self.heard["whole"] + self.heard["nothing"]))


def measure(url: str, pid: int, database: int, board: str, viewers: int) -> Window:
    command = [sys.executable, "-m", "bench.screens", url, str(viewers), str(TICK_S), str(SECONDS), board]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        if client.stdout.readline().strip() != "measuring":
            raise SystemExit("the screens did not begin")
        begun, own, theirs = time.monotonic(), family_cpu(pid), family_cpu(database)
        heard = json.loads(client.stdout.readline())
        took = time.monotonic() - begun
        return Window(family_cpu(pid) - own, family_cpu(database) - theirs, took, family_memory_mb(pid), heard)


def idle(pid: int, database: int) -> Window:
    """What both use while nobody watches."""
    time.sleep(5)
    own, theirs, begun = family_cpu(pid), family_cpu(database), time.monotonic()
    time.sleep(SECONDS)
    took = time.monotonic() - begun
    return Window(family_cpu(pid) - own, family_cpu(database) - theirs, took, family_memory_mb(pid), {})


def contenders(stand: Stand, ports: tuple[int, int], cache: str) -> list[Contender]:
    wall, plain = ports
    day = str(stand.business_day().timestamp())
    return [
        Contender(
            "Livewall",
            [sys.executable, "-m", "app", "serve"],
            "six",
            f"http://127.0.0.1:{wall}/readyz",
            stand.wall(wall, BOARDS=str(BOARDS), BOARD="six", TICK=str(TICK_S)),
        ),
        Contender(
            "plain Dash",
            [
                *(sys.executable, "-m", "gunicorn", "bench.plain_dash:server", "-w", "2", "--threads", "8"),
                *("--keep-alive", "75", "-b", f"127.0.0.1:{plain}", "--log-level", "error"),
            ],
            "-",
            f"http://127.0.0.1:{plain}/",
            {"PEER_DSN": stand.database.dsn("admin"), "PEER_REDIS": cache, "PEER_DAY": day},
        ),
    ]


def run(stand: Stand, cache: str) -> dict[tuple[str, int], list[Window]]:
    """Windows by contender and viewers; 0 viewers is nobody."""
    found: dict[tuple[str, int], list[Window]] = {}
    database = stand.database.pid
    for number in range(ROUNDS):
        for contender in contenders(stand, (free_port(), free_port()), cache):
            url = contender.ready.rsplit("/", 1)[0]
            with started(contender.command, contender.environment, partial(says_200, contender.ready)) as pid:
                found.setdefault((contender.name, 0), []).append(idle(pid, database))
                for viewers in VIEWERS:
                    window = measure(url, pid, database, contender.board, viewers)
                    found.setdefault((contender.name, viewers), []).append(window)
                    line = {"round": number, "name": contender.name, "viewers": viewers, "cpu": window.cpu_s}
                    print(json.dumps(line | window.heard), flush=True)
    return found


def write(found: dict[tuple[str, int], list[Window]]) -> str:
    """The section of results as Markdown; medians of the rounds."""

    def middle(name: str, viewers: int, figure: Callable[[Window], float]) -> float:
        return statistics.median(figure(window) for window in found[name, viewers])

    def per_refresh(name: str, viewers: int) -> float:
        return middle(name, viewers, lambda w: w.cpu_s / w.refreshes * 1000)

    lines = [
        "## Six tiles: a wall beside plain Dash",
        "",
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end. {ROWS:,} ledger rows "
        f"of {HOURS} hours, about {RATE} rows a second coming in, one listener for both, tick {TICK_S:g} s; medians of "
        f"{ROUNDS} round(s) in turns, {SECONDS:g} s each. Plain Dash is `bench/plain_dash.py`: raw ledgers, memoised "
        "for a second in Redis, gunicorn with 2 × 8 threads. The wall asks its rollups; `make serve`, one process.",
        "",
        "| | viewers | server CPU a refresh | of plain Dash's | refreshes a viewer and minute, of 30 | p50 / p95 "
        "| database, cores | bytes a refresh | failed | memory (PSS) |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, viewers in found:
        if viewers == 0:
            continue
        rate = middle(name, viewers, lambda w: w.heard["delivered"] / w.clock_s * 60) / viewers
        share = per_refresh(name, viewers) / per_refresh("plain Dash", viewers)
        lines.append(
            f"| {name} | {viewers} | {per_refresh(name, viewers):.1f} ms | {share:.3f} "
            f"| {rate:.1f}{'' if rate >= FAST_ENOUGH else ' (falls behind)'} "
            f"| {middle(name, viewers, lambda w: w.heard['p50_ms']):.0f} / "
            f"{middle(name, viewers, lambda w: w.heard['p95_ms']):.0f} ms "
            f"| {middle(name, viewers, lambda w: w.database_s / w.clock_s):.2f} "
            f"| {middle(name, viewers, lambda w: w.heard['bytes'] / w.refreshes):,.0f} "
            f"| {middle(name, viewers, lambda w: w.heard['failed']):.0f} "
            f"| {middle(name, viewers, lambda w: w.memory_mb):.0f} MB |"
        )
    for name in ("Livewall", "plain Dash"):
        own = middle(name, 0, lambda w: w.cpu_s / w.clock_s)
        theirs = middle(name, 0, lambda w: w.database_s / w.clock_s)
        lines += ["", f"Nobody watching {name}: {own:.3f} cores of its own, {theirs:.2f} of the database."]
    few, many = 10, max(VIEWERS)
    if many > few:  # plain Dash has no such figure: what it does not answer it does not pay for
        more_cpu = middle("Livewall", many, lambda w: w.cpu_s) - middle("Livewall", few, lambda w: w.cpu_s)
        more = middle("Livewall", many, lambda w: float(w.refreshes)) - middle(
            "Livewall", few, lambda w: float(w.refreshes)
        )
        lines += ["", f"Livewall, from {few} to {many} viewers: {more_cpu / more * 1000:.2f} ms of CPU a refresh more."]
    return "\n".join(lines)


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    url = f"redis://127.0.0.1:{port}/0"

    def ready() -> bool:
        try:
            return bool(redis.Redis.from_url(url).ping())
        except redis.ConnectionError:
            return False

    with started(command, {}, ready):
        yield url


def main(stand: Stand | None = None) -> None:
    if shutil.which("redis-server") is None:
        print("six tiles are not measured: plain Dash keeps its answers in Redis, which is not here", file=sys.stderr)
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="six-")))
        cache = stack.enter_context(redis_server(folder))
        text = write(run(stand or stack.enter_context(standing(folder / "store")), cache))
    print(text)
    if not SHORT:
        put_section("six tiles", text)


if __name__ == "__main__":
    main()
