"""Writes the SQL that a file's rows go through: typed cells, lookups, derived columns, events and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from queries.cells import Cell, Parameters, Span, typed_columns

MOMENT = "DateTime64(3, 'UTC')"
DIMENSIONS = ("user_id", "session_id", "channel", "room", "category", "sku", "country", "province", "city", "tier")
LEDGERS = {
    "orders": ("order_events", ("ts", "kind", "order_id", "event_id", "orders", "amount", "units", "created_at")),
    "behaviour": ("behaviour_events", ("ts", "kind", "quantity", "event_id")),
}
KINDS = {
    "orders": ("created", "paid", "cancelled", "refunded"),
    "behaviour": (
        *("visit", "impression", "click", "view", "cart", "uncart", "favourite", "checkout"),
        *("promo_impression", "promo_click"),
    ),
}
# The most that fits the ledgers' columns: UInt32 counts, and money whose ten-thousandths still fit Int64.
LIMITS = {
    "amount": (900_000_000_000_000, "bad_amount"),
    "units": (4_294_967_295, "bad_number"),
    "quantity": (4_294_967_295, "bad_number"),
}
EVENT_COLUMNS = (
    *("ledger", "row", "ts", "kind", "order_id", "event_id", "orders", "amount", "units", "created_at", "quantity"),
    *DIMENSIONS,
)


@dataclass(frozen=True, slots=True)
class EventPlan:
    """How one row becomes one event: SQL expressions over the row's columns. `values` holds the ledger columns that
    are not left at their default; `when` and `at` as SQL, `at` a time column."""

    ledger: str
    kind: str
    when: str
    at: str
    natural_id: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Lookup:
    """Columns taken from another file's row with the same key, as `<name>_<column>`."""

    name: str
    by: str
    key: str
    take: tuple[str, ...]
    required: bool
    plan: InputPlan
    rows_table: str


@dataclass(frozen=True, slots=True)
class InputPlan:
    """Everything a file of one kind goes through. Derived columns and events are our own checked SQL expressions."""

    source: str
    home_country: str
    span: Span
    empties: tuple[str, ...]
    cells: tuple[Cell, ...]
    skips: tuple[tuple[str, str], ...] = ()  # (reason, condition)
    derived: tuple[tuple[str, str], ...] = ()  # (name, expression), each may use the earlier ones
    events: tuple[EventPlan, ...] = ()
    lookups: tuple[Lookup, ...] = field(default=())
    taken_from: Mapping[str, datetime] = field(default_factory=dict)  # by ledger; older events are refused


def raw_columns(plan: InputPlan) -> list[str]:
    """The text columns of the staged rows, with their types."""
    return [f"raw_{cell.name} String" for cell in plan.cells]


def typed_rows(plan: InputPlan, table: str, parameters: Parameters) -> str:
    """The staged rows with a typed column for each cell, `problem` and `skip` ('' where no skip rule holds)."""
    rules = "".join(
        f"ifNull({condition}, 0), {parameters.bind(reason, 'String')}, " for reason, condition in plan.skips
    )
    skip = f"multiIf({rules}'')" if rules else "''"
    typed = typed_columns(plan.cells, plan.span, plan.empties, parameters)
    return f"SELECT *, {typed}, {skip} AS skip FROM {table}"


def sound_rows(plan: InputPlan, table: str, parameters: Parameters) -> str:
    """The rows that go on, with lookups, derived columns and `event_problem`."""
    rows = f"SELECT * FROM ({typed_rows(plan, table, parameters)}) WHERE problem.1 = '' AND skip = ''"
    for lookup in plan.lookups:
        rows = _joined(rows, lookup, parameters)
    for name, expression in plan.derived:
        rows = f"SELECT *, {expression} AS {name} FROM ({rows})"
    return f"SELECT *, {_event_problem(plan, parameters)} AS event_problem FROM ({rows})"


def event_rows(plan: InputPlan, ledger: str, table: str, parameters: Parameters) -> str:
    """The events of one ledger that checked rows become, columns `e_…` in EVENT_COLUMNS' order; '' when none can."""
    return " UNION ALL ".join(
        _event_select(plan, event, table, parameters) for event in plan.events if event.ledger == ledger
    )


def too_old(plan: InputPlan, parameters: Parameters) -> str:
    """The first event of a checked row that is older than what is kept, as (reason, detail); '' where none can be."""
    checks = []
    for event in plan.events:
        since = plan.taken_from.get(event.ledger)
        if since is None:
            continue
        told = f"concat({event.kind}, ': ', toString({event.at}), ' is older than what is kept of single events')"
        older = f"ifNull({event.when}, 0) AND {event.at} < {parameters.bind(since, MOMENT)}"
        checks.append(f"{older}, ('bad_time', {told})")
    return f"multiIf({', '.join(checks)}, ('', ''))" if checks else ""


def _joined(rows: str, lookup: Lookup, parameters: Parameters) -> str:
    """The rows with a lookup's columns beside them; `<name>_found` is 1 where the key was there."""
    name, typed = lookup.name, typed_rows(lookup.plan, lookup.rows_table, parameters)
    taken = ", ".join(f"{column} AS {name}_{column}" for column in lookup.take)
    other = f"SELECT {lookup.key} AS {name}_key, 1 AS {name}_found, {taken} FROM ({typed}) WHERE problem.1 = ''"
    columns = ", ".join(f"{name}_{column}" for column in ("found", *lookup.take))
    on = f"mine.{lookup.by} = other.{name}_key"
    return f"SELECT mine.*, {columns} FROM ({rows}) AS mine ANY LEFT JOIN ({other}) AS other ON {on}"


def _event_problem(plan: InputPlan, parameters: Parameters) -> str:
    """The first thing that is wrong with the events of a row, as (reason, detail); no event at all is wrong too."""
    checks = [
        f"{lookup.name}_found = 0, ('missing_lookup', concat('{lookup.name}: ', {lookup.by}))"
        for lookup in plan.lookups
        if lookup.required
    ]
    for event in plan.events:
        checks += _checks(event, parameters)
    anything = " OR ".join(f"ifNull({event.when}, 0)" for event in plan.events)
    checks.append(f"NOT ({anything}), ('no_event', '')")
    return f"multiIf({', '.join(checks)}, ('', ''))"


def _checks(event: EventPlan, parameters: Parameters) -> list[str]:
    happens, kind = f"ifNull({event.when}, 0)", event.kind
    kinds = parameters.bind(list(KINDS[event.ledger]), "Array(String)")
    checks = [
        f"{happens} AND NOT has({kinds}, {kind}), ('unknown_value', concat('kind: ', {kind}))",
        f"{happens} AND ({event.at}) IS NULL, ('bad_time', concat({kind}, ': no time'))",
        f"{happens} AND {_text(event.natural_id)} = '', ('missing_value', concat({kind}, ': no id'))",
    ]
    for column, (most, reason) in LIMITS.items():
        if column in event.values:
            value = f"({event.values[column]})"
            detail = f"concat({kind}, ' {column}: ', {_text(value)})"
            checks.append(f"{happens} AND ifNull({value} < 0 OR {value} > {most}, 1), ('{reason}', {detail})")
    return checks


def _event_select(plan: InputPlan, event: EventPlan, table: str, parameters: Parameters) -> str:
    values = event.values
    source = parameters.bind(plan.source, "String")
    home = parameters.bind(plan.home_country, "String")
    at = f"assumeNotNull({event.at})"
    chosen = {
        "ledger": parameters.bind(event.ledger, "String"),
        "row": "row",
        "ts": at,
        "kind": event.kind,
        "order_id": _text(values.get("order_id", "''")),
        "event_id": f"concat({source}, ':', {_text(event.natural_id)}, ':', {event.kind})",
        "orders": f"toUInt8(ifNull({values.get('orders', '1')}, 0))",
        # Decimal all the way: a price times a count, rounded once to ten-thousandths.
        "amount": f"toInt64(round(toDecimal128(ifNull({values.get('amount', '0')}, 0), 10) * 10000))",
        "units": f"toUInt32(ifNull({values.get('units', '1')}, 0))",
        "created_at": f"assumeNotNull(ifNull({values.get('created_at', event.at)}, {at}))",
        "quantity": f"toUInt32(ifNull({values.get('quantity', '1')}, 0))",
    }
    for dimension in DIMENSIONS:
        chosen[dimension] = _text(values.get(dimension, home if dimension == "country" else "''"))
    columns = ", ".join(f"{chosen[column]} AS e_{column}" for column in EVENT_COLUMNS)
    since = plan.taken_from.get(event.ledger)
    young = f" AND {at} >= {parameters.bind(since, MOMENT)}" if since else ""
    return f"SELECT {columns} FROM {table} WHERE event_problem.1 = '' AND ifNull({event.when}, 0){young}"


def _text(expression: str) -> str:
    return f"ifNull(toString({expression}), '')"
