"""The words of the screen: the same keys and places in every language, lookups that fail loudly."""

from __future__ import annotations

import string
from pathlib import Path

import pytest

from core.errors import DefinitionError, UnknownNameError
from locales.words import LOCALES, ONE, Words, load_words


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def singulars(locale: str) -> set[str]:
    """Keys of texts about one thing: each language has as many as it needs."""
    texts = load_words(locale).texts
    return {key for key in texts if key.endswith(ONE) and key.removesuffix(ONE) in texts}


def test_every_language_has_the_same_keys() -> None:
    keys = {locale: set(load_words(locale).texts) - singulars(locale) for locale in LOCALES}
    assert keys["zh"] == keys["en"]


def test_a_count_of_one_has_a_text_of_its_own_where_there_is_one() -> None:
    assert singulars("en") and not singulars("zh")
    words = Words("en", {"a": "{count} alerts", "a_one": "{count} alert", "b": "{count} sheep"})
    assert [words.t("a", count=count) for count in (0, 1, 2)] == ["0 alerts", "1 alert", "2 alerts"]
    assert words.t("b", count=1) == "1 sheep"


def test_every_text_has_the_same_places_in_every_language() -> None:
    zh, en = ({k: v for k, v in load_words(it).texts.items() if k not in singulars(it)} for it in LOCALES)
    assert {key: places(zh[key]) for key in zh} == {key: places(en[key]) for key in zh}


def test_no_text_is_empty() -> None:
    for locale in LOCALES:
        assert [key for key, text in load_words(locale).texts.items() if not text.strip()] == []


def test_places_are_filled() -> None:
    assert load_words("en").t("tile.kpi.window", minutes=5) == "5 min"


def test_an_unknown_word_says_what_was_meant() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean.*tile\.hero\.title"):
        load_words("zh").t("tile.hero.titel")


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown language 'fr'"):
        load_words("fr")


def test_a_value_that_is_no_text_names_file_and_key(tmp_path: Path) -> None:
    (tmp_path / "zh.yaml").write_text("tile:\n  yes_or_no: on\n", encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"zh\.yaml: tile\.yes_or_no"):
        load_words("zh", tmp_path)


def test_a_section_keeps_its_full_keys() -> None:
    assert load_words("zh").section("unit")["unit.per_minute"] == "/分"
