"""What a reading statement may cost, from limits.yaml."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import DefinitionError
from metrics.definition_file import read_definitions

FILE = Path(__file__).parent / "limits.yaml"


class Limits(BaseModel):
    """ClickHouse's own names: seconds, bytes, rows. What is None is not changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_execution_time: float | None = Field(default=None, gt=0)
    max_memory_usage: int | None = Field(default=None, gt=0)
    max_rows_to_read: int | None = Field(default=None, gt=0)
    max_result_rows: int | None = Field(default=None, gt=0)
    max_threads: int | None = Field(default=None, gt=0)

    def settings(self) -> dict[str, float]:
        return self.model_dump(exclude_none=True)


class LimitsFile(BaseModel):
    """The whole file; `default` says everything."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    default: Limits
    by_name: dict[str, Limits] = {}


@lru_cache(maxsize=1)
def load_limits(path: Path = FILE) -> LimitsFile:
    """The limits. Raises DefinitionError naming the entry that is wrong."""
    try:
        limits = LimitsFile.model_validate(read_definitions(path))
    except ValidationError as problem:
        first = problem.errors()[0]
        raise DefinitionError(path.name, ".".join(map(str, first["loc"])), first["msg"]) from problem
    missing = set(Limits.model_fields) - set(limits.default.settings())
    if missing:
        raise DefinitionError(path.name, "default", f"{', '.join(sorted(missing))} must stand here")
    return limits


def default_limits() -> dict[str, float]:
    """The settings of every reading client."""
    return load_limits().default.settings()


@lru_cache(maxsize=1024)
def _changes(name: str) -> tuple[tuple[str, float], ...]:
    by_name = load_limits().by_name
    found = [prefix for prefix in by_name if name.startswith(prefix)]
    return tuple(by_name[max(found, key=len)].settings().items()) if found else ()


def limits_of(name: str) -> dict[str, float]:
    """What a statement of this name changes of the default; the longest beginning that fits decides."""
    return dict(_changes(name))
