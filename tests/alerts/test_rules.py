"""Rule files: the shipped ones are good, and what is wrong is named with file, entry and what was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.measures import measures_of
from alerts.rules import check_rules, load_rules
from core.errors import DefinitionError
from metrics.catalogue import load_catalogue
from tests.alerts.ledger import MEASURES

GOOD = """
rules:
  - key: outage
    name: {zh: 支付, en: Payment}
    metric: create_to_pay_rate
    by: large_region
    limit: 0.45
    min_volume: {metric: orders_created, value: 15}
    owner: pay
    action: {zh: 查, en: look}
"""


def problems(folder: Path, text: str) -> list[str]:
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    return [str(problem) for problem in check_rules(MEASURES, folder)]


def test_a_good_file_has_no_problem_and_loads(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD) == []
    (rule,) = load_rules(MEASURES, tmp_path)
    assert (rule.key, rule.owner) == ("outage", {"zh": "pay", "en": "pay"})


@pytest.mark.parametrize(
    ("wrong", "right", "expected"),
    [
        ("limt: 0.45", "limit: 0.45", "mine.yaml: outage: unknown key 'limt'; did you mean 'limit'?"),
        ("metric: create_to_pay_rat", "metric: create_to_pay_rate", "did you mean 'create_to_pay_rate'?"),
        ("by: large_regio", "by: large_region", "cannot be asked by 'large_regio'; did you mean 'large_region'?"),
        ("{metric: order_created, value: 15}", "{metric: orders_created, value: 15}", "did you mean 'orders_created'"),
        ("{metrc: orders_created, value: 15}", "{metric: orders_created, value: 15}", "unknown key 'min_volume.metrc'"),
        ("owner: {zh: 支付}", "owner: pay", "mine.yaml: outage: owner is written in zh and en"),
        ("name: {zh: 支付}", "name: {zh: 支付, en: Payment}", "mine.yaml: outage: name is written in zh and en"),
        ("limit: low", "limit: 0.45", "mine.yaml: outage: limit: Input should be a valid number"),
        ("limit: 0.45\n    resolve_limit: 0.3", "limit: 0.45", "resolve_limit lies on the bad side of limit"),
        ("limit: 0.45\n    breaches: 3\n    out_of: 2", "limit: 0.45", "3 breaches cannot be found in 2 minutes"),
        ("limit: 0.45\n    limit: 0.5", "limit: 0.45", "'limit' stands twice"),
        ("limit: 0.45\n    type: stale", "limit: 0.45", "`ledger` belongs to stale rules"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, wrong: str, right: str, expected: str) -> None:
    text = GOOD.replace(right, wrong)
    assert text != GOOD
    assert any(expected in problem for problem in problems(tmp_path, text)), problems(tmp_path, text)


def test_all_problems_are_told_at_once_and_loading_raises_the_first(tmp_path: Path) -> None:
    entry = GOOD.partition("rules:\n")[2]
    found = problems(
        tmp_path, GOOD + entry + entry.replace("metric: create", "metrik: create").replace("outage", "two")
    )
    assert any("outage: this key is taken" in problem for problem in found)
    assert any("two: unknown key 'metrik'; did you mean 'metric'?" in problem for problem in found)
    with pytest.raises(DefinitionError, match="taken"):
        load_rules(MEASURES, tmp_path)


@pytest.mark.parametrize("text", ["", "rules: 3", "- key: a", "rules: []\nmore: 1", "rules: [", "rules:\n  - 7\n"])
def test_a_file_of_another_shape_is_a_problem_not_a_crash(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)


def test_the_shipped_rules_are_good_for_the_shipped_metrics() -> None:
    measures = measures_of(load_catalogue())
    assert [str(problem) for problem in check_rules(measures)] == []
    rules = load_rules(measures)
    assert len(rules) >= 8
    assert {rule.type for rule in rules} == {"threshold", "change", "stale", "drift", "screens"}
    assert {rule.ledger for rule in rules if rule.type == "stale"} == {"orders", "behaviour"}


def test_a_metric_that_can_be_counted_is_known_from_its_definition() -> None:
    measures = measures_of(load_catalogue())
    assert measures["orders_created"].countable and not measures["create_to_pay_rate"].countable
    assert measures["create_to_pay_rate"].ledgers == {"orders"}
    assert measures["view_to_order_rate"].ledgers == {"orders", "behaviour"}
