"""What ticks cost the screen, and whether its heap grows: a part of `make bench-live`, or `python -m bench.browser`.

Chromium shows a real wall. Milliseconds are CPU time of the page's main thread (`Performance.getMetrics` in the time
domain `threadTicks`) between looks, all that the page does in them, divided by the frames with news that came; forced
collections are left out. Once at the wall's own tick, at two sizes, and once at ten times that for 2,000 frames, with
the heap after a forced collection at even distances.
"""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass

from playwright.sync_api import Browser, Page, sync_playwright

from bench.results import put_section
from bench.served import SHORT, free_port, served
from bench.soak import growth

USUAL_S, FAST_S = 2.0, 0.2
USUAL_TICKS = 8 if SHORT else 20
FAST_TICKS = 100 if SHORT else 2_000
RATE = 200  # ledger rows a second during the fast ones
WARM_TICKS = 5 if SHORT else 10  # frames until charts are drawn and code is compiled
LOOKS = 8 if SHORT else 40
PATIENCE_S = 1_500.0  # then what came until then is the result
FEWEST = 4  # looks
FLAT = 1.05  # heap of the last quarter against the second
SIZES = ((1920, 1080), (3840, 2160))
PARTS = {"all": "TaskDuration", "script": "ScriptDuration", "style": "RecalcStyleDuration", "layout": "LayoutDuration"}
COUNT = """() => {
  if (window.news === undefined) livewall.on('frame', () => { window.news += 1; });
  window.news = 0;
}"""
DRAWN = """() => { const tiles = [...document.querySelectorAll('.board:not([hidden]) .tile')];
  return tiles.length > 0 && tiles.every((tile) => tile.dataset.face !== 'loading'); }"""


@dataclass(frozen=True, slots=True)
class Look:
    """What the main thread did since the look before (milliseconds by PARTS), and what the page holds now."""

    frames: int
    seconds: float
    spent_ms: dict[str, float]
    heap_mb: float
    nodes: int
    listeners: int


def watch_ticks(page: Page, frames: int, looks: int, patience_s: float = PATIENCE_S) -> list[Look]:
    """Look at a page `looks` times while `frames` frames with news come.

    On a machine too busy for that many the looks are fewer; raises TimeoutError when there are no FEWEST of them."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def metrics() -> dict[str, float]:
        return {entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]}

    page.evaluate(COUNT)
    seen: list[Look] = []
    end, counted = time.monotonic() + patience_s, 0
    for look in range(1, looks + 1):
        before, begun = metrics(), time.monotonic()
        while (news := int(page.evaluate("() => window.news"))) < frames * look / looks:
            if time.monotonic() > end:
                if len(seen) >= FEWEST:
                    return seen
                raise TimeoutError(f"{news} of {frames} frames came in {patience_s:g} s")
            page.wait_for_timeout(250)
        after, took = metrics(), time.monotonic() - begun
        spent = {part: (after[name] - before[name]) * 1000 for part, name in PARTS.items()}
        session.send("HeapProfiler.collectGarbage")
        held = metrics()
        heap, nodes, listeners = held["JSHeapUsedSize"] / 1e6, int(held["Nodes"]), int(held["JSEventListeners"])
        seen.append(Look(news - counted, took, spent, heap, nodes, listeners))
        if looks >= LOOKS:
            print(f"{news} of {frames} frames in {took:.0f} s, heap {heap:.1f} MB", flush=True)
        counted = news
    session.detach()
    return seen


def per_frame(seen: Sequence[Look], part: str = "all") -> float:
    """Milliseconds of the main thread a frame with news."""
    return sum(look.spent_ms[part] for look in seen) / max(1, sum(look.frames for look in seen))


def opened(browser: Browser, url: str, size: tuple[int, int]) -> Page:
    """The wall of a kiosk with all its tiles drawn."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.goto(f"{url}/wall?kiosk=1&lang=zh", timeout=120_000)
    page.wait_for_function(DRAWN, timeout=120_000)
    watch_ticks(page, WARM_TICKS, 1)
    return page


def measure(browser: Browser, folder: str) -> tuple[dict[str, list[Look]], list[Look]]:
    """Looks at the usual tick by size of screen, and at the fast one."""
    wanted = {"STORE": f"{folder}/store", "HISTORY_DAYS": "1", "RATE": "5", "LOG_LEVEL": "error"}
    usual: dict[str, list[Look]] = {}
    with served(free_port(), module="bench.unslowed", **wanted, TICK=str(USUAL_S)) as (url, _):
        for size in SIZES:
            page = opened(browser, url, size)
            usual[f"{size[0]} × {size[1]}"] = watch_ticks(page, USUAL_TICKS, 4)
            print(f"{size}: {per_frame(usual[f'{size[0]} × {size[1]}']):.1f} ms", flush=True)
            page.close()
    wanted["RATE"] = str(RATE)  # so that every tick brings news, also at night
    with served(free_port(), module="bench.unslowed", **wanted, TICK=str(FAST_S)) as (url, _):
        page = opened(browser, url, SIZES[0])
        fast = watch_ticks(page, FAST_TICKS, LOOKS)
        page.close()
    return usual, fast


def write(usual: dict[str, list[Look]], fast: list[Look]) -> str:
    """The section of results as Markdown."""
    frames, seconds = sum(look.frames for look in fast), sum(look.seconds for look in fast)
    lines = [
        "## A tick in the browser",
        "",
        f"`make bench-live`: {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end; "
        "one Chromium without a graphics card shows the wall (18 tiles) of the simulated shop as a kiosk, database and "
        "simulator on the same machine. CPU of the page's main thread a frame with news, everything that the page does "
        "between two of them included (clock, ages, painting).",
        "",
        "| screen | tick | frames | seconds a frame | main thread, ms a frame | of it script | style | layout |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    rows = [(size, USUAL_S, seen) for size, seen in usual.items()]
    for size, tick, seen in [*rows, (next(iter(usual)), FAST_S, fast)]:
        came, took = sum(look.frames for look in seen), sum(look.seconds for look in seen)
        parts = " | ".join(f"{per_frame(seen, part):.1f}" for part in PARTS)
        lines.append(f"| {size} | {tick:g} s | {came:,} | {took / max(1, came):.2f} | {parts} |")
    quarter = len(fast) // 4
    second, last = fast[quarter : 2 * quarter], fast[-quarter:]
    lines += [
        "",
        f"{frames:,} fast frames in {seconds:.0f} s (of {FAST_TICKS:,}), {len(fast)} looks, each "
        "after a forced collection:",
        "",
        "| | second quarter | last quarter | ratio |",
        "|---|--:|--:|--:|",
    ]
    held = {
        "page heap, MB": [look.heap_mb for look in fast],
        "DOM nodes": [float(look.nodes) for look in fast],
        "event listeners": [float(look.listeners) for look in fast],
    }
    for name, values in held.items():
        middle, end = statistics.median(values[quarter : 2 * quarter]), statistics.median(values[-quarter:])
        lines.append(f"| {name} | {middle:.1f} | {end:.1f} | {growth(values):.3f} |")
    cost = per_frame(last) / per_frame(second)
    lines.append(f"| main thread, ms a frame | {per_frame(second):.1f} | {per_frame(last):.1f} | {cost:.3f} |")
    if growth(held["page heap, MB"]) > FLAT:
        lines += ["", f"**The heap grew** by more than {FLAT - 1:.0%}."]
    return "\n".join(lines)


def main() -> None:
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        print("ticks in the browser are not measured: no Chromium on this machine", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(prefix="browser") as folder, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
        text = write(*measure(browser, folder))
        browser.close()
    print(text)
    if not SHORT:
        put_section("browser", text)


if __name__ == "__main__":
    main()
