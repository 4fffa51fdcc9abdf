"""What processes tell each other comes back as it was, and nothing else is read."""

from __future__ import annotations

import zlib
from dataclasses import fields, replace
from datetime import date, time, timedelta

import orjson
import pytest

from core.clock import ManualClock
from live.health import Beat
from live.screen_book import MemoryBook
from live.screen_report import Order, read_report
from live.screen_rows import screen_row
from live.screens import Screens
from live.store import SnapshotStore
from live.wire import (
    WireError,
    pack_key,
    pack_news,
    pack_snapshot,
    unpack_key,
    unpack_news,
    unpack_snapshot,
)
from metrics.ask import CURRENT, SCREENS, Ask, Facts, Latest, make_filters
from metrics.calendar import Span
from metrics.reading import Findings, Listing, Reading, Row
from metrics.scope import Scope
from metrics.snapshot import AlertView, Snapshot, TileReadings, Watermark
from tests.live.fakes import NOON

EAST = Scope(date(2026, 11, 11), time(14, 30, 15), make_filters({"province": ["440000", "330000"]}), "pay", "paid_gmv")
SPAN = Span(NOON - timedelta(hours=1), NOON + timedelta(microseconds=5))
FILTERS = make_filters({"channel": ["live"]})
MARK = Watermark("orders", NOON, 1.5)
ALERT = AlertView(
    "r",
    "critical",
    "firing",
    NOON,
    0.25,
    3,
    "m",
    "province",
    "1",
    {"zh": "名"},
    {"en": "c"},
    {},
    {"zh": "谁", "en": "who"},
    "%",
    "w",
    NOON,
)
BEAT = Beat(7, NOON, 2, 30, 1, 0, 12.5, 8.0, True, 1.5, "late", 5.0)


def full() -> Snapshot:
    """A snapshot with every kind of answer, and every kind of value in it."""
    ask = Ask("gmv", ("gmv", "orders"), ((CURRENT, SPAN), ("previous_day", SPAN)), ("province",), "minute", FILTERS, 5)
    rows = (Row(("440000",), 3, {CURRENT: {"gmv": 1.0, "orders": 2}}), Row(("未知",), None, {CURRENT: {"gmv": None}}))
    seen = {"id": "a", "ts": NOON, "day": date(2026, 1, 1), "n": 1, "x": 0.1, "none": None, "l": [1, NOON], "t": ("a",)}
    seen |= {"map": {"id": "c", "at": NOON, "map": {"none": None, "l": [1]}}, "moment": {}}
    answers = {
        "main": Reading(ask, rows, NOON, 2.5, "late", ("orders_1m", "raw")),
        "rows": Listing(Latest("latest", "orders", ("paid",), SPAN, FILTERS, 9), (seen,), NOON),
        "facts": Findings(Facts("rows", "rows"), ({"label": "x", "course": [1, 2], "ok": True},), NOON, 1.0),
    }
    tiles = {"hero": TileReadings("hero", 4, answers, NOON, "slow"), "empty": TileReadings("empty", 1, {}, None)}
    return Snapshot(
        EAST, "b.1-9", NOON, True, tiles, (MARK, Watermark("b", None, None)), (ALERT,), 3.5, False, NOON, True
    )


def test_a_snapshot_comes_back_equal_with_every_type() -> None:
    snapshot = full()
    back = unpack_snapshot(pack_snapshot(snapshot))
    assert back == snapshot
    assert repr(back) == repr(snapshot), "1 and 1.0 are equal and drawn differently"


@pytest.mark.parametrize("kind", [Snapshot, TileReadings, Reading, Listing, Findings, Scope, Row, AlertView, Beat])
def test_no_field_stays_at_its_default_in_the_comparison_above(kind: type) -> None:
    """A field that is added and not told would otherwise come back as its default, and be equal."""
    told = {
        Snapshot: "scope version as_of live tiles watermarks alerts engine_ms complete heard mute",
        TileReadings: "key version answers as_of error",
        Reading: "ask rows as_of engine_ms error sources",
        Listing: "ask rows as_of engine_ms error",
        Findings: "ask rows as_of engine_ms error",
        Scope: "day at filters step focus",
        Row: "keys bucket values",
        AlertView: "rule severity state since value limit metric dimension code name cause action owner unit subject "
        "evaluated_at",
        Beat: "number at scopes asked failed waiting took_ms engine_ms store_answers lag_s problem slowed_s",
    }
    assert " ".join(field.name for field in fields(kind)) == told[kind]


def test_the_list_of_screens_comes_back_equal_with_what_a_screen_was_told() -> None:
    clock = ManualClock(NOON)
    screens = Screens(MemoryBook(), clock)
    screens.beat(read_report({"id": "lobby-0123456789abcdef", "name": "lobby", "board": "wall", "heap_mb": 40.5}))
    screens.give("lobby", Order(kind="message", text="hello"))
    rows = tuple(screen_row(view, "build", clock.now()) for view in screens.views())
    assert rows[0]["command"]
    tile = TileReadings("screens", 1, {"screens": Findings(Facts("screens", SCREENS), rows, NOON)}, NOON)
    snapshot = replace(full(), tiles={"screens": tile})
    assert unpack_snapshot(pack_snapshot(snapshot)) == snapshot


def test_keys_and_news_come_back_equal() -> None:
    assert unpack_key(pack_key(("wall", EAST))) == ("wall", EAST)
    assert pack_key(("wall", Scope())) == pack_key(("wall", Scope()))
    news = (BEAT, (MARK,), (ALERT,), {"sku": frozenset({"a", "b"})})
    assert unpack_news(pack_news(*news)) == news
    assert unpack_news(pack_news(None, (), (), {})) == (None, (), (), {})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"cos\nsystem\n(S'true'\ntR.",
        zlib.compress(b"{}"),
        zlib.compress(b"[1]"),
        zlib.compress(b'{"scope": 1}'),
        pack_snapshot(full())[:-5],
        zlib.compress(b" " * (33 * 1024 * 1024)),
    ],
    ids=["nothing", "a pickle", "empty", "a list", "a wrong scope", "cut off", "a bomb"],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        unpack_snapshot(data)


def test_fields_of_another_version_are_refused() -> None:
    told = orjson.loads(zlib.decompress(pack_snapshot(full())))
    told["watermarks"][0]["later"] = 1
    with pytest.raises(WireError, match="another version"):
        unpack_snapshot(zlib.compress(orjson.dumps(told)))
    with pytest.raises(WireError):
        unpack_key(b'["wall", [null, null, [["province", [1]]], null, null]]')


def test_a_value_that_json_cannot_tell_is_not_told_as_something_else() -> None:
    tile = TileReadings("t", 1, {"rows": Listing(Latest("l", "orders", (), SPAN), ({"x": {1, 2}},), NOON)}, NOON)
    with pytest.raises(TypeError, match="set"):
        pack_snapshot(replace(full(), tiles={"t": tile}))


def test_a_screen_that_saw_more_is_told_nothing_older() -> None:
    behind = SnapshotStore.is_behind
    assert behind("b.1-9", "b.1-10") and not behind("b.1-10", "b.1-9") and not behind("b.1-9", "b.1-9")
    assert not behind("b.2-1", "b.1-10"), "another reign counts anew"
    assert behind("b.1-9+5", "b.1-10") and behind("b.1-9", "b.1-10+5") and not behind("b.1-9+5", "b.1-9")
    assert not behind("b.1-9+5~2", "b.1-10+5")
    assert not behind("b.1-9", "b.1-busy") and not behind("b.1-9~2", "b.1-10") and not behind("b.1-9", "")
