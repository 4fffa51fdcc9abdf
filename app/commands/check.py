"""`python -m app check`: is everything that is data sound?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from alerts.measures import measures_of
from alerts.rules import check_rules
from app.commands.common import WRONG_WORDS, clear_errors
from app.commands.own_tables import check_tables
from app.console import console
from app.settings import read_settings
from core.errors import DefinitionError, LivewallError
from ingest.mapping import check_mappings, mapping_names
from ingest.scenario import load_scenario, scenario_names
from ingest.world import load_world
from layouts.board import load_boards
from layouts.check import check_boards
from metrics.catalogue import check_catalogue, load_catalogue
from metrics.event_calendar import load_events
from metrics.goals import load_goals
from metrics.stock import load_stock
from queries.limits import load_limits
from queries.own_tables import check_own_tables


def find_problems(own_boards: Path | None = None) -> list[str]:
    """Every problem of all definition files, one line each; empty when all is well."""
    broken = check_catalogue()
    if broken:  # the others are checked against the metrics: first things first
        return [str(problem) for problem in broken]
    catalogue = load_catalogue()
    checks: list[Callable[[], list[DefinitionError]]] = [
        lambda: check_boards(catalogue),
        lambda: check_boards(catalogue, own_boards) if own_boards else [],
        lambda: check_rules(measures_of(catalogue)),
        check_mappings,
        check_own_tables,
    ]
    problems = [str(problem) for find in checks for problem in find()]
    loads: list[Callable[[], object]] = [lambda: load_goals(catalogue.metrics), load_events, load_limits, load_stock]
    loads += [lambda name=name: load_scenario(name, load_world()) for name in scenario_names()]  # type: ignore[misc]
    for load in loads:
        try:
            load()
        except LivewallError as problem:
            problems.append(str(problem))
    return problems


def check(
    own_tables: Annotated[
        bool, typer.Option("--own-tables", help="Look at mappings of own tables beside the tables, in DSN and STORE.")
    ] = False,
    mapping: Annotated[str, typer.Argument(help="With --own-tables: only this one; a name or a path.")] = "",
) -> None:
    """Check every definition file; exit code 2 and one line a problem when something is wrong."""
    if own_tables:
        with clear_errors():
            check_tables(mapping)
        return
    with clear_errors():
        own_boards = read_settings().boards
    problems = find_problems(own_boards)
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(WRONG_WORDS)
    catalogue = load_catalogue()
    console.print(
        f"sound: {len(catalogue.metrics)} metrics, {len(catalogue.dimensions)} dimensions, "
        f"{len(load_boards(own_boards))} boards, {len(mapping_names())} mappings, {len(scenario_names())} scenarios"
    )
