"""Puts the questions of many rules about one minute into as few asks as possible."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from alerts.model import Rule
from metrics.ask import CURRENT, Ask, make_filters
from metrics.calendar import BusinessCalendar, Span


def ask_for(rule: Rule, end: datetime, calendar: BusinessCalendar) -> Ask:
    """The ask of one rule about the window that ends at `end`."""
    span = Span(end - timedelta(minutes=rule.window_minutes), end)
    spans: tuple[tuple[str, Span], ...] = ((CURRENT, span),)
    if rule.type == "change":
        spans += ((rule.compare, calendar.same_part(span, rule.compare)),)
    by = (rule.by,) if rule.by else ()
    return Ask("alerts", rule.metrics, spans, by=by, filters=make_filters(dict(rule.where)))


def group_asks(rules: Iterable[Rule], end: datetime, calendar: BusinessCalendar) -> list[tuple[Ask, tuple[Rule, ...]]]:
    """Asks that differ only in their metrics become one; each with the rules it answers."""
    groups: dict[Ask, list[Rule]] = defaultdict(list)
    for rule in rules:
        ask = ask_for(rule, end, calendar)
        groups[Ask(ask.name, (), ask.spans, ask.by, None, ask.filters)].append(rule)
    return [
        (
            Ask(
                shape.name,
                tuple(dict.fromkeys(metric for rule in members for metric in rule.metrics)),
                shape.spans,
                by=shape.by,
                filters=shape.filters,
            ),
            tuple(members),
        )
        for shape, members in groups.items()
    ]
