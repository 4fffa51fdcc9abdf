"""`python -m app own-tables apply|remove`: a store whose ledgers are tables that the user already has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from app.commands.common import WRONG_WORDS, clear_errors, fail, reach
from app.console import console
from app.settings import read_settings
from app.store import Holder, settle_profile
from core.clock import SystemClock
from core.errors import BadRequestError
from metrics.profile import StoreProfile
from queries.client import ClickHouse
from queries.own_apply import apply_statements, fill, remove_statements, run_statements
from queries.own_check import Examined, Finding, examine
from queries.own_sources import own_of
from queries.own_tables import OwnTables, load_own_tables, mapping_names

own_tables = typer.Typer(no_args_is_help=True, help="Show tables that are in ClickHouse already, without loading them.")
Name = Annotated[str, typer.Argument(help="A mapping of queries/own_tables/, or a path to one.")]
Print = Annotated[bool, typer.Option("--print", help="Print the statements and run none of them.")]


@own_tables.command("apply")
def apply(name: Name, dry: Print = False) -> None:
    """Make the ledgers of the store STORE of these tables, or make them anew after the mapping changed."""
    with clear_errors():
        mapping = load_own_tables(name)
        with opened(mapping) as (clickhouse, profile):
            examined = examine(clickhouse, mapping, SystemClock().now())
            if examined.errors:
                show(examined)
                fail(f"{mapping.name}: {len(examined.errors)} errors; nothing was changed", WRONG_WORDS)
            statements = apply_statements(clickhouse, examined, profile)
            if dry:
                write(statements)
                return
            run_statements(clickhouse, mapping.name, statements)
            fill(clickhouse, examined, filled)
        console.print(f"{read_settings().store} shows {mapping.name} ({', '.join(mapping.ledgers)})")


@own_tables.command("remove")
def remove(
    name: Annotated[str, typer.Argument(help="The name of an applied mapping.")],
    dry: Print = False,
) -> None:
    """Take a mapping away again: the store has empty ledgers of its own afterwards. The tables stay as they are."""
    with clear_errors(), opened(None) as (clickhouse, profile):
        statements = remove_statements(clickhouse, name, profile)
        if dry:
            write(statements)
            return
        run_statements(clickhouse, name, statements)
        console.print(f"{read_settings().store} has ledgers of its own again")


@contextmanager
def opened(mapping: OwnTables | None) -> Iterator[tuple[ClickHouse, StoreProfile]]:
    """The store and its profile. Raises BadRequestError for the store of another business, or one that a wall holds."""
    settings = read_settings()
    profile = settle_profile(settings.store, mapping.file.store if mapping else None)
    if mapping and profile != mapping.file.store:
        raise BadRequestError(
            f"{settings.store} is the store of {profile.name!r} and has another profile than {mapping.name}.yaml: "
            f"set STORE=var/{mapping.name}"
        )
    with reach(settings) as place:
        if isinstance(place, Holder):
            raise BadRequestError(f"the wall at {place.url} holds {settings.store}: stop it first")
        yield place, profile


def check_tables(name: str) -> None:
    """Look at one mapping, or at all, beside the tables of DSN and STORE; exit code 2 where something is wrong."""
    mappings = [load_own_tables(each) for each in ([name] if name else mapping_names())]
    if not mappings:
        console.print("no mapping in queries/own_tables/; queries/own_tables/examples/ has one to begin with")
        return
    settings = read_settings()
    if not settings.store.exists():
        settle_profile(settings.store, mappings[0].file.store)  # before the tables are made: they follow its clock
    with reach(settings) as place:
        if isinstance(place, Holder):
            raise BadRequestError(f"the wall at {place.url} holds {settings.store}: stop it first")
        applied = sorted({made for _, made in own_of(place).mappings})
        looked = [examine(place, mapping, SystemClock().now()) for mapping in mappings]
    for examined in looked:
        show(examined)
        state = "applied" if examined.mapping.name in applied else "not applied"
        console.print(f"{examined.mapping.name}: {len(examined.errors)} errors, {state}")
    if any(examined.errors for examined in looked):
        raise typer.Exit(WRONG_WORDS)


def show(examined: Examined) -> None:
    """What was found, one line each: errors go where errors go."""
    for finding in examined.findings:
        typer.echo(line(examined.mapping.name, finding), err=finding.level == "error")


def line(name: str, finding: Finding) -> str:
    level = "" if finding.level == "fact" else f"{finding.level}: "
    return f"{level}{name}.yaml: {finding.entry}: {finding.text}"


def write(statements: list[str]) -> None:
    for statement in statements:
        typer.echo(f"{statement};\n")


def filled(table: str) -> None:
    console.print(f"{table} is filled")
