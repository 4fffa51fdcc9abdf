"""Writes the SQL that turns a file's cells, which are text, into typed values or a reason why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# What a cell can become, and the reason it is refused with when it cannot.
REASONS = {
    "text": "",
    "integer": "bad_number",
    "decimal": "bad_amount",
    "time": "bad_time",
    "region": "unknown_region",
    "code": "unknown_value",
}
UNKNOWN = "\x00"  # stands for "in no list" inside transform(); a reader never lets it through

CLOCK = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?"
ISO_TIME = rf"^\d{{4}}-\d{{2}}-\d{{2}}([ T]{CLOCK}( ?(Z|[+-]\d{{2}}:?\d{{2}}))?)?$"
INTEGER = r"^[+-]?\d{1,18}(\.0*)?$"
DECIMAL = r"^[+-]?\d+(\.\d*)?([eE][+-]?\d{1,2})?$"


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of a file. `known` maps spellings to codes (regions: casefolded spellings); `only_when` is SQL over
    earlier cells, and where it is false the cell counts as empty. `time_format` is iso, unix, unix_ms or a pattern
    of ClickHouse's parseDateTime."""

    name: str
    kind: str
    reject_empty: bool = False
    remove: str = ""
    time_format: str = "iso"
    only_when: str = ""
    known: Mapping[str, str] = field(default_factory=dict)
    otherwise: str = "reject"  # for codes outside `known`: reject | keep | unknown


@dataclass(frozen=True, slots=True)
class Span:
    """What times are believable, and the zone of times that name none."""

    zone: str
    earliest: datetime
    latest: datetime


class Parameters:
    """Collects typed parameters while SQL is written, so that no value is ever part of the text."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def bind(self, value: Any, kind: str) -> str:
        """The placeholder for a value of a ClickHouse type."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"{{{name}:{kind}}}"


def typed_columns(cells: Sequence[Cell], span: Span, empties: Sequence[str], parameters: Parameters) -> str:
    """`expr AS name` for every cell, then `problem`: a (reason, detail) tuple, both empty for a sound row.

    Texts are '' when empty, integers, decimals (ten digits after the point) and times are NULL, codes are ''.
    """
    parts = []
    for cell in cells:
        raw = f"raw_{cell.name}"
        if empties:
            raw = f"if(has({parameters.bind(list(empties), 'Array(String)')}, {raw}), '', {raw})"
        if cell.remove:
            raw = f"translate({raw}, {parameters.bind(cell.remove, 'String')}, '')"
        if cell.only_when:
            raw = f"if(ifNull({cell.only_when}, 0), {raw}, '')"
        parts.append(f"{raw} AS text_{cell.name}")
        parts.append(f"{_value(cell, span, parameters)} AS {cell.name}")
    checks = ["fault != '', (fault, '')"]
    for cell in cells:
        checks += _checks(cell, span, parameters)
    parts.append(f"multiIf({', '.join(checks)}, ('', '')) AS problem")
    return ",\n    ".join(parts)


def _value(cell: Cell, span: Span, parameters: Parameters) -> str:
    text = f"text_{cell.name}"
    if cell.kind == "integer":
        return (
            f"if(match({text}, {parameters.bind(INTEGER, 'String')}), toInt64OrNull(splitByChar('.', {text})[1]), NULL)"
        )
    if cell.kind == "decimal":
        return f"if(match({text}, {parameters.bind(DECIMAL, 'String')}), toDecimal128OrNull({text}, 10), NULL)"
    if cell.kind == "time":
        return _time(cell, span, parameters)
    if cell.kind in ("region", "code"):
        return _code(cell, parameters)
    return text


def _time(cell: Cell, span: Span, parameters: Parameters) -> str:
    text, zone = f"text_{cell.name}", parameters.bind(span.zone, "String")
    if cell.time_format == "iso":
        # The pattern is strict because the parser is not: it rolls 25:00 over and reads "15" as a day of this month.
        parsed = f"parseDateTime64BestEffortOrNull({text}, 3, {zone})"
        parsed = f"if(match({text}, {parameters.bind(ISO_TIME, 'String')}), {parsed}, NULL)"
    elif cell.time_format in ("unix", "unix_ms"):
        factor = 1000 if cell.time_format == "unix" else 1
        number = f"toInt64OrNull(splitByChar('.', {text})[1])"
        number = f"if(match({text}, {parameters.bind(INTEGER, 'String')}), {number}, NULL) * {factor}"
        # Out of range would wrap around: 253402300799999 is the end of the year 9999.
        parsed = f"fromUnixTimestamp64Milli(if(abs({number}) < 253402300799999, {number}, NULL), 'UTC')"
    else:
        pattern = parameters.bind(cell.time_format, "String")
        parsed = f"toDateTime64(parseDateTimeOrNull({text}, {pattern}, {zone}), 3, {zone})"
    return f"toTimeZone({parsed}, 'UTC')"


def _code(cell: Cell, parameters: Parameters) -> str:
    text = f"text_{cell.name}"
    wanted = f"lowerUTF8({text})" if cell.kind == "region" else text
    spellings = parameters.bind(list(cell.known), "Array(String)")
    codes = parameters.bind(list(cell.known.values()), "Array(String)")
    otherwise = {"keep": text, "unknown": "''"}.get(cell.otherwise, parameters.bind(UNKNOWN, "String"))
    return f"if({text} = '', '', transform({wanted}, {spellings}, {codes}, {otherwise}))"


def _checks(cell: Cell, span: Span, parameters: Parameters) -> list[str]:
    """The branches of `problem` for one cell, in the order in which they are tried."""
    text, name = f"text_{cell.name}", parameters.bind(cell.name, "String")
    detail = f"concat({name}, ': ', substringUTF8({text}, 1, 80))"
    checks = []
    if cell.reject_empty:
        checks.append(f"{text} = '', ('missing_value', {name})")
    reason = REASONS[cell.kind]
    if cell.kind in ("region", "code"):
        checks.append(f"{cell.name} = {parameters.bind(UNKNOWN, 'String')}, ('{reason}', {detail})")
    elif reason:
        checks.append(f"{text} != '' AND {cell.name} IS NULL, ('{reason}', {detail})")
    if cell.kind == "time":
        earliest = parameters.bind(span.earliest, "DateTime64(3, 'UTC')")
        latest = parameters.bind(span.latest, "DateTime64(3, 'UTC')")
        outside = f"ifNull({cell.name} < {earliest} OR {cell.name} > {latest}, 0)"
        checks.append(f"{outside}, ('bad_time', concat({detail}, ' is not believable'))")
    return checks
