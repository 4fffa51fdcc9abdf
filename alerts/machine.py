"""Says what state an alert is in next: pure, in event time; a complete minute and its outcome go in."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from alerts.model import Rule

State = Literal["inactive", "pending", "firing", "recovering", "resolved"]
Outcome = Literal["breach", "band", "clear", "low_volume", "no_data"]

HOLDS: frozenset[Outcome] = frozenset({"low_volume", "no_data"})  # nothing can be said: never resolves
HOLD_MAX = 10  # minutes in a row without a judgement after which a pending alert is given up
SHOW_RESOLVED = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class MachineState:
    """One instance. `recent` are the last judged minutes (True is a breach); minutes are their starts, aware UTC."""

    state: State = "inactive"
    since: datetime | None = None  # end of the minute that brought the state
    recent: tuple[bool, ...] = ()
    clears: int = 0
    holds: int = 0
    minute: datetime | None = None  # the last one that was stepped

    def to_json(self) -> dict[str, Any]:
        return {
            name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> MachineState:
        moments = {name: datetime.fromisoformat(saved[name]) for name in ("since", "minute") if saved[name]}
        return cls(**{**saved, "recent": tuple(saved["recent"]), **moments})


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of state at the end of a minute; what receivers and history will listen to."""

    rule: str
    code: str | None
    minute: datetime
    before: State
    after: State
    reason: Outcome


def step(
    rule: Rule, state: MachineState, minute: datetime, outcome: Outcome, code: str | None = None
) -> tuple[MachineState, tuple[Transition, ...]]:
    """The state after a complete minute. A minute that was stepped before changes nothing (replay is safe)."""
    if state.minute is not None and minute <= state.minute:
        return state, ()
    end = minute + timedelta(minutes=1)
    after = replace(_forget(state, minute, end), minute=minute)
    after = _hold(after) if outcome in HOLDS else _judge(rule, replace(after, holds=0), outcome)
    if after.state != state.state:
        same_fire = {state.state, after.state} == {"firing", "recovering"}
        after = replace(after, since=None if after.state == "inactive" else state.since if same_fire else end)
        return after, (Transition(rule.key, code, minute, state.state, after.state, outcome),)
    return after, ()


def _forget(state: MachineState, minute: datetime, end: datetime) -> MachineState:
    """What time alone ends: a resolved alert that was shown long enough, counters from before a long pause."""
    if state.state == "resolved" and state.since is not None and end - state.since >= SHOW_RESOLVED:
        state = replace(state, state="inactive")
    if state.minute is not None and minute - state.minute > timedelta(minutes=HOLD_MAX):
        state = replace(state, recent=(), clears=0, state="inactive" if state.state == "pending" else state.state)
    return state


def _hold(state: MachineState) -> MachineState:
    """A minute that says nothing freezes every counter. Only a suspicion that nothing confirms is given up."""
    held = replace(state, holds=state.holds + 1)
    if state.state == "pending" and held.holds >= HOLD_MAX:
        return replace(held, state="inactive", recent=())
    return held


def _judge(rule: Rule, state: MachineState, outcome: Outcome) -> MachineState:
    recent = (*state.recent, outcome == "breach")[-rule.span_of_judging :]
    state = replace(state, recent=recent, clears=state.clears + 1 if outcome == "clear" else 0)
    if state.state in ("firing", "recovering"):
        return _burning(rule, state, outcome)
    if sum(recent) >= rule.breaches:
        return replace(state, state="firing", clears=0)
    if any(recent[1 - rule.span_of_judging :]):  # a breach that the next minute could still add to
        return state if state.state == "pending" else replace(state, state="pending")
    return replace(state, state="inactive") if state.state == "pending" else state


def _burning(rule: Rule, state: MachineState, outcome: Outcome) -> MachineState:
    """Firing or recovering: only minutes in a row on the good side end it, a breach starts the wait again."""
    if outcome == "breach":
        return replace(state, state="firing")
    if state.clears >= rule.resolve_after:
        return replace(state, state="resolved", recent=(), clears=0)
    return replace(state, state="recovering") if outcome == "clear" else state
