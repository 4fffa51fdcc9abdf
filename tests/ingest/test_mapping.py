"""Mappings: shipped ones are right, wrong ones say where and what, expressions cannot reach beyond their row."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import BadRequestError, DefinitionError, UnknownNameError
from ingest.expression import find_problem
from ingest.mapping import check_mappings, load_mapping, mapping_names
from ingest.rows import choose_input

DATA = Path(__file__).resolve().parent.parent / "data"

MAPPING = """
source: shop
store: {name: Shop, time_zone: Asia/Shanghai}
inputs:
  orders:
    columns:
      order_id: {header: id, type: text, empty: reject}
      province: {header: province, type: region, empty: unknown}
      amount: {header: amount, type: decimal, empty: reject}
      at: {header: time, type: time, empty: reject}
    events:
      - {ledger: orders, kind: paid, id: order_id, order_id: order_id, at: at, amount: amount}
"""


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "shop.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_shipped_mappings_are_right() -> None:
    assert check_mappings() == []
    assert mapping_names() == ["ga360", "online_retail", "taobao_behavior", "tmall"]
    for name in mapping_names():
        assert load_mapping(name).store.currency in {"CNY", "USD", "GBP"}


def test_a_mapping_outside_the_shipped_ones_is_loaded_by_path(tmp_path: Path) -> None:
    mapping = load_mapping(write(tmp_path, MAPPING))
    assert (mapping.name, mapping.source, mapping.zone) == ("shop", "shop", "Asia/Shanghai")


def test_an_unknown_mapping_suggests_a_near_one() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'tmall'"):
        load_mapping("tmal")


@pytest.mark.parametrize("name", ["../sources/tmall", "/etc/passwd", ""])
def test_a_mapping_name_is_no_way_to_other_files(name: str) -> None:
    with pytest.raises(UnknownNameError):
        load_mapping(name)


def test_a_change_that_could_load_something_else_changes_the_digest(tmp_path: Path) -> None:
    before = load_mapping(write(tmp_path, MAPPING)).digest
    assert load_mapping(write(tmp_path, "# a remark\n" + MAPPING)).digest == before
    assert load_mapping(write(tmp_path, MAPPING.replace("kind: paid", "kind: created"))).digest != before


@pytest.mark.parametrize(
    ("right", "wrong", "entry", "problem"),
    [
        ("header: id,", "haeder: id,", "inputs.orders.columns.order_id.header", "Field required"),
        ("source: shop", "sauce: x\nsource: shop", "sauce", "unknown key; did you mean 'source'"),
        ("source: shop", "source: a\nsource: b", "line 3", "duplicate key"),
        ("source: shop", "source: [", "line", "expected"),
        ("kind: paid", "kind: payd", "inputs.orders.events.0", "unknown kind 'payd'; did you mean 'paid'"),
        (", empty: unknown", "", "inputs.orders.columns.province", "must say what an empty cell means"),
        ("empty: unknown", "empty: unknown, set: cn_provinzes", "columns.province", "did you mean 'cn_provinces'"),
        ("empty: unknown", "empty: unknown, aliases: {x: '1'}", "columns.province.aliases.x", "no region '1'"),
        ("at: at,", "at: att,", "events.paid.at", "names att, which is no column here; did you mean 'at'"),
        ("amount: amount}", "amount: amuont}", "events.paid.amount", "did you mean 'amount'"),
        ("  orders:\n", "  orders:\n    shared: {provinz: province}\n", "inputs.orders", "did you mean 'province'"),
        ("time_zone: Asia/Shanghai", "time_zone: Asia/Shang", "store.time_zone", "unknown time zone 'Asia/Shang'"),
        ("type: time,", "type: time, format: epoch,", "inputs.orders.columns.at", "unknown time format"),
        ("at: {header", "row: {header", "columns.row", "taken by the loader"),
    ],
)
def test_a_wrong_mapping_names_entry_and_problem(
    tmp_path: Path, right: str, wrong: str, entry: str, problem: str
) -> None:
    assert right in MAPPING
    with pytest.raises(DefinitionError) as caught:
        load_mapping(write(tmp_path, MAPPING.replace(right, wrong, 1)))
    assert caught.value.file == "shop.yaml"
    assert entry in caught.value.entry
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "concat(a, '-', b)",
        "if(row_number() OVER (PARTITION BY a ORDER BY row) = 1, 1, 0)",
        "a IN ('x', 'y') AND NOT startsWith(b, 'C')",
        "CASE WHEN a = 'x' THEN 1 ELSE 0 END",
        "multiIf(a = '1', 'new', 'returning')",
    ],
)
def test_plain_expressions_over_the_row_are_allowed(text: str) -> None:
    assert find_problem(text, {"a", "b", "row"}) is None


@pytest.mark.parametrize(
    "text",
    [
        "(SELECT 1)",
        "a IN (SELECT event_id FROM order_events)",
        "file('/etc/passwd')",
        "url('http://example.org', 'CSV')",
        "FILE('/etc/passwd')",
        "`file`('/etc/passwd')",
        "remote('host', 'db', 'table')",
        "dictGet('d', 'x', a)",
        "getSetting('x')",
        "sleep(3)",
        "now()",
        "rand()",
        "a; DROP TABLE order_events",
        "a -- and the rest",
        "a /* and */",
        "{p0:String}",
        "a) FROM order_events WHERE (1",
        "*",
        "other.a",
        "c",
        "INSERT INTO order_events SELECT 1",
        "DROP TABLE order_events",
        "a,b",
        "a AS b",
        "",
    ],
)
def test_expressions_that_reach_beyond_the_row_are_refused(text: str) -> None:
    assert find_problem(text, {"a", "b", "row"}) is not None


def test_a_misspelt_function_suggests_a_near_one() -> None:
    problem = find_problem("startWith(a, 'C')", {"a"})
    assert problem is not None
    assert problem[0] == "calls startWith, which mappings may not use"
    assert problem[1][0] == "startsWith"


def test_inputs_are_recognised_by_their_headers() -> None:
    mapping = load_mapping("ga360")
    names = ("events", "orders", "sessions")
    assert tuple(choose_input(DATA / f"ga360_{name}_small.csv", mapping) for name in names) == names
    assert choose_input(DATA / "tmall_small.csv", load_mapping("tmall")) == "orders"


def test_a_file_of_another_kind_says_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("订单编号,总金额,收货地址,订单创建时间,付款时间,退款金额\n", encoding="utf-8")
    with pytest.raises(
        BadRequestError, match=r"other.csv is no file of tmall.*'订单付款时间'.*did you mean '付款时间'"
    ):
        choose_input(path, load_mapping("tmall"))
