"""Writes one section of bench/RESULTS.md, or a part of one; what the other benches wrote there stays."""

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


def put_part(command: str, heading: str, text: str, path: Path = RESULTS) -> None:
    """Replace what follows `heading` in the section of `command`, up to the next heading, by `text`."""
    begin, end = f"<!-- {command} -->", f"<!-- end of {command} -->"
    old = path.read_text(encoding="utf-8")
    section = re.search(f"{re.escape(begin)}\n(.*){re.escape(end)}", old, re.DOTALL)
    found = section and re.search(f"^{re.escape(heading)}$.*?(?=^## |\\Z)", section[1], re.DOTALL | re.MULTILINE)
    if not section or not found:
        raise SystemExit(f"{path.name} has no part {heading!r} of {command}: run the whole bench once")
    put_section(command, section[1][: found.start()] + text.strip() + "\n\n" + section[1][found.end() :], path)
