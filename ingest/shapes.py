"""Demand shapes measured on real shops (`profiles/*.csv`): hour of day, day of week, order values, time to pay."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np

from core.errors import DefinitionError
from ingest.dice import Floats

FOLDER = Path(__file__).parent / "profiles"
SOURCE = "tmall_cn_2020"


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@cache
def hour_index(metric: str = "order_created") -> tuple[float, ...]:
    """Demand of each local hour against the day's mean: 24 numbers whose mean is 1."""
    values = [
        float(row["index_vs_mean"])
        for row in _rows("hour_of_day.csv")
        if row["source"] == SOURCE and row["metric"] == metric
    ]
    if len(values) != 24:
        raise DefinitionError("hour_of_day.csv", f"{SOURCE}/{metric}", f"24 hours are needed, {len(values)} were found")
    return tuple(24 * value / sum(values) for value in values)


@cache
def day_index(metric: str = "order_created") -> tuple[float, ...]:
    """Demand of Monday … Sunday against the week's mean: 7 numbers whose mean is 1."""
    values = [
        float(row["index_vs_mean"])
        for row in _rows("day_of_week.csv")
        if row["source"] == SOURCE and row["metric"] == metric
    ]
    if len(values) != 7:
        raise DefinitionError("day_of_week.csv", f"{SOURCE}/{metric}", f"7 days are needed, {len(values)} were found")
    return tuple(7 * value / sum(values) for value in values)


@cache
def _quantiles(what: str) -> tuple[Floats, Floats]:
    pairs = sorted(
        (float(row["q"]), float(row["value"]))
        for row in _rows("quantiles.csv")
        if row["source"] == SOURCE and row["what"] == what
    )
    if not pairs:
        raise DefinitionError("quantiles.csv", what, "no quantiles were found")
    return np.array([q for q, _ in pairs]), np.log(np.array([value for _, value in pairs]))


def at_quantile(what: str, chance: Floats) -> Floats:
    """The measured value at each quantile in [0, 1]: log-linear between the known ones, flat beyond the outer two."""
    known, logs = _quantiles(what)
    return np.exp(np.interp(chance, known, logs))


@cache
def region_demand() -> dict[str, float]:
    """Share of orders by province code: measured shares, blended with people and income where the sample is thin."""
    blended = {
        row["adcode"]: 0.5 * float(row["tmall_order_share"] or 0) + 0.5 * float(row["suggested_weight"] or 0)
        for row in _rows("province_weights.csv")
    }
    total = sum(blended.values())
    return {code: value / total for code, value in blended.items()}
