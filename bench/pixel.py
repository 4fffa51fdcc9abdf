"""From an event to the pixel that shows it, in a real browser: a part of `make bench-live`, or `python -m bench.pixel`.

A wall of its own with 200 simulated events a second and a marker about every second, at a tick of two seconds and of
one, watched by Chromium on the same machine. The figures are those that the wall shows: of the last five minutes.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from typing import Any

from playwright.sync_api import sync_playwright

from bench.results import put_section
from bench.served import SHORT, free_port, served

TICKS = (2.0, 1.0)
RATE = 200
WARM_S, WINDOW_S = 20.0, 300.0  # what came while the page was opened falls out of the window
TARGETS = {2.0: (1.6, 2.8), 1.0: (1.0, 1.8)}  # p50 and p95, seconds


def measure(tick: float, program: str) -> dict[str, Any]:
    """What the wall says of itself after five minutes at a tick: median, p95 and worst in seconds, and the reports."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="pixel") as folder:
        wanted = {"STORE": f"{folder}/store", "TICK": str(tick), "RATE": str(RATE), "MARKERS_EVERY": "1"}
        with served(port, **wanted, HISTORY_DAYS="1") as (url, _), sync_playwright() as play:
            browser = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1920, "height": 1080})
            page.goto(f"{url}/wall?kiosk=1", timeout=120_000)
            page.wait_for_function("() => window.livewall && livewall.frame && livewall.frame()", timeout=120_000)
            time.sleep(WARM_S + (20.0 if SHORT else WINDOW_S))
            found: dict[str, Any] = page.evaluate("() => ({...livewall.frame().pixel, tick: livewall.frame().tick})")
            browser.close()
    return found


def write(runs: dict[float, dict[str, Any]]) -> str:
    """The section of results as Markdown."""
    lines = [
        "## Event to pixel",
        "",
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end; {RATE} simulated "
        "events a second, one Chromium on the same machine, five minutes each.",
        "",
        "| tick | p50 | p95 | worst | markers | wanted p50 / p95 | tick at the end |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for tick, found in runs.items():
        wanted = " / ".join(f"{seconds:.1f} s" for seconds in TARGETS[tick])
        lines.append(
            f"| {tick:g} s | {found['median']:.2f} s | {found['p95']:.2f} s | {found['worst']:.2f} s "
            f"| {found['count']} | {wanted} | {found['tick']:g} s |"
        )
    return "\n".join(lines)


def main() -> None:
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        print("event to pixel is not measured: no Chromium on this machine", file=sys.stderr)
        return
    text = write({tick: measure(tick, program) for tick in TICKS})
    print(text)
    if not SHORT:
        put_section("event to pixel", text)


if __name__ == "__main__":
    main()
