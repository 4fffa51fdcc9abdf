"""What a tick and one more screen cost on the eight-day demo store: `make bench` (STORE=… for another store).

Prints the engine's time per tick (two minutes of ticks at the board's own pace, so that tiles asked seldom count as
often as they are asked), the same per statement, and the server's CPU for each screen beyond the first. Merges that a
fill left behind are waited for. Beside the mean stands the sum of each statement's median times how often it is asked:
on a machine that others use too, a few stalls make the mean. `SELECT 1` in the same run says how fast the machine is.
"""

from __future__ import annotations

import io
import json
import resource
import statistics
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from werkzeug.test import EnvironBuilder

from app.background import Background
from app.logs import set_up_logs
from app.main import Wall, build_wall
from app.serve import give_history
from app.settings import Settings
from app.store import open_store, settle_profile
from core.clock import SystemClock
from ingest.writer import Writer
from queries.client import ClickHouse
from queries.statement import Result, Statement

TICKS, WARMING = 60, 5
FLOOR = 60
MERGES_S = 180
SCREENS = 400


@dataclass
class Watched:
    """Stands before the store's `read` and adds up what each statement took."""

    clickhouse: ClickHouse
    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def read(self, statement: Statement) -> Result:
        result = ClickHouse.read(self.clickhouse, statement)
        self.took[statement.name].append(result.took_ms)
        return result


def ask_for(wall: Wall, seen: str = "") -> dict[str, Any]:
    """The body a browser posts on a tick, made from Dash's own list of callbacks."""
    client = wall.dash.server.test_client()
    (callback,) = [entry for entry in client.get("/_dash-dependencies").json if not entry["clientside_function"]]
    ask = {"n": 1, "seen": seen, "query": "", "locale": "zh", "board": wall.given.settings.board}
    inputs = [{**given, "value": ask} for given in callback["inputs"]]
    output_id, _, output_property = callback["output"].rpartition(".")
    return {
        "output": callback["output"],
        "outputs": {"id": output_id, "property": output_property},
        "inputs": inputs,
        "changedPropIds": [f"{inputs[0]['id']}.{inputs[0]['property']}"],
        "state": [],
    }


def screens(wall: Wall) -> tuple[float, int]:
    """CPU milliseconds of this process for each screen that asks for a frame somebody else had built, and its bytes.

    The WSGI application is called as a web server calls it: a test client's own work is not the server's.
    """
    body = json.dumps(ask_for(wall)).encode()
    given = EnvironBuilder("/_dash-update-component", method="POST", data=body, content_type="application/json")
    environ = given.get_environ()
    said: list[str] = []

    def answer() -> bytes:
        environ["wsgi.input"] = io.BytesIO(body)
        return b"".join(wall.dash.server.wsgi_app(dict(environ), lambda status, _headers: said.append(status)))

    first = answer()
    assert said == ["200 OK"], (said, first[:300])
    begun = time.process_time()
    for _ in range(SCREENS):
        answer()
    return (time.process_time() - begun) * 1000 / SCREENS, len(first)


def settle(clickhouse: ClickHouse) -> None:
    """Wait until nothing is merged."""
    for _ in range(MERGES_S):
        if clickhouse.read(Statement("merges", "SELECT count() FROM system.merges")).rows[0][0] == 0:
            return
        time.sleep(1)
    print(f"merges still run after {MERGES_S} s")


def main() -> None:
    set_up_logs("warning")
    settings = Settings()
    profile = settle_profile(settings.store, None)
    clickhouse = open_store(settings.store, settings.clickhouse_dsn, settings.readers)
    clock = SystemClock()
    if profile.simulated:
        give_history(settings, clickhouse, clock, Writer(clickhouse))
    settle(clickhouse)
    watched = Watched(clickhouse)
    clickhouse.read = watched.read  # type: ignore[method-assign]
    wall = build_wall(settings, clickhouse, profile, clock)
    client, body = wall.dash.server.test_client(), ask_for(wall)
    background = Background(clickhouse, clock, seed=settings.seed, rate=settings.rate, simulated=profile.simulated)
    if profile.simulated:
        background.simulate(settings.scenario)
    wall.ticker.start()
    engine, cpu = [], []
    for index in range(TICKS + WARMING):
        client.post("/_dash-update-component", json=body)
        before = time.process_time()
        time.sleep(wall.ticker.tick_s)
        if index == WARMING - 1:  # the first ticks ask everything at once
            watched.took.clear()
        if index >= WARMING and wall.ticker.last:
            cpu.append((time.process_time() - before) * 1000)
            engine.append(wall.ticker.last.engine_ms)
    total = sum(sum(values) for values in watched.took.values()) / TICKS
    typical = sum(statistics.median(values) * len(values) for values in watched.took.values()) / TICKS
    tiles = statistics.median(engine)
    wall.ticker.stop()
    background.stop()
    floor = statistics.median(clickhouse.read(Statement("floor", "SELECT 1")).took_ms for _ in range(FLOOR))
    each, size = screens(wall)
    print(f"engine time of a tick over {TICKS}: {typical:.1f} ms by medians, {total:.1f} ms mean")
    print(
        f"  {typical / floor:.0f} times SELECT 1, which takes {floor:.2f} ms; tiles alone {tiles:.1f} ms a median tick"
    )
    for name, values in sorted(watched.took.items(), key=lambda entry: -sum(entry[1]))[:16]:
        each_ms, times = statistics.median(values), len(values) / TICKS
        print(f"  {sum(values) / TICKS:7.2f} ms a tick  {times:5.2f} times  {each_ms:7.2f} ms  {name}")
    print(f"process CPU of a tick: {statistics.mean(cpu):.0f} ms")
    print(f"server CPU of one more screen: {each:.2f} ms ({SCREENS} asks, {size:,} bytes each)")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory: {peak:,.0f} MB")
    clickhouse.close()


if __name__ == "__main__":
    main()
