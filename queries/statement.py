"""A statement: a name, SQL of our own making, typed parameters. Nothing from a request is ever part of the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with `{name:Type}` placeholders. `name` travels as `log_comment` and stands in every error."""

    name: str
    sql: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """Column names, rows as tuples, and the milliseconds the engine worked (wall time where it does not say)."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    took_ms: float
