"""How distinct users are counted: exactly, or by sketches where a store's profile says so."""

from __future__ import annotations

from dataclasses import dataclass

from metrics.profile import StoreProfile


@dataclass(frozen=True, slots=True)
class Counting:
    """ClickHouse's names for one way of counting: the state's type, and the functions that make and merge states."""

    type: str
    state_if: str
    merge: str
    merge_state: str


EXACT = Counting("uniqExact", "uniqExactStateIf", "uniqExactMerge", "uniqExactMergeState")
# Up to some thousands exact, then within about 0.3 % (one standard deviation) in at most 96 KB a state.
SKETCH = Counting(
    "uniqCombined64(17)", "uniqCombined64StateIf(17)", "uniqCombined64Merge(17)", "uniqCombined64MergeState(17)"
)


def counting_of(profile: StoreProfile) -> Counting:
    """What a store's rollups keep."""
    return SKETCH if profile.distinct == "sketch" else EXACT
