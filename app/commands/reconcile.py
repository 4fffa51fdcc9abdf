"""`python -m app reconcile`: are the rollups, the ledger and settled figures equal?"""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from app.commands.common import FAILED, clear_errors, reach
from app.remote import ask_wall
from app.settings import read_settings
from app.store import Holder, settle_profile
from app.truth import Truth
from core.clock import SystemClock
from core.errors import BadRequestError

MOST_LINES = 200


class Format(StrEnum):
    json = "json"
    table = "table"


def reconcile(
    start: Annotated[str, typer.Option("--from", help="First business day, 2026-11-11.")],
    end: Annotated[str, typer.Option("--to", help="The business day after the last one.")],
    by: Annotated[str, typer.Option(help="Split differences by province, channel, category …")] = "",
    tolerance: Annotated[float, typer.Option(help="So much may figures differ, as a ratio: 0.001.")] = 0.0,
    settled: Annotated[str, typer.Option(help="Compare with a settled file or table instead: a mapping's name.")] = "",
    file: Annotated[
        Path | None, typer.Option(help="The settled file, CSV or Parquet, unless the mapping names a table.")
    ] = None,
    shape: Annotated[Format, typer.Option("--format", help="How to write the answer.")] = Format.table,
) -> None:
    """Compare what must be equal in the store STORE; exit code 1 when something differs by more than allowed."""
    with clear_errors():
        if file and not settled:
            raise BadRequestError("--file is read through a mapping: name it with --settled")
        settings = read_settings()
        wanted: dict[str, Any] = {"from": start, "to": end, "by": by, "tolerance": tolerance, "settled": settled}
        wanted["file"] = str(file.resolve()) if file else ""
        with reach(settings) as place:
            if isinstance(place, Holder):
                report = ask_wall(place, "reconcile", wanted, lambda _: None)
            else:
                truth = Truth(place, settle_profile(settings.store, None), SystemClock())
                report = truth.reconcile_job(wanted, lambda _: None)
    if shape is Format.json:
        typer.echo(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        for line in lines(report):
            typer.echo(line)
    if report["differences"]:
        raise typer.Exit(FAILED)


def lines(report: dict[str, Any]) -> list[str]:
    """The report as a table for people."""
    found: list[dict[str, Any]] = report["differences"]
    rows = [("day", "what", report["by"] or "split", "column", "expected", "actual", "difference")]
    for one in found[:MOST_LINES]:
        figures = (f"{one[name]:,.2f}".removesuffix(".00") for name in ("expected", "actual", "amount"))
        code = (one["code"] or "''") if one["dimension"] else "total"
        rows.append((one["day"], f"{one['check']} {one['subject']}", code, one["column"], *figures))
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    more = [f"… and {len(found) - MOST_LINES:,} more (--format json has all)"] if len(found) > MOST_LINES else []
    counted = f"{report['first']} to {report['last']}: {report['compared']:,} figures compared, {len(found):,} differ"
    return [*(table if found else []), *more, *(f"not compared: {why}" for why in report["skipped"]), counted]
