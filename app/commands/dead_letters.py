"""`python -m app dead-letters list|retry`: what was refused, and another try for it."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer

from app.commands.common import clear_errors, reach
from app.console import console
from app.ingestion import intake
from app.remote import ask_wall
from app.settings import read_settings
from app.store import Holder, settle_profile
from core.clock import SystemClock
from ingest.receiver import ORIGIN
from ingest.settling import list_letters

LONGEST_EXAMPLE = 160

dead_letters = typer.Typer(no_args_is_help=True, help="What was refused and why; another try for it.")


class Format(StrEnum):
    json = "json"
    table = "table"


Source = Annotated[str, typer.Option(help="Only of this source: a mapping, or a name in INGEST_KEYS.")]
Reason = Annotated[str, typer.Option(help="Only with this reason: bad_time, unknown_region …")]


@dead_letters.command("list")
def list_open(
    source: Source = "",
    reason: Reason = "",
    shape: Annotated[Format, typer.Option("--format", help="How to write the answer.")] = Format.table,
) -> None:
    """Show open dead letters of the store STORE by source and reason, each with its newest example."""
    with clear_errors():
        settings = read_settings()
        with reach(settings) as place:
            if isinstance(place, Holder):
                wanted = {"action": "list", "source": source, "reason": reason}
                groups = ask_wall(place, "letters", wanted, lambda _: None)["groups"]
            else:
                groups = [asdict(group) for group in list_letters(place, source, reason)]
    if shape is Format.json:
        typer.echo(json.dumps(groups, ensure_ascii=False, indent=2, default=str))
    else:
        _show(groups)


def _show(groups: list[dict[str, Any]]) -> None:
    if not groups:
        console.print("no open dead letters")
        return
    for group in groups:
        console.print(
            f"{group['count']:,} × {group['reason']} from {group['source']} ({group['origin']}), "
            f"{str(group['first'])[:19]} to {str(group['last'])[:19]} UTC",
            markup=False,
        )
        where = f"line {group['line']}: " if group["line"] else ""
        console.print(f"    {where}{group['detail']}", markup=False)
        console.print(f"    {group['content'][:LONGEST_EXAMPLE]}", markup=False)


@dead_letters.command()
def retry(source: Source = "", reason: Reason = "") -> None:
    """Check letters of the endpoint again and take in those that are fine now; safe to repeat."""
    with clear_errors():
        settings = read_settings()
        with reach(settings) as place:
            wanted = {"action": "retry", "source": source, "reason": reason}
            if isinstance(place, Holder):
                done = ask_wall(place, "letters", wanted, lambda _: None)
            else:
                profile = settle_profile(settings.store, None)
                with intake(settings, place, profile, SystemClock()) as parts:
                    done = parts.letters_job(wanted, lambda _: None)
    console.print(f"{done['accepted']:,} taken in, {done['duplicate']:,} were there already")
    for word, count in done["refused"].items():
        console.print(f"{count:,} still refused: {word}")
    if done["of_files"]:
        console.print(
            f"{done['of_files']:,} are rows of files: correct the mapping or the file and load it again "
            f"(only letters of {ORIGIN} are tried again here)"
        )
