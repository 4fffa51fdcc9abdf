"""What a row says about a rule: too little to tell, enough, or so much that another rule tells sooner."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from alerts.judging import judge_row
from alerts.measures import measures_of
from alerts.model import MinVolume, Rule
from metrics.catalogue import load_catalogue
from metrics.reading import Row

WORDS = {"zh": "支付", "en": "Payment"}
MEASURES = measures_of(load_catalogue())
QUIET_HOURS = Rule(
    key="quiet",
    name=WORDS,
    metric="create_to_pay_rate",
    limit=0.15,
    min_volume=MinVolume(metric="orders_created", value=6, below=30),
    owner="o",
    action=WORDS,
)


@pytest.mark.parametrize(
    ("created", "outcome"), [(0, "low_volume"), (5, "low_volume"), (6, "breach"), (29, "breach"), (30, "clear")]
)
def test_a_rule_for_quiet_hours_leaves_the_busy_ones_to_another(created: int, outcome: str) -> None:
    row = Row((), None, {"current": {"create_to_pay_rate": 0.0, "orders_created": created}})
    assert judge_row(QUIET_HOURS, row, MEASURES).outcome == outcome


def test_a_rule_that_could_never_judge_is_refused() -> None:
    with pytest.raises(ValidationError, match="nothing is ever judged"):
        MinVolume(metric="orders_created", value=6, below=6)
