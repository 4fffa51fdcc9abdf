"""Reads the words people see: one YAML file a language, looked up by dotted key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from core.errors import DefinitionError, UnknownNameError

FOLDER = Path(__file__).parent
LOCALES = ("zh", "en")
ONE = "_one"  # ends the key of a text about one thing; assets/js/10-core.js knows it too


@dataclass(frozen=True, slots=True)
class Words:
    """One language's words by dotted key, e.g. `tile.funnel.title`."""

    locale: str
    texts: Mapping[str, str]

    def t(self, key: str, **values: object) -> str:
        """The text of `key` with `{name}` places filled. Raises UnknownNameError for a key nobody wrote.

        A `count` of 1 takes the text of `key_one`, in languages that write one thing differently from many.
        """
        key = key + ONE if str(values.get("count")) == "1" and key + ONE in self.texts else key
        try:
            text = self.texts[key]
        except KeyError:
            raise UnknownNameError("word", key, self.texts) from None
        return text.format(**values) if values else text

    def has(self, key: str) -> bool:
        return key in self.texts

    def section(self, prefix: str) -> dict[str, str]:
        """The texts under `prefix.`, with full keys: what a page hands to its scripts."""
        return {key: text for key, text in self.texts.items() if key.startswith(f"{prefix}.")}


def flatten(tree: Mapping[str, Any], file: str, prefix: str = "") -> dict[str, str]:
    """Nested mappings to dotted keys. Raises DefinitionError for anything that is not a text or a mapping."""
    texts: dict[str, str] = {}
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            texts.update(flatten(value, file, f"{key}."))
        elif isinstance(value, str):
            texts[key] = value
        else:
            raise DefinitionError(file, key, f"a word is a text, this is {type(value).__name__} (quote it)")
    return texts


@lru_cache(maxsize=8)
def load_words(locale: str, folder: Path = FOLDER) -> Words:
    """The words of a language. Raises UnknownNameError for a language without a file."""
    path = folder / f"{locale}.yaml"
    if locale not in LOCALES or not path.is_file():
        raise UnknownNameError("language", locale, LOCALES)
    return Words(locale, flatten(yaml.safe_load(path.read_text(encoding="utf-8")) or {}, path.name))
