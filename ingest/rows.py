"""Reads CSV and Parquet files into batches of text cells that remember where they stood."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.errors import BadRequestError, nearest
from ingest.mapping import InputFile, SourceMapping

BATCH = 50_000
MOST_CONTENT = 20_000  # characters of a refused row that are kept
BROKEN_TEXT = "\ufffd"  # what a byte that is no text decodes to


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows as the staging table takes them: row, line, fault, content, raw_<column>…; `done` is the share read."""

    table: pa.Table
    done: float


def is_parquet(path: Path) -> bool:
    """Whether the file says so itself: its name does not count."""
    with path.open("rb") as source:
        return source.read(4) == b"PAR1"


def read_headers(path: Path, found: InputFile) -> list[str]:
    """The trimmed headers of a file, or the names its input gives it. Raises BadRequestError for an unreadable file."""
    if is_parquet(path):
        return [name.strip() for name in _open_parquet(path).schema_arrow.names]
    if found.names:
        return list(found.names)
    with path.open("rb") as source:
        record = next(iter(_Records(source, found)), None)
    return [] if record is None else [cell.strip() for cell in record.cells]


def choose_input(path: Path, mapping: SourceMapping) -> str:
    """Which of a mapping's inputs a file is, by its headers; the one that uses most of them when several fit."""
    best: tuple[int, str] | None = None
    problems = []
    for name, found in mapping.file.inputs.items():
        headers = set(read_headers(path, found))
        missing = [c.header[0] for c in found.columns.values() if not c.optional and not headers & set(c.header)]
        if not missing:
            size = sum(1 for column in found.columns.values() if headers & set(column.header))
            best = max(best or (0, ""), (size, name))
        else:
            near = nearest(missing[0], headers, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            problems.append(f"{name} needs {', '.join(repr(header) for header in missing)}{hint}")
    if best is None:
        raise BadRequestError(f"{path.name} is no file of {mapping.name}: {'; '.join(problems)}")
    return best[1]


def read_rows(path: Path, found: InputFile) -> Iterator[Batch]:
    """The rows of a file in batches, each cell as trimmed text ('' when there is nothing)."""
    return _read_parquet(path, found) if is_parquet(path) else _read_csv(path, found)


def _places(headers: Sequence[str], found: InputFile, path: Path) -> list[int | None]:
    """Where each column of the input stands in the file; None for an optional one that is not there."""
    places: list[int | None] = []
    for column in found.columns.values():
        spots = [place for place, header in enumerate(headers) if header in column.header]
        if len(spots) > 1:
            raise BadRequestError(f"{path.name}: the header {column.header[0]!r} stands {len(spots)} times")
        places.append(spots[0] if spots else None)
    return places


def _open_parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as broken:
        raise BadRequestError(f"{path.name} cannot be read as Parquet: {str(broken).splitlines()[0]}") from broken


def _read_parquet(path: Path, found: InputFile) -> Iterator[Batch]:
    source = _open_parquet(path)
    places = _places([name.strip() for name in source.schema_arrow.names], found, path)
    names = source.schema_arrow.names
    total, done = source.metadata.num_rows, 0
    wanted = [names[place] for place in places if place is not None]
    try:
        for batch in source.iter_batches(batch_size=BATCH, columns=wanted):
            count = batch.num_rows
            cells = [_texts(batch.column(names[place])) if place is not None else _nothing(count) for place in places]
            rows = pa.array(range(done + 1, done + count + 1), pa.uint64())
            done += count
            yield Batch(_table(found, rows, rows, _nothing(count), _nothing(count), cells), done / max(total, 1))
    except (pa.ArrowException, OSError) as broken:
        raise BadRequestError(f"{path.name} breaks off: {str(broken).splitlines()[0]}") from broken
    finally:
        source.close()


def _texts(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return pc.utf8_trim_whitespace(pc.fill_null(column.cast(pa.string()), ""))


def _nothing(count: int) -> pa.Array:
    return pa.repeat("", count)


def _table(
    found: InputFile, rows: pa.Array, lines: pa.Array, faults: pa.Array, contents: pa.Array, cells: Sequence[pa.Array]
) -> pa.Table:
    names = ["row", "line", "fault", "content", *(f"raw_{name}" for name in found.columns)]
    return pa.table([rows, lines, faults, contents, *cells], names=names)


@dataclass(frozen=True, slots=True)
class _Record:
    line: int  # 1-based, of its first line
    cells: list[str]
    content: str
    lines: list[str]


class _Lines:
    """The lines of a text file; some can be given back and come again, also after the end was reached."""

    def __init__(self, source: BinaryIO, encoding: str) -> None:
        self._source, self._encoding = source, encoding
        self._waiting: deque[str] = deque()
        self.taken: list[str] = []
        self.number = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else self._decoded()
        if not line:
            raise StopIteration
        self.number += 1
        self.taken.append(line)
        return line

    def _decoded(self) -> str:
        # The mark that some programs put before the first line belongs to no header.
        encoding = self._encoding if self.number == 0 else self._encoding.removesuffix("-sig")
        return self._source.readline().decode(encoding, errors="replace")

    def give_back(self, lines: list[str]) -> None:
        self._waiting.extendleft(reversed(lines))
        self.number -= len(lines)


class _Records:
    """The records of a CSV file with the lines they were made of."""

    def __init__(self, source: BinaryIO, found: InputFile) -> None:
        self._lines, self._delimiter = _Lines(source, found.encoding), found.delimiter

    def __iter__(self) -> Iterator[_Record]:
        reader, lines = csv.reader(self._lines, delimiter=self._delimiter), self._lines
        while True:
            lines.taken, first = [], lines.number + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:  # a quote that is never closed: the record has no cells, its text is kept
                cells = []
            if cells or "".join(lines.taken).strip():
                yield _Record(first, cells, "".join(lines.taken), lines.taken)

    def give_back(self, record: _Record) -> None:
        """Read all but the first line of a broken record again: an open quote swallows sound lines behind it."""
        self._lines.give_back(record.lines[1:])


def _read_csv(path: Path, found: InputFile) -> Iterator[Batch]:
    size = max(path.stat().st_size, 1)
    with path.open("rb") as source:
        records = _Records(source, found)
        stream = iter(records)
        headers = list(found.names) or [cell.strip() for cell in next(stream, _Record(0, [], "", [])).cells]
        places = _places(headers, found, path)
        gathered: list[tuple[int, int, str, str, list[str]]] = []
        for row, record in enumerate(stream, 1):
            fault = _fault(record, len(headers))
            if fault and len(record.lines) > 1:
                records.give_back(record)
                record = _Record(record.line, [], record.lines[0], record.lines[:1])
            cells = ["" if fault or place is None else record.cells[place].strip() for place in places]
            content = record.content.rstrip("\r\n")[:MOST_CONTENT] if fault else ""
            gathered.append((row, record.line, fault, content, cells))
            if len(gathered) >= BATCH:
                yield Batch(_gathered(found, gathered), min(source.tell() / size, 1.0))
                gathered = []
        if gathered:
            yield Batch(_gathered(found, gathered), 1.0)


def _fault(record: _Record, width: int) -> str:
    if len(record.cells) != width:
        return "wrong_columns"
    return "bad_encoding" if any(BROKEN_TEXT in cell or "\x00" in cell for cell in record.cells) else ""


def _gathered(found: InputFile, rows: list[tuple[int, int, str, str, list[str]]]) -> pa.Table:
    cells = [pa.array([row[4][place] for row in rows], pa.string()) for place in range(len(found.columns))]
    return _table(
        found,
        pa.array([row[0] for row in rows], pa.uint64()),
        pa.array([row[1] for row in rows], pa.uint64()),
        pa.array([row[2] for row in rows], pa.string()),
        pa.array([row[3] for row in rows], pa.string()),
        cells,
    )
