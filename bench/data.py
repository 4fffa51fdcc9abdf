"""What numbers cost at any size: `make bench-data` (BENCH_BIG=1 adds 100 million events). Writes bench/RESULTS.md.

BENCH_ONLY=inserting measures the last section only and leaves the others as they stand.

Every size is a store of its own in a process of its own (the engine holds one store a process): eight simulated days at
a rate that makes the size. Asked is what one scope of the wall asks: all its questions once, one statement at a time,
fresh (closed days not remembered) and as later ticks ask (remembered). The same questions from the raw ledgers alone
stand beside it, and a trivial aggregate: machines differ, ratios in one run do not. Each size is measured with users
counted exactly and by sketches.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa

import queries.builder
from app.logs import set_up_logs
from app.main import build_wall
from app.settings import Settings
from app.store import demo_profile, open_store, settle_profile
from bench.results import put_part, put_section
from core.clock import ManualClock, SystemClock
from ingest.history import fill_history
from ingest.scenario import load_scenario
from ingest.world import load_world
from metrics.ask import Question
from metrics.scope import Scope
from queries.client import ClickHouse
from queries.rollups import raw_source
from queries.statement import Result, Statement

SIZES = {"1 M": 1.57, "10 M": 15.7, "100 M": 157.0}  # ledger rows a second over eight days
DAYS, SEED, ROUNDS, RAW_ROUNDS = 8, 11, 7, 2
MERGES_S = 600
TICK_S, TICKS = 2.0, 30  # a minute, so that questions of every pace are asked
COPIES = 12  # inserts of each kind
SMALL = 1_000
SECTION, INSERTING = "bench-data", "## Inserting: the ledger alone, and with all rollups"


@dataclass
class Watched:
    """Stands before a store's `read` and adds up what its statements took.

    Without the time limit of a tile: what would be cut off on a busy machine is to be counted whole.
    """

    clickhouse: ClickHouse
    took_ms: float = 0.0
    statements: int = 0

    def read(self, statement: Statement) -> Result:
        result = self.clickhouse.read_long(statement)
        self.took_ms += result.took_ms
        self.statements += 1
        return result


def settle(clickhouse: ClickHouse) -> None:
    """Wait until nothing is merged, and have it stay so: what is counted is the CPU of the whole process."""
    for _ in range(MERGES_S):
        if clickhouse.read(Statement("merges", "SELECT count() FROM system.merges")).rows[0][0] == 0:
            break
        time.sleep(1)
    else:
        print(f"merges still run after {MERGES_S} s", file=sys.stderr)
    clickhouse.administer(Statement("hold merges", "SYSTEM STOP MERGES"))


@contextmanager
def only_raw() -> Iterator[None]:
    """Every question answered from the raw ledgers."""
    with patch.object(queries.builder, "choose_sources", lambda ledger, *_: (raw_source(ledger),)):
        yield


@dataclass(frozen=True, slots=True)
class Cost:
    """What a frame took, in milliseconds: of all cores, of the engine by its own clock, and on the clock."""

    cpu: float
    engine: float
    clock: float
    statements: int


def middle(runs: list[Cost]) -> float:
    """The median CPU: on a shared machine the clock also runs while others work."""
    return statistics.median(run.cpu for run in runs)


def measure_size(name: str, folder: Path) -> dict[str, Any]:
    """Fill one store and ask it; milliseconds of CPU unless the name says otherwise."""
    set_up_logs("warning")
    settings = Settings(store=folder, history_days=DAYS, readers=1)
    size, distinct = name.rsplit(" ", 1)
    profile = settle_profile(folder, demo_profile().model_copy(update={"distinct": distinct}))
    clickhouse = open_store(folder, settings.clickhouse_dsn, 1)
    until = SystemClock().now().replace(microsecond=0)
    begun = time.process_time()
    scenario = load_scenario("normal_day", load_world())
    filled = fill_history(clickhouse, scenario=scenario, seed=SEED, until=until, rate=SIZES[size], days=DAYS)
    fill_cpu = time.process_time() - begun
    settle(clickhouse)
    clock = ManualClock(until)
    wall = build_wall(settings, clickhouse, profile, clock)
    watched = Watched(clickhouse)
    clickhouse.read = watched.read  # type: ignore[method-assign]

    def frame(moment: datetime) -> Cost:
        """All questions of the wall once."""
        questions: dict[Question, None] = {}
        for tile in wall.ticker._plan("wall", Scope(), moment):
            questions.update(dict.fromkeys(tile.questions.values()))
        watched.took_ms, watched.statements = 0.0, 0
        begun, worked = time.perf_counter(), time.process_time()
        for question in questions:
            wall.ticker._fetch(question, moment)
        cpu, clock = time.process_time() - worked, time.perf_counter() - begun
        return Cost(cpu * 1000, watched.took_ms, clock * 1000, watched.statements)

    def tick() -> None:
        wall.store.watch("wall", Scope(), wait_s=0)
        clock.advance(seconds=TICK_S)
        wall.ticker.tick_once()

    tick()
    worked = time.process_time()
    for _ in range(TICKS):
        tick()
    tick_ms = (time.process_time() - worked) * 1000 / TICKS

    moment = until.replace(second=7)
    frame(moment)
    fresh, later = [], []
    for _ in range(ROUNDS):
        clock.advance(seconds=61)  # what was remembered is forgotten
        fresh.append(frame(moment))
        later.append(frame(moment + timedelta(seconds=2)))
    with only_raw():
        raw = []
        for _ in range(RAW_ROUNDS):
            clock.advance(seconds=61)
            raw.append(frame(moment))
    trivial = Statement(
        "trivial", "SELECT sum(paid__amount) FROM orders_1m_total WHERE minute >= {from:DateTime64(0, 'UTC')}"
    )
    trivial = Statement(trivial.name, trivial.sql, {"from": until - timedelta(hours=1)})
    floors = []
    for _ in range(60):
        begun = time.perf_counter()
        engine = ClickHouse.read(clickhouse, trivial).took_ms
        floors.append((engine, (time.perf_counter() - begun) * 1000))
    sizes = (
        "SELECT sumIf(bytes_on_disk, table LIKE '%\\_events'), sumIf(bytes_on_disk, table NOT LIKE '%\\_events') "
        "FROM system.parts WHERE active AND database = currentDatabase()"
    )
    ledgers, rollups = ClickHouse.read(clickhouse, Statement("sizes", sizes)).rows[0]
    found = {
        "events": filled.rows,
        "fill_s": filled.seconds,
        "fill_cpu_us": fill_cpu * 1e6 / filled.rows,
        "ledger_bytes": ledgers / filled.rows,
        "rollup_bytes": rollups / filled.rows,
        "fresh_ms": middle(fresh),
        "later_ms": middle(later),
        "tick_ms": tick_ms,
        "raw_ms": middle(raw),
        "engine_ms": statistics.median(run.engine for run in fresh),
        "statements": fresh[0].statements,
        "overhead": statistics.median(run.clock / run.engine for run in fresh),
        "floor_ms": statistics.median(engine for engine, _ in floors),
        "floor_overhead": statistics.median(whole / engine for engine, whole in floors),
    }
    clickhouse.close()
    return found


def measure_inserts(folder: Path) -> dict[str, Any]:
    """CPU microseconds a row: inserts into the ledgers with all views beside the same rows into bare copies."""
    set_up_logs("warning")
    settings = Settings(store=folder, readers=1)
    settle_profile(folder, None)
    clickhouse = open_store(folder, settings.clickhouse_dsn, 1)
    found: dict[str, Any] = {}
    batches: dict[str, pa.Table] = {}
    until = SystemClock().now().replace(microsecond=0)
    scenario = load_scenario("normal_day", load_world())
    fill_history(clickhouse, scenario=scenario, seed=SEED, until=until, rate=40, days=1)
    settle(clickhouse)
    with clickhouse._lent(clickhouse._inserters) as client:  # without the time limit of a tile
        for table in ("behaviour_events", "order_events"):
            columns = "* EXCEPT (ingested_at) REPLACE (toString(event_id) AS event_id)"
            batches[table] = client.query_arrow(
                f"SELECT {columns} FROM {table} ORDER BY ts LIMIT 400000", use_strings=True
            )
    for table, batch in batches.items():
        clickhouse.write(Statement("bare", f"CREATE TABLE bare_{table} AS {table}"))
        for rows in (SMALL, 100_000):
            spent = {"": 0.0, "bare_": 0.0}
            for index in range(COPIES):
                part = batch.slice(index * rows % max(1, batch.num_rows - rows), rows)
                for prefix in spent:
                    begun = time.process_time()
                    clickhouse.insert_arrow(f"{prefix}{table}", part, token=f"{prefix}{table}-{rows}-{index}")
                    spent[prefix] += time.process_time() - begun
            found[f"{table} {rows}"] = [spent["bare_"] * 1e6 / COPIES / rows, spent[""] * 1e6 / COPIES / rows]
    clickhouse.close()
    return found


def write_results(sizes: dict[str, dict[str, Any]], inserts: dict[str, Any]) -> str:
    """The report as Markdown."""
    firsts = {name.rsplit(" ", 1)[1]: found for name, found in reversed(sizes.items())}
    lines = [
        "# Numbers at any size (`make bench-data`)",
        "",
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}.",
        "",
        "## A frame: every question of the wall, one statement at a time; CPU of engine, driver and Python",
        "",
        "`fresh`: nothing is remembered, as after a start. `next`: the same two seconds later. `tick`: the mean of a "
        "minute of ticks at two seconds, in which each question is asked at its own pace, with watermarks and alerts.",
        "",
        "| events | users | frame, fresh | against 1 M | next | against 1 M | tick | against 1 M | from raw "
        "| raw / fresh | the engine's clock, fresh | bytes an event: ledger + rollups "
        "| a trivial aggregate, the engine's clock |",
        "|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, found in sizes.items():
        first = firsts[name.rsplit(" ", 1)[1]]
        lines.append(
            f"| {found['events']:,} | {name.rsplit(' ', 1)[1]} "
            f"| {found['fresh_ms']:.0f} ms ({found['statements']} statements) "
            f"| {found['fresh_ms'] / first['fresh_ms']:.2f}x "
            f"| {found['later_ms']:.0f} ms | {found['later_ms'] / first['later_ms']:.2f}x "
            f"| {found['tick_ms']:.0f} ms | {found['tick_ms'] / first['tick_ms']:.2f}x "
            f"| {found['raw_ms']:.0f} ms | {found['raw_ms'] / found['fresh_ms']:.1f}x | {found['engine_ms']:.0f} ms "
            f"| {found['ledger_bytes']:.1f} + {found['rollup_bytes']:.1f} | {found['floor_ms']:.1f} ms |"
        )
    lines += [
        "",
        "Driver and Python on top of the engine, by the clock: "
        + ", ".join(f"{found['overhead']:.2f}x at {name}" for name, found in sizes.items())
        + f"; of the trivial aggregate {firsts['exact']['floor_overhead']:.2f}x.",
        "",
        "## Filling",
        "",
        "| events | seconds | CPU an event, simulator and all views |",
        "|--:|--:|--:|",
        *(f"| {f['events']:,} | {f['fill_s']:.0f} | {f['fill_cpu_us']:.1f} µs |" for f in sizes.values()),
        "",
        *insert_lines(inserts),
    ]
    return "\n".join(lines)


def insert_lines(inserts: dict[str, Any]) -> list[str]:
    """The section about inserting."""
    return [
        INSERTING,
        "",
        "| ledger and rows a batch | alone, CPU a row | with rollups | amplification |",
        "|---|--:|--:|--:|",
        *(f"| {name} | {bare:.2f} µs | {full:.2f} µs | {full / bare:.1f}x |" for name, (bare, full) in inserts.items()),
        "",
    ]


def in_process(*words: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="livewall-bench-") as folder:
        done = subprocess.run(
            [sys.executable, "-m", "bench.data", *words, folder], check=True, stdout=subprocess.PIPE, text=True
        )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    if len(sys.argv) > 2:
        what, folder = sys.argv[1], Path(sys.argv[2])
        found = measure_inserts(folder) if what == "inserts" else measure_size(what, folder)
        print(json.dumps(found))
        return
    if os.environ.get("BENCH_ONLY") == "inserting":
        lines = insert_lines(in_process("inserts"))
        put_part(SECTION, INSERTING, "\n".join(lines))
        print("\n".join(lines))
        return
    wanted = [name for name in SIZES if name != "100 M" or os.environ.get("BENCH_BIG")]
    names = [f"{name} {distinct}" for distinct in ("sketch", "exact") for name in wanted]
    sizes = {}
    for name in names:
        print(f"{name} events …", flush=True)
        sizes[name] = in_process(name)
        print(json.dumps(sizes[name]), flush=True)
    print("inserts …", flush=True)
    text = write_results(sizes, in_process("inserts"))
    put_section(SECTION, text)
    print(text)


if __name__ == "__main__":
    main()
