"""Writes a mapping of own tables as SELECTs: one per event of a row, in the columns and units of our ledgers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import BadRequestError
from metrics.model import KINDS
from metrics.profile import MONEY_SCALE
from metrics.regions import load_region_set
from queries.own_tables import DIMENSIONS, WHO, Event, OwnRollup, OwnTable, OwnTables, Value

Types = Mapping[str, str]  # expression -> ClickHouse type
MOMENT = "DateTime64(3, 'UTC')"
# 1970 is what a time column holds that was never filled.
FILLED = "toDateTime64('1970-01-02 00:00:00', 3, 'UTC')"
WRAPPED = re.compile(r"^(?:Nullable|LowCardinality)\((.*)\)$")
TIMES, TEXTS = ("DateTime", "Date"), ("String", "FixedString")
WHOLE, EXACT, ROUGH = ("Int", "UInt", "Bool"), ("Decimal",), ("Float", "BFloat")
LAST_ON_ORDERS = ("orders", "amount", "units", "created_at")


def bare(kind: str) -> str:
    """A type without Nullable and LowCardinality around it."""
    found = WRAPPED.match(kind)
    return bare(found[1]) if found else kind


def quoted(text: str) -> str:
    """A text as a ClickHouse literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def column_order(ledger: str) -> tuple[str, ...]:
    """The columns of a ledger's view and of what feeds its rollups, in order."""
    own = ("order_id", *LAST_ON_ORDERS) if ledger == "orders" else ("quantity",)
    return ("ts", "kind", "event_id", *own, *WHO, *DIMENSIONS, "source", "ingested_at")


@dataclass(frozen=True)
class Writer:
    """Knows the types of a table's expressions. Raises BadRequestError for one whose type does not fit its field."""

    types: Types
    zone: str

    def moment(self, text: str) -> str:
        """A UTC time with milliseconds. CAST and not toDateTime64: only through CAST does the table's index prune."""
        kind, value = bare(self.types[text]), self._there(text)
        if kind.startswith("DateTime"):
            return f"CAST({value}, {quoted(MOMENT)})"
        local = quoted(f"DateTime64(3, '{self.zone}')")
        if kind.startswith("Date"):
            return f"CAST(CAST({value}, {local}), {quoted(MOMENT)})"
        if kind.startswith(TEXTS):
            read = f"parseDateTime64BestEffortOrNull({self.text(text)}, 3, {quoted(self.zone)})"
            return f"CAST(assumeNotNull({read}), {quoted(MOMENT)})"
        raise BadRequestError(
            f"a time cannot be a {kind}: write fromUnixTimestamp(…) or fromUnixTimestamp64Milli(…) for numbers"
        )

    def happened(self, text: str) -> list[str]:
        """Conditions that a row has this time."""
        found = [f"{self.moment(text)} >= {FILLED}"]
        if bare(self.types[text]).startswith(TEXTS):
            read = f"parseDateTime64BestEffortOrNull({self.text(text)}, 3, {quoted(self.zone)})"
            return [f"isNotNull({read})", *found]
        return [f"isNotNull(({text}))", *found] if "Nullable" in self.types[text] else found

    def money(self, text: str, per_unit: int) -> str:
        """Ten-thousandths of the currency unit, Int64; NULL is 0."""
        kind, factor = bare(self.types[text]), MONEY_SCALE // per_unit
        if kind.startswith(WHOLE):
            return f"toInt64(ifNull(({text}), 0)) * {factor}"
        if kind.startswith(EXACT):
            return f"toInt64(round(toDecimal128(ifNull(({text}), 0), 6) * {factor}))"
        if kind.startswith(ROUGH):
            return f"toInt64(if(isFinite(ifNull(({text}), 0)), round(toFloat64(ifNull(({text}), 0)) * {factor}), 0))"
        raise BadRequestError(f"money cannot be a {kind}: write toDecimal64OrZero(…, 2) for texts")

    def number(self, text: str, kind: str) -> str:
        """A whole number of a ledger's type; NULL and less than 0 are 0."""
        found = bare(self.types[text])
        if not found.startswith(WHOLE):
            raise BadRequestError(f"a count cannot be a {found}: write toUInt32(…)")
        return f"to{kind}(greatest(ifNull(({text}), 0), 0))"

    def text(self, text: str) -> str:
        """A text; NULL is ''."""
        if bare(self.types[text]).startswith("FixedString"):
            return f"ifNull(toStringCutToZero(({text})), '')"
        return f"ifNull(toString(({text})), '')"

    def code(self, value: Value) -> str:
        """A code of ours: translated where the mapping says how."""
        text = self.text(value.of)
        if value.regions:
            pairs = load_region_set(value.regions).by_alias
            return f"transform(lowerUTF8(trimBoth({text})), {_texts(pairs)}, {_texts(pairs.values())}, '')"
        if value.values:
            otherwise = text if value.otherwise == "keep" else "''"
            return f"transform({text}, {_texts(value.values)}, {_texts(value.values.values())}, {otherwise})"
        return text

    def _there(self, text: str) -> str:
        return f"assumeNotNull(({text}))" if "Nullable" in self.types[text] else f"({text})"


def _texts(values: object) -> str:
    return f"[{', '.join(quoted(str(value)) for value in values)}]"  # type: ignore[attr-defined]


def event_select(mapping: OwnTables, table: OwnTable, event: Event, types: Types, final: bool, sample: int = 0) -> str:
    """One SELECT that gives the rows of one event in the ledger's columns; `final` where the engine replaces rows,
    `sample` to look at so many rows only.

    The values are named apart first: a column of theirs may be called like one of ours, and ClickHouse would take the
    one for the other.
    """
    values, conditions = event_columns(mapping, table, event, types)
    inner = ", ".join(f"{values[name]} AS own_{name}" for name in column_order(event.ledger))
    outer = ", ".join(f"own_{name} AS {name}" for name in column_order(event.ledger))
    rows = f"{rows_of(table.table, final, sample)} WHERE {' AND '.join(conditions)}"
    return f"SELECT {outer} FROM (SELECT {inner} FROM {rows})"


def event_columns(mapping: OwnTables, table: OwnTable, event: Event, types: Types) -> tuple[dict[str, str], list[str]]:
    """The expressions of one event by ledger column, and the conditions under which a row has it."""
    writer = Writer(types, mapping.zone)
    codes = {**table.shared.codes(), **event.codes()}
    values = {name: writer.code(codes[name]) if name in codes else "''" for name in (*WHO, *DIMENSIONS)}
    if "country" not in codes:
        values["country"] = quoted(mapping.file.store.home_country)
    values["ts"] = values["ingested_at"] = writer.moment(event.at)
    values["kind"] = writer.code(event.kind_of) if event.kind_of else quoted(event.kind)
    values["source"] = quoted(mapping.file.source)
    if event.ledger == "orders":
        order = writer.text(event.order_id)
        values["order_id"] = order
        values["event_id"] = writer.text(event.id) if event.id else f"concat({order}, '-', {values['kind']})"
        values["orders"] = writer.number(event.orders, "UInt8") if event.orders else "toUInt8(1)"
        values["amount"] = writer.money(event.amount, table.per_unit)
        values["units"] = writer.number(event.units, "UInt32") if event.units else "toUInt32(1)"
        values["created_at"] = writer.moment(event.created_at) if event.created_at else values["ts"]
    else:
        values["event_id"] = writer.text(event.id) if event.id else "''"
        values["quantity"] = writer.number(event.quantity, "UInt32") if event.quantity else "toUInt32(1)"
    conditions = [f"({text})" for text in (table.where, event.when) if text] + writer.happened(event.at)
    if event.kind_of:
        conditions.append(f"{values['kind']} IN ({', '.join(map(quoted, KINDS[event.ledger]))})")
    return values, conditions


def rollup_select(mapping: OwnTables, rollup: OwnRollup, types: Types, final: bool) -> str:
    """One SELECT that gives a rollup of theirs in the columns of ours."""
    writer = Writer(types, mapping.zone)
    step = quoted("DateTime64(0, 'UTC')")
    values: dict[str, str] = {rollup.step: f"CAST({writer.moment(rollup.at)}, {step})"}
    values |= {name: writer.code(value) for name, value in rollup.dimensions.items()}
    for name, text in rollup.measures.items():
        money = name.endswith("__amount")
        values[name] = writer.money(text, rollup.per_unit) if money else f"toInt64({writer.number(text, 'UInt64')})"
    conditions = [f"({rollup.where})"] if rollup.where else []
    conditions += writer.happened(rollup.at)
    inner = ", ".join(f"{text} AS own_{name}" for name, text in values.items())
    outer = ", ".join(f"own_{name} AS {name}" for name in values)
    return f"SELECT {outer} FROM (SELECT {inner} FROM {rows_of(rollup.table, final)} WHERE {' AND '.join(conditions)})"


def rows_of(table: str, final: bool = False, sample: int = 0) -> str:
    """What stands after FROM: their table, as it is now where its engine replaces rows, or some rows of it."""
    database, _, name = table.partition(".")
    text = f"`{database}`.`{name}`{' FINAL' if final else ''}"
    return f"(SELECT * FROM {text} LIMIT {sample})" if sample else text
