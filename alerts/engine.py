"""Evaluates every rule on every complete minute, once, and remembers what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from alerts.asking import group_asks
from alerts.judging import MINUTE, Verdict, completeness, judge_drift, judge_row, judge_stale, judge_wall
from alerts.machine import Transition, step
from alerts.measures import Measured
from alerts.memory import Instance, Shared, newest_memory, save_memory, write_memory
from alerts.model import Rule
from alerts.sentences import Label
from alerts.views import Viewer, in_order
from core.errors import LivewallError
from metrics.ask import Ask
from metrics.calendar import BusinessCalendar
from metrics.reading import Answer, Reading, Row
from metrics.screens import WallSign
from metrics.snapshot import AlertView, Watermark

CATCH_UP = 10  # minutes judged after a pause; older ones are history
RETRY = timedelta(seconds=10)  # after a statement that failed

log = structlog.get_logger("alerts")


class AlertEngine:
    """The rules at work. `observe` is called once a tick, never by two threads at once.

    `fetch` answers an ask; `members(dimension)` are the codes that exist, so that one without any row counts as zero;
    `label(dimension, code, locale)` names them.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        *,
        fetch: Callable[[Ask, datetime], Answer],
        measures: Mapping[str, Measured],
        calendar: BusinessCalendar,
        members: Callable[[str], Iterable[str]],
        label: Label,
        currency: str = "CNY",
        state_path: Path | None = None,
        lateness_s: float = 3.0,
        drift: Callable[[], Mapping[str, int]] = dict,
        shared: Shared | None = None,
        acts: Callable[[], bool] = lambda: True,
        walls: Callable[[], Iterable[WallSign]] = tuple,
    ) -> None:
        """`lateness_s` is how long after its end a minute may still receive events; without `state_path` no memory.
        `drift()` says by metric how many figures were wrong when they were last compared, nothing before; `walls()` is
        how the screens on walls are doing right now. With several processes `shared` keeps their one memory; who does
        not `acts()` judges for its own screens and tells nobody."""
        self._rules = {rule.key: rule for rule in rules}
        self._fetch, self._measures, self._calendar, self._members = fetch, measures, calendar, members
        self._viewer = Viewer(measures, label, currency)
        self._drift, self._walls = drift, walls
        self._path, self._lateness = state_path, timedelta(seconds=lateness_s)
        every = tuple(self._rules.values())
        self._shared, self._acts, self._reread = shared, acts, False
        self._memories = newest_memory(state_path, None, every)
        self._changes: list[tuple[Transition, Verdict]] = []
        self._problems: dict[str, tuple[str, datetime]] = {}  # rule -> what failed, and when to try again
        self._views: tuple[AlertView, ...] | None = None

    def observe(self, as_of: datetime, watermarks: tuple[Watermark, ...]) -> tuple[AlertView, ...]:
        """Judge what has become complete by `as_of`, and show how all rules stand."""
        if self._reread:
            self._reread, self._views = False, None
            self._memories = newest_memory(self._path, self._shared, tuple(self._rules.values()))
        newest = _floor(as_of - self._lateness)
        judged = False
        for end in (newest - MINUTE * back for back in reversed(range(CATCH_UP))):
            due = [rule for rule in self._rules.values() if self._is_due(rule, end, newest, as_of, watermarks)]
            judged |= bool(due) and self._judge(due, end, as_of, watermarks)
        if judged:
            self._remember()
        if judged or self._views is None:
            self._views = in_order([view for key in self._rules for view in self._show(key)])
        return self._views

    def reread(self) -> None:
        """Go on, from the next minute, where another process stood that judged until now."""
        self._reread = True

    def _remember(self) -> None:
        """Keep what was judged, and only then tell of it: who has no say any more must not call anybody."""
        changes, self._changes = self._changes, []
        if not self._acts():
            return
        memories = {key: (rule, self._memories[key]) for key, rule in self._rules.items()}
        if self._shared is not None and not self._shared.keep_alerts(write_memory(memories)):
            return
        if self._path is not None:
            save_memory(self._path, memories)
        for change, verdict in changes:
            log.info(
                "alert",
                rule=change.rule,
                code=change.code,
                before=change.before,
                after=change.after,
                minute=change.minute.isoformat(),
                value=verdict.value,
            )

    def _show(self, key: str) -> list[AlertView]:
        problem = self._problems.get(key)
        return self._viewer.show(self._rules[key], self._memories[key], problem[0] if problem else None)

    def _is_due(
        self, rule: Rule, end: datetime, newest: datetime, as_of: datetime, watermarks: tuple[Watermark, ...]
    ) -> bool:
        """Whether the minute that ends at `end` is the next one for this rule, and complete (or known to be silent)."""
        last = self._memories[rule.key].minute
        next_end = newest if last is None else max(last + 2 * MINUTE, newest - MINUTE * (CATCH_UP - 1))
        retry = self._problems.get(rule.key)
        if end != next_end or (retry and as_of < retry[1]):
            return False
        return (
            rule.type in ("stale", "drift", "screens")
            or completeness(self._ledgers(rule), end, as_of, watermarks) != "wait"
        )

    def _judge(self, rules: list[Rule], end: datetime, as_of: datetime, watermarks: tuple[Watermark, ...]) -> bool:
        """Step these rules over one minute. Always True: something is to be shown anew, be it an error."""
        asking = []
        for rule in rules:
            if rule.type == "stale":
                self._step(rule, end, {None: judge_stale(rule, end, watermarks)})
            elif rule.type == "drift":
                self._step(rule, end, {None: judge_drift(rule, self._drift().get(rule.metric))})
            elif rule.type == "screens":
                self._judge_walls(rule, end, as_of)
            elif completeness(self._ledgers(rule), end, as_of, watermarks) == "silent":
                self._step(rule, end, dict.fromkeys(self._codes(rule, ()), Verdict("no_data")))
            else:
                asking.append(rule)
        for ask, members in group_asks(asking, end, self._calendar):
            try:
                answer = self._fetch(ask, as_of)
                if answer.error:
                    raise LivewallError(answer.error)
            except LivewallError as problem:
                self._fail(members, str(problem), as_of)
                continue
            rows = {row.keys: row for row in answer.rows} if isinstance(answer, Reading) else {}
            for rule in members:
                self._step(rule, end, self._verdicts(rule, rows))
        return True

    def _judge_walls(self, rule: Rule, end: datetime, as_of: datetime) -> None:
        """One instance a wall. The screens are known as they are now, so minutes that are caught up on say nothing."""
        memory = self._memories[rule.key]
        if _floor(as_of - self._lateness) > end:
            before = {code: instance.verdict for code, instance in memory.instances.items()}
            told = {code: Verdict("no_data", subject=was.subject if was else "") for code, was in before.items()}
            self._step(rule, end, told)
            return
        try:
            verdicts: dict[str | None, Verdict] = {wall.code: judge_wall(rule, wall) for wall in self._walls()}
        except LivewallError as problem:
            self._fail((rule,), str(problem), as_of)
            return
        for code in set(memory.instances) - set(verdicts):  # forgotten: nobody waits for it any more
            if memory.instances[code].state.state in ("inactive", "pending"):
                del memory.instances[code]
            else:
                was = memory.instances[code].verdict
                verdicts[code] = Verdict("clear", subject=was.subject if was else "")
        self._step(rule, end, verdicts)

    def _verdicts(self, rule: Rule, rows: Mapping[tuple[str, ...], Row]) -> dict[str | None, Verdict]:
        if rule.by is None:
            return {None: judge_row(rule, rows.get(()), self._measures)}
        codes = self._codes(rule, (keys[0] for keys in rows))
        return {code: judge_row(rule, rows.get((code or "",)), self._measures) for code in codes}

    def _codes(self, rule: Rule, seen: Iterable[str]) -> list[str | None]:
        """Who is judged: every known member, those that have a state, and those that have a row; never "unknown"."""
        if rule.by is None:
            return [None]
        codes = {*self._members(rule.by), *seen, *(code for code in self._memories[rule.key].instances if code)}
        if rule.by in rule.where:
            codes &= set(rule.where[rule.by])
        return [*sorted(code for code in codes if code)]

    def _step(self, rule: Rule, end: datetime, verdicts: Mapping[str | None, Verdict]) -> None:
        memory = self._memories[rule.key]
        for code, verdict in verdicts.items():
            instance = memory.instances.setdefault(code, Instance())
            instance.state, transitions = step(rule, instance.state, end - MINUTE, verdict.outcome, code)
            # Missing data must not blank what a burning alert shows.
            if verdict.outcome not in ("no_data", "low_volume") or instance.state.state in ("inactive", "pending"):
                instance.verdict = verdict
            self._changes += [(change, verdict) for change in transitions]
        memory.minute = end - MINUTE
        self._problems.pop(rule.key, None)

    def _fail(self, rules: Iterable[Rule], problem: str, as_of: datetime) -> None:
        for rule in rules:
            log.warning("rule could not be evaluated", rule=rule.key, problem=problem)
            self._problems[rule.key] = (problem, as_of + RETRY)

    def _ledgers(self, rule: Rule) -> frozenset[str]:
        return frozenset().union(*(self._measures[metric].ledgers for metric in rule.metrics))


def _floor(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)
