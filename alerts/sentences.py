"""Says in one line what an alert saw and what is allowed: 华东 支付成功率 3% < 45%，近2分钟，创建订单 41."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from alerts.judging import Verdict
from alerts.measures import Measured
from alerts.model import Rule
from locales.words import LOCALES, Words, load_words
from metrics.formats import format_change, format_duration, format_value
from metrics.reading import Number

Label = Callable[[str, str, str], str]  # (dimension, code, locale) -> name


def write_cause(
    rule: Rule, verdict: Verdict | None, code: str | None, measures: Mapping[str, Measured], label: Label, currency: str
) -> dict[str, str]:
    """The line in every language. `code` is the instance's member of `rule.by`."""
    return {
        locale: _Writer(rule, measures, label, currency, load_words(locale)).write(verdict, code) for locale in LOCALES
    }


class _Writer:
    """One rule's lines in one language."""

    def __init__(self, rule: Rule, measures: Mapping[str, Measured], label: Label, currency: str, words: Words) -> None:
        self._rule, self._measures, self._label, self._currency, self._words = rule, measures, label, currency, words

    def write(self, verdict: Verdict | None, code: str | None) -> str:
        rule, t = self._rule, self._words.t
        if rule.type == "stale":
            return self._stale(verdict)
        if rule.type == "drift":
            return self._drift(verdict)
        if rule.type == "screens":
            return self._screens(verdict)
        place, metric = self._where(code), self._name(rule.metric)
        if verdict is None or verdict.outcome == "no_data":
            return t("alert.cause.no_data", where=place, metric=metric)
        if verdict.outcome == "low_volume":
            volume = rule.min_volume.metric if rule.min_volume else rule.metric
            count = self._write(verdict.volume, volume)
            return t("alert.cause.low_volume", where=place, metric=metric, volume=self._name(volume), count=count)
        if rule.type == "change":
            return t(
                "alert.cause.change",
                where=place,
                metric=metric,
                change=format_change(verdict.value, "count", self._words.locale),
                value=self._write(verdict.now, rule.metric),
                before=self._write(verdict.before, rule.metric),
                compare=t(f"alert.compare.{rule.compare}"),
                minutes=rule.window_minutes,
            )
        line = t(
            "alert.cause.threshold",
            where=place,
            metric=metric,
            value=self._write(verdict.value, rule.metric),
            sign=_sign(rule, verdict.value),
            limit=self._write(rule.limit, rule.metric),
            minutes=rule.window_minutes,
        )
        if rule.min_volume is None:
            return line
        volume = rule.min_volume.metric
        return line + t("alert.cause.volume", metric=self._name(volume), value=self._write(verdict.volume, volume))

    def _stale(self, verdict: Verdict | None) -> str:
        ledger = self._words.t(f"alert.ledger.{self._rule.ledger}")
        if verdict is None or verdict.value is None:
            return self._words.t("alert.cause.never", ledger=ledger)
        age = format_duration(verdict.value, self._words.locale)
        limit = format_duration(self._rule.limit, self._words.locale)
        return self._words.t("alert.cause.stale", ledger=ledger, age=age, limit=limit)

    def _drift(self, verdict: Verdict | None) -> str:
        if verdict is None or verdict.value is None:
            return self._words.t("alert.cause.not_compared")
        count = format_value(verdict.value, "count", self._words.locale)
        return self._words.t(f"alert.cause.{self._rule.metric}", count=count)

    def _screens(self, verdict: Verdict | None) -> str:
        t, watch = self._words.t, self._rule.watch
        if verdict is None or not verdict.subject:
            return t(f"alert.cause.{watch}.none")
        if verdict.value is None or verdict.outcome != "breach":
            return t(f"alert.cause.{watch}.well", wall=verdict.subject)
        age = format_duration(verdict.value, self._words.locale)
        limit = format_duration(self._rule.limit, self._words.locale)
        return t(f"alert.cause.{watch}.breach", wall=verdict.subject, age=age, limit=limit)

    def _where(self, code: str | None) -> str:
        """The instance and the rule's own filters, with a space behind."""
        places = [(self._rule.by, code)] if self._rule.by and code is not None else []
        places += [(dimension, one) for dimension, codes in sorted(self._rule.where.items()) for one in codes]
        return "".join(f"{self._label(dimension, one, self._words.locale)} " for dimension, one in places if dimension)

    def _name(self, metric: str) -> str:
        return self._measures[metric].name[self._words.locale]

    def _write(self, value: Number, metric: str) -> str:
        return str(format_value(value, self._measures[metric].unit, self._words.locale, self._currency))


def _sign(rule: Rule, value: Number) -> str:
    """How the value stands to the limit right now, which while recovering is not the way it fired."""
    if value is None or value == rule.limit:
        return "="
    return ">" if value > rule.limit else "<"
