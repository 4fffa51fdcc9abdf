"""Shows the alerts as tiles see them: burning ones first, calm rules as one quiet line each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from alerts.judging import Verdict
from alerts.measures import Measured
from alerts.memory import Instance, RuleMemory
from alerts.model import Rule
from alerts.sentences import Label, write_cause
from locales.words import LOCALES, load_words
from metrics.snapshot import SEVERITIES, AlertView

ORDER = ("firing", "pending", "recovering", "resolved", "error", "no_data", "inactive")


class Viewer:
    """Makes the views of one set of rules."""

    def __init__(self, measures: Mapping[str, Measured], label: Label, currency: str) -> None:
        self._measures, self._label, self._currency = measures, label, currency

    def show(self, rule: Rule, memory: RuleMemory, problem: str | None) -> list[AlertView]:
        """The views of a rule: each instance that is not calm, or one for the whole rule."""
        loud = {code: instance for code, instance in memory.instances.items() if instance.state.state != "inactive"}
        views = [self._view(rule, instance, code, instance.state.state) for code, instance in loud.items()]
        if problem:
            views.append(self._failed(rule, problem))
        if not views:
            views.append(self._calm(rule, memory))
        return views

    def _calm(self, rule: Rule, memory: RuleMemory) -> AlertView:
        """A rule with nothing to say: inactive, or no_data when that is why none of its instances was judged."""
        if rule.type == "screens":  # no wall at all, or none that is wrong, is nothing to say
            return self._view(rule, Instance(verdict=Verdict("clear")), None, "inactive", quiet=True)
        outcomes = {instance.verdict.outcome for instance in memory.instances.values() if instance.verdict}
        only = memory.instances.get(None)
        if not outcomes or outcomes == {"no_data"}:
            return self._view(rule, only or Instance(), None, "no_data")
        return self._view(rule, only or Instance(verdict=Verdict("clear")), None, "inactive", quiet=only is None)

    def _view(self, rule: Rule, instance: Instance, code: str | None, state: str, quiet: bool = False) -> AlertView:
        verdict = instance.verdict
        words = {} if quiet else write_cause(rule, verdict, code, self._measures, self._label, self._currency)
        return AlertView(
            rule=rule.key,
            severity=rule.severity,
            state=state,
            since=instance.state.since,
            value=verdict.value if verdict else None,
            limit=rule.limit,
            metric="" if rule.type == "screens" else rule.metric,  # no trend to open
            dimension=rule.by,
            code=code,
            name=rule.name,
            cause=words or dict.fromkeys(LOCALES, ""),
            action=rule.action,
            owner=rule.owner,
            unit=unit_of(rule, self._measures),
            subject=verdict.subject if verdict and code else "",
            evaluated_at=_end(instance.state.minute),
        )

    def _failed(self, rule: Rule, problem: str) -> AlertView:
        name = self._measures[rule.metric].name
        cause = {
            locale: load_words(locale).t("alert.cause.error", where="", metric=name[locale], problem=problem)
            for locale in LOCALES
        }
        return AlertView(
            rule=rule.key,
            severity=rule.severity,
            state="error",
            since=None,
            value=None,
            limit=rule.limit,
            metric=rule.metric,
            dimension=rule.by,
            code=None,
            name=rule.name,
            cause=cause,
            action=rule.action,
            owner=rule.owner,
            unit=unit_of(rule, self._measures),
        )


def unit_of(rule: Rule, measures: Mapping[str, Measured]) -> str:
    """What value and limit are written in: a change is a ratio, silence a duration."""
    return {"change": "ratio", "stale": "duration", "screens": "duration", "drift": "count"}.get(rule.type) or measures[
        rule.metric
    ].unit


def in_order(views: list[AlertView]) -> tuple[AlertView, ...]:
    """Burning first, the worse before the milder, the longer before the younger."""

    def rank(view: AlertView) -> tuple[int, int, float, str, str]:
        since = view.since.timestamp() if view.since else 0.0
        return ORDER.index(view.state), SEVERITIES.index(view.severity), since, view.rule, view.code or ""

    return tuple(sorted(views, key=rank))


def _end(minute: datetime | None) -> datetime | None:
    return minute + timedelta(minutes=1) if minute else None
