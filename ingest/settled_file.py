"""Reads figures settled elsewhere (a bank, a finance system) through a small mapping: from CSV, Parquet or a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import yaml
from pyarrow import csv, parquet
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import BadRequestError, DefinitionError, UnknownNameError
from metrics.profile import MONEY_SCALE

FOLDER = Path(__file__).parent / "settled"


class SettledMapping(BaseModel):
    """Which columns of a settled file, or of `table` in ClickHouse, say what. Unknown keys are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str = ""
    day: str
    amount: str
    measure: Literal["paid", "refunded", "net"] = "paid"
    dimension: str = ""
    code: str = ""
    codes: dict[str, str] = Field(default_factory=dict)
    tolerance: float = Field(default=0, ge=0)

    @property
    def columns(self) -> list[str]:
        return [name for name in (self.day, self.amount, self.code) if name]


def settled_names(folder: Path = FOLDER) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.yaml"))


def load_settled(name: str, folder: Path = FOLDER) -> SettledMapping:
    """One mapping. Raises UnknownNameError or DefinitionError naming file and entry."""
    if name not in settled_names(folder):
        raise UnknownNameError("settled mapping", name, settled_names(folder))
    path = folder / f"{name}.yaml"
    try:
        found = SettledMapping.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as problem:
        first = problem.errors()[0]
        raise DefinitionError(path.name, ".".join(str(part) for part in first["loc"]), first["msg"]) from problem
    if bool(found.dimension) != bool(found.code):
        raise DefinitionError(path.name, "code", "`dimension` and the column of its `code` belong together")
    return found


def read_settled(mapping: SettledMapping, path: Path) -> dict[tuple[date, str], int]:
    """Ten-thousandths of the currency unit by business day and code. Raises BadRequestError naming the wrong row."""
    columns = mapping.columns
    table = _table(path, columns)
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise BadRequestError(f"{path.name} has no column {missing[0]!r}: it has {', '.join(table.column_names)}")
    return add_up(mapping, table.select(columns).to_pylist(), path.name)


def add_up(mapping: SettledMapping, rows: Iterable[Mapping[str, Any]], place: str) -> dict[tuple[date, str], int]:
    """The rows of a file or table `place` by business day and code. Raises BadRequestError naming the wrong row."""
    found: dict[tuple[date, str], int] = {}
    for number, row in enumerate(rows, start=1):
        code = str(row[mapping.code]) if mapping.code else ""
        key = (_day(row[mapping.day], place, number), mapping.codes.get(code, code))
        found[key] = found.get(key, 0) + _amount(row[mapping.amount], place, number)
    return found


def _table(path: Path, columns: list[str]) -> pa.Table:
    if not path.is_file():
        raise BadRequestError(f"there is no file {path}")
    try:
        if path.suffix == ".parquet":
            return parquet.read_table(path)
        texts = csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.string()))
        return csv.read_csv(path, convert_options=texts)
    except (pa.ArrowException, OSError) as problem:
        raise BadRequestError(f"{path.name} cannot be read: {str(problem).splitlines()[0]}") from problem


def _day(value: Any, place: str, number: int) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value).strip()[:10])
    except ValueError as problem:
        raise BadRequestError(f"{place}, row {number}: {value!r} is not a day like 2026-11-11") from problem


def _amount(value: Any, place: str, number: int) -> int:
    try:
        scaled = Decimal(str(value).strip().replace(",", "")) * MONEY_SCALE
        return int(scaled.to_integral_value())
    except (InvalidOperation, ValueError) as problem:
        raise BadRequestError(f"{place}, row {number}: {value!r} is not an amount") from problem
