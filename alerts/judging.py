"""Turns readings into verdicts: is this minute complete, and what does it say about a rule's instance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from alerts.machine import Outcome
from alerts.measures import Measured
from alerts.model import Rule
from metrics.reading import Number, Row
from metrics.screens import WallSign
from metrics.snapshot import Watermark

MINUTE = timedelta(minutes=1)
PATIENCE = timedelta(seconds=30)  # a minute that no ledger confirms for so long counts as "data has not arrived"
QUIET = timedelta(minutes=10)  # a ledger may be silent so long while another one moves, and its zeros are zeros
FINISHED = timedelta(days=1)  # a ledger this old is a finished data set, not a stalled stream


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a complete minute says. `value` is compared with the limit; `now`, `before` and `volume` explain it."""

    outcome: Outcome
    value: Number = None
    now: Number = None
    before: Number = None
    volume: Number = None
    subject: str = ""  # the wall that is meant, in rules about screens


def completeness(
    ledgers: frozenset[str], end: datetime, as_of: datetime, watermarks: Iterable[Watermark]
) -> Literal["complete", "silent", "wait"]:
    """Whether a minute that ended at `end` may be judged.

    It is complete when the rule's ledgers have passed its end, or when some other ledger has and they were heard of in
    the last ten minutes: the sources are alive, so nothing is really nothing. A minute that nobody confirms within 30
    seconds is silent: threshold rules hold, and the stale rule speaks.
    """
    reached = {mark.ledger: mark.reached for mark in watermarks if mark.reached is not None}
    if not ledgers or not ledgers <= set(reached):
        return "silent"
    own, furthest = min(reached[ledger] for ledger in ledgers), max(reached.values())
    if own >= end or (furthest >= end and own >= end - QUIET):
        return "complete"
    return "silent" if as_of >= end + PATIENCE else "wait"


def judge_stale(rule: Rule, end: datetime, watermarks: Iterable[Watermark]) -> Verdict:
    """How long the rule's ledger has been silent at `end`, in seconds."""
    reached = next((mark.reached for mark in watermarks if mark.ledger == rule.ledger), None)
    if reached is None or end - reached > FINISHED:
        return Verdict("no_data")
    age = max(0.0, (end - reached).total_seconds())
    return Verdict(rule.judge(age), age, age)


def judge_drift(rule: Rule, differences: int | None) -> Verdict:
    """How many figures were wrong when they were last compared; None before the first comparison."""
    if differences is None:
        return Verdict("no_data")
    return Verdict(rule.judge(differences), differences, differences)


def judge_wall(rule: Rule, wall: WallSign) -> Verdict:
    """How long a wall has not been heard, or how old the picture is on one that is heard, in seconds."""
    subject = wall.name
    if rule.watch == "dark":
        return Verdict(rule.judge(wall.silent_s), wall.silent_s, wall.silent_s, subject=subject)
    if wall.frame_age_s is None:  # hidden or closed on purpose: no picture to judge. Dark: the other rule's matter
        return Verdict("clear" if wall.silent_s == 0 else "no_data", None, subject=subject)
    return Verdict(rule.judge(wall.frame_age_s), wall.frame_age_s, wall.frame_age_s, subject=subject)


def judge_row(rule: Rule, row: Row | None, measures: Mapping[str, Measured]) -> Verdict:
    """What a row says; no row at all is zero for what can be counted, and "too few" for the rest."""
    row = row or Row((), None, {})
    now = _number(row, rule.metric, "current", measures)
    if rule.type == "change":
        before = _number(row, rule.metric, rule.compare, measures)
        volume = _volume(rule, row, rule.compare, measures)
        if now is None or not before or _too_few(rule, volume):
            return Verdict("low_volume", None, now, before, volume)
        change = now / before - 1
        return Verdict(rule.judge(change), change, now, before, volume)
    volume = _volume(rule, row, "current", measures)
    if now is None or _too_few(rule, volume):
        return Verdict("low_volume", now, now, None, volume)
    if rule.min_volume and rule.min_volume.below is not None and (volume or 0) >= rule.min_volume.below:
        return Verdict("clear", now, now, None, volume)
    return Verdict(rule.judge(now), now, now, None, volume)


def _number(row: Row, metric: str, span: str, measures: Mapping[str, Measured]) -> Number:
    value = row.value(metric, span)
    return 0 if value is None and measures[metric].countable else value


def _volume(rule: Rule, row: Row, span: str, measures: Mapping[str, Measured]) -> Number:
    return _number(row, rule.min_volume.metric, span, measures) if rule.min_volume else None


def _too_few(rule: Rule, volume: Number) -> bool:
    return rule.min_volume is not None and (volume or 0) < rule.min_volume.value
