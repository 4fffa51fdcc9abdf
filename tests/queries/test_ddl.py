"""A cluster's tables: every statement can be read by the engine, and two shards together give the right sums."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from core.errors import BadRequestError
from metrics.ask import CURRENT, Ask
from metrics.calendar import Span
from metrics.catalogue import load_catalogue
from metrics.profile import DEMO, read_profile
from metrics.reading import Reading
from metrics.regions import load_region_set
from queries.client import WRITE_SETTINGS, ClickHouse
from queries.ddl import Cluster, cluster_statements, kafka_statements
from queries.healing import heal_rollups
from queries.listener import Listener
from queries.migrate import migrate
from queries.readings import fetch
from queries.rebuild import rebuild
from queries.roles import BOUNDS, GRANTS, PROFILES, QUERIES_A_MINUTE
from queries.statement import Statement
from tests.conftest import OVER_HTTP, ROOT, free_port
from tests.queries.events import insert_random

PROFILE = read_profile(DEMO)
START = datetime(2026, 11, 8, 16, 0, tzinfo=UTC)
END = START + timedelta(days=2)
SHARDS = """<remote_servers><two>{shards}</two></remote_servers>"""
SHARD = (
    "<shard><replica><host>127.0.0.1</host><port>{port}</port>"
    "<user>ingest</user><password>p</password></replica></shard>"
)
ROLES = (ROOT / "deploy" / "clickhouse" / "roles.sql").read_text("utf-8")
once = pytest.mark.skipif(OVER_HTTP, reason="starts listeners of its own, whatever the store of the tests is")


def parsed(clickhouse: ClickHouse, sql: str) -> str:
    return str(clickhouse.read(Statement("parse", "SELECT formatQuery({sql:String})", {"sql": sql})).rows[0][0])


def test_every_statement_of_a_cluster_can_be_read_by_the_engine(clickhouse: ClickHouse) -> None:
    cluster = Cluster("prod")
    statements = [*cluster_statements(cluster, PROFILE), *kafka_statements(cluster, "k1:9092,k2:9092")]
    for sql in statements:
        assert parsed(clickhouse, sql)
    text = "\n".join(statements)
    created = [sql for sql in statements if sql.startswith("CREATE")]
    assert all("ON CLUSTER 'prod'" in sql for sql in created) and "{{" not in text
    assert "non_replicated" not in text and not re.search(r"ENGINE = (Aggregating)?MergeTree", text)
    assert "ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/livewall/orders_1h_local', '{replica}')" in text


def test_a_cluster_has_every_table_and_view_of_a_store(clickhouse: ClickHouse) -> None:
    sql = "SELECT name FROM system.tables WHERE database = currentDatabase() AND NOT startsWith(name, 'stage_')"
    here = {row[0] for row in clickhouse.read(Statement("tables", sql)).rows}
    text = "\n".join(cluster_statements(Cluster("prod"), PROFILE))
    there = set(re.findall(r"CREATE (?:TABLE|MATERIALIZED VIEW) IF NOT EXISTS livewall\.(\w+)", text))
    assert {name for name in there if not name.endswith("_local")} == here


@pytest.mark.parametrize("name", ["", "a'b", "a b", "x; DROP DATABASE y", "1a"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(BadRequestError):
        Cluster(name)
    with pytest.raises(BadRequestError):
        Cluster("ok", name)


def test_brokers_cannot_carry_sql() -> None:
    with pytest.raises(BadRequestError):
        list(kafka_statements(Cluster("a"), "k:9092', x = '"))


def test_the_roles_of_a_server_can_be_read_by_the_engine(clickhouse: ClickHouse) -> None:
    bare = "\n".join(line.split("--")[0] for line in ROLES.splitlines())
    statements = [text.strip() for text in bare.split(";") if text.strip()]
    assert len(statements) > 30
    for sql in statements:
        assert parsed(clickhouse, sql)


def test_the_roles_of_a_server_are_those_of_the_listener() -> None:
    for name, (least, most) in BOUNDS.items():
        assert f"{name} = {PROFILES['dashboard'][name]} MIN {least} MAX {most}" in ROLES, name
    assert f"MAX queries = {QUERIES_A_MINUTE}" in ROLES
    assert all(f"{name} = " in ROLES for values in PROFILES.values() for name in values)
    given = [(what, set(roles.split(", "))) for what, roles in re.findall(r"^GRANT (.+) TO (.+);", ROLES, re.MULTILINE)]
    for role, grants in GRANTS.items():
        theirs = {what for what, roles in given if f"livewall_{role}" in roles}
        ours = {grant.removeprefix("GRANT ").replace("default.", "livewall.") for grant in grants}
        more = theirs - ours
        assert ours - theirs <= {"REMOTE ON *.*"}, role
        assert all("Replicated" in what or what == "CLUSTER, REMOTE ON *.*" for what in more), (role, more)


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ClickHouse, ClickHouse]]:
    """Two servers that know each other as the cluster `two`, with the printed statements run on each."""
    folder = tmp_path_factory.mktemp("shards")
    native = [free_port(), free_port()]
    more = SHARDS.format(shards="".join(SHARD.format(port=port) for port in native))
    listeners = [
        Listener(
            folder / f"l{number}",
            folder / f"d{number}",
            free_port(),
            port,
            more,
            dict.fromkeys(("dashboard", "ingest", "admin"), "p"),
        )
        for number, port in enumerate(native)
    ]
    stores = []
    try:
        for listener in listeners:
            stores.append(ClickHouse(listener.start().access(), readers=2))
        for store in stores:
            for sql in cluster_statements(Cluster("two", "default", replicated=False), PROFILE):
                if not sql.startswith("CREATE DATABASE"):
                    store.administer(Statement("cluster", sql))
        yield stores[0], stores[1]
    finally:
        for store in stores:
            store.close()
        for listener in listeners:
            listener.kill()  # a clean end takes seconds, and nothing here is kept


def ask(clickhouse: ClickHouse, *by: str) -> list[tuple[object, ...]]:
    metrics = ("paid_gmv", "orders_paid", "visitors", "paying_buyers", "impressions")
    question = Ask("shards", metrics, ((CURRENT, Span(START, END)),), by)
    found = fetch(clickhouse, load_catalogue(), PROFILE, load_region_set(PROFILE.region_set), question, END)
    assert isinstance(found, Reading)
    return sorted((*row.keys, *(row.value(metric) for metric in metrics)) for row in found.rows)


@once
def test_two_shards_together_answer_as_one_store(
    shards: tuple[ClickHouse, ClickHouse], clean_store: ClickHouse
) -> None:
    one, two = shards
    assert migrate(one, PROFILE) == []  # the printed statements say that they are the migrations
    for store in (one, clean_store):
        insert_random(store, START, END, 3_000)
    here = "SELECT count() FROM order_events_local"
    parts = [int(store.read(Statement("here", here)).rows[0][0]) for store in shards]
    whole = clean_store.read(Statement("whole", "SELECT count() FROM order_events")).rows[0][0]
    assert min(parts) > whole / 4 and sum(parts) == whole
    for by in ((), ("province",), ("channel",), ("category",)):
        right = ask(clean_store, *by)
        assert right and ask(one, *by) == ask(two, *by) == right


@once
def test_an_order_stays_on_one_shard(shards: tuple[ClickHouse, ClickHouse]) -> None:
    if not shards[0].read(Statement("any", "SELECT count() FROM order_events")).rows[0][0]:
        insert_random(shards[0], START, END, 500)
    sql = "SELECT DISTINCT order_id FROM order_events_local"
    left, right = ({row[0] for row in store.read(Statement("orders", sql)).rows} for store in shards)
    assert left and right and not left & right


def test_the_engine_that_would_brick_a_store_is_never_made_here() -> None:
    assert not any("Kafka" in sql for sql in cluster_statements(Cluster("two"), PROFILE))
    assert all("TABLE ENGINE ON Kafka" not in grant for grants in GRANTS.values() for grant in grants)


@once
def test_who_brings_events_has_views_drop_what_a_retry_repeats() -> None:
    """The default of servers since 26 only: it has to be said, by each insert and by the role."""
    wanted = {"deduplicate_blocks_in_dependent_materialized_views": 1}
    assert wanted.items() <= WRITE_SETTINGS.items() and wanted.items() <= PROFILES["ingest"].items()
    (profile,) = re.findall(r"CREATE SETTINGS PROFILE IF NOT EXISTS livewall_ingest SETTINGS(.*?);", ROLES, re.DOTALL)
    assert "deduplicate_blocks_in_dependent_materialized_views = 1" in profile


QUEUED = (
    "INSERT INTO {queue} (ts, kind, event_id, source, _topic, _offset, _error, _raw_message{more}) "
    "SELECT toDateTime64({at}, 3, 'UTC'), '{kind}', '{event_id}', 'k', 't', 7, '{error}', '{raw}'{values}"
)


@once
def test_messages_from_kafka_count_as_events_over_http_do(clean_store: ClickHouse) -> None:
    """With tables of another engine in the place of Kafka's, which is not here: what the views make of a message."""
    cluster = Cluster("none", "default", replicated=False)
    statements = list(kafka_statements(cluster, "k:9092"))
    hidden = ", _topic String, _offset UInt64, _error String, _raw_message String)\nENGINE = Null"
    made = re.compile(r"\)\nENGINE = Kafka.*", re.DOTALL)
    names = [re.findall(r"default\.(\w+)", sql)[0] for sql in statements]

    def queue(name: str, kind: str, event_id: str, more: str = "", values: str = "", **odd: str) -> None:
        given = {"at": "'2026-11-11 04:00:00'", "error": "", "raw": "", **odd}
        sql = QUEUED.format(queue=name, kind=kind, event_id=event_id, more=more, values=values, **given)
        clean_store.administer(Statement("a message", sql))

    try:
        for sql in statements:
            clean_store.administer(Statement("queue", made.sub(lambda _: hidden, sql)))
        queue("order_events_kafka", "paid", "plain", ", order_id, amount", ", 'o', 10000")
        queue("order_events_kafka", "paid", "line", ", orders, units, created_at", ", 0, 3, '2026-11-10 04:00:00'")
        queue("behaviour_events_kafka", "view", "v")
        queue("order_events_kafka", "payed", "wrong")
        queue("order_events_kafka", "paid", "")
        queue("behaviour_events_kafka", "view", "old", at="0")
        queue("order_events_kafka", "", "", error="no JSON", raw="{...")
        orders = "SELECT event_id, orders, units, toString(created_at) FROM order_events ORDER BY event_id"
        assert [tuple(row) for row in clean_store.read(Statement("orders", orders)).rows] == [
            ("line", 0, 3, "2026-11-10 04:00:00.000"),
            ("plain", 1, 1, "2026-11-11 04:00:00.000"),
        ]
        views = clean_store.read(Statement("views", "SELECT event_id, quantity FROM behaviour_events")).rows
        assert [tuple(row) for row in views] == [("v", 1)]
        letters = 'SELECT reason, detail, content LIKE \'%"event_id":"wrong"%\' FROM dead_letters ORDER BY reason'
        assert [tuple(row) for row in clean_store.read(Statement("letters", letters)).rows] == [
            ("bad_time", "view", 0),
            ("missing_value", "paid", 0),
            ("unknown_value", "payed", 1),
            ("unreadable", "no JSON", 0),
        ]
    finally:
        for name in reversed(names):
            clean_store.administer(Statement("drop", f"DROP TABLE IF EXISTS {name}"))


@once
def test_a_cluster_says_that_its_rollups_are_not_rebuilt_or_mended(
    shards: tuple[ClickHouse, ClickHouse], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(BadRequestError, match="cluster's"):
        rebuild(shards[0], "orders_1h", Span(START, END), END, lambda: 0.0)
    assert heal_rollups(shards[0], [START]) == []
    assert "not mended after a crash" in caplog.text
