"""Loading: every row becomes its events once, or a dead letter with reason and line; a second time changes nothing."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.clock import ManualClock, SystemClock
from core.errors import BadRequestError
from ingest.loader import FileSummary, LoadSummary, Progress, load_files
from ingest.mapping import SourceMapping, load_mapping
from queries.client import ClickHouse
from queries.dead_letters import latest_dead_letters
from queries.statement import Statement

DATA = Path(__file__).resolve().parent.parent / "data"
TMALL = DATA / "tmall_small.csv"
GA360 = [DATA / f"ga360_{name}_small.csv" for name in ("events", "orders", "sessions")]


def ask(clickhouse: ClickHouse, sql: str) -> list[tuple[object, ...]]:
    return list(clickhouse.read(Statement("test", sql)).rows)


def load(clickhouse: ClickHouse, mapping: str | SourceMapping, *files: Path, clock: ManualClock) -> LoadSummary:
    chosen = load_mapping(mapping) if isinstance(mapping, str) else mapping
    return load_files(clickhouse, chosen, files, None, clock)


def refused(summary: FileSummary) -> dict[str, tuple[int, ...]]:
    return {rejection.reason: rejection.lines for rejection in summary.rejected}


def staging_tables(clickhouse: ClickHouse) -> list[tuple[object, ...]]:
    return ask(clickhouse, "SELECT name FROM system.tables WHERE startsWith(name, 'stage_')")


ORDERS = (
    "SELECT event_id, substring(toString(ts), 6), substring(toString(created_at), 6), amount, orders, province, "
    "country FROM order_events ORDER BY toUInt32OrZero(order_id), kind"
)


def test_orders_become_events_and_the_rest_dead_letters(clean_store: ClickHouse, clock: ManualClock) -> None:
    summary = load(clean_store, "tmall", TMALL, clock=clock)
    assert ask(clean_store, ORDERS) == [
        ("tmall:1:created", "01-31 16:00:05.000", "01-31 16:00:05.000", 1_001_000, 1, "310000", "CHN"),
        ("tmall:1:paid", "01-31 16:00:10.000", "01-31 16:00:05.000", 1_001_000, 1, "310000", "CHN"),
        ("tmall:2:created", "02-01 04:00:00.000", "02-01 04:00:00.000", 500_000, 1, "440000", "CHN"),
        ("tmall:3:created", "02-01 15:59:58.000", "02-01 15:59:58.000", 205_000, 1, "150000", "CHN"),
        ("tmall:3:paid", "02-01 16:00:03.000", "02-01 15:59:58.000", 205_000, 1, "150000", "CHN"),
        ("tmall:3:refunded", "02-01 16:00:03.000", "02-01 15:59:58.000", 205_000, 1, "150000", "CHN"),
        ("tmall:10:created", "02-01 06:00:00.000", "02-01 06:00:00.000", 80_000, 1, "", "CHN"),
        ("tmall:10:paid", "02-01 06:00:01.000", "02-01 06:00:00.000", 80_000, 1, "", "CHN"),
    ]
    (file,) = summary.files
    assert refused(file) == {
        "unknown_region": (5,),
        "bad_time": (6,),
        "bad_amount": (7, 10),
        "wrong_columns": (8, 12, 14),
        "missing_value": (9,),
        "repeated_id": (11,),
    }
    assert file.rows == 13
    assert file.events == {("orders", "created"): 4, ("orders", "paid"): 3, ("orders", "refunded"): 1}
    assert staging_tables(clean_store) == []


def test_a_dead_letter_keeps_what_stood_there_and_why(clean_store: ClickHouse, clock: ManualClock) -> None:
    load(clean_store, "tmall", TMALL, clock=clock)
    letters = {letter.line: letter for letter in latest_dead_letters(clean_store)}
    assert (letters[5].reason, letters[5].detail, letters[5].origin) == (
        "unknown_region",
        "province: 火星",
        "tmall_small.csv",
    )
    assert '"total":"9.9"' in letters[5].content
    assert letters[8].content == "7,9.9,9.9,北京"
    assert letters[12].content.startswith('9,"1.5')
    assert letters[6].detail == "created: 2020-02-31 13:00:00"


def test_the_same_file_twice_changes_nothing(clean_store: ClickHouse, clock: ManualClock) -> None:
    load(clean_store, "tmall", TMALL, clock=clock)
    before = ask(clean_store, ORDERS), ask(clean_store, "SELECT count() FROM dead_letters")
    again = load(clean_store, "tmall", TMALL, clock=clock)
    assert (ask(clean_store, ORDERS), ask(clean_store, "SELECT count() FROM dead_letters")) == before
    assert again.files[0].already_loaded
    assert again.events == 0


def test_a_longer_export_adds_only_what_is_new(clean_store: ClickHouse, clock: ManualClock, tmp_path: Path) -> None:
    load(clean_store, "tmall", TMALL, clock=clock)
    longer = tmp_path / "longer.csv"
    header = TMALL.read_text(encoding="utf-8").splitlines()[0]
    rows = [
        header,
        "2,50.0,50.0,广东省,2020-02-01 12:00:00,2020-02-01 18:00:00,0.0",
        "12,5,5,广东省,2020-02-02 12:00:00,,0",
    ]
    longer.write_text("\r\n".join(rows), encoding="utf-8")  # no line end behind the last row: still a row
    summary = load(clean_store, "tmall", longer, clock=clock)
    assert summary.files[0].events == {("orders", "created"): 1, ("orders", "paid"): 1}
    assert summary.files[0].known == 1
    assert ask(clean_store, "SELECT count(), uniqExact(event_id) FROM order_events") == [(10, 10)]


def test_the_parquet_form_of_the_same_orders_adds_nothing(
    clean_store: ClickHouse, clock: ManualClock, tmp_path: Path
) -> None:
    load(clean_store, "tmall", TMALL, clock=clock)
    before = ask(clean_store, ORDERS)
    path = tmp_path / "orders.parquet"
    moments = pa.timestamp("ms")
    table = pa.table(
        {
            "order_id": pa.array([3, 1], pa.int64()),
            "total_amount": pa.array([20.5, 100.1]),
            "paid_amount": pa.array([0.0, 100.1]),
            "refund_amount": pa.array([20.5, 0.0]),
            "province": pa.array(["内蒙古自治区", "上海市"]).dictionary_encode(),
            "created_at": pa.array(["2020-02-01 23:59:58", "2020-02-01 00:00:05"]).cast(moments),
            "paid_at": pa.array(["2020-02-02 00:00:03", "2020-02-01 00:00:10"]).cast(moments),
        }
    )
    pq.write_table(table, path)
    summary = load(clean_store, "tmall", path, clock=clock)
    assert (summary.events, summary.files[0].known) == (0, 5)
    assert ask(clean_store, ORDERS) == before


def test_rollups_agree_with_the_ledger_after_a_load(clean_store: ClickHouse, clock: ManualClock) -> None:
    load(clean_store, "tmall", TMALL, clock=clock)
    raw = "SELECT sumIf(amount, kind = 'paid'), sumIf(orders, kind = 'created') FROM order_events"
    for rollup in ("orders_1m", "orders_1h"):
        assert ask(clean_store, f"SELECT sum(paid__amount), sum(created__orders) FROM {rollup}") == ask(
            clean_store, raw
        )


def test_hits_orders_and_sessions_come_together(clean_store: ClickHouse, clock: ManualClock) -> None:
    summary = load(clean_store, "ga360", *GA360, clock=clock)
    by_file = {file.input: file for file in summary.files}
    assert refused(by_file["sessions"]) == {"unknown_region": (5,)}
    assert refused(by_file["events"]) == {"unknown_value": (10,)}
    assert by_file["events"].skipped == {"purchase_hit": 2}
    assert refused(by_file["orders"]) == {"missing_lookup": (3,)}
    assert ask(
        clean_store,
        "SELECT kind, user_id, session_id, sku, channel, country, province, tier, toString(ts) FROM behaviour_events "
        "ORDER BY ts, kind, sku",
    ) == [
        ("impression", "v1", "s1", "SKU1", "organic_search", "USA", "CA", "new", "2017-08-01 14:00:00.000"),
        ("impression", "v1", "s1", "SKU2", "organic_search", "USA", "CA", "new", "2017-08-01 14:00:00.000"),
        ("visit", "v1", "s1", "", "organic_search", "USA", "CA", "new", "2017-08-01 14:00:00.000"),
        ("click", "v1", "s1", "SKU1", "organic_search", "USA", "CA", "new", "2017-08-01 14:00:10.500"),
        ("visit", "v2", "s2", "", "referral", "CHN", "", "returning", "2017-08-01 15:00:00.000"),
        ("visit", "v3", "s3", "", "direct", "", "", "new", "2017-08-01 16:00:00.000"),
    ]
    assert ask(
        clean_store,
        "SELECT kind, order_id, amount, user_id, channel, country, province, tier FROM order_events ORDER BY kind",
    ) == [
        ("created", "T1", 179_600, "v1", "organic_search", "USA", "CA", "new"),
        ("paid", "T1", 179_600, "v1", "organic_search", "USA", "CA", "new"),
    ]


def test_a_missing_lookup_file_is_named_before_anything_is_written(clean_store: ClickHouse, clock: ManualClock) -> None:
    with pytest.raises(BadRequestError, match="orders needs one sessions file beside it"):
        load(clean_store, "ga360", GA360[1], clock=clock)
    assert ask(clean_store, "SELECT count() FROM order_events") == [(0,)]


def test_behaviours_and_purchases_of_a_file_without_header(clean_store: ClickHouse, clock: ManualClock) -> None:
    (file,) = load(clean_store, "taobao_behavior", DATA / "taobao_small.csv", clock=clock).files
    assert file.events == {
        ("behaviour", "cart"): 1,
        ("behaviour", "favourite"): 1,
        ("behaviour", "view"): 2,
        ("orders", "created"): 1,
        ("orders", "paid"): 1,
    }
    # A time that was cut to "15" is refused, not dated to 1970.
    assert refused(file) == {"bad_time": (6,)}
    assert ask(clean_store, "SELECT toString(min(ts)) FROM behaviour_events") == [("2017-11-26 01:00:00.000",)]


def test_invoice_lines_cancellations_and_write_offs(clean_store: ClickHouse, clock: ManualClock) -> None:
    (file,) = load(clean_store, "online_retail", DATA / "online_retail_small.csv", clock=clock).files
    assert file.skipped == {"bad_debt": 1, "write_off": 1}
    assert refused(file) == {"bad_time": (9,)}
    rows = ask(
        clean_store,
        "SELECT order_id, toString(ts), orders, amount, units, user_id, country FROM order_events "
        "WHERE kind IN ('paid', 'refunded') ORDER BY event_id",
    )
    assert rows == [
        ("536365", "2010-12-01 08:26:00.000", 1, 153_000, 6, "17850", "GBR"),
        ("536365", "2010-12-01 08:26:00.000", 0, 153_000, 6, "17850", "GBR"),
        # Summer time: 23:30 on the first of July in London; three decimals of a price are exact.
        ("536366", "2011-07-01 22:30:00.000", 1, 37_100, 2, "", "IRL"),
        ("536368", "2011-07-02 09:00:00.000", 1, 42_500, 1, "17850", ""),
        ("C536379", "2011-07-02 08:41:00.000", 1, 275_000, 1, "14527", "GBR"),
    ]


def test_progress_tells_rows_rate_and_remaining_time(clean_store: ClickHouse) -> None:
    told: list[Progress] = []
    load_files(clean_store, load_mapping("tmall"), [TMALL], told.append, SystemClock())
    assert [progress.step for progress in told] == ["reading", "checking", "inserting"]
    assert [progress.share for progress in told] == sorted(progress.share for progress in told)
    assert told[-1].share == 1.0 and told[-1].rows == 13 and told[-1].rows_per_s > 0 and told[-1].remaining_s == 0


def test_a_missing_or_unreadable_file_is_one_line(clean_store: ClickHouse, clock: ManualClock, tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match="there is no file"):
        load(clean_store, "tmall", tmp_path / "nothing.csv", clock=clock)
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1" + b"\x00" * 100)
    with pytest.raises(BadRequestError, match=r"broken.parquet cannot be read as Parquet"):
        load(clean_store, "tmall", broken, clock=clock)


def test_text_in_another_encoding_is_refused_by_row(
    clean_store: ClickHouse, clock: ManualClock, tmp_path: Path
) -> None:
    lines = TMALL.read_text(encoding="utf-8").splitlines()
    path = tmp_path / "mixed.csv"
    path.write_bytes("\n".join(lines[:2]).encode() + b"\n" + lines[2].encode("gb18030") + b"\n")
    (file,) = load(clean_store, "tmall", path, clock=clock).files
    assert refused(file) == {"bad_encoding": (3,)}
    assert file.events == {("orders", "created"): 1, ("orders", "paid"): 1}


def test_a_header_with_a_byte_order_mark_is_read(clean_store: ClickHouse, clock: ManualClock, tmp_path: Path) -> None:
    path = tmp_path / "excel.csv"
    path.write_bytes(b"\xef\xbb\xbf" + TMALL.read_bytes())
    assert load(clean_store, "tmall", path, clock=clock).files[0].rows == 13


def test_times_in_the_future_are_not_believed(clean_store: ClickHouse, clock: ManualClock, tmp_path: Path) -> None:
    header = TMALL.read_text(encoding="utf-8").splitlines()[0]
    path = tmp_path / "future.csv"
    path.write_text(f"{header}\n1,1,1,北京,2926-02-01 00:00:05,,0\n", encoding="utf-8")
    assert refused(load(clean_store, "tmall", path, clock=clock).files[0]) == {"bad_time": (2,)}


def test_a_new_data_set_needs_a_mapping_and_nothing_else(
    clean_store: ClickHouse, clock: ManualClock, tmp_path: Path
) -> None:
    mapping = tmp_path / "shop.yaml"
    mapping.write_text(
        """
source: shop
store: {name: Loja, time_zone: America/Sao_Paulo, currency: BRL, region_level: country, region_set: world_cn,
        map: world_cn, home_country: BRA}
empty_values: ["NULL"]
inputs:
  orders:
    delimiter: ";"
    columns:
      number: {header: pedido, type: text, empty: reject}
      amount: {header: valor, type: decimal, remove: "R$.", empty: reject}
      at: {header: data, type: time, format: "%d/%m/%Y %H:%i:%s", empty: reject}
      shop_channel: {header: canal, type: code, values: {site: search}, otherwise: keep}
    shared: {channel: shop_channel}
    events:
      - {ledger: orders, kind: paid, at: at, id: number, order_id: number, amount: amount / 100}
""",
        encoding="utf-8",
    )
    data = tmp_path / "pedidos.csv"
    data.write_text(
        "pedido;valor;data;canal\n7;R$1.23405;31/01/2020 23:00:00;site\n8;R$5;NULL;NULL\n", encoding="utf-8"
    )
    (file,) = load(clean_store, load_mapping(str(mapping)), data, clock=clock).files
    assert refused(file) == {"missing_value": (3,)}
    assert ask(clean_store, "SELECT order_id, amount, toString(ts), country, channel FROM order_events") == [
        ("7", 12_340_500, "2020-02-01 02:00:00.000", "BRA", "search")
    ]
