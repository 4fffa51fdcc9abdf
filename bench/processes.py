"""What processes have used, by the kernel's own books (Linux)."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used, user and system."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def family_of(pid: int) -> list[int]:
    """A process and everything it started that still runs."""
    parents = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int(_stat(int(entry.name))[1])
            except (OSError, IndexError):
                continue  # it ended while we looked
    found = [pid]
    for member in found:
        found += [child for child, parent in parents.items() if parent == member]
    return found


def family_cpu(pid: int) -> float:
    return sum(cpu_of(member) for member in family_of(pid))


def family_memory_mb(pid: int) -> float:
    """Proportional set size: what several processes share counts once."""
    total = 0
    for member in family_of(pid):
        for line in (PROC / str(member) / "smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def _stat(pid: int) -> list[str]:
    return (PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()
