"""What a screen's header says about a snapshot: the day, the filters, how far the data are, what was not understood."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from metrics.formats import format_clock, format_day
from metrics.scope import Dropped
from metrics.snapshot import SEVERITIES, Snapshot, Watermark, marker_of, of_business

if TYPE_CHECKING:
    from layouts.frame import Stage

NOTED = 60  # characters of a dropped value that are repeated to the reader


def build_head(stage: Stage, snapshot: Snapshot, locale: str, dropped: Sequence[Dropped]) -> dict[str, Any]:
    """The header as plain values, texts in the locale, times in the store's business zone."""
    today = stage.calendar.day_of(snapshot.as_of)
    day = snapshot.scope.day or today
    slowest = slowest_watermark(of_business(snapshot.watermarks))
    reached = slowest.reached if slowest else None
    return {
        "day": write_day(stage, day, today, locale),
        "iso_day": day.isoformat(),
        "until": _until(stage, snapshot, locale),
        "watermark": format_clock(reached, stage.profile.zone, seconds=True) if reached else None,
        "marker": marker_of(snapshot.watermarks),
        "lag_s": round(slowest.lag_s, 1) if slowest and slowest.lag_s is not None else None,
        "firing": sum(alert.state == "firing" for alert in snapshot.alerts),
        "worst": worst_severity(snapshot),
        "critical": critical_alerts(snapshot),
        "chips": build_chips(stage, snapshot, locale),
        "notes": [write_note(stage, part, locale) for part in dropped],
    }


def worst_severity(snapshot: Snapshot) -> str | None:
    """How bad what fires is, as a whole; None when nothing does."""
    firing = {alert.severity for alert in snapshot.alerts if alert.state == "firing"}
    return next((severity for severity in SEVERITIES if severity in firing), None)


def critical_alerts(snapshot: Snapshot) -> list[str]:
    """Names of the critical alerts that fire, in order: a new one among them interrupts a rotation."""
    return sorted(
        ":".join((alert.rule, alert.dimension or "", alert.code or ""))
        for alert in snapshot.alerts
        if alert.state == "firing" and alert.severity == "critical"
    )


def write_day(stage: Stage, day: date, today: date, locale: str) -> str:
    """A day as people say it; its year only when it is another one than today's."""
    text = str(format_day(day, locale))
    return text if day.year == today.year else stage.words[locale].t("shell.day_of_year", day=text, year=day.year)


def _until(stage: Stage, snapshot: Snapshot, locale: str) -> str:
    """What a day other than the live one is shown up to: a time of day, or the whole."""
    if snapshot.scope.at:
        return snapshot.scope.at.strftime("%H:%M")
    return "" if snapshot.live else stage.words[locale].t("shell.whole_day")


def slowest_watermark(watermarks: Sequence[Watermark]) -> Watermark | None:
    """The ledger that is furthest behind: the screen promises no more than it. Empty ledgers promise nothing."""
    reached = [(mark.reached, mark) for mark in watermarks if mark.reached is not None]
    return min(reached, key=lambda pair: pair[0], default=(None, None))[1]


def build_chips(stage: Stage, snapshot: Snapshot, locale: str) -> list[dict[str, str]]:
    """One chip per filtered code, then the step and the metric in focus; a click on it takes it away."""
    scope, words = snapshot.scope, stage.words[locale]
    chips = [
        {
            "dimension": dimension,
            "code": code,
            "name": str(stage.catalogue.dimension(dimension).name[locale]),
            "label": str(stage.labels.of(dimension, code, locale)),
        }
        for dimension, codes in scope.filters
        for code in codes
    ]
    if scope.step:
        chips.append(_chip("step", scope.step, words.t("shell.chip.step"), words.t(f"tile.funnel.step.{scope.step}")))
    if scope.focus:
        name = str(stage.catalogue.metric(scope.focus).name[locale])
        chips.append(_chip("focus", scope.focus, words.t("shell.chip.focus"), name))
    return chips


def _chip(dimension: str, code: str, name: str, label: str) -> dict[str, str]:
    return {"dimension": dimension, "code": code, "name": name, "label": label}


def write_note(stage: Stage, part: Dropped, locale: str) -> str:
    """A sentence about a part of the address that was not used."""
    value = part.value if len(part.value) <= NOTED else f"{part.value[:NOTED]}…"
    return stage.words[locale].t(f"shell.note.{part.reason}", name=part.name, value=value)
