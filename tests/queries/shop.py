"""A shop that is in ClickHouse already: tables of its own making with rows the same on every run, and its own user."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

import queries.listener
from queries.client import ClickHouse
from queries.listener import Listener
from queries.migrate import migrate
from queries.roles import GRANTS, users_file
from queries.statement import Statement
from tests.conftest import free_port

TABLES = (
    "CREATE DATABASE shop",
    """CREATE TABLE shop.orders (order_no UInt64, buyer String, entry LowCardinality(String), category String,
    sku String, province_name String, placed_at DateTime('Asia/Shanghai'), paid_at Nullable(DateTime('Asia/Shanghai')),
    total_fen UInt64, pieces UInt16, is_test Bool) ENGINE = MergeTree ORDER BY placed_at""",
    """CREATE TABLE shop.refunds (refund_no UInt64, order_no UInt64, buyer String, province_name Nullable(String),
    placed_at DateTime('UTC'), refunded_on String, fen Int64) ENGINE = MergeTree ORDER BY refund_no""",
    """CREATE TABLE shop.clicks (visitor String, entry LowCardinality(String), sku Nullable(String), action String,
    ms Int64) ENGINE = MergeTree ORDER BY ms""",
    """CREATE TABLE shop.sales_by_hour (hour DateTime('UTC'), entry LowCardinality(String), orders UInt64, fen UInt64)
    ENGINE = SummingMergeTree ORDER BY (hour, entry)""",
    """CREATE MATERIALIZED VIEW shop.sales_feed TO shop.sales_by_hour AS SELECT
    toStartOfHour(assumeNotNull(paid_at), 'UTC') AS hour, entry, count() AS orders, sum(total_fen) AS fen
    FROM shop.orders WHERE isNotNull(paid_at) AND NOT is_test
    GROUP BY hour, entry""",
    """CREATE TABLE shop.states (order_no UInt64, buyer String, placed_at DateTime('UTC'), paid_at DateTime('UTC'),
    yuan Decimal(12, 2), version UInt32) ENGINE = ReplacingMergeTree(version) ORDER BY order_no""",
)
# Two business days in Shanghai from 2026-11-09 16:00 UTC; `first` numbers make rows of their own.
ORDERS = """INSERT INTO shop.orders SELECT {first} + number AS n, concat('b', toString(cityHash64(n, 1) % 90)),
['LIVE', 'APP_SEARCH', 'MALL', 'FAX'][cityHash64(n, 2) % 4 + 1], ['food', 'beauty', ''][cityHash64(n, 3) % 3 + 1],
concat('s', toString(cityHash64(n, 4) % 20)), ['广东省', '浙江', '上海市', 'Atlantis', ''][cityHash64(n, 5) % 5 + 1],
toDateTime('2026-11-09 16:00:00', 'UTC') + cityHash64(n, 6) % 100000 AS placed_at,
if(cityHash64(n, 7) % 4 = 0, NULL, placed_at + cityHash64(n, 8) % 1500), cityHash64(n, 9) % 90000 + 1,
cityHash64(n, 10) % 3 + 1, cityHash64(n, 11) % 20 = 0 FROM numbers({count})"""
REFUNDS = """INSERT INTO shop.refunds SELECT {first} + number AS n, n, concat('b', toString(n % 90)),
if(n % 9 = 0, NULL, '广东省'), toDateTime('2026-11-09 16:00:00', 'UTC') + n % 90000 AS placed,
if(n % 7 = 0, '', formatDateTime(placed + 1800, '%Y-%m-%d %H:%i:%S', 'Asia/Shanghai')),
-toInt64(cityHash64(n, 12) % 5000 + 1) FROM numbers({count})"""
CLICKS = """INSERT INTO shop.clicks SELECT concat('b', toString(cityHash64(number, 13) % 200)),
['LIVE', 'MALL', 'FAX'][cityHash64(number, 14) % 3 + 1], if(number % 3 = 0, NULL, 's1'),
['open', 'look', 'add', 'scroll'][cityHash64(number, 15) % 4 + 1],
1794240000000 + toInt64(cityHash64(number, 16) % 100000000) FROM numbers({first}, {count})"""
STATES = """INSERT INTO shop.states SELECT number, concat('b', toString(number % 40)),
toDateTime('2026-11-09 16:00:00', 'UTC') + number * 60 AS placed_at,
if({paid} = 1 AND number % 2 = 0, placed_at + 90, toDateTime(0, 'UTC')),
10.25 + number, {version} FROM numbers({count})"""


@dataclass(frozen=True)
class Shop:
    """`store` is Livewall's, without rights to write to the shop; `run` is the shop itself writing."""

    store: ClickHouse
    run: Callable[[str], None]

    def ask(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        return list(self.store.inspect(Statement("shop", sql, values)).rows)

    def prints(self) -> list[tuple[Any, ...]]:
        """The shop's rows and tables as they are, to see that nobody touched them."""
        tables = "SELECT name, create_table_query FROM system.tables WHERE database = 'shop' ORDER BY name"
        sums = [
            f"SELECT '{name}', sum(cityHash64(*)), count() FROM shop.{name}" for name in ("orders", "refunds", "clicks")
        ]
        return [*self.ask(tables), *(row for sql in sums for row in self.ask(sql))]


def fill_shop(shop: Shop) -> None:
    for sql in (ORDERS, REFUNDS, CLICKS):
        shop.run(sql.format(first=0, count=1_500))


@contextmanager
def opened_embedded(clickhouse: ClickHouse) -> Iterator[Shop]:
    shop = Shop(clickhouse, lambda sql: clickhouse.administer(Statement("shop writes", sql)))
    for sql in TABLES:
        shop.run(sql)
    try:
        yield shop
    finally:
        shop.run("DROP DATABASE shop SYNC")


@contextmanager
def opened_served(folder: Path) -> Iterator[Shop]:
    """A server with a user of the shop's beside our three roles, of which only the admin may read the shop's tables."""
    password = hashlib.sha256(b"shop").hexdigest()
    user = (
        f"<shop><password_sha256_hex>{password}</password_sha256_hex><networks><ip>127.0.0.1</ip></networks>"
        "<profile>admin</profile><quota>admin</quota><grants><query>GRANT ALL ON shop.*</query>"
        "<query>GRANT TABLE ENGINE ON *</query><query>GRANT SET DEFINER ON *</query></grants></shop></users>"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(GRANTS, "admin", (*GRANTS["admin"], "GRANT SELECT, SHOW ON shop.*"))
        patch.setattr(queries.listener, "users_file", lambda *told: users_file(*told).replace("</users>", user))
        patch.setitem(queries.listener.USERS, "shop", base64.b64encode(b"shop:").decode()[:6])
        listener = Listener(folder / "listener", folder / "clickhouse", free_port())
        store = ClickHouse(listener.start().access())
    store.also_close(listener.stop)

    def run(sql: str) -> None:
        answer = httpx.post(
            f"http://127.0.0.1:{listener.port}/", content=sql.encode(), auth=("shop", "shop"), trust_env=False
        )
        assert answer.status_code == 200, answer.text

    try:
        migrate(store)
        for sql in TABLES:
            run(sql)
        yield Shop(store, run)
    finally:
        store.close()
