"""Keeps every batch on disk until the store has it, so that a try after a crash is the same as the first."""

from __future__ import annotations

import ctypes
import fcntl
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pyarrow as pa

from core.errors import LivewallError, StoreBusyError

SUFFIX = ".arrow"
ABOUT = b"livewall"
EVERY_S = 2.0  # how often what the store has is flushed to the disk
log = logging.getLogger(__name__)


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


def flush_disk(number: int) -> None:
    """What was written to the file system of an open file, by anybody, is on its disk when this returns."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "syncfs"):
        os.sync()
    elif libc.syncfs(number):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Spool:
    """A folder of batches in the order they came, one Arrow file each. One process at a time; safe among threads.

    A batch that the store has is dropped once the disk has it too: the engine leaves that to the system, which takes up
    to half a minute, and a machine that loses power meanwhile loses the ledger's rows and the rollups'. Until then the
    next process finds the file, and looks what of it is there.
    """

    def __init__(self, folder: Path, *, every_s: float = EVERY_S, flush: Callable[[int], None] = flush_disk) -> None:
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
        self._every_s, self._flush, self._done = every_s, flush, set[Path]()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._forget_again_and_again, name="spool", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let another process open the folder; what the store does not have stays."""
        self._closing.set()
        self._thread.join()
        self._forget()
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
        """The store has it; the file goes when the disk has it too."""
        with self._lock:
            self._done.add(kept.path)

    def _forget_again_and_again(self) -> None:
        while not self._closing.wait(self._every_s):
            self._forget()

    def _forget(self) -> None:
        """Remove the files of what the store has, after a flush. One that fails is tried again."""
        with self._lock:
            done = set(self._done)
        if not done:
            return
        try:
            self._flush(self._held.fileno())
            for path in done:
                path.unlink(missing_ok=True)
        except OSError as problem:
            log.warning("batches that the store has stay on disk: %s", problem)
            return
        with self._lock:
            self._done -= done

    def left(self) -> list[Path]:
        """The files whose batches wait for the store, oldest first."""
        with self._lock:
            return [path for path in self._names() if path not in self._done]

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
