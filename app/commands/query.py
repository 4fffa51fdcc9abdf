"""`python -m app query`: the tiles' numbers on the command line."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from app.commands.common import clear_errors, reach
from app.remote import query_wall
from app.settings import Settings, read_settings
from app.store import Holder, settle_profile
from core.clock import SystemClock
from metrics.catalogue import load_catalogue
from metrics.regions import load_region_set
from metrics.request import parse_request
from queries.answer import Answer, answer_request, to_csv, to_table
from queries.client import ClickHouse


class Format(StrEnum):
    json = "json"
    csv = "csv"
    table = "table"


def query(
    metrics: Annotated[str, typer.Option(help="Metric keys, by comma: paid_gmv,orders_paid")],
    by: Annotated[str, typer.Option(help="Dimensions, by comma, and at most one of minute, hour, day.")] = "",
    start: Annotated[str, typer.Option("--from", help="Business day or ISO time; today when left out.")] = "",
    end: Annotated[str, typer.Option("--to", help="Exclusive; now when left out.")] = "",
    filters: Annotated[list[str] | None, typer.Option("--filter", help="dimension=code,code; may be repeated.")] = None,
    compare: Annotated[str, typer.Option(help="previous_day, previous_week, last_event")] = "",
    grain: Annotated[str, typer.Option(help="minute, hour or day.")] = "",
    limit: Annotated[str, typer.Option(help="Only so many rows, the largest first metric first.")] = "",
    shape: Annotated[Format, typer.Option("--format", help="How to write the answer.")] = Format.table,
) -> None:
    """Ask the store STORE through the same code as the tiles; a running wall that holds it answers instead."""
    given = {"metrics": metrics, "by": by, "from": start, "to": end, "compare": compare, "grain": grain, "limit": limit}
    parameters = {name: [text] for name, text in given.items() if text}
    if filters:
        parameters["filter"] = filters
    with clear_errors():
        settings = read_settings()
        with reach(settings) as place:
            answer = query_wall(place, parameters) if isinstance(place, Holder) else _ask(settings, place, parameters)
    if shape is Format.json:
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        typer.echo(to_csv(answer) if shape is Format.csv else to_table(answer), nl=False)


def _ask(settings: Settings, clickhouse: ClickHouse, parameters: dict[str, list[str]]) -> Answer:
    profile, catalogue, now = settle_profile(settings.store, None), load_catalogue(), SystemClock().now()
    asks = parse_request(parameters, catalogue, profile, None, now)
    return answer_request(clickhouse, catalogue, profile, load_region_set(profile.region_set), asks, now)
