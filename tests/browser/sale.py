"""Runs the demo wall in the middle of a sale (`make sale`): its clock stands in the evening of the last Double 11.

A store of its own, which ends with the wall: a week of normal days, the sale since midnight, and that of the year
before to compare with. The wall itself is `python -m app run` with `CLOCK_OFFSET` and `SCENARIO`, as for any rehearsal.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from datetime import datetime, time, timedelta
from pathlib import Path
from types import FrameType

from app.settings import Settings
from app.store import open_store, settle_profile
from core.clock import SystemClock
from ingest.history import fill_history
from ingest.scenario import load_scenario
from ingest.world import load_world
from metrics.calendar import BusinessCalendar, Span
from metrics.event_calendar import load_events
from metrics.profile import StoreProfile

EVENT = SCENARIO = "double11"
EVENING = "20:30"  # local time: the second peak, with a good part of the sale still to run
RATE = 5.0  # the demo's stock (metrics/stock.yaml) is that of a normal day at 20: a sale at 20 would be sold out by now
BEFORE = 0.84  # of the rate: the sale of the year before was smaller
SEED = 7


def editions(profile: StoreProfile, now: datetime) -> tuple[Span, Span]:
    """The last edition of the sale that began before `now`, and the one before that."""
    event = next(event for event in load_events() if event.key == EVENT)
    begun = [span for span in event.around(now, BusinessCalendar.of(profile)) if span.start <= now]
    return begun[-1], begun[-2]


def moment_of(sale: Span, local: time, profile: StoreProfile) -> datetime:
    """That time of day while the sale runs. Raises ValueError outside it."""
    day = sale.start.astimezone(profile.zone).date()
    moment = datetime.combine(day, local, profile.zone)
    if not sale.start < moment < sale.end:
        raise ValueError(f"{EVENT} does not run at {local:%H:%M}")
    return moment


def fill(store: Path, moment: datetime, sale: Span, before: Span, rate: float, days: int) -> None:
    """The sale before, `days` of normal business, and this sale until `moment`, each where the one before it ends."""
    world = load_world()
    clickhouse = open_store(store, Settings(_env_file=None, store=store, dsn="").clickhouse_dsn, readers=2)
    parts = [
        (SCENARIO, before.end, 1, rate * BEFORE),
        ("normal_day", sale.start, days, rate),
        (SCENARIO, moment, 1, rate),
    ]
    try:
        for scenario, until, length, rows in parts:
            staged = load_scenario(scenario, world)
            filled = fill_history(clickhouse, scenario=staged, seed=SEED, until=until, rate=rows, days=length)
            print(f"{scenario} until {until:%Y-%m-%d %H:%M %Z}: {filled.rows:,} events in {filled.seconds:.0f} s")
    finally:
        clickhouse.close()


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--at", type=time.fromisoformat, default=time.fromisoformat(EVENING), help="local time of day")
    asked.add_argument("--rate", type=float, default=RATE, help="events a second, averaged over a normal day")
    asked.add_argument("--days", type=int, default=8, help="normal days before the sale")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="livewall-sale-") as folder:
        store, clock = Path(folder), SystemClock()
        profile = settle_profile(store, None)
        sale, before = editions(profile, clock.now())
        moment = moment_of(sale, given.at, profile)
        fill(store, moment, sale, before, given.rate, given.days)
        offset = (moment - clock.now()) // timedelta(seconds=1)
        moved = {"STORE": folder, "CLOCK_OFFSET": str(offset), "SCENARIO": SCENARIO, "RATE": str(given.rate)}
        return run({**os.environ, "DSN": "", "LOAD": "", "BOARD": "event", **moved})


def run(environment: dict[str, str]) -> int:
    """The wall until it ends; who ends this process ends the wall."""
    wall = subprocess.Popen([sys.executable, "-m", "app", "run"], env=environment)

    def stop(number: int, _frame: FrameType | None) -> None:
        wall.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return wall.wait()


if __name__ == "__main__":
    sys.exit(main())
