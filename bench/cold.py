"""From `make run` on a filled store to the first full wall: a part of `make bench-live`, or `python -m bench.cold`.

Chromium is open already and asks for the page until it comes, as a screen does that waits for its server. The wall is
full when no tile of it is loading any more. Beside it stands what Python takes to import what the wall imports.
"""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import httpx
from playwright.sync_api import Page, sync_playwright

from app.settings import Settings
from bench.results import put_section
from bench.served import SHORT, free_port

ROUNDS = 1 if SHORT else 5
PATIENCE_S = 300
FULL = """() => { const tiles = [...document.querySelectorAll('.board:not([hidden]) .tile')];
  return tiles.length > 0 && tiles.every((tile) => tile.dataset.face !== 'loading'); }"""
STEPS = ("it answers", "it is ready", "the page is there", "the wall is full")


def until(met: Callable[[], bool], begun: float) -> float:
    """Seconds since `begun` when it was met. Raises SystemExit when it never is."""
    while not met():
        if time.monotonic() - begun > PATIENCE_S:
            raise SystemExit("the wall did not come up")
        time.sleep(0.05)
    return time.monotonic() - begun


def says(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def start_once(page: Page) -> list[float]:
    """Seconds from the start of the process to each of STEPS."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "PORT": str(port), "HOST": "127.0.0.1", "LOG_LEVEL": "error"}
    begun = time.monotonic()
    with subprocess.Popen([sys.executable, "-m", "app", "run"], env=environment, stdout=subprocess.DEVNULL) as server:
        try:
            answers = until(lambda: says(f"{url}/healthz"), begun)
            page.goto(f"{url}/wall?kiosk=1", timeout=PATIENCE_S * 1000)
            there = time.monotonic() - begun
            page.wait_for_function(FULL, timeout=PATIENCE_S * 1000)
            full = time.monotonic() - begun
            ready = until(lambda: says(f"{url}/readyz"), begun)
        finally:
            server.terminate()
    page.goto("about:blank")
    return [answers, min(ready, full), there, full]


def imports_s() -> float:
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", "import app.main, chdb"], check=True)
    return time.monotonic() - begun


def main() -> None:
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        print("the cold start is not measured: no Chromium on this machine", file=sys.stderr)
        return
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        start_once(page)  # fills what the store lacks until now
        runs = [start_once(page) for _ in range(ROUNDS)]
        browser.close()
    imports = statistics.median(imports_s() for _ in range(ROUNDS))
    middle = [statistics.median(step) for step in zip(*runs, strict=True)]
    text = "\n".join(
        [
            "## Cold start",
            "",
            f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end; `make run` on "
            f"the filled store `{Settings().store.name}`, {ROUNDS} starts, medians. Imports alone: {imports:.1f} s.",
            "",
            "| | seconds after the start | of importing alone |",
            "|---|--:|--:|",
            *(
                f"| {step} | {seconds:.1f} | {seconds / imports:.1f}x |"
                for step, seconds in zip(STEPS, middle, strict=True)
            ),
        ]
    )
    print(text)
    if not SHORT:
        put_section("cold start", text)


if __name__ == "__main__":
    main()
