"""Turns a mapping into what the engine is asked to do with one input's rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta

from ingest.mapping import Column, Event, InputFile, SourceMapping
from metrics.regions import load_region_set
from queries.cells import Cell, Span
from queries.intake import DIMENSIONS, EventPlan, InputPlan, Lookup

VALUES = ("order_id", "created_at", "amount", "orders", "units", "quantity", *DIMENSIONS)


def build_plan(mapping: SourceMapping, name: str, now: datetime, tables: Mapping[str, str]) -> InputPlan:
    """The plan of input `name`. `tables` are the staged rows of its lookup inputs; `now` bounds believable times."""
    found = mapping.file.inputs[name]
    lookups = tuple(
        Lookup(
            name=other,
            by=use.by,
            key=mapping.file.inputs[other].key,
            take=use.take,
            required=use.missing == "reject",
            plan=build_plan(mapping, other, now, tables),
            rows_table=tables[other],
        )
        for other, use in found.lookups.items()
    )
    earliest = datetime.combine(mapping.file.earliest, time(), tzinfo=UTC)
    return InputPlan(
        source=mapping.source,
        home_country=mapping.store.home_country,
        span=Span(mapping.zone, earliest, now + timedelta(days=1)),
        empties=mapping.file.empty_values,
        cells=tuple(_cell(key, column, found, mapping) for key, column in found.columns.items()),
        skips=tuple((rule.reason, rule.when) for rule in found.skip),
        derived=tuple(found.derived.items()),
        events=tuple(_event(event, found) for event in found.events),
        lookups=lookups,
    )


def _cell(name: str, column: Column, found: InputFile, mapping: SourceMapping) -> Cell:
    known = dict(column.values)
    if column.type == "region":
        known = dict(load_region_set(column.set or mapping.store.region_set).by_alias)
        known |= {spelling.strip().casefold(): code for spelling, code in column.aliases.items()}
    return Cell(
        name=name,
        kind=column.type,
        # A row that cannot be found by its key is of no use to a lookup.
        reject_empty=column.empty == "reject" or name == found.key,
        remove=column.remove,
        time_format=column.format,
        only_when=column.only_when,
        known=known,
        otherwise=column.otherwise,
    )


def _event(event: Event, found: InputFile) -> EventPlan:
    texts = {**found.shared, **event.expressions()}
    return EventPlan(
        ledger=event.ledger,
        kind=f"'{event.kind}'" if event.kind else event.kind_of,
        when=event.when or f"({event.at}) IS NOT NULL",
        at=event.at,
        natural_id=event.id,
        values={name: texts[name] for name in VALUES if name in texts},
    )
