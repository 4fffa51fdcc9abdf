"""Loads files through a mapping: every row becomes its events once, or a dead letter with the reason."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from core.clock import Clock
from core.errors import BadRequestError
from ingest.mapping import SourceMapping
from ingest.plan import build_plan
from ingest.rows import choose_input, read_rows
from queries.client import ClickHouse
from queries.dead_letters import (
    LoadEntry,
    Rejection,
    find_load,
    interrupted_loads,
    leftover_tables,
    record_load,
    record_staged,
    rejections_of,
)
from queries.healing import Span, heal_spans, in_stretches
from queries.intake import LEDGERS, InputPlan
from queries.retention import taken_from
from queries.staging import Slice, Staging

READ_SHARE, CHECK_SHARE = 0.5, 0.6  # how much of the work is done when a file is read, and when it is checked
ONE_AT_A_TIME = threading.Lock()  # loads share staging tables; a second one in the same process waits


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a file is: `share` of all its work (0-1), rows so far, rows a second, seconds that remain."""

    file: str
    step: str  # reading | checking | inserting
    share: float
    rows: int
    rows_per_s: float
    remaining_s: float | None


@dataclass(frozen=True, slots=True)
class FileSummary:
    """What became of one file. `events` by (ledger, kind) are new in the ledgers; `known` were there already."""

    file: str
    input: str
    rows: int = 0
    events: Mapping[tuple[str, str], int] = field(default_factory=dict)
    rejected: tuple[Rejection, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    known: int = 0
    already_loaded: bool = False
    first: datetime | None = None
    last: datetime | None = None
    took_s: float = 0.0

    @property
    def rejected_rows(self) -> int:
        return sum(rejection.count for rejection in self.rejected)


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """What became of all files; `finished` names the interrupted loads that were brought to their end on the way."""

    files: tuple[FileSummary, ...]
    finished: tuple[str, ...]
    took_s: float

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    @property
    def events(self) -> int:
        return sum(sum(file.events.values()) for file in self.files)

    @property
    def rejected_rows(self) -> int:
        return sum(file.rejected_rows for file in self.files)


Report = Callable[[Progress], None]


def load_files(
    clickhouse: ClickHouse,
    mapping: SourceMapping,
    files: Sequence[Path],
    progress: Report | None,
    clock: Clock,
) -> LoadSummary:
    """Load files into the ledgers; the same file a second time changes nothing.

    Raises BadRequestError for a file that is missing, unreadable or not of this mapping, before anything is written.
    """
    begun = clock.monotonic()
    chosen = sort_files(mapping, files)
    with ONE_AT_A_TIME:
        finished = finish_interrupted(clickhouse)
        lookups = {name: path for name, path in chosen if mapping.file.inputs[name].key}
        with StagedLookups(clickhouse, mapping, lookups, clock.now()) as staged:
            loaded = [
                _FileLoad(clickhouse, mapping, name, path, staged, clock, progress).run()
                for name, path in chosen
                if name not in lookups
            ]
    return LoadSummary((*staged.summaries, *loaded), tuple(finished), clock.monotonic() - begun)


def sort_files(mapping: SourceMapping, files: Sequence[Path]) -> list[tuple[str, Path]]:
    """Which input each file is, lookups first. Raises BadRequestError when one is missing or a lookup is not given."""
    for path in files:
        if not path.is_file():
            raise BadRequestError(f"there is no file {path}")
    chosen = [(choose_input(path, mapping), path) for path in files]
    given = [name for name, _ in chosen]
    for name in given:
        for other in mapping.file.inputs[name].lookups:
            if given.count(other) != 1:
                columns = ", ".join(column.header[0] for column in mapping.file.inputs[other].columns.values())
                raise BadRequestError(f"{name} needs one {other} file beside it (columns {columns})")
    if not any(mapping.file.inputs[name].events for name in given):
        raise BadRequestError(f"nothing to load: {mapping.name} needs {_needs(mapping)}")
    return sorted(chosen, key=lambda entry: not mapping.file.inputs[entry[0]].key)


def _needs(mapping: SourceMapping) -> str:
    return " or ".join(f"a file of {name}" for name, found in mapping.file.inputs.items() if found.events)


def finish_interrupted(clickhouse: ClickHouse) -> list[str]:
    """Bring loads that a crash interrupted to their end, drop what other attempts left; returns the files' names.

    Safe at any time while no load runs. What the ledgers lack of the slices is sent, found by looking and not by
    tokens, and rollups are compared with their sources over the slices (decision 0012).
    """
    finished = []
    for entry in interrupted_loads(clickhouse):
        staging = Staging(clickhouse, entry.load_id)
        if leftover_tables(clickhouse, staging.events):
            pieces = staging.slices()
            for piece in pieces:
                staging.send_absent(piece, entry.source)
            heal_spans(clickhouse, {table: _stretches(pieces, ledger) for ledger, (table, _) in LEDGERS.items()})
        record_load(clickhouse, entry)
        finished.append(entry.origin)
    for table in leftover_tables(clickhouse, "stage_load_"):
        Staging(clickhouse, table.removeprefix("stage_").rpartition("_")[0]).drop()
    return finished


def _stretches(pieces: Sequence[Slice], ledger: str) -> list[Span]:
    return in_stretches((piece.start, piece.end, piece.rows) for piece in pieces if piece.ledger == ledger)


def digest_of(mapping: SourceMapping, paths: Sequence[Path]) -> str:
    """Names a load by what it is made of: the mapping and the bytes of the files."""
    digest = hashlib.sha256(mapping.digest.encode())
    for path in paths:
        with path.open("rb") as source:
            digest.update(hashlib.file_digest(source, "sha256").digest())
    return f"load_{digest.hexdigest()[:32]}"


def stage_rows(
    staging: Staging,
    mapping: SourceMapping,
    name: str,
    path: Path,
    plan: InputPlan,
    told: Callable[[int, float], None] | None = None,
) -> int:
    """Read a file into its staging table; `told(rows, share of the file)` after each batch. Returns the rows."""
    staging.drop()
    staging.create_rows(plan)
    rows = 0
    for batch in read_rows(path, mapping.file.inputs[name]):
        staging.add_rows(batch.table)
        rows += batch.table.num_rows
        if told is not None:
            told(rows, batch.done)
    return rows


def examine(staging: Staging, plan: InputPlan, origin: str, only_new: bool = True) -> tuple[dict[str, int], int]:
    """From staged rows to staged events and dead letters; returns rows skipped by reason and different events found."""
    staging.reject_cells(plan, origin)
    skipped = staging.skipped(plan)
    staging.check(plan)
    staging.reject_events(plan, origin)
    staging.reject_old(plan, origin)
    staging.collect(plan, only_new)
    count, different = staging.found(plan)
    if count > different:
        staging.reject_repeated(plan, origin)
    return skipped, different


class StagedLookups:
    """Lookup files, staged for as long as the files that use them are loaded."""

    def __init__(
        self, clickhouse: ClickHouse, mapping: SourceMapping, files: Mapping[str, Path], now: datetime, run: str = ""
    ) -> None:
        self.files = files
        self.summaries: list[FileSummary] = []
        self._clickhouse, self._mapping, self._now = clickhouse, mapping, now
        self._staged = {name: Staging(clickhouse, run + digest_of(mapping, [path])) for name, path in files.items()}

    @property
    def tables(self) -> dict[str, str]:
        return {name: staging.rows for name, staging in self._staged.items()}

    def __enter__(self) -> StagedLookups:
        for name, staging in self._staged.items():
            path = self.files[name]
            plan = build_plan(self._mapping, name, self._now, {})
            rows = stage_rows(staging, self._mapping, name, path, plan)
            staging.reject_cells(plan, path.name)
            rejected = rejections_of(self._clickhouse, staging.load_id)
            self.summaries.append(FileSummary(path.name, name, rows=rows, rejected=rejected))
        return self

    def __exit__(self, *error: object) -> None:
        for staging in self._staged.values():
            staging.drop()


class _FileLoad:
    """One file on its way into the ledgers."""

    def __init__(
        self,
        clickhouse: ClickHouse,
        mapping: SourceMapping,
        name: str,
        path: Path,
        staged: StagedLookups,
        clock: Clock,
        progress: Report | None,
    ) -> None:
        self._clickhouse, self._mapping, self._name, self._path = clickhouse, mapping, name, path
        self._clock, self._progress, self._begun = clock, progress, clock.monotonic()
        used = [staged.files[other] for other in mapping.file.inputs[name].lookups]
        self._load_id = digest_of(mapping, [path, *used])
        plan = build_plan(mapping, name, clock.now(), staged.tables)
        self._plan = replace(plan, taken_from=taken_from(clickhouse))
        self._rows = 0

    def run(self) -> FileSummary:
        known = find_load(self._clickhouse, self._load_id)
        if known is not None:
            return FileSummary(self._path.name, self._name, rows=known.rows, already_loaded=True)
        staging = Staging(self._clickhouse, self._load_id)
        self._rows = stage_rows(staging, self._mapping, self._name, self._path, self._plan, self._reading)
        summary = self._check(staging)
        entry = LoadEntry(
            self._load_id,
            self._mapping.source,
            self._path.name,
            self._rows,
            sum(summary.events.values()),
            summary.rejected_rows,
        )
        record_staged(self._clickhouse, entry)
        self._insert(staging, entry.events)
        record_load(self._clickhouse, entry)
        staging.drop()
        return replace(summary, took_s=self._clock.monotonic() - self._begun)

    def _reading(self, rows: int, share: float) -> None:
        self._rows = rows
        self._tell("reading", share * READ_SHARE)

    def _check(self, staging: Staging) -> FileSummary:
        self._tell("checking", READ_SHARE)
        skipped, different = examine(staging, self._plan, self._path.name)
        events, bounds = staging.counted(), staging.bounds()
        return FileSummary(
            file=self._path.name,
            input=self._name,
            rows=self._rows,
            events=events,
            rejected=rejections_of(self._clickhouse, self._load_id),
            skipped=skipped,
            known=different - sum(events.values()),
            first=bounds[0] if bounds else None,
            last=bounds[1] if bounds else None,
        )

    def _insert(self, staging: Staging, total: int) -> None:
        done = 0
        for piece in staging.slices():
            staging.send(piece, self._mapping.source)
            done += piece.rows
            self._tell("inserting", CHECK_SHARE + (1 - CHECK_SHARE) * done / total)

    def _tell(self, step: str, share: float) -> None:
        if self._progress is None:
            return
        took = self._clock.monotonic() - self._begun
        remaining = took * (1 - share) / share if share > 0 and took > 0 else None
        rate = self._rows / took if took > 0 else 0.0
        self._progress(Progress(self._path.name, step, share, self._rows, rate, remaining))
