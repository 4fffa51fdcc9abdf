"""Writes one section of bench/RESULTS.md; what the other benches wrote there stays."""

from __future__ import annotations

import re
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"
HEAD = "# Results\n\nRatios are of one run on one machine; what is not said to be CPU is time on the clock.\n"


def put_section(command: str, text: str, path: Path = RESULTS) -> None:
    """Replace what `command` wrote the last time by `text`, or add it at the end."""
    old = path.read_text(encoding="utf-8") if path.exists() else HEAD
    begin, end = f"<!-- {command} -->", f"<!-- end of {command} -->"
    section = f"{begin}\n{text.strip()}\n{end}"
    found = re.search(f"{re.escape(begin)}.*{re.escape(end)}", old, re.DOTALL)
    new = old[: found.start()] + section + old[found.end() :] if found else f"{old.rstrip()}\n\n{section}\n"
    path.write_text(new, encoding="utf-8")
