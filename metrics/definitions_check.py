"""Reads the definition files and finds everything that is wrong with them, not only the first thing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from core.errors import DefinitionError, nearest
from metrics.ask import make_filters
from metrics.definition_file import read_definitions
from metrics.formula import BUILTINS, Formula, FormulaError, parse_formula
from metrics.model import (
    ANY,
    KINDS,
    SUMS,
    UNIQUES,
    Definition,
    Dimension,
    DimensionDefinition,
    Locale,
    Measure,
    Metric,
)

Problems = list[DefinitionError]
DEFAULTS = ("theme", "tier", "owner", "fresh_s", "dimensions", "good", "format")


def read_metrics(folder: Path) -> tuple[dict[str, Metric], dict[str, Dimension], Problems]:
    """Metrics, dimensions and every problem. With problems, only what is sound is in the first two."""
    problems: Problems = []
    dimensions = dict(_read_dimensions(folder / "dimensions.yaml", problems))
    reader = _Reader(dimensions, problems)
    for path in sorted((folder / "definitions").glob("*.yaml")):
        reader.read(path)
    return reader.build(), dimensions, problems


def check_definitions(folder: Path) -> Problems:
    """Every problem of the definitions under `folder`; empty when they are sound."""
    return read_metrics(folder)[2]


def _read_dimensions(path: Path, problems: Problems) -> Iterator[tuple[str, Dimension]]:
    try:
        entries = read_definitions(path).get("dimensions") or {}
    except DefinitionError as problem:
        problems.append(problem)
        return
    for key, entry in entries.items():
        try:
            read = DimensionDefinition.model_validate(entry)
        except ValidationError as problem:
            problems += _explain(path.name, str(key), problem, DimensionDefinition.model_fields)
            continue
        problems += _missing_words(path.name, key, "name", read.name)
        for code, label in read.labels.items():
            problems += _missing_words(path.name, key, f"label of {code!r}", label)
        if read.over is not None and read.over not in entries:
            lost = f"unknown dimension {read.over!r} in 'over'"
            problems.append(DefinitionError(path.name, key, lost, nearest(read.over, entries)))
            continue
        gathered = [child for children in read.children.values() for child in children]
        for twice in sorted({child for child in gathered if gathered.count(child) > 1}):
            problems.append(DefinitionError(path.name, key, f"{twice!r} belongs to two codes"))
        codes = [*read.labels, *(code for code in read.children if code not in read.labels)]
        members = {code: read.children.get(code, ()) for code in codes}
        labels = {code: plain_words(words) for code, words in read.labels.items()}
        yield key, Dimension(key, plain_words(read.name), read.over, read.regions, read.ledgers, members, labels)


class _Reader:
    """Collects entries over all files, then ties them together: references can point into other files."""

    def __init__(self, dimensions: Mapping[str, Dimension], problems: Problems) -> None:
        self._dimensions, self._problems = dimensions, problems
        self._entries: dict[str, tuple[str, Definition]] = {}
        self._formulas: dict[str, Formula] = {}
        self._names: dict[str, str] = {}  # key or alias -> key

    def _report(self, file: str, entry: str, problem: str, suggestions: tuple[str, ...] = ()) -> None:
        self._problems.append(DefinitionError(file, entry, problem, suggestions))

    def read(self, path: Path) -> None:
        try:
            content = read_definitions(path)
        except DefinitionError as problem:
            self._problems.append(problem)
            return
        for name in content.keys() - {"defaults", "metrics"}:
            self._report(path.name, str(name), "unknown section", nearest(str(name), ("defaults", "metrics")))
        defaults: dict[str, Any] = content.get("defaults") or {}
        for name in defaults.keys() - set(DEFAULTS):
            self._report(path.name, f"defaults.{name}", "cannot be a default", nearest(str(name), DEFAULTS))
        usable = {name: value for name, value in defaults.items() if name in DEFAULTS}
        for key, entry in (content.get("metrics") or {}).items():
            self._read_entry(path.name, str(key), usable, entry)

    def _read_entry(self, file: str, key: str, defaults: dict[str, Any], entry: Any) -> None:
        try:
            read = Definition.model_validate({**defaults, **entry} if isinstance(entry, dict) else entry)
        except ValidationError as problem:
            self._problems += _explain(file, key, problem, Definition.model_fields)
            return
        if not key.isidentifier() or key in BUILTINS:
            self._report(file, key, "a metric's key is a plain name, and not a builtin's")
            return
        for name in (key, *read.aliases):
            if name in self._names:
                self._report(file, key, f"the name {name!r} is already taken in {self._entries[self._names[name]][0]}")
                return
        self._entries[key] = (file, read)
        self._names |= dict.fromkeys((key, *read.aliases), key)
        for field in ("name", "definition"):
            self._problems += _missing_words(file, key, field, getattr(read, field))

    def build(self) -> dict[str, Metric]:
        """The sound metrics, each tied to what it refers to; reports what is not sound."""
        for key, (file, read) in self._entries.items():
            self._check_entry(file, key, read)
        broken = {problem.entry for problem in self._problems}
        metrics: dict[str, Metric] = {}
        for key in self._entries:
            if self._reach(key, ()) and key not in broken:
                metrics[key] = self._make(key)
        self._same(metrics)
        return metrics

    def _check_entry(self, file: str, key: str, read: Definition) -> None:
        for name in read.dimensions:
            if name not in self._dimensions:
                self._report(file, key, f"unknown dimension {name!r}", nearest(name, self._dimensions))
        if read.type == "atomic":
            self._check_atomic(file, key, read)
        elif read.type == "derived":
            self._check_reference(file, key, read, str(read.of))
            for name in read.where or {}:
                if name not in self._dimensions:
                    self._report(file, key, f"unknown dimension {name!r} in 'where'", nearest(name, self._dimensions))
        else:
            try:
                formula = parse_formula(str(read.formula))
            except FormulaError as problem:
                self._report(file, key, f"formula: {problem}")
                return
            self._formulas[key] = formula
            for name in formula.names:
                if name not in BUILTINS:
                    self._check_reference(file, key, read, name)

    def _check_atomic(self, file: str, key: str, read: Definition) -> None:
        ledger = str(read.ledger)
        columns = (SUMS if read.aggregate == "sum" else UNIQUES)[ledger]
        if read.column not in columns:
            self._report(
                file,
                key,
                f"{read.aggregate} of {read.column!r} is not in the ledger {ledger}",
                nearest(str(read.column), columns) or columns,
            )
        if read.kind not in (ANY, *KINDS[ledger]):
            self._report(
                file, key, f"unknown kind {read.kind!r} in the ledger {ledger}", nearest(str(read.kind), KINDS[ledger])
            )
        for name in read.dimensions:
            if name in self._dimensions and ledger not in self._dimensions[name].ledgers:
                self._report(file, key, f"the ledger {ledger} has no dimension {name!r}")

    def _check_reference(self, file: str, key: str, read: Definition, name: str) -> None:
        target = self._names.get(name)
        if target is None:
            self._report(file, key, f"unknown metric {name!r}", nearest(name, [*self._names, *BUILTINS]))
            return
        other = self._entries[target][1]
        if read.type == "derived" and other.type == "composite":
            self._report(file, key, f"'of' must be atomic or derived; {name!r} is composite")
        for dimension in read.dimensions:
            if dimension in self._dimensions and dimension not in other.dimensions:
                self._report(file, key, f"dimension {dimension!r} is not allowed, because {name!r} does not have it")

    def _references(self, key: str) -> tuple[str, ...]:
        read = self._entries[key][1]
        if read.type == "derived":
            return (str(read.of),)
        return (
            tuple(name for name in self._formulas[key].names if name not in BUILTINS) if key in self._formulas else ()
        )

    def _reach(self, key: str, trail: tuple[str, ...]) -> bool:
        """Whether everything a metric stands on is there, sound and without a circle."""
        if key in trail:
            circle = " -> ".join((*trail[trail.index(key) :], key))
            if trail[0] == key:
                self._report(self._entries[key][0], key, f"defined in a circle: {circle}")
            return False
        read = self._entries[key][1]
        if read.type == "composite" and key not in self._formulas:
            return False
        targets = [self._names.get(name) for name in self._references(key)]
        return all(target is not None and self._reach(target, (*trail, key)) for target in targets)

    def _make(self, key: str) -> Metric:
        file, read = self._entries[key]
        return Metric(
            key=key,
            **read.model_dump(
                include={"type", "name", "definition", "unit", "format", "good", "tier", "theme", "owner", "fresh_s"}
                | {"dimensions", "aliases"}
            ),
            additive=self._is_additive(key),
            measure=self._measure(key) if read.type != "composite" else None,
            formula=self._formulas.get(key),
            file=file,
        )

    def _measure(self, key: str) -> Measure:
        read = self._entries[key][1]
        if read.type == "atomic":
            return Measure(str(read.ledger), str(read.aggregate), str(read.column), str(read.kind))
        base = self._measure(self._names[str(read.of)])
        wanted = {name: list(codes) for name, codes in base.where}
        for name, codes in (read.where or {}).items():
            # Derived of derived narrows: codes have to pass both filters.
            wanted[name] = [code for code in codes if name not in wanted or code in wanted[name]]
        return Measure(base.ledger, base.aggregate, base.column, base.kind, make_filters(wanted))

    def _is_additive(self, key: str) -> bool:
        read = self._entries[key][1]
        if read.type == "composite":
            names = self._references(key)
            return self._formulas[key].is_sum and all(self._is_additive(self._names[name]) for name in names)
        return self._measure(key).aggregate == "sum"

    def _same(self, metrics: Mapping[str, Metric]) -> None:
        """Two metrics that compute the same thing are one metric with two names, which sooner or later differ."""
        seen: dict[str, str] = {}
        for key, metric in metrics.items():
            spelling = self._spelling(key)
            if spelling in seen:
                self._report(metric.file, key, f"computes the same as {seen[spelling]!r}: make it an alias of that one")
            seen.setdefault(spelling, key)

    def _spelling(self, key: str) -> str:
        if self._entries[key][1].type != "composite":
            return repr(self._measure(key))
        formula = self._formulas[key]
        text = formula.text
        for name in sorted(formula.names, key=len, reverse=True):
            if name not in BUILTINS:
                text = f"{text}|{name}={self._spelling(self._names[name])}" if self._names[name] != name else text
        return text


def plain_words(words: Mapping[Locale, str]) -> dict[str, str]:
    return {str(locale): text for locale, text in words.items()}


def _missing_words(file: str, key: str, field: str, words: Mapping[Locale, str]) -> Problems:
    return [
        DefinitionError(file, key, f"no {field} in {locale}")
        for locale in get_args(Locale)
        if not str(words.get(locale, "")).strip()
    ]


def _explain(file: str, key: str, problem: ValidationError, known: Mapping[str, Any]) -> Problems:
    """pydantic's findings in our words, with what was probably meant for an unknown key."""
    found: Problems = []
    for error in problem.errors():
        place = ".".join(str(part) for part in error["loc"])
        if error["type"] == "extra_forbidden":
            found.append(DefinitionError(file, key, f"unknown key {place!r}", nearest(place, known)))
        else:
            message = error["msg"].removeprefix("Value error, ")
            found.append(DefinitionError(file, key, f"{place}: {message}" if place else message))
    return found
