"""`python -m app rebuild`: a rollup's partitions made anew from the raw ledger, while the wall keeps showing."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.commands.common import clear_errors, reach
from app.console import console
from app.remote import ask_wall
from app.settings import read_settings
from app.store import Holder, settle_profile
from app.truth import Truth
from core.clock import SystemClock


def rebuild(
    rollup: Annotated[str, typer.Option(help="The rollup's table, orders_1h; or all.")],
    start: Annotated[str, typer.Option("--from", help="First business day, 2026-11-11.")],
    end: Annotated[str, typer.Option("--to", help="The business day after the last one.")],
) -> None:
    """Rebuild whole partitions (a day or a month, UTC) that hold these business days in the store STORE."""
    with clear_errors():
        settings = read_settings()
        wanted = {"rollup": rollup, "from": start, "to": end}
        with reach(settings) as place:
            if isinstance(place, Holder):
                done = ask_wall(place, "rebuild", wanted, show)
            else:
                truth = Truth(place, settle_profile(settings.store, None), SystemClock())
                done = truth.rebuild_job(wanted, show)
    console.print(f"{len(done['partitions']):,} partitions rebuilt")


def show(part: dict[str, Any]) -> None:
    """One partition as a line."""
    console.print(
        f"{part['rollup']} {part['partition']}: {part['rows_before']:,} rows became {part['rows_after']:,} "
        f"(writers waited {part['took_s']:.2f} s)"
    )
