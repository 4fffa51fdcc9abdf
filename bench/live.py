"""What screens cost: `make bench-live` (BENCH_SHORT=1 for a look). Writes its sections of bench/RESULTS.md.

One wall on the store of STORE, served as `make run` serves it, and 1, 10, 50, 200 and 1,000 screens one after the other
in another process (`bench.screens`). The server's CPU is what the kernel counted for its process, ticks, simulator and
engine included; beside it stands what each screen adds to the run with one screen.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.settings import Settings
from bench import cold, peers, pixel
from bench.processes import cpu_of
from bench.results import put_section
from bench.served import SHORT, free_port, served

SCREENS = (1, 10) if SHORT else (1, 10, 50, 200, 1_000)
SECONDS = 10.0 if SHORT else 60.0
TICK_S = 2.0


@dataclass(frozen=True, slots=True)
class Run:
    """One number of screens. CPU in seconds of all cores."""

    screens: int
    cpu_s: float
    clock_s: float
    heard: dict[str, Any]

    @property
    def per_screen_minute(self) -> float:
        return self.cpu_s / self.screens * 60 / self.clock_s


def measure(url: str, pid: int, screens: int) -> Run:
    command = [sys.executable, "-m", "bench.screens", url, str(screens), str(TICK_S), str(SECONDS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        if client.stdout.readline().strip() != "measuring":
            raise SystemExit("the screens did not begin")
        cpu, begun = cpu_of(pid), time.monotonic()
        heard = json.loads(client.stdout.readline())
        return Run(screens, cpu_of(pid) - cpu, time.monotonic() - begun, heard)


def write(runs: list[Run], store: Path) -> str:
    """The section of results as Markdown."""
    alone = runs[0].cpu_s / runs[0].clock_s
    lines = [
        "## Screens",
        "",
        f"`make bench-live`: {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end; "
        f"the wall on `{store.name}` with its simulator, {TICK_S:g} s tick, {SECONDS:g} s each. Screens are "
        "connections of another process on the same machine.",
        "",
        "| screens | server CPU-s per screen-minute | of it added by screens | p50 ms | p95 ms | ticks delivered "
        "| bytes a tick | changes / whole / nothing new | CPU of the screens' process |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for run in runs:
        heard = run.heard
        asked = max(1, heard["changes"] + heard["whole"] + heard["nothing"])
        added = max(0.0, run.cpu_s / run.clock_s - alone) / run.screens * 60
        shares = " / ".join(f"{heard[name] / asked:.0%}" for name in ("changes", "whole", "nothing"))
        lines.append(
            f"| {run.screens:,} | {run.per_screen_minute:.4f} | {added:.4f} | {heard['p50_ms']:.0f} "
            f"| {heard['p95_ms']:.0f} | {heard['delivered'] / max(1, heard['beats']):.1%} "
            f"| {heard['bytes'] / asked:,.0f} | {shares} "
            f"| {heard['own_cpu_s'] / run.clock_s:.0%} |"
        )
    return "\n".join(lines)


def main() -> None:
    settings, runs = Settings(), []
    with served(free_port(), TICK=str(TICK_S)) as (url, pid):
        for screens in SCREENS:
            runs.append(measure(url, pid, screens))
            print(json.dumps({"screens": screens, "cpu": runs[-1].per_screen_minute, **runs[-1].heard}), flush=True)
    text = write(runs, settings.store)
    print(text)
    if not SHORT:
        put_section("bench-live", text)
    pixel.main()
    peers.main()
    cold.main()


if __name__ == "__main__":
    main()
