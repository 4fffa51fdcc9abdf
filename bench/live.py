"""What screens cost: `make bench-live` (BENCH_SHORT=1 for a look). Writes its sections of bench/RESULTS.md.

Twelve tiles as `make serve` serves them, on a store behind a listener into which a simulator writes, and 1, 10, 50, 200
and 1,000 screens one after the other in another process (`bench.screens`); then the wall with its eighteen tiles. The
server's CPU is what the kernel counted for its processes, ticks included; the database's is counted apart. Beside it
stands what each screen adds to the run with one screen.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench import browser, cold, peers, pixel
from bench.processes import family_cpu
from bench.results import put_section
from bench.served import SHORT, free_port
from bench.stand import RATE, ROWS, Stand, says_200, standing, started

BOARDS = Path(__file__).parent / "boards"
SCREENS = (1, 10) if SHORT else (1, 10, 50, 200, 1_000)
OF_WALL = SCREENS[:1] if SHORT else (1, 50, 200)
SECONDS = 10.0 if SHORT else 60.0
TICK_S = 2.0


@dataclass(frozen=True, slots=True)
class Run:
    """One number of screens, 0 is nobody. CPU in seconds of all cores."""

    screens: int
    cpu_s: float
    database_s: float
    clock_s: float
    heard: dict[str, Any]

    @property
    def per_minute(self) -> float:
        return self.cpu_s * 60 / self.clock_s


def idle(pid: int, database: int) -> Run:
    """What both use while nobody watches."""
    own, theirs, begun = family_cpu(pid), family_cpu(database), time.monotonic()
    time.sleep(SECONDS)
    return Run(0, family_cpu(pid) - own, family_cpu(database) - theirs, time.monotonic() - begun, {})


def measure(url: str, pid: int, database: int, screens: int, board: str) -> Run:
    command = [sys.executable, "-m", "bench.screens", url, str(screens), str(TICK_S), str(SECONDS), board]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        if client.stdout.readline().strip() != "measuring":
            raise SystemExit("the screens did not begin")
        own, theirs, begun = family_cpu(pid), family_cpu(database), time.monotonic()
        heard = json.loads(client.stdout.readline())
        took = time.monotonic() - begun
        return Run(screens, family_cpu(pid) - own, family_cpu(database) - theirs, took, heard)


def write(nobody: Run, runs: list[Run], of_wall: list[Run]) -> str:
    """The section of results as Markdown."""
    return "\n".join(
        [
            "## Screens",
            "",
            f"`make bench-live`: {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the "
            f"end; `make serve`, one process, {ROWS:,} ledger rows behind a listener and about {RATE} more a second, "
            f"{TICK_S:g} s tick, {SECONDS:g} s each. Screens are connections of another process on the same machine; "
            "they come when the server says, as pages do, and where they are few they wait for the tick. "
            "Twelve tiles (`bench/boards/twelve.yaml`):",
            "",
            *_table(runs),
            "",
            "The wall with its eighteen tiles:",
            "",
            *_table(of_wall),
            "",
            f"Nobody watching: {nobody.per_minute:.1f} CPU-s a minute of the server, "
            f"{nobody.database_s / nobody.clock_s:.2f} cores of the database.",
        ]
    )


def _table(runs: list[Run]) -> list[str]:
    alone = runs[0].per_minute
    lines = [
        "| screens | server CPU-s per screen-minute | of it added by screens | p50 ms | p95 ms | ticks delivered "
        "| bytes a tick | changes / whole / nothing new | database, cores | CPU of the screens' process |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for run in runs:
        heard = run.heard
        asked = max(1, heard["changes"] + heard["whole"] + heard["nothing"])
        added = max(0.0, run.per_minute - alone) / run.screens
        shares = " / ".join(f"{heard[name] / asked:.0%}" for name in ("changes", "whole", "nothing"))
        lines.append(
            f"| {run.screens:,} | {run.per_minute / run.screens:.4f} | {added:.4f} | {heard['p50_ms']:.0f} "
            f"| {heard['p95_ms']:.0f} | {heard['delivered'] / max(1, heard['beats']):.1%} "
            f"| {heard['bytes'] / asked:,.0f} | {shares} | {run.database_s / run.clock_s:.2f} "
            f"| {heard['own_cpu_s'] / run.clock_s:.0%} |"
        )
    return lines


def measure_screens(stand: Stand) -> str:
    nobody, runs = measure_board(stand, "twelve", SCREENS, BOARDS=str(BOARDS), BOARD="twelve")
    return write(nobody, runs, measure_board(stand, "wall", OF_WALL)[1])


def measure_board(stand: Stand, board: str, counts: tuple[int, ...], **settings: str) -> tuple[Run, list[Run]]:
    """Nobody, and then so many screens of a board, at a server of their own."""
    port = free_port()
    url, serve, runs = f"http://127.0.0.1:{port}", [sys.executable, "-m", "app", "serve"], []
    with started(serve, stand.wall(port, TICK=str(TICK_S), **settings), partial(says_200, f"{url}/readyz")) as pid:
        time.sleep(5)
        nobody = idle(pid, stand.database.pid)
        for screens in counts:
            runs.append(measure(url, pid, stand.database.pid, screens, board))
            told = {"board": board, "screens": screens, "cpu_a_minute": runs[-1].per_minute, **runs[-1].heard}
            print(json.dumps(told), flush=True)
    return nobody, runs


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="live-") as place, standing(Path(place) / "store") as stand:
        text = measure_screens(stand)
        print(text)
        if not SHORT:
            put_section("bench-live", text)
        peers.main(stand)
    pixel.main()
    browser.main()
    cold.main()


if __name__ == "__main__":
    main()
