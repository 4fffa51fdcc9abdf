"""Leaves a rotating wall on at ten times its pace and looks whether anything grows: `make soak` (SOAK_MINUTES=20).

Starts the demo on a store of its own, opens `/wall?kiosk=1&play=…` with every board in Chromium, and reads the page's
heap (after a forced collection), its DOM nodes and listeners, and the server's resident memory once a round, always on
the same board. Exit code 1 when the median of the last quarter is more than five percent above the second's, or when
fewer than half of the answers came that such a pace brings. Results go to bench/RESULTS.md.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Page, sync_playwright

from bench.results import put_section

ROOT = Path(__file__).resolve().parents[1]
TICK_S = 0.2  # ten times the wall's two seconds
TURNS = "wall:6s,event:4s,regions:4s,goods:4s,funnel:4s,health-board:4s,walls:4s"
ROUND_S = 30
ENOUGH = 0.5  # of the answers that this pace would bring on a machine of its own
FLAT = 1.05  # last quarter against the second
READY_S = 600
TURN_MS = 300_000  # until a board has its turn, on a starved machine


@dataclass(frozen=True, slots=True)
class Sample:
    """One look: megabytes of the page's heap and of the server, counts of nodes and listeners, answers so far."""

    heap_mb: float
    nodes: int
    listeners: int
    answers: int
    turns: int
    server_mb: float


# The rotation stands while one looks: no other board fades or is drawn behind the one in front.
STAND = "(board) => livewall.stage.shown === board && (livewall.rotation.pause(), true)"
ALONE = "() => !document.querySelector('[data-stage=warm], [data-stage=leaving]')"
GO_ON = "() => livewall.rotation.pause()"


def watch_page(
    page: Page, seconds: float, samples: int, server_mb: Callable[[], float] = lambda: 0.0, board: str = "wall"
) -> list[Sample]:
    """Look at a page that is left alone `samples` times over `seconds` or a little more: whenever `board` is shown."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    page.evaluate(
        """() => { window.soak = {turns: 0, board: null};
          livewall.on('second', () => {
            if (livewall.stage.shown !== soak.board) soak.turns += 1;
            soak.board = livewall.stage.shown;
          }); }"""
    )
    seen = []
    for _ in range(samples):
        page.wait_for_timeout(seconds / samples * 1000)
        stand_still(page, board)
        session.send("HeapProfiler.collectGarbage")
        metrics = {entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]}
        answers, turns = page.evaluate("() => [livewall.gate.answered.n, soak.turns]")
        heap = metrics["JSHeapUsedSize"] / 1e6
        seen.append(Sample(heap, int(metrics["Nodes"]), int(metrics["JSEventListeners"]), answers, turns, server_mb()))
        page.evaluate(GO_ON)
    return seen


def stand_still(page: Page, board: str) -> None:
    """Stop the rotation while `board` is shown and nothing else is held: looks at several cannot be compared."""
    while True:
        page.wait_for_function(STAND, arg=board, polling=100, timeout=TURN_MS)
        page.wait_for_function(ALONE, polling=100, timeout=TURN_MS)
        if page.evaluate("() => livewall.stage.shown") == board:
            return
        page.evaluate(GO_ON)  # its turn was over in the same moment


def growth(values: Sequence[float]) -> float:
    """Median of the last quarter over the median of the second; the first is warming up."""
    quarter = len(values) // 4
    return statistics.median(values[-quarter:]) / statistics.median(values[quarter : 2 * quarter])


def resident_mb(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    return int(found[1]) / 1000 if found else 0.0


def main() -> int:
    minutes = float(os.environ.get("SOAK_MINUTES", "20"))
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        print("no Chromium on this machine", file=sys.stderr)
        return 2
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="soak") as folder:
        wanted = {"STORE": f"{folder}/store", "PORT": str(port), "TICK": str(TICK_S), "HISTORY_DAYS": "1", "RATE": "5"}
        server = subprocess.Popen(
            [sys.executable, "-m", "bench.unslowed"], cwd=ROOT, env={**os.environ, **wanted}, stdout=subprocess.DEVNULL
        )
        try:
            wait_until_ready(f"http://127.0.0.1:{port}/readyz", server)
            with sync_playwright() as play:
                browser = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
                page = browser.new_page(viewport={"width": 1920, "height": 1080})
                page.goto(f"http://127.0.0.1:{port}/wall?kiosk=1&play={TURNS}", timeout=120_000)
                page.wait_for_function("() => window.livewall && livewall.frame && livewall.frame()", timeout=120_000)
                rounds = max(4, int(minutes * 60 / ROUND_S))
                begun, before = time.monotonic(), page.evaluate("() => livewall.gate.answered.n")
                seen = watch_page(page, rounds * (ROUND_S - 5), rounds, lambda: resident_mb(server.pid))
                share = (seen[-1].answers - before) * TICK_S / (time.monotonic() - begun)
                browser.close()
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(120)
    return report(minutes, seen, share)


def wait_until_ready(address: str, server: subprocess.Popen[bytes]) -> None:
    """Raises RuntimeError when the wall ends or is not ready in time."""
    end = time.monotonic() + READY_S
    while time.monotonic() < end and server.poll() is None:
        try:
            with urlopen(address, timeout=10) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            pass
        time.sleep(1)
    raise RuntimeError("the wall did not become ready")


def report(minutes: float, seen: Sequence[Sample], share: float) -> int:
    """Print and keep the table; 1 when something grew, or when too small a share of the answers came to tell."""
    rows = {
        "page heap, MB": [sample.heap_mb for sample in seen],
        "DOM nodes": [float(sample.nodes) for sample in seen],
        "event listeners": [float(sample.listeners) for sample in seen],
        "server memory, MB": [sample.server_mb for sample in seen],
    }
    quarter = len(seen) // 4
    lines = [
        "## Soak: a wall left on",
        "",
        f"{minutes:g} minutes at a tick of {TICK_S} s, `play={TURNS}`: "
        f"{seen[-1].answers} answers ({share:.0%} of what this pace can bring), {seen[-1].turns} turns.",
        "",
        "| | second quarter | last quarter | ratio |",
        "|---|--:|--:|--:|",
    ]
    for name, values in rows.items():
        middle, last = statistics.median(values[quarter : 2 * quarter]), statistics.median(values[-quarter:])
        lines.append(f"| {name} | {middle:.1f} | {last:.1f} | {growth(values):.3f} |")
    text = "\n".join(lines)
    print(text)
    put_section("make soak", text)
    return int(share < ENOUGH or any(growth(values) > FLAT for values in rows.values()))


if __name__ == "__main__":
    raise SystemExit(main())
