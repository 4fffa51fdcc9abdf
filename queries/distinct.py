"""How distinct users are counted: exactly, or by sketches where a store's profile says so."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import BadRequestError
from metrics.profile import StoreProfile
from queries.client import ClickHouse
from queries.statement import Statement

KEPT = """
SELECT type FROM system.columns
WHERE database = currentDatabase() AND table = 'visitors_1m' AND name = 'any__user_id'
"""


@dataclass(frozen=True, slots=True)
class Counting:
    """ClickHouse's names for one way of counting: the state's type, and the functions that make and merge states."""

    type: str
    state_if: str
    merge: str
    merge_state: str


EXACT = Counting("uniqExact", "uniqExactStateIf", "uniqExactMerge", "uniqExactMergeState")
# Up to some thousands exact, then within about 0.6 % (one standard deviation) in at most 24 KB a state: a day of hours
# in thirty regions is 700 states, and merging them has to take no longer whatever the size of the business.
SKETCH = Counting(
    "uniqCombined64(15)", "uniqCombined64StateIf(15)", "uniqCombined64Merge(15)", "uniqCombined64MergeState(15)"
)

SKETCH_ERROR = 0.0057  # one standard deviation of 15 bits: 1.04 / sqrt(2^15)


def counting_of(profile: StoreProfile) -> Counting:
    """What a store's rollups keep."""
    return SKETCH if profile.distinct == "sketch" else EXACT


def check_counting(clickhouse: ClickHouse, profile: StoreProfile) -> None:
    """Raises BadRequestError where a store was made for another way of counting: its states cannot be turned."""
    wanted = f"AggregateFunction({counting_of(profile).type}, UInt64)"
    rows = clickhouse.inspect(Statement("how users are counted", KEPT)).rows
    if rows and rows[0][0] != wanted:
        raise BadRequestError(
            f"this store keeps users as {rows[0][0]}, and `distinct: {profile.distinct}` of its profile needs "
            f"{wanted}: a store counts as it was made to count; write back what its profile said, or load into a new "
            "one (STORE=…)"
        )
