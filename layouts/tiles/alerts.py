"""Alert tiles: what fires first and red, since when, what was seen against what is allowed, and what to do next."""

from __future__ import annotations

from typing import Any

from core.errors import DefinitionError
from layouts.board import Tile
from layouts.parts import title_of
from layouts.view import PlanContext, View
from metrics.ask import Question
from metrics.catalogue import Catalogue
from metrics.formats import format_clock, format_duration, format_value
from metrics.reading import Number
from metrics.snapshot import SEVERITIES, AlertView

SMALLEST = (26.0, 24.0)

ORDER = ("firing", "recovering", "pending", "error", "no_data", "resolved")  # `inactive` is only counted
SHOWN = 4


def check(tile: Tile, catalogue: Catalogue) -> None:
    if tile.metrics:
        raise DefinitionError("board", tile.key, "alert tiles show what the rules say; they take no metrics")


def plan(tile: Tile, context: PlanContext) -> dict[str, Question]:
    return {}


def draw(tile: Tile, view: View) -> dict[str, Any]:
    waking = sorted((alert for alert in view.alerts if alert.state in ORDER), key=_urgency)
    shown = waking[: int(tile.options.get("shown", SHOWN))]
    t = view.words.t
    return {
        "title": title_of(tile, view, t("tile.alerts.title")),
        "firing": sum(alert.state == "firing" for alert in view.alerts),
        "rows": [_row(view, alert) for alert in shown],
        "unlisted": len(waking) - len(shown),  # and the browser adds those that its tile has no room for
        "quiet": t("tile.alerts.quiet") if not waking else "",
        "watching": t("tile.alerts.watching", rules=len({alert.rule for alert in view.alerts})),
        "words": {name: t(f"tile.alerts.{name}") for name in ("value", "limit", "owner", "action")}
        | {"more": t("tile.alerts.more", count="{count}")},
    }


def _urgency(alert: AlertView) -> tuple[int, int, float]:
    """Firing before the rest, critical before warning, the newest of equals first."""
    severity = SEVERITIES.index(alert.severity) if alert.severity in SEVERITIES else len(SEVERITIES)
    return ORDER.index(alert.state), severity, -(alert.since.timestamp() if alert.since else 0.0)


def _row(view: View, alert: AlertView) -> dict[str, Any]:
    where = view.label(alert.dimension, alert.code) if alert.dimension and alert.code else alert.subject
    return {
        "key": f"{alert.rule}:{alert.dimension or ''}:{alert.code or ''}",
        "state": alert.state,
        "severity": alert.severity,
        "state_label": view.words.t(f"tile.alerts.state.{alert.state}"),
        "severity_label": view.words.t(f"tile.alerts.severity.{alert.severity}"),
        "name": alert.name.get(view.locale, alert.rule),
        "where": where,
        "since": _since(view, alert),
        "value": _amount(view, alert, alert.value),
        "limit": _amount(view, alert, alert.limit),
        "cause": alert.cause.get(view.locale, ""),
        "action": alert.action.get(view.locale, ""),
        "owner": alert.owner.get(view.locale, ""),
        "metric": alert.metric if alert.metric in view.catalogue.metrics else "",
        "focused": view.scope.focus == alert.metric,
    }


def _since(view: View, alert: AlertView) -> str:
    if alert.since is None:
        return ""
    lasted = format_duration(max(0.0, (view.as_of - alert.since).total_seconds()), view.locale)
    return view.words.t(
        "tile.alerts.since", time=format_clock(alert.since, view.profile.zone, seconds=False), duration=str(lasted)
    )


def _amount(view: View, alert: AlertView, value: Number) -> str:
    return str(format_value(value, alert.unit or "count", view.locale, view.profile.currency))
