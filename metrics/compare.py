"""How far a number moved: relative for amounts and counts, the difference for ratios."""

from __future__ import annotations

from metrics.reading import Number


def change(current: Number, previous: Number, unit: str = "count") -> Number:
    """(current - previous) / |previous|; for `ratio` current - previous (0.004 is 0.4 points).

    None when one is missing, or when there is nothing to divide by.
    """
    if current is None or previous is None:
        return None
    if unit == "ratio":
        return float(current) - float(previous)
    if previous == 0:
        return None
    return (float(current) - float(previous)) / abs(float(previous))
