"""From an event to the pixel that shows it, in a real browser: a part of `make bench-live`, or `python -m bench.pixel`.

A wall of its own with 200 simulated events a second, at a tick of two seconds and of one, watched by Chromium on the
same machine. The figures are those that the wall shows: of the last five minutes. Markers are a tick apart at least, as
a screen says of the newest one only that it was painted: of two in one tick the older would be left out, and the
number too good. `python -m bench.pixel 90` looks for so many seconds only and writes nothing.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from typing import Any

import httpx
from playwright.sync_api import sync_playwright
from prometheus_client.parser import text_string_to_metric_families

from bench.processes import family_cpu
from bench.results import put_section
from bench.served import SHORT, free_port, served

TICKS = (2.0, 1.0)
RATE = 200
APART = 2  # markers every so many ticks: by chance between one and three
WARM_S, WINDOW_S = 20.0, 300.0  # what came while the page was opened falls out of the window
TARGETS = {2.0: (1.6, 2.8), 1.0: (1.0, 1.8)}  # p50 and p95, seconds
STAGE, PAINTED = "livewall_event_stage_seconds", "livewall_event_to_pixel_seconds"
STAGES = {"kept": "on disk", "stored": "stored", "asked": "in a snapshot", "told": "in an answer", "": "painted"}

Sums = dict[str, tuple[float, float]]


def measure(tick: float, program: str, seconds: float) -> dict[str, Any]:
    """What the wall says of itself after some time at a tick: median, p95 and worst in seconds, the reports, the mean
    age of markers at each stage, and the CPU of the wall with its database, in seconds a minute."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="pixel") as folder:
        wanted = {"STORE": f"{folder}/store", "TICK": str(tick), "RATE": str(RATE), "MARKERS_EVERY": str(APART * tick)}
        with served(port, **wanted, HISTORY_DAYS="1") as (url, pid), sync_playwright() as play:
            browser = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1920, "height": 1080})
            page.goto(f"{url}/wall?kiosk=1", timeout=120_000)
            page.wait_for_function("() => window.livewall && livewall.frame && livewall.frame()", timeout=120_000)
            time.sleep(WARM_S)
            before, used = sums(url), family_cpu(pid)
            time.sleep(seconds)
            after, cpu = sums(url), (family_cpu(pid) - used) / seconds * 60
            found: dict[str, Any] = page.evaluate("() => ({...livewall.frame().pixel, tick: livewall.frame().tick})")
            browser.close()
    return {**found, **means(before, after), "cpu": cpu}


def sums(url: str) -> Sums:
    """Sum and count of what `/metrics` says of each stage; the last one, painted, has no name."""
    told: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(httpx.get(f"{url}/metrics", timeout=30).text):
        for sample in family.samples if family.name in {STAGE, PAINTED} else ():
            told.setdefault(sample.labels.get("until", ""), {})[sample.name.rpartition("_")[2]] = sample.value
    return {stage: (values["sum"], values["count"]) for stage, values in told.items()}


def means(before: Sums, after: Sums) -> dict[str, Any]:
    """Mean seconds from event to each stage between two looks, and how many markers were sent."""
    rise = {
        stage: tuple(a - b for a, b in zip(after[stage], before.get(stage, (0, 0)), strict=True)) for stage in after
    }
    return {"stages": {stage: total / max(count, 1) for stage, (total, count) in rise.items()}, "sent": rise["kept"][1]}


def write(runs: dict[float, dict[str, Any]]) -> str:
    """The section of results as Markdown."""
    lines = [
        "## Event to pixel",
        "",
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end; {RATE} simulated "
        f"events a second, one Chromium on the same machine, five minutes each, a marker every {APART} ticks or so. "
        "CPU is the wall's with its database, simulator and web server.",
        "",
        "| tick | p50 | p95 | worst | markers | wanted p50 / p95 | tick at the end | CPU-s a minute |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for tick, found in runs.items():
        wanted = " / ".join(f"{seconds:.1f} s" for seconds in TARGETS[tick])
        lines.append(
            f"| {tick:g} s | {found['median']:.2f} s | {found['p95']:.2f} s | {found['worst']:.2f} s "
            f"| {found['count']} | {wanted} | {found['tick']:g} s | {found['cpu']:.0f} |"
        )
    lines += ["", "Mean age of a marker when it was …", "", f"| tick | {' | '.join(STAGES.values())} |"]
    lines.append("|--:" * (1 + len(STAGES)) + "|")
    for tick, found in runs.items():
        ages = " | ".join(f"{found['stages'][stage]:.2f} s" for stage in STAGES)
        lines.append(f"| {tick:g} s | {ages} |")
    return "\n".join(lines)


def main(seconds: float = 20.0 if SHORT else WINDOW_S) -> None:
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        print("event to pixel is not measured: no Chromium on this machine", file=sys.stderr)
        return
    text = write({tick: measure(tick, program, seconds) for tick in TICKS})
    print(text)
    if seconds == WINDOW_S:
        put_section("event to pixel", text)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
