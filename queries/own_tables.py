"""Mappings of tables that a user already has onto our ledgers: data, checked before any of it becomes SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from core.errors import BadRequestError, DefinitionError, LivewallError, UnknownNameError, nearest
from metrics.definition_file import read_definitions
from metrics.model import KINDS, SUMS
from metrics.profile import StoreProfile
from metrics.regions import load_region_set
from queries.own_expression import find_problem

FOLDER = Path(__file__).parent / "own_tables"
DIMENSIONS = ("channel", "room", "category", "sku", "country", "province", "city", "tier")
WHO = ("user_id", "session_id")
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
Name = Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$")]
TableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*$")]
LedgerName = Literal["orders", "behaviour"]


class Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Value(Entry):
    """A code of ours from one of theirs. Written as a plain expression where nothing has to be translated."""

    of: str = Field(alias="from", description="A ClickHouse expression over the table's columns.")
    regions: str = Field(default="", description="Names of this region set (metrics/regions) become its codes.")
    values: Mapping[str, str] = Field(default={}, description="Their value to ours.")
    otherwise: Literal["keep", "unknown"] = Field(default="keep", description="What a value not in `values` becomes.")

    @model_validator(mode="before")
    @classmethod
    def _plain_expression(cls, given: Any) -> Any:
        return {"from": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _one_translation(self) -> Value:
        if self.regions and self.values:
            raise ValueError("give either `regions` or `values`")
        return self


class Coded(Entry):
    """The dimensions that an entry may set."""

    user_id: Value | None = None
    session_id: Value | None = None
    channel: Value | None = None
    room: Value | None = None
    category: Value | None = None
    sku: Value | None = None
    country: Value | None = None
    province: Value | None = None
    city: Value | None = None
    tier: Value | None = None

    def codes(self) -> dict[str, Value]:
        """What is set, by the ledger's column."""
        found = {name: getattr(self, name) for name in (*WHO, *DIMENSIONS)}
        return {name: value for name, value in found.items() if value is not None}


class Event(Coded):
    """One event that a row stands for. A row without a time for it (NULL, 0, '') has no such event."""

    ledger: LedgerName
    kind: str = Field(default="", description="A kind of the ledger.")
    kind_of: Value | None = Field(default=None, description="Instead of `kind`: where it stands in the row.")
    at: str = Field(description="When it happened: a date, a time, or a text that is one.")
    when: str = Field(default="", description="Rows without it do not count; left out: all that have a time.")
    id: str = Field(default="", description="What names the event; left out: the order's id and the kind.")
    order_id: str = ""
    created_at: str = Field(default="", description="When the order was created; left out: `at`.")
    amount: str = Field(default="", description="Money, never negative: the kind gives the direction.")
    orders: str = Field(default="", description="1 on an order's leading line, 0 on its others; left out: 1.")
    units: str = ""
    quantity: str = ""

    @model_validator(mode="after")
    def _fits_its_ledger(self) -> Event:
        if bool(self.kind) == (self.kind_of is not None):
            raise ValueError("give either `kind` or `kind_of`")
        if self.kind and self.kind not in KINDS[self.ledger]:
            near = nearest(self.kind, KINDS[self.ledger])
            raise ValueError(f"unknown kind {self.kind!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        foreign = ("quantity",) if self.ledger == "orders" else ("order_id", "created_at", "amount", "orders", "units")
        for name in foreign:
            if getattr(self, name):
                raise ValueError(f"the {self.ledger} ledger has no {name}")
        if self.ledger == "orders" and not (self.order_id and self.amount):
            raise ValueError("an order event needs `order_id` and `amount`")
        return self

    @property
    def label(self) -> str:
        return self.kind or "kind_of"

    def plain(self) -> dict[str, str]:
        """The expressions that are not codes, by their field."""
        names = ("at", "when", "id", "order_id", "created_at", "amount", "orders", "units", "quantity")
        return {name: text for name in names if (text := getattr(self, name))}


class OwnTable(Entry):
    """One table or view of theirs, and the events that its rows stand for."""

    table: TableName = Field(description="database.table on the server that the DSN names.")
    rows: Literal["append", "change"] = Field(
        description="append: a row is written once and stays, so rollups are kept by materialized views. "
        "change: rows are replaced or updated, or it is a view; everything is then read from it."
    )
    where: str = Field(default="", description="Rows without it do not count.")
    per_unit: Literal[1, 10, 100, 1_000, 10_000] = Field(
        default=1, description="How many of `amount` make one currency unit: 100 for fen and cents."
    )
    shared: Coded = Coded()
    events: tuple[Event, ...] = Field(min_length=1)


class OwnRollup(Entry):
    """A rollup of theirs that may answer in place of the ledger. Only sums: states of users are not exchangeable."""

    table: TableName
    ledger: LedgerName
    step: Literal["minute", "hour", "day"]
    at: str = Field(description="The step's first moment.")
    where: str = ""
    per_unit: Literal[1, 10, 100, 1_000, 10_000] = 1
    dimensions: dict[str, Value] = {}
    measures: dict[str, str] = Field(min_length=1, description="kind__column, such as paid__amount, to an expression.")

    @field_validator("dimensions")
    @classmethod
    def _known_dimensions(cls, given: dict[str, Value]) -> dict[str, Value]:
        for name in given:
            if name not in DIMENSIONS:
                raise ValueError(_unknown("dimension", name, DIMENSIONS))
        return given

    @model_validator(mode="after")
    def _known_measures(self) -> OwnRollup:
        known = [f"{kind}__{column}" for kind in KINDS[self.ledger] for column in SUMS[self.ledger]]
        for name in self.measures:
            if name not in known:
                raise ValueError(_unknown("measure", name, known))
        return self


class OwnFile(Entry):
    """The content of a mapping file."""

    source: Name = Field(description="Stands on every event.")
    store: StoreProfile
    time_zone: str = Field(
        default="", description="Zone of dates and of texts that are times; the store's if left out."
    )
    tables: dict[Name, OwnTable] = Field(min_length=1)
    rollups: dict[Name, OwnRollup] = {}

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value or "UTC")
        except (ZoneInfoNotFoundError, ValueError) as unknown:
            raise ValueError(f"unknown time zone {value!r}") from unknown
        return value

    @model_validator(mode="after")
    def _real_and_covered(self) -> OwnFile:
        if self.store.simulated:
            raise ValueError("`store.simulated` must be false: nothing is simulated beside own tables")
        ledgers = {event.ledger for table in self.tables.values() for event in table.events}
        for name, rollup in self.rollups.items():
            if rollup.ledger not in ledgers:
                raise ValueError(f"rollups.{name}: no table here gives the ledger {rollup.ledger}")
        return self


@dataclass(frozen=True)
class OwnTables:
    """A checked mapping."""

    name: str
    file: OwnFile

    @property
    def zone(self) -> str:
        return self.file.time_zone or self.file.store.time_zone

    @cached_property
    def ledgers(self) -> tuple[str, ...]:
        """The ledgers that it makes, in the order of ours."""
        given = {event.ledger for table in self.file.tables.values() for event in table.events}
        return tuple(ledger for ledger in KINDS if ledger in given)

    def events(self, ledger: str) -> Iterator[tuple[str, OwnTable, Event]]:
        """Every event of a ledger as (entry, table, event)."""
        for key, table in self.file.tables.items():
            for event in table.events:
                if event.ledger == ledger:
                    yield f"tables.{key}.events.{event.label}", table, event

    def changes(self, ledger: str) -> bool:
        """Whether any row behind a ledger may still change: then nothing can be summed up ahead."""
        return any(table.rows == "change" for _, table, _ in self.events(ledger))


def mapping_names(folder: Path = FOLDER) -> list[str]:
    """The mappings of this installation; the examples are none of them."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def load_own_tables(name: str, folder: Path = FOLDER) -> OwnTables:
    """A mapping by name, or any mapping file by its path (ending in .yaml).

    Raises UnknownNameError for one that is not there, BadRequestError or DefinitionError for one that is wrong.
    """
    is_path = name.endswith((".yaml", ".yml"))
    path = Path(name) if is_path else folder / f"{name}.yaml"
    if not path.is_file() or (not is_path and name not in mapping_names(folder)):
        raise UnknownNameError("mapping of own tables", name, mapping_names(folder))
    if not NAME.fullmatch(path.stem):  # it becomes part of the names of views
        raise BadRequestError(f"{path.name}: name the file of a mapping with small letters, digits and _ only")
    for problem in find_problems(path):
        raise problem
    return OwnTables(path.stem, _parse(path))


def check_own_tables(folder: Path = FOLDER) -> list[DefinitionError]:
    """All problems of all mappings and examples that can be seen without their tables."""
    paths = sorted((*folder.glob("*.yaml"), *folder.glob("examples/*.yaml")))
    return [problem for path in paths for problem in find_problems(path)]


def find_problems(path: Path) -> list[DefinitionError]:
    """What is wrong with one file, as far as it can be seen without its tables."""
    try:
        file = _parse(path)
    except DefinitionError as problem:
        return [problem]
    found = [(entry, told) for entry, text in expressions(file) if (told := find_problem(text))]
    return [DefinitionError(path.name, entry, told) for entry, told in (*found, *_region_problems(file))]


def expressions(file: OwnFile) -> Iterator[tuple[str, str]]:
    """Every expression of a file with the entry that it stands in."""
    for key, table in file.tables.items():
        where = f"tables.{key}"
        if table.where:
            yield f"{where}.where", table.where
        yield from _coded(f"{where}.shared", table.shared.codes())
        for event in table.events:
            place = f"{where}.events.{event.label}"
            yield from ((f"{place}.{name}", text) for name, text in event.plain().items())
            kinds = {"kind_of": event.kind_of} if event.kind_of else {}
            yield from _coded(place, {**kinds, **event.codes()})
    for key, rollup in file.rollups.items():
        where = f"rollups.{key}"
        yield f"{where}.at", rollup.at
        if rollup.where:
            yield f"{where}.where", rollup.where
        yield from _coded(f"{where}.dimensions", rollup.dimensions)
        yield from ((f"{where}.measures.{name}", text) for name, text in rollup.measures.items())


def _coded(where: str, codes: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    yield from ((f"{where}.{name}", value.of) for name, value in codes.items())


def _region_problems(file: OwnFile) -> Iterator[tuple[str, str]]:
    given = [(f"tables.{key}.shared", table.shared.codes()) for key, table in file.tables.items()]
    given += [
        (f"tables.{key}.events.{event.label}", event.codes())
        for key, table in file.tables.items()
        for event in table.events
    ]
    given += [(f"rollups.{key}.dimensions", rollup.dimensions) for key, rollup in file.rollups.items()]
    for where, codes in given:
        for name, value in codes.items():
            try:
                if value.regions:
                    load_region_set(value.regions)
            except LivewallError as wrong:
                yield f"{where}.{name}.regions", str(wrong)


def _unknown(subject: str, name: str, known: Any) -> str:
    near = nearest(name, known)
    return f"unknown {subject} {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")


def _parse(path: Path) -> OwnFile:
    content = read_definitions(path)
    try:
        return OwnFile.model_validate(content)
    except ValidationError as wrong:
        error = wrong.errors()[0]
        entry = ".".join(str(part) for part in error["loc"]) or "mapping"
        if error["type"] == "extra_forbidden":
            raise DefinitionError(path.name, entry, "unknown key", nearest(str(error["loc"][-1]), _keys())) from wrong
        raise DefinitionError(path.name, entry, error["msg"].removeprefix("Value error, ")) from wrong


def _keys() -> set[str]:
    models: tuple[type[BaseModel], ...] = (OwnFile, OwnTable, OwnRollup, Event, StoreProfile)
    return {"from", "regions", "values", "otherwise"} | {name for model in models for name in model.model_fields}
