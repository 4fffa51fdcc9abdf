"""Runs a wall from an empty folder to a served page, and ends it cleanly."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from flask import Flask
from waitress.server import create_server

from app.background import Background, summary_json
from app.commands.show import show_load
from app.console import console, progress_bar
from app.ingest_api import serve_ingest
from app.ingestion import Intake, endpoint, heal, intake, marking
from app.local import LocalJobs, serve_local
from app.main import Wall, build_wall
from app.settings import Settings
from app.store import announce, find_holder, keep_retention, open_store, settle_profile, withdraw
from app.truth import Truth, Watch
from core.clock import Clock, SystemClock
from core.errors import BadRequestError, StoreBusyError
from ingest.history import fill_gap, fill_history
from ingest.loader import Progress, finish_interrupted, load_files
from ingest.mapping import load_mapping
from ingest.replay import finish_replays
from ingest.scenario import load_scenario
from ingest.world import load_world
from ingest.writer import Writer
from metrics.profile import StoreProfile
from queries.client import ClickHouse
from queries.members import has_events

NORMAL = "normal_day"
CONNECTIONS = 4_000  # waitress's own limit of 100 silently starves the screens beyond it


def serve(settings: Settings) -> None:
    """Open the store, bring it up to date, show the wall until Ctrl-C. Raises LivewallError with one clear line."""
    clock = SystemClock(timedelta(seconds=settings.clock_offset))
    begun = clock.monotonic()
    check_port(settings)
    with running(settings, clock) as wall:
        run_server(settings, wall, f"{clock.monotonic() - begun:.1f}")
        console.print("Stopping …")
    console.print("Stopped; the data stays in", str(settings.store))


@contextlib.contextmanager
def running(settings: Settings, clock: Clock, prepared: bool = False) -> Iterator[Wall]:
    """A wall with everything that belongs to its store, in one process; a `prepared` store is up to date already."""
    mapping, files = wanted_files(settings)
    profile = settle_profile(settings.store, load_mapping(mapping).store if mapping else None)
    if not prepared:
        console.print(f"Opening the store {settings.store} …")
    clickhouse = open_store(settings.store, settings.clickhouse_dsn, settings.readers)
    with contextlib.ExitStack() as closing:
        closing.callback(clickhouse.close)
        heal(clickhouse, settings.store)
        ingesting = closing.enter_context(intake(settings, clickhouse, profile, clock))
        background = background_of(settings, clickhouse, profile, clock, ingesting)
        closing.callback(background.stop)
        if not prepared:
            keep_retention(clickhouse, settings, clock.now())
            bring_up_to_date(settings, clickhouse, profile, clock, mapping, files, ingesting.writer)
        wall = build_wall(settings, clickhouse, profile, clock, ingesting.under_way.settle)
        serve_ingest(wall.dash.server, endpoint(settings, ingesting, profile, wall.meters.verdicts))
        begin(settings, profile, background, mapping, files)
        truth = Truth(clickhouse, profile, clock)
        closing.enter_context(holding(settings, wall.dash.server, own_url(settings), background, ingesting, truth))
        wall.start()
        closing.callback(wall.stop)
        closing.enter_context(watching(settings, truth))
        closing.enter_context(marking(settings, ingesting, wall.pixels.passed))
        yield wall


def prepare(settings: Settings) -> None:
    """Migrate the store, send what a crash left, load or simulate what is missing, and let go of it."""
    clock = SystemClock(timedelta(seconds=settings.clock_offset))
    mapping, files = wanted_files(settings)
    profile = settle_profile(settings.store, load_mapping(mapping).store if mapping else None)
    console.print(f"Opening the store {settings.store} …")
    clickhouse = open_store(settings.store, settings.clickhouse_dsn, settings.readers)
    with contextlib.closing(clickhouse):
        heal(clickhouse, settings.store)
        keep_retention(clickhouse, settings, clock.now())
        with intake(settings, clickhouse, profile, clock) as ingesting:
            bring_up_to_date(settings, clickhouse, profile, clock, mapping, files, ingesting.writer)
        build_wall(settings, clickhouse, profile, clock)  # what can never be shown is said here, and once


def background_of(
    settings: Settings, clickhouse: ClickHouse, profile: StoreProfile, clock: Clock, ingesting: Intake
) -> Background:
    """The simulator and the jobs of a store; nothing runs yet."""
    return Background(
        clickhouse,
        clock,
        seed=settings.seed,
        rate=settings.rate,
        simulated=profile.simulated,
        writer=ingesting.writer,
    )


def begin(settings: Settings, profile: StoreProfile, background: Background, mapping: str, files: list[Path]) -> None:
    """Start what brings events by itself: the simulator of a simulated store, a replay that was asked for."""
    if profile.simulated and settings.simulate:
        background.simulate(settings.scenario)
    if mapping and settings.replay:
        console.print(f"Playing {', '.join(path.name for path in files)} at {settings.replay:g} times its speed …")
        background.replay(mapping, files, settings.replay)


@contextlib.contextmanager
def watching(settings: Settings, truth: Truth) -> Iterator[None]:
    """Rollups are compared with their ledger every so often."""
    watch = Watch(truth, settings.reconcile_every)
    watch.start()
    try:
        yield
    finally:
        watch.stop()


def check_port(settings: Settings) -> None:
    """Say that the port is taken before a minute of filling, not after it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as problem:
            holder = find_holder(settings.store)
            mine = " by a running wall of this store" if holder and holder.url.endswith(f":{settings.port}") else ""
            raise StoreBusyError(
                f"{settings.host}:{settings.port} is taken{mine} ({problem.strerror}); stop it or set PORT=…"
            ) from problem


def wanted_files(settings: Settings) -> tuple[str, list[Path]]:
    """LOAD="tmall a.csv b.csv" as mapping and files; ('', []) for nothing."""
    if not settings.load.strip():
        return "", []
    mapping, *names = settings.load.split()
    if not names:
        raise BadRequestError(
            f'LOAD={settings.load!r}: write the mapping\'s name and then the file, LOAD="tmall file.csv"'
        )
    load_mapping(mapping)
    missing = [name for name in names if not Path(name).is_file()]
    if missing:
        raise BadRequestError(f"LOAD: there is no file {missing[0]}")
    return mapping, [Path(name) for name in names]


def bring_up_to_date(
    settings: Settings,
    clickhouse: ClickHouse,
    profile: StoreProfile,
    clock: Clock,
    mapping: str,
    files: list[Path],
    writer: Writer,
) -> None:
    """Finish what a crash interrupted, load what was asked for, give a simulated store its history."""
    finish_interrupted(clickhouse)
    finish_replays(clickhouse)
    if mapping and not settings.replay:
        wanted = load_mapping(mapping).store
        if wanted != profile:
            raise BadRequestError(
                f"{settings.store} is the store of {profile.name!r}; {mapping} belongs to {wanted.name!r}: "
                f"set STORE=var/{mapping}"
            )
        with progress_bar(f"Loading {mapping}") as step:

            def told(progress: Progress) -> None:
                step(round(progress.share * 1000), 1000)

            summary = load_files(clickhouse, load_mapping(mapping), files, told, clock)
        show_load(summary_json(summary))
    if profile.simulated and settings.simulate:
        give_history(settings, clickhouse, clock, writer)


def give_history(settings: Settings, clickhouse: ClickHouse, clock: Clock, writer: Writer) -> None:
    """Days of history for a new store, what was missed since the last run for an old one, or what a crash cut off.

    History is always a row of normal days: a scenario is something that happens now.
    """
    scenario = load_scenario(NORMAL, load_world())
    wanted: dict[str, Any] = {"scenario": scenario, "seed": settings.seed, "until": clock.now(), "rate": settings.rate}
    wanted["writer"] = writer
    if not settings.history_days:
        if has_events(clickhouse):
            fill_gap(clickhouse, **wanted)
        return
    if has_events(clickhouse):
        filled = fill_history(clickhouse, days=settings.history_days, **wanted)
        if filled.rows:
            console.print(f"Caught up with {filled.rows:,} events since the last run ({filled.seconds:.1f} s)")
        return
    with progress_bar(f"Filling {settings.history_days} days of history") as step:

        def told(rows: int, share: float) -> None:
            step(rows, round(rows / share) if share else 0)

        filled = fill_history(clickhouse, days=settings.history_days, progress=told, **wanted)
    console.print(f"{filled.rows:,} events of history in {filled.seconds:.1f} s")


def own_url(settings: Settings) -> str:
    """Where commands on this machine find the wall."""
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 (compared, not bound)
    return f"http://{host}:{settings.port}"


@contextlib.contextmanager
def holding(
    settings: Settings, server: Flask, url: str, background: Background, ingesting: Intake, truth: Truth
) -> Iterator[None]:
    """Tell commands on this machine where the store is, and do their work for them."""
    holder = announce(settings.store, url)
    serve_local(
        server,
        holder.token,
        LocalJobs(
            load=background.load_job,
            replay=background.replay_job,
            simulate=background.simulate_job,
            letters=ingesting.letters_job,
            reconcile=truth.reconcile_job,
            rebuild=truth.rebuild_job,
        ),
    )
    try:
        yield
    finally:
        withdraw(settings.store)


def run_server(settings: Settings, wall: Wall, took: str) -> None:
    """Serve until SIGINT or SIGTERM. Open connections end with the process; nothing is in them but numbers."""
    server = create_server(
        wall.dash.server,
        host=settings.host,
        port=settings.port,
        threads=settings.threads,
        connection_limit=CONNECTIONS,
        channel_timeout=75,
        asyncore_use_poll=True,  # select() ends at 1,024 descriptors
        ident=None,
    )

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not cut the clean end short
        raise SystemExit  # what waitress ends its loop by; closing its sockets from another thread is a race

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    shown = "localhost" if settings.host == "127.0.0.1" else settings.host
    console.print(
        f"\n  The wall is at [bold]http://{shown}:{settings.port}[/bold]  (ready after {took} s; Ctrl-C stops it)"
    )
    console.print(f"  on a wall monitor: http://{shown}:{settings.port}/wall?kiosk=1\n")
    server.run()
    server.close()
