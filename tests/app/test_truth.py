"""The jobs behind `reconcile` and `rebuild`, the look on a schedule, and the alert that comes of it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alerts.engine import AlertEngine
from alerts.measures import measures_of
from alerts.rules import load_rules
from app.commands.reconcile import lines
from app.truth import Truth, Watch
from core.clock import ManualClock, SystemClock
from core.errors import BadRequestError, DefinitionError, UnknownNameError
from ingest.settled_file import SettledMapping, load_settled, read_settled, settled_names
from metrics.calendar import BusinessCalendar
from metrics.catalogue import load_catalogue
from metrics.profile import DEMO, read_profile
from queries.client import ClickHouse
from queries.reconciliations import drift_of, newest_report
from queries.statement import Statement
from tests.app.test_run import command
from tests.queries.events import insert_random

PROFILE = read_profile(DEMO)
WANTED: dict[str, Any] = {"from": "2026-11-10", "to": "2026-11-12"}
LATE = datetime(2026, 11, 12, 4, 30, tzinfo=UTC)
WRONG = "INSERT INTO orders_1m_total (minute, paid__orders) VALUES ('2026-11-11 17:00:00', 7)"


def silent(_: dict[str, Any]) -> None:
    return None


@pytest.fixture
def truth(clean_store: ClickHouse) -> Truth:
    insert_random(clean_store, datetime(2026, 11, 9, 16, tzinfo=UTC), datetime(2026, 11, 12, 4, tzinfo=UTC), 300)
    return Truth(clean_store, PROFILE, ManualClock(LATE))


def rollups_only(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [found for found in report["differences"] if found["check"] == "rollup"]


def test_jobs_find_and_heal_what_differs_and_write_it_for_people(truth: Truth) -> None:
    truth.clickhouse.administer(Statement("damage", WRONG.replace("11-11 17", "11-11 05")))
    report = truth.reconcile_job(WANTED, silent)
    (found,) = rollups_only(report)
    assert (found["subject"], found["day"], found["column"], found["amount"]) == (
        "orders_1m_total",
        "2026-11-11",
        "paid__orders",
        7.0,
    )
    assert any("rollup orders_1m_total" in line and line.startswith("2026-11-11") for line in lines(report))
    told: list[dict[str, Any]] = []
    done = truth.rebuild_job({**WANTED, "rollup": "orders_1m_total"}, told.append)
    assert [part["partition"] for part in done["partitions"]] == [part["partition"] for part in told]
    assert rollups_only(truth.reconcile_job(WANTED, silent)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"from": "yesterday"},
        {"to": "2026-11-10"},
        {"by": "sku"},
        {"tolerance": -1},
        {"settled": "dayly"},
        {"by": "provinz"},
    ],
)
def test_wrong_requests_are_refused(truth: Truth, wrong: dict[str, Any]) -> None:
    with pytest.raises((BadRequestError, UnknownNameError)):
        truth.reconcile_job({**WANTED, **wrong}, silent)


def test_a_look_keeps_its_result_and_fires_the_rule(truth: Truth) -> None:
    measures = measures_of(load_catalogue())
    rules = [rule for rule in load_rules(measures) if rule.type == "drift"]

    def state(key: str = "rollup_drift") -> str:
        engine = AlertEngine(
            rules,
            fetch=lambda ask, now: pytest.fail("a drift rule asks nothing"),
            measures=measures,
            calendar=BusinessCalendar.of(PROFILE),
            members=lambda _: (),
            label=lambda dimension, code, locale: code,
            drift=lambda: drift_of(truth.clickhouse),
        )
        views = {view.rule: view for view in engine.observe(LATE, ())}
        assert all(view.cause["zh"] and view.cause["en"] for view in views.values())
        return views[key].state

    assert state() == "no_data"
    for table in (
        "order_events",
        "orders_1s_total",
    ):  # scattered events are no sound orders: only rollups are looked at
        truth.clickhouse.administer(Statement("empty", f"TRUNCATE TABLE {table}"))
    truth.look()
    assert state() == "firing"
    kept = newest_report(truth.clickhouse)
    assert kept is not None and kept.differences > 0 and kept.at == LATE
    for table in ("orders_1m", "orders_1h", "orders_1m_total", "orders_1h_region", "orders_1d", "orders_1d_region"):
        truth.clickhouse.administer(Statement("empty", f"TRUNCATE TABLE {table}"))
    for table in ("buyers_1m", "buyers_1h", "buyers_1d"):
        truth.clickhouse.administer(Statement("empty", f"TRUNCATE TABLE {table}"))
    truth.clickhouse.administer(Statement("forget", "TRUNCATE TABLE reconciliations"))
    truth.look()
    assert state() == "inactive"
    paid_back = (
        "INSERT INTO order_events (ts, kind, order_id, event_id, amount, created_at, source) "
        "VALUES ('2026-11-11 05:00:00', 'refunded', 'o', 'e', 10000, '2026-11-11 05:00:00', 's')"
    )
    truth.clickhouse.administer(Statement("more is paid back than was paid", paid_back))
    truth.clickhouse.administer(Statement("forget", "TRUNCATE TABLE reconciliations"))
    truth.look()
    kept = newest_report(truth.clickhouse)
    assert kept is not None and (kept.differences, kept.contradictions) == (0, 1)
    assert (state(), state("ledger_contradiction")) == ("inactive", "firing"), "a rebuild would not help"


def test_watch_looks_by_itself_and_ends(truth: Truth) -> None:
    looked = threading.Event()

    class Looking(Truth):
        def look(self) -> Any:
            looked.set()
            return super().look()

    watch = Watch(Looking(truth.clickhouse, PROFILE, SystemClock()), 0.001)
    watch.start()
    try:
        assert looked.wait(60)
    finally:
        watch.stop()
    never = Watch(truth, 0)
    never.start()
    never.stop()


def test_settled_files_are_read_through_their_mapping(tmp_path: Path, truth: Truth) -> None:
    for name in settled_names():
        load_settled(name)
    (tmp_path / "bank.yaml").write_text(
        "day: 日期\namount: 金额\nmeasure: paid\ndimension: province\ncode: 省\ncodes: {广东省: '440000'}\n"
    )
    mapping = load_settled("bank", tmp_path)
    file = tmp_path / "bank.csv"
    file.write_text('日期,金额,省\n2026-11-10,"1,000.50",广东省\n2026-11-10,2.5,440000\n')
    (((day, code), amount),) = read_settled(mapping, file).items()
    assert (day.isoformat(), code, amount) == ("2026-11-10", "440000", 10_030_000)
    file.write_text("日期,金额,省\nsoon,1,x\n")
    with pytest.raises(BadRequestError, match="row 1"):
        read_settled(mapping, file)
    (tmp_path / "half.yaml").write_text("day: d\namount: a\ndimension: province\n")
    with pytest.raises(DefinitionError, match="belong together"):
        load_settled("half", tmp_path)
    with pytest.raises(UnknownNameError):
        load_settled("bnak", tmp_path)


def test_settled_figures_may_stand_in_a_table(truth: Truth, monkeypatch: pytest.MonkeyPatch) -> None:
    run = truth.clickhouse.administer
    run(Statement("bank", "CREATE TABLE bank (`the day` Date, paid Decimal(18, 4), area String) ENGINE = Memory"))
    monkeypatch.setattr("app.truth.load_settled", lambda name: mapping)
    wanted = {**WANTED, "settled": "bank"}
    mapping = SettledMapping(table="bank", day="the day", amount="paid")
    try:
        paid = "SELECT toDecimal64(sum(amount), 4) / 10000 FROM order_events WHERE kind = 'paid'"
        ours = f"{paid} AND toDate(ts, 'Asia/Shanghai') = '{{}}'"
        for day in ("2026-11-10", "2026-11-11", "2026-11-12"):
            run(Statement("settle", f"INSERT INTO bank SELECT '{day}', ({ours.format(day)}), ''"))
        assert truth.reconcile_job(wanted, silent)["differences"] == []
        run(Statement("one more", "INSERT INTO bank VALUES ('2026-11-11', 12.34, '')"))
        (found,) = truth.reconcile_job(wanted, silent)["differences"]
        assert (found["day"], round(found["amount"], 2)) == ("2026-11-11", -12.34)
        for changes, told in (
            ({"table": "bnk"}, "no table bnk"),
            ({"table": "bank; DROP TABLE bank"}, "no table's name"),
            ({"amount": "payd"}, "did you mean 'paid'"),
            ({"day": "area"}, "row 1: '' is not a day"),
        ):
            mapping = SettledMapping(**{"table": "bank", "day": "the day", "amount": "paid", **changes})
            with pytest.raises(BadRequestError, match=told):
                truth.reconcile_job(wanted, silent)
        with pytest.raises(BadRequestError, match="reads the table"):
            truth.reconcile_job({**wanted, "file": "x.csv"}, silent)
    finally:
        run(Statement("bank", "DROP TABLE bank"))


def test_commands_answer_with_exit_codes(tmp_path: Path) -> None:
    store = tmp_path / "store"
    loaded = command(store, "load", "tmall", str(Path("tests/data/tmall_small.csv").resolve()))
    assert loaded.returncode == 0, loaded.stderr
    span = ("--from", "2020-02-19", "--to", "2020-02-21")
    clean = command(store, "reconcile", *span, "--by", "province")
    assert clean.returncode == 0, clean.stdout + clean.stderr
    assert "0 differ" in clean.stdout
    settled = tmp_path / "settled.csv"
    settled.write_text("day,amount\n2020-02-19,0.01\n")
    off = command(store, "reconcile", *span, "--settled", "daily", "--file", str(settled))
    assert off.returncode == 1 and "settled daily" in off.stdout
    wrong = command(store, "rebuild", "--rollup", "orders_h", *span)
    assert wrong.returncode == 2 and "did you mean" in wrong.stderr
