"""Tables that a user already has: what is answered from them equals plain SQL, and they stay untouched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.errors import BadRequestError, DefinitionError, QueryFailedError, UnknownNameError
from metrics.ask import CURRENT, Ask, Latest, make_filters
from metrics.calendar import Span
from metrics.catalogue import load_catalogue
from metrics.reading import Listing, Reading
from metrics.regions import load_region_set
from queries.migrate import migrate
from queries.own_apply import apply_statements, fill, follow_migrations, remove_statements, run_statements
from queries.own_check import Examined, examine
from queries.own_expression import find_problem
from queries.own_sources import own_of
from queries.own_tables import FOLDER, OwnTables, check_own_tables, load_own_tables
from queries.readings import fetch
from queries.rebuild import rebuild, rollup_sources
from queries.reconcile import reconcile
from queries.statement import Statement
from queries.watermark import watermarks
from tests.conftest import OVER_HTTP, empty_store
from tests.queries.events import insert_random
from tests.queries.shop import CLICKS, ORDERS, REFUNDS, STATES, Shop, fill_shop, opened_embedded, opened_served

EXAMPLE = FOLDER / "examples" / "shop.yaml"
START = datetime(2026, 11, 9, 16, 0, tzinfo=UTC)
END = START + timedelta(days=2)
NOW = END + timedelta(hours=1)
CATALOGUE, REGIONS = load_catalogue(), load_region_set("cn_provinces")
SCHEMA = (
    "SELECT name, replaceRegexpAll(create_table_query, '\\\\s+', ' ') FROM system.tables "
    "WHERE database = currentDatabase() ORDER BY name"
)
PAID = "shop.orders WHERE NOT is_test AND paid_at >= {start:DateTime('UTC')} AND paid_at < {end:DateTime('UTC')}"
PLACED = PAID.replace("paid_at", "placed_at")
GONE = (
    "shop.refunds WHERE refunded_on != '' AND toDateTime(refunded_on, 'Asia/Shanghai') >= {start:DateTime('UTC')} "
    "AND toDateTime(refunded_on, 'Asia/Shanghai') < {end:DateTime('UTC')}"
)
CLICKED = "shop.clicks WHERE ms >= toUnixTimestamp({start:DateTime('UTC')}) * 1000 "
CLICKED += "AND ms < toUnixTimestamp({end:DateTime('UTC')}) * 1000 AND action != 'scroll'"
# metric -> hand-written SQL over the shop's own tables
TWINS = {
    "paid_gmv": f"SELECT sum(total_fen) / 100 FROM {PAID}",
    "orders_paid": f"SELECT toInt64(count()) FROM {PAID}",
    "units": f"SELECT toInt64(sum(pieces)) FROM {PAID}",
    "paying_buyers": f"SELECT toInt64(uniqExact(buyer)) FROM {PAID}",
    "live_gmv": f"SELECT sum(total_fen) / 100 FROM {PAID} AND entry = 'LIVE'",
    "created_gmv": f"SELECT sum(total_fen) / 100 FROM {PLACED}",
    "orders_created": f"SELECT toInt64(count()) FROM {PLACED}",
    "refund_amount": f"SELECT sum(-fen) / 100 FROM {GONE}",
    "visitors": f"SELECT toInt64(uniqExact(visitor)) FROM {CLICKED}",
    "product_views": f"SELECT toInt64(count()) FROM {CLICKED} AND action = 'look'",
    "cart_adds": f"SELECT toInt64(count()) FROM {CLICKED} AND action = 'add'",
}
SPANS = (
    Span(START, END),
    Span(START, START + timedelta(days=1)),
    Span(START + timedelta(hours=3), START + timedelta(hours=9, minutes=7)),
    Span(START + timedelta(minutes=5), START + timedelta(minutes=90, seconds=11)),
)


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The shop's server: the test store's own engine, or one reached over HTTP as three roles and the shop's user."""
    if OVER_HTTP:
        with opened_served(tmp_path_factory.mktemp("shop")) as shop:
            yield shop
    else:
        with opened_embedded(request.getfixturevalue("clickhouse")) as shop:
            yield shop


@pytest.fixture
def shop(place: Shop) -> Iterator[Shop]:
    """The shop with its rows, and an empty store that nothing is applied to, before and after."""
    empty_store(place.store)
    fill_shop(place)
    yield place
    tidy(place)


def tidy(place: Shop) -> None:
    for name in sorted({name for _, name in own_of(place.store).mappings}):
        remove(place, name)
    for table in ("orders", "refunds", "clicks", "sales_by_hour", "states"):
        place.run(f"TRUNCATE TABLE shop.{table}")


def look(shop: Shop, mapping: OwnTables) -> Examined:
    return examine(shop.store, mapping, NOW)


def put(shop: Shop, mapping: OwnTables, fills: bool = True) -> None:
    examined = look(shop, mapping)
    assert examined.errors == []
    profile = mapping.file.store
    run_statements(shop.store, mapping.name, apply_statements(shop.store, examined, profile))
    if fills:
        fill(shop.store, examined)


def remove(shop: Shop, name: str) -> None:
    profile = load_own_tables(str(EXAMPLE)).file.store
    run_statements(shop.store, name, remove_statements(shop.store, name, profile))


def answered(shop: Shop, span: Span, *metrics: str, by: tuple[str, ...] = (), **filters: list[str]) -> Reading:
    ask = Ask("own", metrics, ((CURRENT, span),), by, None, make_filters(filters))
    reading = fetch(shop.store, CATALOGUE, load_own_tables(str(EXAMPLE)).file.store, REGIONS, ask, NOW)
    assert isinstance(reading, Reading)
    return reading


def totals(shop: Shop, span: Span, *metrics: str) -> dict[str, Any]:
    return dict(answered(shop, span, *metrics).rows[0].values[CURRENT])


def plainly(shop: Shop, span: Span) -> dict[str, Any]:
    bounds = {"start": span.start, "end": span.end}
    return {name: shop.ask(sql, **bounds)[0][0] for name, sql in TWINS.items()}


def check_everything(shop: Shop) -> None:
    """Every metric on every span from rollups, and every rollup beside its ledger."""
    for span in SPANS:
        assert totals(shop, span, *TWINS) == pytest.approx(plainly(shop, span), rel=1e-12), span
    profile = load_own_tables(str(EXAMPLE)).file.store
    report = reconcile(shop.store, profile, [date(2026, 11, 10), date(2026, 11, 11)], NOW)
    assert [found for found in report.differences if found.check == "rollup"] == []
    assert report.compared > 100


def changed(tmp_path: Path, *changes: tuple[str, str]) -> OwnTables:
    """The example with some of its text replaced."""
    return load_own_tables(str(rewritten(tmp_path, *changes)))


def rewritten(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = EXAMPLE.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "shop.yaml"
    path.write_text(text, "utf-8")
    return path


@pytest.fixture(scope="class")
def shown(place: Shop) -> Iterator[Shop]:
    """The shop with the example applied to its tables, for tests that only ask."""
    empty_store(place.store)
    fill_shop(place)
    before = place.prints()
    put(place, load_own_tables(str(EXAMPLE)))
    yield place
    assert place.prints() == before, "their tables were touched"
    tidy(place)


class TestAnswers:
    def test_metrics_equal_plain_sql_over_the_users_tables(self, shown: Shop) -> None:
        check_everything(shown)

    def test_splits_and_filters_speak_our_codes(self, shown: Shop) -> None:
        regions = {
            row.keys[0]: row.values[CURRENT]["paid_gmv"]
            for row in answered(shown, SPANS[0], "paid_gmv", by=("province",)).rows
        }
        expected = shown.ask(
            "SELECT transform(province_name, ['广东省', '浙江', '上海市'], ['440000', '330000', '310000'], '') AS code, "  # noqa: E501
            f"sum(total_fen) / 100 FROM {PAID} GROUP BY code",
            start=START,
            end=END,
        )
        assert regions == pytest.approx({str(code): value for code, value in expected})
        live = answered(shown, SPANS[2], "paid_gmv", channel=["live"]).rows[0].values[CURRENT]["paid_gmv"]
        assert live == pytest.approx(plainly(shown, SPANS[2])["live_gmv"])

    def test_a_rollup_of_theirs_answers_where_it_can(self, shown: Shop) -> None:
        whole = Span(START + timedelta(hours=1), START + timedelta(hours=20))
        reading = answered(shown, whole, "paid_gmv", by=("channel",))
        assert set(reading.sources) == {"own_rollup_sales_by_hour"}
        found = {row.keys[0]: row.values[CURRENT]["paid_gmv"] for row in reading.rows}
        assert sum(value or 0 for value in found.values()) == pytest.approx(plainly(shown, whole)["paid_gmv"])
        assert "own_rollup_sales_by_hour" not in answered(shown, whole, "paid_gmv", by=("province",)).sources

    def test_newest_orders_and_watermarks_are_read_from_their_tables(self, shown: Shop) -> None:
        profile = load_own_tables(str(EXAMPLE)).file.store
        latest = Latest("new", "orders", ("paid",), SPANS[0], (), 1)
        newest = fetch(shown.store, CATALOGUE, profile, REGIONS, latest, NOW)
        assert isinstance(newest, Listing)
        ((last,),) = shown.ask(f"SELECT max(paid_at) FROM {PAID}", start=START, end=END)
        assert newest.rows[0]["ts"] == last.astimezone(UTC)
        ((clicked,),) = shown.ask("SELECT max(ms) FROM shop.clicks WHERE action != 'scroll'")
        marks = {mark.ledger: mark.reached for mark in watermarks(shown.store, NOW)}
        assert marks["behaviour"] is not None and round(marks["behaviour"].timestamp() * 1000) == clicked


def test_rows_that_come_before_while_and_after_rollups_are_filled_count_once(shop: Shop) -> None:
    mapping = load_own_tables(str(EXAMPLE))
    put(shop, mapping, fills=False)  # and then again: applying twice counts nothing twice
    shop.run(ORDERS.format(first=60_000, count=100))
    examined = look(shop, mapping)
    run_statements(shop.store, mapping.name, apply_statements(shop.store, examined, mapping.file.store))
    numbers = iter(range(70_000, 80_000, 50))
    fill(shop.store, examined, lambda *_: shop.run(ORDERS.format(first=next(numbers), count=50)))
    earlier = totals(shop, SPANS[0], *TWINS)
    for sql in (ORDERS, REFUNDS, CLICKS):  # rows of both days: most of them are late
        shop.run(sql.format(first=50_000, count=400))
    later = totals(shop, SPANS[0], *TWINS)
    people = {"paying_buyers", "visitors"}  # the same few come again
    assert all(later[name] > earlier[name] for name in TWINS if name not in people)
    check_everything(shop)


def test_a_rollup_of_ours_is_rebuilt_from_their_tables(shop: Shop) -> None:
    put(shop, load_own_tables(str(EXAMPLE)), fills=False)
    right = pytest.approx({"paid_gmv": plainly(shop, SPANS[1])["paid_gmv"]})
    assert totals(shop, SPANS[1], "paid_gmv") != right
    for name in (table for table in rollup_sources() if table.startswith("orders_")):
        rebuild(shop.store, name, Span(START, END + timedelta(hours=1)), NOW, lambda: 0.0)
    assert totals(shop, SPANS[1], "paid_gmv") == right


def test_removing_gives_the_store_back_as_migrations_make_it(shop: Shop) -> None:
    before, tables = shop.prints(), shop.store.read(Statement("schema", SCHEMA)).rows
    put(shop, load_own_tables(str(EXAMPLE)), fills=False)
    assert shop.store.read(Statement("schema", SCHEMA)).rows != tables
    with pytest.raises(QueryFailedError, match="made of own tables and takes no events in"):
        insert_random(shop.store, START, END, 5)
    remove(shop, "shop")
    assert shop.store.read(Statement("schema", SCHEMA)).rows == tables
    assert shop.prints() == before
    shop.run(ORDERS.format(first=90_000, count=5))  # no view of ours is left on their table
    with pytest.raises(BadRequestError, match=r"'shop' are not applied.*applied: none"):
        remove(shop, "shop")


@pytest.mark.parametrize("rows", ["append", "change"])
def test_a_rollup_of_a_later_version_follows_the_users_tables(shop: Shop, tmp_path: Path, rows: str) -> None:
    """A migration knows of ledgers that are tables only; here it meets one that is made of own tables."""
    mapping = changed(tmp_path, ("table: shop.clicks\n    rows: append", f"table: shop.clicks\n    rows: {rows}"))
    profile = mapping.file.store
    put(shop, mapping)
    schema = shop.store.read(Statement("schema", SCHEMA)).rows
    kind = "VIEW" if rows == "change" else "TABLE"
    for sql in (
        "DROP VIEW IF EXISTS visitors_1m_by_region_view",
        f"DROP {kind} visitors_1m_by_region",
        "ALTER TABLE schema_migrations DELETE WHERE version = 7 SETTINGS mutations_sync = 1",
    ):
        shop.store.administer(Statement("an earlier version", sql))
    assert migrate(shop.store, profile) == ["0007_minutes_by_region"]
    shop.run(CLICKS.format(first=80_000, count=50))  # before anything follows
    assert follow_migrations(shop.store, profile) == ["visitors_1m_by_region"]
    assert shop.store.read(Statement("schema", SCHEMA)).rows == schema
    shop.run(CLICKS.format(first=50_000, count=400))
    reading = answered(shop, SPANS[3], "visitors", by=("province",))
    assert "visitors_1m_by_region" in reading.sources
    check_everything(shop)
    assert follow_migrations(shop.store, profile) == []


def test_rows_that_change_are_read_as_they_are_now(shop: Shop, tmp_path: Path) -> None:
    """An order table whose rows are replaced: each order counts once, in the state it has now."""
    event = {"ledger": "orders", "order_id": "toString(order_no)", "amount": "yuan", "user_id": "buyer"}
    kinds = [{**event, "kind": "created", "at": "placed_at"}, {**event, "kind": "paid", "at": "paid_at"}]
    table = {"table": "shop.states", "rows": "change", "events": kinds}
    content = {
        "source": "shop",
        "store": yaml.safe_load(EXAMPLE.read_text("utf-8"))["store"],
        "tables": {"states": table},
    }
    path = tmp_path / "states.yaml"
    path.write_text(yaml.safe_dump(content), "utf-8")
    shop.run(STATES.format(paid=0, version=1, count=100))
    put(shop, load_own_tables(str(path)))
    names = ("orders_created", "created_gmv", "orders_paid", "paid_gmv", "paying_buyers")
    all_money = sum(10.25 + number for number in range(100))
    assert list(totals(shop, SPANS[0], *names).values()) == [100, all_money, 0, 0, 0]
    shop.run(STATES.format(paid=1, version=2, count=100))
    half = sum(10.25 + number for number in range(0, 100, 2))
    assert list(totals(shop, SPANS[0], *names).values()) == [100, all_money, 50, half, 20]
    wrong = {**content, "tables": {"states": {**table, "rows": "append"}}}
    path.write_text(yaml.safe_dump(wrong), "utf-8")
    (found,) = look(shop, load_own_tables(str(path))).errors
    assert found.entry == "tables.states.rows"
    assert (
        found.text
        == "shop.states is a ReplacingMergeTree: a row that is replaced would count twice; say `rows: change`"
    )


def test_a_view_of_theirs_needs_rows_change(shop: Shop, tmp_path: Path) -> None:
    shop.run("CREATE VIEW shop.seen AS SELECT * FROM shop.clicks")
    try:
        mapping = changed(tmp_path, ("table: shop.clicks", "table: shop.seen"))
        (found,) = look(shop, mapping).errors
        assert found.text == "shop.seen is a View: nothing tells when rows come to it; say `rows: change`"
    finally:
        shop.run("DROP TABLE shop.seen")


def test_a_ledger_with_events_is_not_taken_away(shop: Shop) -> None:
    mapping = load_own_tables(str(EXAMPLE))
    shop.store.write(Statement("one", "INSERT INTO behaviour_events (ts, kind) SELECT now64(3), 'visit'"))
    try:
        with pytest.raises(BadRequestError, match="behaviour_events already holds events"):
            apply_statements(shop.store, look(shop, mapping), mapping.file.store)
    finally:
        shop.store.write(Statement("none", "TRUNCATE TABLE behaviour_events"))


def test_two_mappings_do_not_share_a_ledger(shop: Shop, tmp_path: Path) -> None:
    put(shop, load_own_tables(str(EXAMPLE)), fills=False)
    other = rewritten(tmp_path).rename(tmp_path / "other.yaml")
    with pytest.raises(BadRequestError, match="order_events is made of own tables 'shop'"):
        mapping = load_own_tables(str(other))
        apply_statements(shop.store, look(shop, mapping), mapping.file.store)


BESIDE_TABLES = [
    ("table: shop.clicks", "table: shop.click", "tables.clicks", "there is no table shop.click, or .*'shop.clicks'"),
    ("user_id: visitor", "user_id: visiter", "tables.clicks.shared.user_id", "no column 'visiter'; did you mean 'visitor'"),  # noqa: E501
    ("fromUnixTimestamp64Milli(ms)", "ms", "tables.clicks.events.kind_of.at", "a time cannot be a Int64: write from"),
    ("amount: abs(fen)", "amount: refunded_on", "tables.refunds.events.refunded.amount", "money cannot be a String"),
    ("units: '0'", "units: refunded_on", "tables.refunds.events.refunded.units", "a count cannot be a String"),
    ("abs(fen)", "fen", "tables.refunds.events.refunded.amount", "1,285 of 1,285 amounts are below zero"),
    ("fromUnixTimestamp64Milli(ms)", "fromUnixMilli(ms)", "tables.clicks.events.kind_of.at", "Function with name `fromUnixMilli` does not exist"),  # noqa: E501
    ("paid__amount: fen", "paid__amount: fen + 1", "rollups.sales_by_hour.measures.paid__amount", "where the ledger has"),  # noqa: E501
    ("    at: hour\n", "    at: hour + 60\n", "rollups.sales_by_hour.at", "begins no whole step"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "entry", "says"), BESIDE_TABLES, ids=[row[1].strip() for row in BESIDE_TABLES])
def test_what_does_not_fit_the_tables_is_said(
    shop: Shop, tmp_path: Path, old: str, new: str, entry: str, says: str
) -> None:
    errors = look(shop, changed(tmp_path, (old, new))).errors
    assert entry in [found.entry for found in errors], errors
    told = next(found.text for found in errors if found.entry == entry)
    assert re.search(says, told), told
    assert "\n" not in told


def test_values_that_are_not_ours_are_told_with_their_numbers(shop: Shop) -> None:
    examined = look(shop, load_own_tables(str(EXAMPLE)))
    assert examined.errors == []
    told = {found.entry: found.text for found in examined.findings if found.level == "warning"}
    ((scrolls,),) = shop.ask("SELECT toInt64(count()) FROM shop.clicks WHERE action = 'scroll'")
    assert told["tables.clicks.events.kind_of.kind_of"].startswith(f"'scroll' ({scrolls:,}) are no kinds of ours")
    assert "'Atlantis'" in told["tables.paid_orders.events.paid.province"]
    facts = [found.text for found in examined.findings if found.entry == "tables.clicks.events.kind_of"]
    assert any("events from 2026-11-0" in text and "a day" in text for text in facts)


def test_a_time_zone_that_is_wrong_is_noticed(shop: Shop, tmp_path: Path) -> None:
    mapping = changed(tmp_path, ("source: shop", "source: shop\ntime_zone: America/Los_Angeles"))
    ((last,),) = shop.ask("SELECT max(refunded_on) FROM shop.refunds")
    early = datetime.fromisoformat(f"{last}+08:00") + timedelta(minutes=1)
    told = {
        found.entry: found.text for found in examine(shop.store, mapping, early).findings if found.level == "warning"
    }
    assert "is the time zone right?" in told["tables.refunds.events.refunded.at"]


WRONG_FILES = [
    ("per_unit: 100", "per_unt: 100", "tables.paid_orders.per_unt: unknown key; did you mean 'per_unit'"),
    ("kind: refunded", "kind: refundet", "unknown kind 'refundet'; did you mean 'refunded'"),
    ("regions: cn_provinces}", "regions: cn_province}", "unknown region set 'cn_province'; did you mean 'cn_provinces'"),  # noqa: E501
    ("paid__amount", "paid__amuont", "unknown measure 'paid__amuont'; did you mean 'paid__amount'"),
    ("      channel: {from: entry, values: {LIVE: live, APP_SEARCH: search, MALL: mall}, otherwise: unknown}\n    measures",  # noqa: E501
     "      chanel: entry\n    measures", "unknown dimension 'chanel'; did you mean 'channel'"),
    ("simulated: false", "simulated: true", "must be false"),
    ("source: shop", "source: shop\ntime_zone: Asia/Shangai", "time_zone: unknown time zone"),
    ("rows: append", "rows: sometimes", "rows: Input should be 'append' or 'change'"),
    ("table: shop.orders", "table: orders", "tables.paid_orders.table: "),
    ("amount: abs(fen)", "quantity: '1'", "the orders ledger has no quantity"),
    ("where: NOT is_test", "where: NOT is_test; DROP TABLE shop.orders", "tables.paid_orders.where: holds a semicolon"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "says"), WRONG_FILES, ids=[row[1].strip()[:40] for row in WRONG_FILES])
def test_a_wrong_file_names_entry_problem_and_what_was_meant(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(DefinitionError) as wrong:
        changed(tmp_path, (old, new))
    assert str(wrong.value).startswith("shop.yaml: ") and says in str(wrong.value)


EXPRESSIONS = [
    ("(SELECT 1)", "statement"),
    ("amount IN (SELECT a FROM t)", "statement"),
    ("1) FROM shop.orders WHERE (1", "no ClickHouse expression"),
    ("1 -- x", "comment"),
    ("a /* x */", "comment"),
    ("sum(amount)", "over many rows"),
    ("row_number() OVER ()", "over many rows"),
    ("*", "over many rows"),
    ("{day:Date}", "parameter"),
    ("amount AS paid", "AS"),
    ("file('/etc/passwd')", "reads something else"),
    ("joinGet('t', 'a', 1)", "reads something else"),
    ("DROP TABLE t", "statement"),
    ("", "empty"),
]


@pytest.mark.parametrize(("text", "says"), EXPRESSIONS, ids=[row[0] or "empty" for row in EXPRESSIONS])
def test_an_expression_is_one_over_its_row(text: str, says: str) -> None:
    assert says in find_problem(text) and find_problem(text)


@pytest.mark.parametrize(
    "text",
    ["amount", "a.b + 1", "arraySum(x -> x.price, lines)", "multiIf(a = 'x', 1, 0)", "JSONExtractString(j, 'k')"],
)
def test_an_expression_over_its_row_is_sound(text: str) -> None:
    assert find_problem(text) == ""


def test_the_shipped_mappings_are_sound_and_names_are_suggested(tmp_path: Path) -> None:
    assert check_own_tables() == []
    (tmp_path / "shop.yaml").write_text(EXAMPLE.read_text("utf-8"), "utf-8")
    with pytest.raises(UnknownNameError, match="unknown mapping of own tables 'shp'; did you mean 'shop'"):
        load_own_tables("shp", tmp_path)
    odd = (tmp_path / "shop.yaml").rename(tmp_path / "My-Shop.yaml")
    with pytest.raises(BadRequestError, match="small letters"):
        load_own_tables(str(odd))


@pytest.mark.skipif(not OVER_HTTP, reason="the embedded engine has one user")
def test_only_the_admin_needs_rights_on_their_tables(shop: Shop) -> None:
    put(shop, load_own_tables(str(EXAMPLE)), fills=False)
    shop.run(ORDERS.format(first=95_000, count=200))
    for reading in (shop.store.read, shop.store.read_long):
        with pytest.raises(QueryFailedError, match=r"ACCESS_DENIED|Not enough privileges"):
            reading(Statement("theirs", "SELECT count() FROM shop.orders"))
    with pytest.raises(QueryFailedError, match=r"ACCESS_DENIED|Not enough privileges"):
        shop.store.administer(Statement("write theirs", "INSERT INTO shop.clicks (ms) SELECT 1"))
    assert totals(shop, SPANS[3], "paid_gmv")["paid_gmv"]  # and the wall answers all the same
