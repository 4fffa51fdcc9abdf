"""Definitions: the shipped ones are sound, and everything wrong with others is found and named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.errors import DefinitionError, UnknownNameError
from metrics.catalogue import FOLDER, check_catalogue, load_catalogue

HEAD = """
defaults: {theme: trade, tier: management, owner: o, fresh_s: 30, dimensions: [province, channel]}
metrics:
"""
WORDS = "name: {zh: 甲, en: A}, definition: {zh: 甲, en: A}, unit: count"
PAID = f"  paid: {{type: atomic, {WORDS}, ledger: orders, aggregate: sum, column: orders, kind: paid}}\n"
CASES = {
    "unknown key": (
        f"  x: {{type: composite, {WORDS}, formula: paid * 2, formatt: full}}",
        "'formatt'; did you mean 'format'",
    ),
    "unknown metric": (
        f"  x: {{type: composite, {WORDS}, formula: piad * 2}}",
        "unknown metric 'piad'; did you mean 'paid'",
    ),
    "unknown of": (f"  x: {{type: derived, {WORDS}, of: pay, where: {{channel: [live]}}}}", "unknown metric 'pay'"),
    "circle": (
        f"  x: {{type: composite, {WORDS}, formula: y + 1}}\n  y: {{type: composite, {WORDS}, formula: x + 1}}",
        "defined in a circle: x -> y -> x",
    ),
    "unknown dimension": (
        f"  x: {{type: derived, {WORDS}, of: paid, where: {{chanel: [live]}}}}",
        "unknown dimension 'chanel' in 'where'; did you mean 'channel'",
    ),
    "dimension not allowed": (
        f"  x: {{type: composite, {WORDS}, formula: paid * 2, dimensions: [city]}}",
        "dimension 'city' is not allowed",
    ),
    "ledger without dimension": (
        f"  x: {{type: atomic, {WORDS}, ledger: behaviour, aggregate: sum, column: quantity, kind: view, "
        "dimensions: [order_day]}",
        "the ledger behaviour has no dimension 'order_day'",
    ),
    "same thing twice": (
        f"  x: {{type: atomic, {WORDS}, ledger: orders, aggregate: sum, column: orders, kind: paid}}",
        "computes the same as 'paid'",
    ),
    "same formula twice": (
        f"  x: {{type: composite, {WORDS}, formula: paid*2}}\n  y: {{type: composite, {WORDS}, formula: (paid) * 2}}",
        "computes the same as 'x'",
    ),
    "duplicate key": (f"  paid: {{type: composite, {WORDS}, formula: paid * 2}}", "the key 'paid' stands twice"),
    "alias taken": (
        f"  x: {{type: composite, {WORDS}, formula: paid * 2, aliases: [paid]}}",
        "'paid' is already taken",
    ),
    "no English": (
        "  x: {type: composite, name: {zh: 甲}, definition: {zh: 甲, en: A}, unit: count, formula: paid * 2}",
        "no name in en",
    ),
    "call in formula": (f"  x: {{type: composite, {WORDS}, formula: exec(paid)}}", "'exec(paid)' is not allowed"),
    "power in formula": (f"  x: {{type: composite, {WORDS}, formula: paid ** 9}}", "is not allowed"),
    "broken formula": (f"  x: {{type: composite, {WORDS}, formula: paid /}}", "not readable as a formula"),
    "formula without metric": (f"  x: {{type: composite, {WORDS}, formula: 1 + 1}}", "names no metric"),
    "unknown column": (
        f"  x: {{type: atomic, {WORDS}, ledger: orders, aggregate: sum, column: amuont, kind: paid}}",
        "did you mean 'amount'",
    ),
    "unknown kind": (
        f"  x: {{type: atomic, {WORDS}, ledger: orders, aggregate: sum, column: units, kind: payed}}",
        "unknown kind 'payed' in the ledger orders; did you mean 'paid'",
    ),
    "missing part": (f"  x: {{type: atomic, {WORDS}, ledger: orders}}", "an atomic metric needs 'aggregate'"),
    "part of another type": (
        f"  x: {{type: composite, {WORDS}, formula: paid * 2, kind: paid}}",
        "a composite metric cannot have 'kind'",
    ),
}


def folder_with(tmp_path: Path, text: str) -> Path:
    (tmp_path / "definitions").mkdir()
    shutil.copy(FOLDER / "dimensions.yaml", tmp_path)
    (tmp_path / "definitions" / "some.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def test_shipped_definitions_are_sound() -> None:
    assert check_catalogue() == []


@pytest.mark.parametrize("case", sorted(CASES))
def test_wrong_definition_is_named_with_file_entry_and_suggestion(tmp_path: Path, case: str) -> None:
    entry, said = CASES[case]
    problems = check_catalogue(folder_with(tmp_path, HEAD + PAID + entry + "\n"))
    assert any(said in str(problem) and problem.file == "some.yaml" for problem in problems), problems


def test_all_problems_are_found_not_only_the_first(tmp_path: Path) -> None:
    entries = [
        CASES[case][0].replace("x:", f"x{number}:", 1) for number, case in enumerate(("unknown metric", "no English"))
    ]
    assert len(check_catalogue(folder_with(tmp_path, HEAD + PAID + "\n".join(entries) + "\n"))) == 2


def test_loading_wrong_definitions_raises_the_first_problem(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="unknown metric 'piad'"):
        load_catalogue(folder_with(tmp_path, HEAD + PAID + CASES["unknown metric"][0] + "\n"))


def test_unknown_names_say_what_was_probably_meant() -> None:
    catalogue = load_catalogue()
    with pytest.raises(UnknownNameError, match="did you mean 'paid_gmv'"):
        catalogue.metric("paid_gvm")
    with pytest.raises(UnknownNameError, match="did you mean 'province'"):
        catalogue.dimension("provinse")


def test_an_alias_is_the_metric_itself() -> None:
    catalogue = load_catalogue()
    assert catalogue.metric("pay_users") is catalogue.metric("paying_buyers")
    assert "pay_users" not in catalogue.metrics


def test_sums_add_up_and_distinct_counts_and_ratios_do_not() -> None:
    catalogue = load_catalogue()
    assert catalogue.metric("paid_gmv").additive and catalogue.metric("net_gmv").additive
    for name in ("visitors", "refund_rate", "gmv_per_minute", "average_order_value"):
        assert not catalogue.metric(name).additive
