"""`python -m app simulate`: a believable business into a simulated store, or another scenario for the running wall."""

from __future__ import annotations

import threading
from typing import Annotated

import typer

from app.commands.common import clear_errors, reach
from app.console import console
from app.remote import ask_wall
from app.serve import give_history
from app.settings import read_settings
from app.store import Holder, settle_profile
from core.clock import SystemClock
from core.errors import BadRequestError
from ingest.scenario import load_scenario
from ingest.simulator import LiveSimulator
from ingest.spool import Spool
from ingest.world import load_world
from ingest.writer import SPOOL, Writer


def simulate(
    scenario: Annotated[str, typer.Option(help="normal_day, double11, payment_outage, hot_sku …")] = "",
    rate: Annotated[float, typer.Option(help="Ledger rows a second, averaged over a day; RATE when left out.")] = 0,
) -> None:
    """Simulate until Ctrl-C. When a wall holds the store, its own simulator switches to the scenario instead."""
    with clear_errors():
        settings = read_settings()
        name = scenario or settings.scenario
        chosen = load_scenario(name, load_world())
        with reach(settings) as place:
            if isinstance(place, Holder):
                ask_wall(place, "simulate", {"scenario": name}, lambda _: None)
                console.print(f"the wall at {place.url} now plays the scenario {name}")
                return
            if not settle_profile(settings.store, None).simulated:
                raise BadRequestError(
                    f"{settings.store} holds real data: simulated events would mix with it; choose another STORE"
                )
            clock = SystemClock()
            with Spool(settings.store / SPOOL) as spool:
                writer = Writer(place, spool=spool)
                give_history(settings, place, clock, writer)
                simulator = LiveSimulator(
                    place, seed=settings.seed, rate=rate or settings.rate, scenario=chosen, clock=clock, writer=writer
                )
                console.print(f"simulating {name} into {settings.store}; Ctrl-C stops")
                try:
                    simulator.run(threading.Event())
                except KeyboardInterrupt:
                    console.print("stopped; the data stays")
