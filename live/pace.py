"""Decides how fast the wall beats: in slower steps while ticks repeatedly take too much, and back when they do not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PaceRule:
    """When to slow down and when to come back. Harder to leave a step than to stay on it, so that it does not flap."""

    slower: tuple[float, ...] = (5.0, 10.0)  # seconds between ticks under load, one step after the other
    heavy_share: float = 0.8  # a tick that takes more of its interval is heavy
    heavy_ticks: int = 3  # so many heavy ones in a row are a step down
    light_share: float = 0.5  # a tick that would take no more of the next faster interval is light
    light_ticks: int = 6  # so many light ones in a row are a step up


@dataclass(frozen=True, slots=True)
class Load:
    """What a tick had to do: its seconds, the questions that were worth asking, and those unanswered at its end."""

    took_s: float
    wanted: int
    late: int


@dataclass(frozen=True, slots=True)
class Pace:
    """Where the beat stands: its step, 0 is the usual one, and how many ticks in a row speak for another one."""

    step: int = 0
    heavy: int = 0
    light: int = 0


RULE = PaceRule()


def intervals(usual_s: float, rule: PaceRule = RULE) -> tuple[float, ...]:
    """The seconds between ticks by step; a board that is slow by itself has fewer."""
    return (usual_s, *(seconds for seconds in rule.slower if seconds > usual_s))


def interval_of(pace: Pace, usual_s: float, rule: PaceRule = RULE) -> float:
    """Seconds between two ticks now."""
    return intervals(usual_s, rule)[pace.step]


def gap_after(began: datetime, tick_s: float, after_s: float = 0.0) -> float:
    """Seconds from the beginning of a tick to that of the next: ticks come `after_s` after what the clock shows as a
    multiple of `tick_s`, in every process alike. One that came out of turn just before that is the one of that turn."""
    least = tick_s / 4
    return least + tick_s - (began.timestamp() + least - after_s) % tick_s


def next_pace(pace: Pace, load: Load, usual_s: float, rule: PaceRule = RULE) -> Pace:
    """The pace after a tick.

    One question that is always late ages its own tiles and slows nobody: a tick without most of its answers is heavy,
    one without a few is neither heavy nor light.
    """
    steps = intervals(usual_s, rule)
    if load.took_s > rule.heavy_share * steps[pace.step] or (load.wanted and 2 * load.late > load.wanted):
        pace = replace(pace, heavy=pace.heavy + 1, light=0)
    elif not load.late and load.took_s <= rule.light_share * steps[max(pace.step - 1, 0)]:
        pace = replace(pace, heavy=0, light=pace.light + 1)
    else:
        pace = replace(pace, heavy=0)
    if pace.heavy >= rule.heavy_ticks:
        return Pace(min(pace.step + 1, len(steps) - 1))
    if pace.light >= rule.light_ticks:
        return Pace(max(pace.step - 1, 0))
    return pace
