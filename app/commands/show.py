"""What commands print: summaries and tables for people."""

from __future__ import annotations

from typing import Any

from app.console import console

WORDS = {
    "unknown_region": "the region is in no list",
    "bad_time": "the time cannot be read",
    "bad_amount": "the amount cannot be read",
    "bad_number": "the number cannot be read",
    "unknown_value": "the value is in no list",
    "missing_value": "a cell that must not be empty is",
    "missing_lookup": "the row it belongs to is not in the other file",
    "no_event": "the row is no event of this mapping",
    "repeated_id": "a row before it has the same id",
    "bad_encoding": "the row is not in the file's encoding",
    "wrong_columns": "the row has too many or too few cells",
}


def show_load(summary: dict[str, Any]) -> None:
    """A load's summary: what came in, what was refused and why, what was there already."""
    for file in summary["files"]:
        if file["already_loaded"]:
            console.print(f"{file['file']}: already loaded, nothing changed")
            continue
        counts = ", ".join(f"{count:,} {what}" for what, count in file["events"].items() if count) or "no new events"
        console.print(f"{file['file']}: {file['rows']:,} rows -> {counts}")
        if file["known"]:
            console.print(f"  {file['known']:,} events were in the ledger already")
        for reason, count in file["skipped"].items():
            console.print(f"  {count:,} rows left out by the mapping: {reason}")
        for refused in file["rejected"]:
            lines = ", ".join(str(line) for line in refused["lines"])
            words = WORDS[refused["reason"]]
            console.print(f"  {refused['count']:,} rows rejected ({refused['reason']}): {words}; line {lines}")
        if file["first"]:
            console.print(f"  events from {file['first']} to {file['last']}")
    console.print(f"{summary['events']:,} events in {summary['took_s']:.1f} s")
