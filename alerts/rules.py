"""Reads and checks the rule files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from alerts.measures import Measured
from alerts.model import MinVolume, Rule
from core.errors import DefinitionError, nearest
from metrics.definition_file import read_definitions

FOLDER = Path(__file__).parent / "rules"


def load_rules(measures: Mapping[str, Measured], folder: Path = FOLDER) -> tuple[Rule, ...]:
    """All rules, by file and position. Raises the first DefinitionError."""
    rules, problems = _read(measures, folder)
    if problems:
        raise problems[0]
    return rules


def check_rules(measures: Mapping[str, Measured], folder: Path = FOLDER) -> list[DefinitionError]:
    """Everything that is wrong with the rule files, in reading order; empty when they are good."""
    return _read(measures, folder)[1]


def _read(measures: Mapping[str, Measured], folder: Path) -> tuple[tuple[Rule, ...], list[DefinitionError]]:
    rules: dict[str, Rule] = {}
    problems: list[DefinitionError] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            entries = _entries(path)
        except DefinitionError as problem:
            problems.append(problem)
            continue
        for position, entry in enumerate(entries, start=1):
            name = str(entry.get("key", f"rule {position}")) if isinstance(entry, dict) else f"rule {position}"
            try:
                rule = Rule.model_validate(entry)
            except ValidationError as wrong:
                problems.extend(_explain(path.name, name, wrong))
                continue
            if rule.key in rules:
                problems.append(DefinitionError(path.name, name, "this key is taken by another rule"))
            rules[rule.key] = rule
            problems.extend(_unknown(path.name, rule, measures))
    return tuple(rules.values()), problems


def _entries(path: Path) -> list[Any]:
    content = read_definitions(path)
    if set(content) != {"rules"} or not isinstance(content["rules"], list):
        raise DefinitionError(path.name, "file", "a rule file is one list under `rules:`")
    return content["rules"]


def _explain(file: str, entry: str, wrong: ValidationError) -> Iterator[DefinitionError]:
    """Pydantic's findings as ours, with the field that was probably meant."""
    for found in wrong.errors():
        place = ".".join(str(part) for part in found["loc"])
        if found["type"] == "extra_forbidden":
            model = MinVolume if found["loc"][0] == "min_volume" else Rule
            yield DefinitionError(
                file, entry, f"unknown key {place!r}", nearest(str(found["loc"][-1]), model.model_fields)
            )
        else:
            problem = found["msg"].removeprefix("Value error, ")
            yield DefinitionError(file, entry, f"{place}: {problem}" if place else problem)


def _unknown(file: str, rule: Rule, measures: Mapping[str, Measured]) -> Iterator[DefinitionError]:
    """Metrics nobody defined, and dimensions a metric cannot be split by."""
    for metric in rule.metrics:
        if metric not in measures:
            yield DefinitionError(file, rule.key, f"unknown metric {metric!r}", nearest(metric, measures))
            continue
        allowed = measures[metric].dimensions
        for dimension in sorted({*rule.where, *([rule.by] if rule.by else [])} - allowed):
            problem = f"{metric} cannot be asked by {dimension!r}"
            yield DefinitionError(file, rule.key, problem, nearest(dimension, allowed))
