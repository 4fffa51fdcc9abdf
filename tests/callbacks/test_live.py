"""The tick on the server: one snapshot, one frame, shared by every screen of the scope, never beyond one's rights."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from callbacks.deps import Deps
from callbacks.live import WAIT_S, WAITERS, Refresher
from core.clock import ManualClock
from core.errors import BadRequestError
from metrics.ask import make_filters
from metrics.scope import Scope
from metrics.snapshot import Snapshot
from tests.callbacks.parts import DictCache, FakeStore, asking, make_deps


def read(answer: str | None) -> dict[str, Any]:
    assert answer is not None
    frame: dict[str, Any] = orjson.loads(answer)
    return frame


def test_a_frame_carries_every_tile_of_the_board(refresher: Refresher, deps: Deps) -> None:
    frame = read(refresher.answer(asking()))
    assert set(frame["tiles"]) == {tile.key for tile in deps.boards["wall"].tiles}
    assert frame["version"] == "b1-1"
    assert (frame["build"], frame["board"], frame["live"]) == ("build-1", "wall", True)
    assert [name for name, tile in frame["tiles"].items() if tile["face"] == "error"] == []


def test_a_screen_that_has_the_version_gets_nothing(refresher: Refresher) -> None:
    assert refresher.answer(asking(seen="b1-1")) is None
    assert refresher.answer(asking(seen="b0-1")) is not None


def test_screens_of_one_scope_share_one_built_frame(refresher: Refresher, deps: Deps) -> None:
    cache = deps.cache
    assert isinstance(cache, DictCache)
    with ThreadPoolExecutor(8) as screens:
        answers = list(screens.map(lambda _: refresher.answer(asking("province=440000")), range(40)))
    assert len(cache) == 1
    assert len({read(answer)["version"] for answer in answers}) == 1
    refresher.answer(asking("province=440000", locale="en"))
    assert len(cache) == 2


def test_a_shared_frame_still_carries_the_servers_time_of_each_answer(refresher: Refresher, clock: ManualClock) -> None:
    first = read(refresher.answer(asking()))["now"]
    clock.advance(seconds=1.5)
    assert (first, read(refresher.answer(asking()))["now"]) == ("2026-11-11T04:00:00.000Z", "2026-11-11T04:00:01.500Z")


def test_filters_come_back_as_chips_with_words(refresher: Refresher) -> None:
    head = read(refresher.answer(asking("province=440000&step=pay&focus=paid_gmv")))["head"]
    assert [(chip["dimension"], chip["label"]) for chip in head["chips"]] == [
        ("province", "广东"),
        ("step", "支付"),
        ("focus", head["chips"][2]["label"]),
    ]
    english = read(refresher.answer(asking("province=440000", locale="en")))["head"]["chips"]
    assert english[0]["label"] == "Guangdong"


def test_unknown_parts_of_the_address_are_dropped_and_said(refresher: Refresher, store: FakeStore) -> None:
    frame = read(refresher.answer(asking("province=440000,atlantis&colour=red&day=tomorrow")))
    assert store.watched[-1][1] == Scope(filters=make_filters({"province": ["440000"]}))
    assert len(frame["head"]["notes"]) == 3
    assert "atlantis" in " ".join(frame["head"]["notes"])


def test_the_scope_is_narrowed_before_anything_is_asked(clock: ManualClock) -> None:
    def bo_sees_east_only(scope: Scope) -> Scope:
        return replace(scope, filters=make_filters({**dict(scope.filters), "large_region": ["east"]}))

    deps = make_deps(clock, narrow=bo_sees_east_only)
    frame = read(Refresher(deps).answer(asking("province=440000")))
    assert isinstance(deps.store, FakeStore)
    assert all(scope.codes("large_region") == ("east",) for _, scope, _ in deps.store.watched)
    assert "large_region=east" in frame["scope"]


def test_frames_of_different_rights_are_not_shared(clock: ManualClock) -> None:
    cache = DictCache()
    ana = Refresher(make_deps(clock, cache=cache))
    only = make_filters({"large_region": ["east"]})
    bo = Refresher(make_deps(clock, cache=cache, narrow=lambda scope: replace(scope, filters=only)))
    assert read(ana.answer(asking()))["scope"] == ""
    assert read(bo.answer(asking()))["scope"] == "large_region=east"


def test_midnight_brings_the_new_day_by_itself(refresher: Refresher, store: FakeStore, clock: ManualClock) -> None:
    assert "11月11日" in read(refresher.answer(asking()))["head"]["day"]
    clock.advance(hours=12)  # noon to midnight in Shanghai
    store.version = "b1-2"
    frame = read(refresher.answer(asking(seen="b1-1")))
    assert "11月12日" in frame["head"]["day"]
    assert frame["scope"] == ""


def test_a_ticker_that_stands_still_is_not_taken_for_nothing_new(
    refresher: Refresher, store: FakeStore, clock: ManualClock
) -> None:
    stuck = store.make("wall", Scope())
    store.changes = {"as_of": stuck.as_of, "tiles": stuck.tiles}
    clock.advance(seconds=3)
    assert refresher.answer(asking(seen="b1-1")) is None
    clock.advance(minutes=5)
    frame = read(refresher.answer(asking(seen="b1-1")))
    assert frame["version"] != "b1-1"
    assert frame["as_of"] == "2026-11-11T04:00:00.000Z", "old numbers do not pass for new ones"


def test_a_past_day_is_not_late_however_old(refresher: Refresher, store: FakeStore, clock: ManualClock) -> None:
    refresher.answer(asking("day=2026-11-10"))
    store.changes = {"as_of": clock.now() - timedelta(days=1)}
    assert refresher.answer(asking("day=2026-11-10", seen="b1-1")) is None


def test_only_a_few_screens_wait_for_new_scopes(clock: ManualClock) -> None:
    """Threads belong to everybody: a crowd of new scopes gets empty frames instead of all threads."""
    gate, waits = threading.Event(), list[float]()

    class Slow(FakeStore):
        def watch(self, board: str, scope: Scope, wait_s: float = 0.8) -> Snapshot:
            waits.append(wait_s)
            if wait_s:
                gate.wait(60)
            return self.make(board, scope)

    deps = make_deps(clock)
    assert isinstance(deps.store, FakeStore)
    refresher = Refresher(replace(deps, store=Slow(deps.store.deps_of, clock)))
    with ThreadPoolExecutor(WAITERS + 2) as screens:
        pending = [screens.submit(refresher.answer, asking()) for _ in range(WAITERS)]
        while len(waits) < WAITERS:
            time.sleep(0.01)
        assert screens.submit(refresher.answer, asking()).result(60) is not None
        gate.set()
        assert all(one.result(60) for one in pending)
    assert waits.count(WAIT_S) == WAITERS
    assert waits.count(0.0) == 1


@pytest.mark.parametrize(
    "ask",
    [
        None,
        [],
        "wall",
        7,
        {},
        asking(locale="fr"),
        asking(locale="zh'; DROP TABLE orders"),
        asking(board="../../etc/passwd"),
        asking(board=["wall"]),
        asking(query={"province": "440000"}),
        asking(query=None),
        asking(seen=12),
        asking(seen="x" * 500),
    ],
    ids=repr,
)
def test_forged_questions_are_refused_with_one_line(refresher: Refresher, store: FakeStore, ask: Any) -> None:
    with pytest.raises(BadRequestError) as refusal:
        refresher.answer(ask)
    assert "\n" not in str(refusal.value)
    assert store.watched == [], "nothing was asked"


@pytest.mark.parametrize(
    "query",
    [
        "province=' OR 1=1 --",
        "province=440000') UNION SELECT * FROM system.users --",
        "x" * 100_000,
        "&".join(f"a{i}=1" for i in range(500)),
        "province=" + ",".join(["440000"] * 10_000),
        "day=9999-12-31",
        "day=0001-01-01",
        "at=25:00",
        "at=10:00%2B08:00",
        "%ff%fe=%00",
        "step=__import__",
        "focus=secret",
    ],
)
def test_hostile_addresses_give_a_plain_wall(refresher: Refresher, store: FakeStore, query: str) -> None:
    frame = read(refresher.answer(asking(query)))
    scope = store.watched[-1][1]
    assert scope.filters in ((), make_filters({"province": ["440000"]}))
    assert (scope.day, scope.at, scope.step, scope.focus) == (None, None, None, None)
    assert len(frame["head"]["notes"]) <= 5
    assert all(len(note) < 200 for note in frame["head"]["notes"])
