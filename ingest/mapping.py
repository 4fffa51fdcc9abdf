"""Mappings: which column of a file is what, and how one row becomes ledger events. Data, checked before use."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from core.errors import DefinitionError, LivewallError, UnknownNameError, nearest
from ingest.expression import find_problem
from metrics.profile import StoreProfile
from metrics.regions import load_region_set
from queries.intake import DIMENSIONS, KINDS

FOLDER = Path(__file__).parent / "sources"
RESERVED = frozenset({"row", "line", "fault", "content", "problem", "event_problem", "skip"})
NAME = r"^[a-z][a-z0-9_]*$"
Name = Annotated[str, StringConstraints(pattern=NAME, max_length=40)]
TIME_FORMATS = ("iso", "unix", "unix_ms")


class Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(Entry):
    """One column of a file."""

    header: tuple[str, ...] = Field(
        description="Its header, or several spellings of it; blanks around it do not count."
    )
    type: Literal["text", "integer", "decimal", "time", "region", "code"]
    empty: Literal["allow", "reject", "unknown"] = Field(
        default="allow", description="What an empty cell means. Regions must say `unknown` or `reject`."
    )
    remove: str = Field(default="", description="Characters to take out before reading, such as ',' or '¥'.")
    format: str = Field(default="iso", description="Times: iso, unix, unix_ms, or a pattern of parseDateTime.")
    set: str = Field(default="", description="Regions: the region set; the store's own when left out.")
    aliases: Mapping[str, str] = Field(default={}, description="Regions: spelling to code; '' is 'no region'.")
    values: Mapping[str, str] = Field(default={}, description="Codes: the file's value to the ledger's code.")
    otherwise: Literal["reject", "keep", "unknown"] = Field(default="reject", description="Codes not in `values`.")
    only_when: str = Field(default="", description="Where this is false the cell counts as empty.")
    optional: bool = Field(default=False, description="A file without this column is still one of these.")

    @field_validator("header", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _fits_its_type(self) -> Column:
        if self.type == "region" and self.empty == "allow":
            raise ValueError("a region must say what an empty cell means: `empty: unknown` or `empty: reject`")
        if self.type != "region" and (self.set or self.aliases):
            raise ValueError("`set` and `aliases` are for regions")
        if self.type == "code" and not self.values and self.otherwise == "reject":
            raise ValueError("a code needs `values`, or `otherwise: keep`")
        if self.type != "code" and self.values:
            raise ValueError("`values` is for codes")
        if self.type == "time" and self.format not in TIME_FORMATS and "%" not in self.format:
            raise ValueError(f"unknown time format {self.format!r}: {', '.join(TIME_FORMATS)} or a pattern with %")
        return self


class LookupUse(Entry):
    """Columns taken from another input's row with the same key; they are called `<input>_<column>`."""

    by: Name = Field(description="The column here whose value is the other input's key.")
    take: tuple[Name, ...]
    missing: Literal["reject", "unknown"] = "reject"


class Skip(Entry):
    """Rows set aside on purpose: counted by reason in the summary, not refused."""

    reason: Name
    when: str


class Event(Entry):
    """One event that a row becomes. All texts but `ledger` and `kind` are expressions over the row."""

    ledger: Literal["orders", "behaviour"]
    kind: str = Field(default="", description="A kind of the ledger.")
    kind_of: str = Field(default="", description="Instead of `kind`: an expression that gives it.")
    at: str = Field(description="The time column, or an expression that gives a time.")
    when: str = Field(default="", description="When the event happens; left out: when it has a time.")
    id: str = Field(description="What makes the event's row unique within the source; never a line number.")
    order_id: str = ""
    created_at: str = ""
    amount: str = ""
    orders: str = ""
    units: str = ""
    quantity: str = ""
    user_id: str = ""
    session_id: str = ""
    channel: str = ""
    room: str = ""
    category: str = ""
    sku: str = ""
    country: str = ""
    province: str = ""
    city: str = ""
    tier: str = ""

    @model_validator(mode="after")
    def _fits_its_ledger(self) -> Event:
        if bool(self.kind) == bool(self.kind_of):
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

    def expressions(self) -> dict[str, str]:
        """Every expression of the event by the name of its field."""
        texts = self.model_dump(exclude={"ledger", "kind"})
        return {name: text for name, text in texts.items() if text}


class InputFile(Entry):
    """One kind of file of a source, recognised by its headers."""

    columns: dict[Name, Column]
    names: tuple[str, ...] = Field(default=(), description="The headers of a CSV file that has no header line.")
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    encoding: str = "utf-8-sig"
    key: str = Field(default="", description="Makes this a lookup: the column that other inputs find its rows by.")
    lookups: dict[Name, LookupUse] = {}
    skip: tuple[Skip, ...] = ()
    derived: dict[Name, str] = {}
    shared: dict[str, str] = Field(default={}, description="Dimensions that all events of the input have in common.")
    events: tuple[Event, ...] = ()

    @model_validator(mode="after")
    def _lookup_or_events(self) -> InputFile:
        if bool(self.key) == bool(self.events):
            raise ValueError("an input has either `events`, or a `key` when it is a lookup")
        if self.key and self.key not in self.columns:
            raise ValueError(f"the key {self.key!r} is not among the columns")
        for name in self.shared:
            if name not in DIMENSIONS:
                near = nearest(name, DIMENSIONS)
                raise ValueError(f"`shared` knows no {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        return self


class MappingFile(Entry):
    """The content of a mapping file."""

    source: Name = Field(description="Stands on every event; files that share it share their event ids.")
    store: StoreProfile
    time_zone: str = Field(default="", description="Zone of times without one; the store's when left out.")
    earliest: date = Field(default=date(2000, 1, 1), description="A time before this day is refused.")
    empty_values: tuple[str, ...] = Field(default=(), description="Cell texts that mean 'nothing', such as 'NULL'.")
    inputs: dict[Name, InputFile]

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value or "UTC")
        except (ZoneInfoNotFoundError, ValueError) as unknown:
            raise ValueError(f"unknown time zone {value!r}") from unknown
        return value


@dataclass(frozen=True, slots=True)
class SourceMapping:
    """A checked mapping: its name, its content, and a hash that changes whenever it could load something else."""

    name: str
    file: MappingFile
    digest: str

    @property
    def store(self) -> StoreProfile:
        return self.file.store

    @property
    def source(self) -> str:
        return self.file.source

    @property
    def zone(self) -> str:
        return self.file.time_zone or self.file.store.time_zone


def mapping_names(folder: Path = FOLDER) -> list[str]:
    """The mappings that are shipped."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def load_mapping(name: str, folder: Path = FOLDER) -> SourceMapping:
    """A shipped mapping by name, or any mapping file by its path (ending in .yaml).

    Raises UnknownNameError for a name that is not there, DefinitionError for a mapping that is wrong.
    """
    shipped = mapping_names(folder)
    path = Path(name) if name.endswith((".yaml", ".yml")) else folder / f"{name}.yaml"
    # A name is looked up, never joined to a path that leads out of the folder.
    if not path.is_file() or (path.suffix not in name and name not in shipped):
        raise UnknownNameError("mapping", name, shipped)
    text = path.read_text(encoding="utf-8")
    file = _parse(path.name, text)
    for problem in _problems(path.name, file):
        raise problem
    return SourceMapping(path.stem, file, hashlib.sha256(file.model_dump_json().encode()).hexdigest())


def check_mappings(folder: Path = FOLDER) -> list[DefinitionError]:
    """All problems of all shipped mappings; empty when every one can be used."""
    found: list[DefinitionError] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            found += _problems(path.name, _parse(path.name, path.read_text(encoding="utf-8")))
        except DefinitionError as problem:
            found.append(problem)
    return found


def _parse(file: str, text: str) -> MappingFile:
    try:
        content = YAML(typ="safe").load(text)
    except MarkedYAMLError as wrong:
        line = f"line {wrong.problem_mark.line + 1}" if wrong.problem_mark else "YAML"
        raise DefinitionError(file, line, str(wrong.problem).strip()) from wrong
    except YAMLError as wrong:
        raise DefinitionError(file, "YAML", str(wrong).splitlines()[0]) from wrong
    try:
        return MappingFile.model_validate(content)
    except ValidationError as wrong:
        raise _first_of(file, wrong) from wrong


def _first_of(file: str, wrong: ValidationError) -> DefinitionError:
    error = wrong.errors()[0]
    entry = ".".join(str(part) for part in error["loc"]) or "mapping"
    if error["type"] == "extra_forbidden":
        return DefinitionError(file, entry, "unknown key", nearest(str(error["loc"][-1]), _known_keys()))
    return DefinitionError(file, entry, error["msg"].removeprefix("Value error, "))


def _known_keys() -> set[str]:
    models: tuple[type[BaseModel], ...] = (MappingFile, InputFile, Column, Event, Skip, LookupUse, StoreProfile)
    return {name for model in models for name in model.model_fields}


def _problems(file: str, mapping: MappingFile) -> Iterator[DefinitionError]:
    """What the models cannot see by themselves: region codes, references, expressions."""
    for name, found in mapping.inputs.items():
        where = f"inputs.{name}"
        for column, wanted in found.columns.items():
            yield from _column_problems(file, f"{where}.columns.{column}", column, wanted, mapping)
        yield from _reference_problems(file, where, found, mapping)
        yield from _expression_problems(file, where, found)


def _column_problems(
    file: str, where: str, name: str, column: Column, mapping: MappingFile
) -> Iterator[DefinitionError]:
    if name in RESERVED or name.startswith(("raw_", "text_", "e_")):
        yield DefinitionError(file, where, "this name is taken by the loader")
    if column.type != "region":
        return
    try:
        regions = load_region_set(column.set or mapping.store.region_set)
    except LivewallError as wrong:
        yield DefinitionError(file, where, str(wrong))
        return
    for alias, code in column.aliases.items():
        if code and code not in regions.regions:
            yield DefinitionError(file, f"{where}.aliases.{alias}", f"no region {code!r} in {regions.key}")


def _reference_problems(file: str, where: str, found: InputFile, mapping: MappingFile) -> Iterator[DefinitionError]:
    for name, use in found.lookups.items():
        other = mapping.inputs.get(name)
        if other is None or not other.key:
            lookups = [key for key, entry in mapping.inputs.items() if entry.key]
            yield DefinitionError(file, f"{where}.lookups.{name}", "is no lookup input", nearest(name, lookups))
            continue
        for column in use.take:
            if column not in other.columns:
                near = nearest(column, other.columns)
                yield DefinitionError(file, f"{where}.lookups.{name}.take", f"{name} has no column {column!r}", near)


def _expression_problems(file: str, where: str, found: InputFile) -> Iterator[DefinitionError]:
    """Every expression may use what stands before it: cells, then lookups, then derived columns in their order."""
    known: set[str] = {"row"}
    for name, column in found.columns.items():
        yield from _wrong(file, f"{where}.columns.{name}.only_when", column.only_when, known)
        known.add(name)
    for rule in found.skip:
        yield from _wrong(file, f"{where}.skip.{rule.reason}", rule.when, known)
    for name, use in found.lookups.items():
        if use.by not in known:
            problem = f"{use.by!r} is no column here"
            yield DefinitionError(file, f"{where}.lookups.{name}.by", problem, nearest(use.by, known))
        known.update(f"{name}_{column}" for column in (*use.take, "found"))
    for name, expression in found.derived.items():
        if name in known or name in RESERVED:
            yield DefinitionError(file, f"{where}.derived.{name}", "this name is taken")
        yield from _wrong(file, f"{where}.derived.{name}", expression, known)
        known.add(name)
    for dimension, expression in found.shared.items():
        yield from _wrong(file, f"{where}.shared.{dimension}", expression, known)
    for number, event in enumerate(found.events):
        label = event.kind or number
        for field, expression in event.expressions().items():
            yield from _wrong(file, f"{where}.events.{label}.{field}", expression, known)


def _wrong(file: str, entry: str, expression: str, known: set[str]) -> Iterator[DefinitionError]:
    problem = find_problem(expression, known) if expression else None
    if problem:
        yield DefinitionError(file, entry, *problem)
