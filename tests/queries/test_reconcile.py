"""A damaged rollup is found by day and dimension, and healed from the raw ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from core.errors import BadRequestError, UnknownNameError
from metrics.calendar import BusinessCalendar, Span
from metrics.profile import DEMO, read_profile
from queries.client import ClickHouse
from queries.comparison import Difference, Report
from queries.rebuild import ALL, rebuild, rollup_sources
from queries.reconcile import business_days, reconcile
from queries.settled import compare_settled
from queries.statement import Statement
from tests.queries.events import insert_random

DEMO_PROFILE = read_profile(DEMO)
CALENDAR = BusinessCalendar.of(DEMO_PROFILE)
NOW = datetime(2026, 11, 12, 4, 30, tzinfo=UTC)
DAYS = business_days(date(2026, 11, 10), date(2026, 11, 13))
SPAN = Span(CALENDAR.start_of(DAYS[0]), CALENDAR.end_of(DAYS[-1]))
GUANGDONG = "440000"


@pytest.fixture
def filled(clean_store: ClickHouse) -> ClickHouse:
    insert_random(clean_store, SPAN.start, NOW, 600)
    return clean_store


def drift(clickhouse: ClickHouse, dimension: str = "province") -> list[Difference]:
    report = reconcile(clickhouse, DEMO_PROFILE, DAYS, NOW, dimension)
    return [difference for difference in report.differences if difference.check == "rollup"]


def run(clickhouse: ClickHouse, sql: str) -> None:
    clickhouse.administer(Statement("damage", sql))


def ticking() -> Callable[[], float]:
    steps: Iterator[int] = iter(range(10_000))
    return lambda: float(next(steps))


def test_rollups_of_untouched_events_agree_with_raw(filled: ClickHouse) -> None:
    report = reconcile(filled, DEMO_PROFILE, DAYS, NOW, "channel")
    assert [found for found in report.differences if found.check == "rollup"] == []
    assert report.compared > 1_000
    assert report.skipped == ()


def test_wrong_row_is_found_by_day_and_province_and_healed(filled: ClickHouse) -> None:
    run(
        filled,
        "INSERT INTO orders_1h (hour, province, channel, paid__orders, paid__amount) "
        f"VALUES ('2026-11-10 05:00:00', '{GUANGDONG}', 'live', 3, 1250000)",
    )
    found = drift(filled)
    # what is fed by the damaged rollup is damaged with it: the insert went through its views
    assert {(one.subject, one.day, one.dimension, one.code, one.column, one.amount) for one in found} == {
        (table, date(2026, 11, 10), "province", GUANGDONG, column, amount)
        for table in ("orders_1h", "orders_1d")
        for column, amount in (("paid__orders", 3.0), ("paid__amount", 125.0))
    }
    done = [part for name in ("orders_1h", "orders_1d") for part in rebuild(filled, name, SPAN, NOW, ticking())]
    assert {(part.rollup, part.partition) for part in done} == {("orders_1h", "202611"), ("orders_1d", "202611")}
    assert drift(filled) == []


def test_every_rollup_comes_back_from_raw_after_all_were_lost(filled: ClickHouse) -> None:
    for table in rollup_sources():
        run(filled, f"TRUNCATE TABLE {table}")
    lost = drift(filled, "channel")
    assert {found.subject for found in lost} == set(rollup_sources())
    rebuild(filled, ALL, SPAN, NOW, ticking())
    assert drift(filled, "channel") == []
    left = "SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE 'stage_rebuild%'"
    assert list(filled.read(Statement("stages", left)).rows) == []


def test_partition_without_raw_rows_is_emptied(filled: ClickHouse) -> None:
    run(filled, "INSERT INTO buyers_1m (minute) VALUES ('2026-10-01 00:00:00')")
    lonely = Span(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC))
    (part,) = rebuild(filled, "buyers_1m", lonely, NOW, ticking())
    assert (part.partition, part.rows_before, part.rows_after) == ("20261001", 1, 0)
    left = "SELECT count() FROM buyers_1m WHERE minute < toDateTime('2026-10-02')"
    assert filled.read(Statement("left", left)).rows[0][0] == 0


def test_other_partitions_are_left_alone(filled: ClickHouse) -> None:
    run(filled, "ALTER TABLE orders_1m DROP PARTITION ID '20261110'")
    run(filled, "ALTER TABLE orders_1m DROP PARTITION ID '20261111'")
    rebuild(
        filled,
        "orders_1m",
        Span(datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 11, tzinfo=UTC)),
        NOW,
        ticking(),
    )
    kept = "SELECT DISTINCT toString(toDate(minute)) FROM orders_1m ORDER BY 1"
    days = {row[0] for row in filled.read(Statement("days", kept)).rows}
    assert "2026-11-10" in days and "2026-11-11" not in days and "2026-11-09" in days


def test_unknown_rollup_says_what_was_meant(clean_store: ClickHouse) -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean .*'orders_1h'"):
        rebuild(clean_store, "orders_h1", SPAN, NOW, ticking())


def test_running_hour_is_not_compared(filled: ClickHouse) -> None:
    """Rows that come while two statements run are no drift: only whole hours that are over count."""
    run(
        filled, f"INSERT INTO orders_1h (hour, province, paid__orders) VALUES ('2026-11-12 04:00:00', '{GUANGDONG}', 1)"
    )
    assert [found for found in drift(filled) if found.subject == "orders_1h"] == []


def order_event(clickhouse: ClickHouse, kind: str, amount: int, minute: int = 0) -> None:
    moment = f"2026-11-10 05:{minute:02}:00"
    run(
        clickhouse,
        "INSERT INTO order_events (ts, kind, order_id, event_id, amount, created_at, province, source) "
        f"VALUES ('{moment}', '{kind}', 'o', '{kind}{minute}', {amount}, '2026-11-10 05:00:00', '{GUANGDONG}', 's')",
    )


def ledger_report(clickhouse: ClickHouse) -> Report:
    return reconcile(clickhouse, DEMO_PROFILE, DAYS, NOW, "province")


def test_ledger_that_pays_back_too_much_is_found(clean_store: ClickHouse) -> None:
    order_event(clean_store, "created", 1_000_000)
    order_event(clean_store, "paid", 900_000, 1)
    order_event(clean_store, "refunded", 900_000, 2)
    assert ledger_report(clean_store).differences == ()
    order_event(clean_store, "refunded", 50_000, 3)
    order_event(clean_store, "paid", 20_000, 4)
    order_event(clean_store, "paid", 100_000, 5)
    order_event(clean_store, "refunded", 100_000, 6)
    found = {(one.subject, one.code, one.amount) for one in ledger_report(clean_store).differences}
    assert found == {("refunded_over_paid", GUANGDONG, 3.0), ("paid_over_created", GUANGDONG, 2.0)}


def test_a_tolerance_of_the_ledger_is_a_share_of_what_was_paid_or_created(clean_store: ClickHouse) -> None:
    order_event(clean_store, "created", 1_000_000)
    order_event(clean_store, "paid", 1_010_000, 1)
    order_event(clean_store, "refunded", 1_025_000, 2)

    def rules(tolerance: float) -> set[str]:
        report = reconcile(clean_store, DEMO_PROFILE, DAYS, NOW, "", tolerance)
        return {one.subject for one in report.differences}

    assert rules(0.009) == {"refunded_over_paid", "paid_over_created"}
    assert rules(0.012) == {"refunded_over_paid"}
    assert rules(0.02) == set()


class Late:
    """A store into which an order is paid just before a statement is run for the n-th time."""

    def __init__(self, store: ClickHouse, name: str = "reconcile orders", before: int = 2) -> None:
        self._store, self._name, self._before, self.looked = store, name, before, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def read_long(self, statement: Statement) -> object:
        if statement.name == self._name:
            self.looked += 1
            if self.looked == self._before:
                order_event(self._store, "paid", 900_000, 1)
        return self._store.read_long(statement)


def test_an_event_that_comes_between_two_looks_is_no_contradiction(clean_store: ClickHouse) -> None:
    order_event(clean_store, "refunded", 900_000, 2)
    late = Late(clean_store)
    report = reconcile(late, DEMO_PROFILE, [DAYS[0]], NOW)  # type: ignore[arg-type]
    assert late.looked == 2
    assert report.differences == ()


LOST = "INSERT INTO orders_1m_total (minute, paid__orders, paid__amount) VALUES ('2026-11-10 05:00:00', 1, 3333)"


@pytest.mark.parametrize(
    ("statement", "time"),
    [
        ("reconcile order_events", 2),  # between the two looks
        ("reconcile orders_1m_total", 1),  # while the first one is made
        ("reconcile orders_1m_total", 2),  # while the second one is made
    ],
)
def test_a_standing_drift_is_found_while_orders_come(clean_store: ClickHouse, statement: str, time: int) -> None:
    order_event(clean_store, "paid", 10_001)
    run(clean_store, LOST)
    late = Late(clean_store, statement, time)
    report = reconcile(late, DEMO_PROFILE, [DAYS[0]], NOW)  # type: ignore[arg-type]
    assert late.looked >= time
    found = {(one.subject, one.column, round(one.amount, 4)) for one in report.differences if one.check == "rollup"}
    assert found == {("orders_1m_total", "paid__orders", 1.0), ("orders_1m_total", "paid__amount", 0.3333)}


@pytest.mark.parametrize("rollup", ["orders_1m_total", "orders_1h", "orders_1d"])
def test_an_order_that_comes_while_figures_are_compared_is_no_drift(clean_store: ClickHouse, rollup: str) -> None:
    order_event(clean_store, "paid", 10_001)
    late = Late(clean_store, f"reconcile {rollup}", 1)
    report = reconcile(late, DEMO_PROFILE, [DAYS[0]], NOW)  # type: ignore[arg-type]
    assert late.looked == 2, "the first look must differ for this to prove anything"
    assert report.differences == ()


def test_net_sales_of_the_wall_are_held_against_single_orders(clean_store: ClickHouse) -> None:
    order_event(clean_store, "paid", 900_000)
    order_event(clean_store, "refunded", 100_000, 1)
    assert reconcile(clean_store, DEMO_PROFILE, DAYS, NOW).differences == ()
    run(clean_store, "INSERT INTO orders_1s_total (second, refunded__amount) VALUES ('2026-11-10 05:00:00', 50000)")
    found = [one for one in reconcile(clean_store, DEMO_PROFILE, DAYS, NOW).differences if one.check == "wall"]
    assert [(one.subject, one.day, one.expected, one.actual) for one in found] == [
        ("net_gmv", date(2026, 11, 10), 80.0, 75.0)
    ]


def test_settled_figures_are_compared_by_day_and_code(clean_store: ClickHouse) -> None:
    order_event(clean_store, "paid", 900_000)
    order_event(clean_store, "refunded", 100_000, 1)
    day = date(2026, 11, 10)
    theirs = {(day, GUANGDONG): 800_000, (day, "310000"): 50_000}
    report = compare_settled(clean_store, DEMO_PROFILE, DAYS, theirs, "bank", "net", "province", 0.01, NOW)
    assert [(one.day, one.code, one.expected, one.actual) for one in report.differences] == [(day, "310000", 5.0, 0.0)]
    loose = compare_settled(clean_store, DEMO_PROFILE, DAYS, theirs, "bank", "net", "province", 5.0, NOW)
    assert loose.differences == ()


def test_a_day_that_is_not_over_is_not_compared_with_settled_figures(clean_store: ClickHouse) -> None:
    report = compare_settled(clean_store, DEMO_PROFILE, DAYS, {(DAYS[-1], ""): 1}, "bank", "paid", "", 0, NOW)
    assert report.differences == ()
    assert report.skipped == ("bank on 2026-11-12: the day is not over",)


@pytest.mark.parametrize("days_too", [True, False])
def test_settled_figures_of_days_without_single_orders_are_compared_with_rollups(
    clean_store: ClickHouse, monkeypatch: pytest.MonkeyPatch, days_too: bool
) -> None:
    order_event(clean_store, "paid", 900_000)
    order_event(clean_store, "refunded", 100_000, 1)
    run(clean_store, "TRUNCATE TABLE order_events")
    run(clean_store, f"TRUNCATE TABLE {'orders_1h' if days_too else 'orders_1d'}")
    day, gone = DAYS[0], {"order_events": timedelta(days=1)}
    monkeypatch.setattr("queries.settled.kept_for", lambda _: gone)
    monkeypatch.setattr("queries.settled.serves_days", lambda *_: days_too)
    given = (clean_store, DEMO_PROFILE, [day], {(day, GUANGDONG): 800_000}, "bank", "net", "province", 0.01, NOW)
    report = compare_settled(*given)
    assert (report.compared, report.differences, report.skipped) == (1, (), ())
    gone |= {"orders_1h": timedelta(days=1), "orders_1d": timedelta(days=1)}
    report = compare_settled(*given)
    assert (report.compared, report.differences) == (0, ())
    assert "are kept any more" in report.skipped[0]


def test_days_without_end_are_refused() -> None:
    with pytest.raises(BadRequestError, match="between 1 and"):
        business_days(date(2026, 11, 9), date(2026, 11, 9))


def test_only_our_own_dimensions_become_sql(clean_store: ClickHouse) -> None:
    for wrong in ("sku", "province) AS code, sleep(1) --"):
        with pytest.raises(BadRequestError, match="cannot be compared by"):
            reconcile(clean_store, DEMO_PROFILE, DAYS, NOW, wrong)
