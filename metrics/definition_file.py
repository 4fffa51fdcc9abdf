"""Reads a definition file strictly: a key that stands twice is an error, and every error names file and entry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from core.errors import DefinitionError


class _StrictLoader(yaml.SafeLoader):
    """YAML as usual, except that a mapping may not hold the same key twice (plain YAML keeps the last one silently)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_definitions(path: Path) -> dict[str, Any]:
    """The file's top mapping. Raises DefinitionError with the line for broken YAML and for a key that stands twice."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _StrictLoader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as problem:
        line = f"line {problem.problem_mark.line + 1}" if problem.problem_mark else "file"
        raise DefinitionError(path.name, line, problem.problem or "not readable as YAML") from problem
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise DefinitionError(path.name, "file", str(problem)) from problem
    if not isinstance(content, dict):
        raise DefinitionError(path.name, "file", "must hold a mapping")
    return content
