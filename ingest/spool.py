"""Keeps every batch on disk until the store has it, so that a try after a crash is the same as the first."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pyarrow as pa

from core.errors import LivewallError, StoreBusyError

SUFFIX = ".arrow"
ABOUT = b"livewall"


@dataclass(frozen=True, slots=True)
class Part:
    """Rows for one table, and the token that names them: the same token never stands for other rows."""

    table: str
    token: str
    rows: pa.Table


@dataclass(frozen=True, slots=True)
class Kept:
    """Parts that are on disk together: after a crash all of them are there or none."""

    path: Path
    parts: tuple[Part, ...]


class SpoolDamagedError(LivewallError):
    """A file of the spool cannot be read, so its events cannot be sent."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: this batch of events cannot be read ({problem}); move it away to go on without it")


class Spool:
    """A folder of batches in the order they came, one Arrow file each. One process at a time; safe among threads."""

    def __init__(self, folder: Path) -> None:
        """Open the folder. Raises StoreBusyError when another process has it open."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = threading.Lock()
        self._held = (folder / "lock").open("w")
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            self._held.close()
            raise StoreBusyError(f"{folder} is in use by another process: stop it first") from problem
        for torn in folder.glob("*.new"):  # begun by a process that died; nobody was told that it is kept
            torn.unlink()
        names = self._names()
        self._number = int(names[-1].stem) if names else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let another process open the folder; what is in it stays."""
        self._held.close()

    def _names(self) -> list[Path]:
        return sorted(self._folder.glob(f"*{SUFFIX}"))

    def keep(self, parts: Sequence[Part]) -> Kept:
        """Put parts on disk, to be sent in this order. Raises OSError when there is no room; nothing is kept then."""
        with self._lock:
            self._number += 1
            path = self._folder / f"{self._number:012d}{SUFFIX}"
        fresh = path.with_suffix(".new")
        try:
            _write(fresh, parts)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
        fresh.rename(path)
        self._flush_folder()
        return Kept(path, tuple(parts))

    def drop(self, kept: Kept) -> None:
        """The store has it. A file that comes back after a power cut is sent again under its token: no harm."""
        kept.path.unlink(missing_ok=True)

    def left(self) -> list[Path]:
        """The files that wait, oldest first."""
        return self._names()

    def read(self, path: Path) -> Kept:
        """What a file keeps. Raises SpoolDamagedError."""
        try:
            return Kept(path, tuple(_read(path)))
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as problem:
            raise SpoolDamagedError(path, str(problem).splitlines()[0] if str(problem) else "no reason") from problem

    def _flush_folder(self) -> None:
        number = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _write(path: Path, parts: Sequence[Part]) -> None:
    """One Arrow stream a part, one after the other; each says how many there are."""
    with path.open("wb") as target:
        for part in parts:
            about = json.dumps({"table": part.table, "token": part.token, "parts": len(parts)}).encode()
            rows = part.rows.unify_dictionaries().combine_chunks().replace_schema_metadata({ABOUT: about})
            with pa.ipc.new_stream(target, rows.schema) as sink:
                sink.write_table(rows)
        target.flush()
        os.fsync(target.fileno())


def _read(path: Path) -> Iterator[Part]:
    found, wanted = 0, 1
    with path.open("rb") as source:
        while found < wanted:
            rows = pa.ipc.open_stream(source).read_all()
            about = json.loads(rows.schema.metadata[ABOUT])
            found, wanted = found + 1, int(about["parts"])
            yield Part(about["table"], about["token"], rows.replace_schema_metadata(None))
