"""`python -m app load`: files into the ledgers through a mapping."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app.background import summary_json
from app.commands.common import absolute, clear_errors, reach
from app.commands.show import show_load
from app.console import console, progress_bar
from app.remote import ask_wall
from app.settings import read_settings
from app.store import Holder, settle_profile
from core.clock import SystemClock
from core.errors import BadRequestError
from ingest.loader import Progress, load_files
from ingest.mapping import load_mapping


def load(
    mapping: Annotated[str, typer.Argument(help="A mapping of ingest/sources/, or a path to one.")],
    files: Annotated[list[Path], typer.Argument(help="CSV or Parquet files.")],
) -> None:
    """Load files into the store STORE. The same file a second time changes nothing."""
    with clear_errors():
        settings = read_settings()
        chosen = load_mapping(mapping)
        profile = settle_profile(settings.store, chosen.store)  # before the tables are made: they follow its clock
        with reach(settings) as place:
            if profile != chosen.store:
                raise BadRequestError(
                    f"{settings.store} is the store of {profile.name!r}, {mapping} belongs to {chosen.store.name!r}: "
                    f"set STORE=var/{Path(mapping).stem}"
                )
            with progress_bar(f"Loading {mapping}") as step:
                if isinstance(place, Holder):
                    console.print(f"the wall at {place.url} holds the store and loads the files")
                    wanted = {"mapping": mapping, "files": absolute(files)}

                    def heard(report: dict[str, Any]) -> None:
                        step(round(float(report["share"]) * 1000), 1000)

                    summary = ask_wall(place, "load", wanted, heard)
                else:

                    def told(progress: Progress) -> None:
                        step(round(progress.share * 1000), 1000)

                    summary = summary_json(load_files(place, chosen, files, told, SystemClock()))
            show_load(summary)
