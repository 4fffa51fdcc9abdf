"""The command line: `python -m app run | load | replay | simulate | query | …`."""

from __future__ import annotations

import typer

from app.commands.check import check
from app.commands.ddl import ddl
from app.commands.dead_letters import dead_letters
from app.commands.listen import listen
from app.commands.load import load
from app.commands.migrate import migrate
from app.commands.own_tables import own_tables
from app.commands.prepare import prepare
from app.commands.query import query
from app.commands.rebuild import rebuild
from app.commands.reconcile import reconcile
from app.commands.replay import replay
from app.commands.run import run
from app.commands.serve import serve
from app.commands.simulate import simulate

cli = typer.Typer(no_args_is_help=True, add_completion=False, help="Livewall: a live e-commerce cockpit for a wall.")
for command in (run, serve, prepare, migrate, load, replay, simulate, check, query, ddl, listen, reconcile, rebuild):
    cli.command()(command)
cli.add_typer(dead_letters, name="dead-letters")
cli.add_typer(own_tables, name="own-tables")

if __name__ == "__main__":
    cli()
