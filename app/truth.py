"""Keeps the numbers true: comparing and rebuilding for commands, and comparing on a schedule in a running wall."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import structlog

from core.clock import Clock
from core.errors import BadRequestError, LivewallError
from ingest.settled_file import add_up, load_settled, read_settled
from metrics.calendar import BusinessCalendar, Span
from metrics.catalogue import load_catalogue
from metrics.profile import StoreProfile
from queries.client import ClickHouse
from queries.comparison import Report
from queries.rebuild import Rebuilt, find_rollups, rebuild
from queries.reconcile import business_days, check_dimension, reconcile
from queries.reconciliations import keep_report
from queries.settled import compare_settled, read_table

Tell = Callable[[dict[str, Any]], None]
FIRST_AFTER_S = 60.0  # a wall that starts has better things to do

log = structlog.get_logger("truth")


@dataclass(frozen=True)
class Truth:
    """What a store's commands may ask: both jobs take and give plain values, in this process or over the local API."""

    clickhouse: ClickHouse
    profile: StoreProfile
    clock: Clock

    def reconcile_job(self, wanted: Mapping[str, Any], _tell: Tell) -> dict[str, Any]:
        """{from, to, by, tolerance, settled, file} -> the report as JSON."""
        days = self._days(wanted)
        dimension = check_dimension(load_catalogue(), str(wanted.get("by") or ""))
        tolerance = float(wanted.get("tolerance") or 0)
        if tolerance < 0:
            raise BadRequestError("a tolerance is a ratio of 0 or more: 0.001 is a thousandth")
        now = self.clock.now()
        if not wanted.get("settled"):
            return report_json(reconcile(self.clickhouse, self.profile, days, now, dimension, tolerance))
        name = str(wanted["settled"])
        mapping = load_settled(name)
        check_dimension(load_catalogue(), mapping.dimension)
        if bool(mapping.table) == bool(wanted.get("file")):
            told = f"reads the table {mapping.table}" if mapping.table else "needs --file, or a `table` in its mapping"
            raise BadRequestError(f"{name} {told}")
        if mapping.table:
            between = days[0], days[-1] + timedelta(days=1)
            cells = read_table(self.clickhouse, mapping.table, mapping.columns, mapping.day, *between)
            settled = add_up(mapping, cells, mapping.table)
        else:
            settled = read_settled(mapping, Path(str(wanted["file"])))
        given = (mapping.measure, mapping.dimension, mapping.tolerance)
        return report_json(compare_settled(self.clickhouse, self.profile, days, settled, name, *given, now))

    def rebuild_job(self, wanted: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
        """{rollup, from, to} -> the partitions that were swapped, told one by one as well."""
        name, days = str(wanted.get("rollup") or ""), self._days(wanted)
        find_rollups(self.clickhouse, name)
        calendar = BusinessCalendar.of(self.profile)
        span = Span(calendar.start_of(days[0]), calendar.end_of(days[-1]))

        def told(part: Rebuilt) -> None:
            tell(asdict(part))

        done = rebuild(self.clickhouse, name, span, self.clock.now(), self.clock.monotonic, told)
        return {"partitions": [asdict(part) for part in done]}

    def _days(self, wanted: Mapping[str, Any]) -> list[date]:
        try:
            first = date.fromisoformat(str(wanted.get("from") or ""))
            end = date.fromisoformat(str(wanted.get("to") or ""))
        except ValueError as problem:
            raise BadRequestError(
                "--from and --to are business days like 2026-11-11; --to is not included"
            ) from problem
        return business_days(first, end)

    def look(self) -> Report:
        """Compare yesterday and what is over of today, and keep the result in the store."""
        now, begun = self.clock.now(), self.clock.monotonic()
        today = BusinessCalendar.of(self.profile).day_of(now)
        report = reconcile(self.clickhouse, self.profile, [today - timedelta(days=1), today], now)
        keep_report(self.clickhouse, report, now, (self.clock.monotonic() - begun) * 1000)
        if report.differences:
            worst = report.differences[0]
            counts = {"differing": report.drifting, "contradicting": report.contradicting}
            log.warning("figures are not as they should be", **counts, first=worst.subject, day=str(worst.day))
        return report


class Watch:
    """Looks every so many minutes on a thread of its own; it never holds a tick, and a failed look is only late."""

    def __init__(self, truth: Truth, minutes: float) -> None:
        self._truth, self._every_s, self._stopping = truth, minutes * 60, threading.Event()
        self._thread = threading.Thread(target=self._run, name="reconcile", daemon=True)

    def start(self) -> None:
        if self._every_s:
            self._thread.start()

    def stop(self, timeout: float = 30.0) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        pause = min(FIRST_AFTER_S, self._every_s)
        while not self._stopping.wait(pause):
            pause = self._every_s
            try:
                self._truth.look()
            except LivewallError as problem:
                log.warning("rollups could not be compared", problem=str(problem))


def report_json(report: Report) -> dict[str, Any]:
    """A report as plain values, days as ISO dates."""
    return {
        "first": report.first.isoformat(),
        "last": report.last.isoformat(),
        "by": report.dimension,
        "compared": report.compared,
        "differences": [
            {**asdict(found), "day": found.day.isoformat(), "amount": found.amount} for found in report.differences
        ],
        "skipped": list(report.skipped),
    }
