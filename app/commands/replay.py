"""`python -m app replay`: a file in its own rhythm, shifted to now."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from app.commands.common import absolute, clear_errors, reach
from app.console import console
from app.remote import ask_wall
from app.settings import read_settings
from app.store import Holder, settle_profile
from core.clock import SystemClock
from ingest.mapping import load_mapping
from ingest.replay import Played, Replay


def replay(
    mapping: Annotated[str, typer.Argument(help="A mapping of ingest/sources/, or a path to one.")],
    files: Annotated[list[Path], typer.Argument(help="CSV or Parquet files.")],
    speed: Annotated[float, typer.Option(help="60 plays an hour in a minute.")] = 1.0,
) -> None:
    """Play files into the store as if they happened now, until their end or Ctrl-C."""
    with clear_errors():
        settings = read_settings()
        chosen = load_mapping(mapping)
        settle_profile(settings.store, chosen.store)  # before the tables are made: they follow its clock
        with reach(settings) as place, console.status("staging …") as status:

            def say(events: int, remaining_s: float, trouble: str) -> None:
                status.update(f"{events:,} events played, {remaining_s:,.0f} s to go {trouble}")

            try:
                if isinstance(place, Holder):

                    def heard(report: dict[str, Any]) -> None:
                        say(report["events"], report["remaining_s"], report["trouble"])

                    wanted = {"mapping": mapping, "files": absolute(files), "speed": speed}
                    played = ask_wall(place, "replay", wanted, heard)
                    console.print(f"{played['events']:,} events played, {played['rejected']:,} rows rejected")
                else:

                    def told(played: Played) -> None:
                        say(played.events, played.remaining_s, played.trouble)

                    with Replay(place, chosen, files, speed, SystemClock()) as player:
                        done = player.run(threading.Event(), told)
                    console.print(f"{done.events:,} events played, {done.rejected:,} rows rejected")
            except KeyboardInterrupt:
                console.print("stopped; what was played stays in the store")
