"""The alert machine against tables of series, and against what must hold for every series."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from alerts.machine import MachineState, Outcome, Transition, step
from alerts.model import Rule

SERIES = yaml.safe_load((Path(__file__).parent / "series.yaml").read_text(encoding="utf-8"))
IN: dict[str, Outcome] = {"B": "breach", "-": "band", "c": "clear", ".": "no_data", "l": "low_volume"}
OUT = {"i": "inactive", "p": "pending", "F": "firing", "r": "recovering", "R": "resolved"}
CALM = MachineState()
START = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)

outcomes = st.lists(st.sampled_from(list(IN.values())), max_size=60)
shapes = st.tuples(st.integers(1, 3), st.integers(0, 2), st.integers(1, 4))


def rule(**options: Any) -> Rule:
    words = {"zh": "字", "en": "word"}
    return Rule(key="r", name=words, metric="paid_gmv", limit=1, owner="o", action=words, **options)


def shaped(shape: tuple[int, int, int]) -> Rule:
    breaches, more, resolve_after = shape
    return rule(breaches=breaches, out_of=breaches + more, resolve_after=resolve_after)


def run(
    of: Rule,
    series: list[Outcome],
    state: MachineState = CALM,
    first: int = 0,
) -> tuple[list[MachineState], list[Transition]]:
    states, heard = [], []
    for position, outcome in enumerate(series, start=first):
        state, transitions = step(of, state, START + timedelta(minutes=position), outcome)
        states.append(state)
        heard += transitions
    return states, heard


@pytest.mark.parametrize("case", SERIES, ids=lambda case: case["name"])
def test_a_series_gives_the_states_of_its_table(case: dict[str, Any]) -> None:
    states, _ = run(rule(**case["rule"]), [IN[letter] for letter in case["in"].split()])
    assert [state.state for state in states] == [OUT[letter] for letter in case["out"].split()]


@given(shapes, outcomes, st.integers(0, 60))
def test_a_restart_at_any_minute_changes_nothing(shape: tuple[int, int, int], series: list[Outcome], cut: int) -> None:
    whole, heard = run(shaped(shape), series)
    before, first = run(shaped(shape), series[:cut])
    kept = MachineState.from_json((before[-1] if before else MachineState()).to_json())
    after, second = run(shaped(shape), series[cut:], kept, first=min(cut, len(series)))
    assert before + after == whole
    assert first + second == heard


@given(shapes, outcomes, st.integers(0, 60))
def test_replaying_minutes_that_were_judged_changes_nothing(
    shape: tuple[int, int, int], series: list[Outcome], back: int
) -> None:
    states, _ = run(shaped(shape), series)
    if states:
        again, heard = run(shaped(shape), series[-back:] if back else [], states[-1], max(0, len(series) - back))
        assert heard == [] and all(state == states[-1] for state in again)


@given(shapes, outcomes, st.lists(st.sampled_from(["no_data", "low_volume"]), max_size=40))
def test_minutes_without_judgement_neither_fire_nor_resolve(
    shape: tuple[int, int, int], series: list[Outcome], holds: list[Outcome]
) -> None:
    states, _ = run(shaped(shape), series)
    before = states[-1] if states else MachineState()
    after, _ = run(shaped(shape), holds, before, len(series))
    if before.state in ("firing", "recovering"):
        assert all(state.state == before.state for state in after)
    else:
        assert all(state.state not in ("firing", "recovering") for state in after)


@given(shapes, outcomes)
def test_it_fires_only_on_a_breach_and_resolves_only_on_a_clear_minute(
    shape: tuple[int, int, int], series: list[Outcome]
) -> None:
    _, heard = run(shaped(shape), series)
    for transition in heard:
        if transition.after == "firing":
            assert transition.reason == "breach"
        if transition.after == "resolved":
            assert transition.reason == "clear" and transition.before in ("firing", "recovering")


def test_since_is_when_it_began_to_burn_also_after_a_relapse() -> None:
    states, _ = run(rule(breaches=1, resolve_after=3), ["clear", "breach", "clear", "breach"])
    assert [state.since for state in states[1:]] == [START + timedelta(minutes=2)] * 3


def test_after_a_long_pause_old_breaches_do_not_count() -> None:
    states, _ = run(rule(breaches=2), ["breach"])
    later, _ = step(rule(breaches=2), states[-1], START + timedelta(hours=2), "breach")
    assert later.state == "pending"
