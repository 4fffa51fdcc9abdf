"""What commands share: opening a store or finding the wall that holds it, and ending with a clear line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import typer

from app.console import console
from app.ingestion import heal
from app.settings import Settings
from app.store import Holder, find_holder, open_store
from core.errors import BadRequestError, DefinitionError, LivewallError, StoreBusyError, UnknownNameError
from queries.client import ClickHouse

WRONG_WORDS, FAILED = 2, 1


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn our errors into one line and an exit code: 2 for wrong names and words, 1 for everything else."""
    try:
        yield
    except (UnknownNameError, BadRequestError, DefinitionError) as problem:
        fail(str(problem), WRONG_WORDS)
    except LivewallError as problem:
        fail(str(problem), FAILED)


def fail(line: str, code: int) -> NoReturn:
    console.file.flush()
    typer.echo(line, err=True)
    raise typer.Exit(code)


@contextmanager
def reach(settings: Settings) -> Iterator[ClickHouse | Holder]:
    """The open store, closed afterwards; or the running wall that holds it."""
    try:
        clickhouse = open_store(settings.store, settings.clickhouse_dsn, settings.readers)
    except StoreBusyError:
        holder = find_holder(settings.store)
        if holder is None:
            raise
        yield holder
        return
    try:
        heal(clickhouse, settings.store)
        yield clickhouse
    finally:
        clickhouse.close()


def absolute(files: list[Path]) -> list[str]:
    """File names that another process understands."""
    return [str(path.resolve()) for path in files]
