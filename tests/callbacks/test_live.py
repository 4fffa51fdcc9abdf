"""The tick on the server: one snapshot, one frame, shared by every screen of the scope, never beyond one's rights."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import orjson
import pytest

import callbacks.live
from callbacks.deps import Deps
from callbacks.live import TOLD_S, WAIT_S, WAITERS, Refresher
from core.clock import ManualClock
from core.errors import BadRequestError
from layouts.patch import apply_patch
from metrics.ask import make_filters
from metrics.reading import Reading, Row
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


def test_an_answer_is_given_on_while_screens_of_a_tick_ask_and_no_longer(
    refresher: Refresher, deps: Deps, clock: ManualClock
) -> None:
    """A scope that waits for its first numbers has one version for ever: its picture must not stay as it once was."""
    assert isinstance(deps.cache, DictCache)
    first = read(refresher.answer(asking()))
    deps.cache.clear()
    clock.advance(seconds=1)
    assert read(refresher.answer(asking()))["as_of"] == first["as_of"] and len(deps.cache) == 0
    clock.advance(seconds=TOLD_S)
    assert read(refresher.answer(asking()))["as_of"] > first["as_of"]


def moved_on(store: FakeStore, clock: ManualClock, version: str, value: float) -> None:
    """The next tick: one tile has other numbers, all are true for a later moment."""
    clock.advance(seconds=2)
    store.version, made = version, store.make("wall", Scope())
    answers = {
        role: replace(answer, rows=tuple(_with(row, value) for row in answer.rows))
        if isinstance(answer, Reading)
        else answer
        for role, answer in made.tiles["hero"].answers.items()
    }
    store.changes = {
        "tiles": {**made.tiles, "hero": replace(made.tiles["hero"], answers=answers)},
        "as_of": clock.now(),
    }


def _with(row: Row, value: float) -> Row:
    return replace(row, values={span: dict.fromkeys(metrics, value) for span, metrics in row.values.items()})


def whole_of(changes: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """What a browser makes of changes."""
    assert (changes["from"], changes["as_of"]) == (before["version"], before["as_of"])
    made: dict[str, Any] = {**apply_patch(before, changes["patch"]), "now": changes["now"]}
    return made


def test_a_screen_is_sent_what_changed_and_gets_the_same_frame(
    refresher: Refresher, store: FakeStore, clock: ManualClock
) -> None:
    shown = read(refresher.answer(asking()))
    for count in range(2, 6):
        seen = shown["version"]
        moved_on(store, clock, f"b1-{count}", 1000.0 + count)
        sent = refresher.answer(asking(seen=seen))
        full = refresher.answer(asking())
        assert sent is not None and full is not None
        assert len(sent) < len(full) / 5, "one tile of twelve changed"
        shown = whole_of(read(sent), shown)
        assert orjson.dumps(shown, option=orjson.OPT_SORT_KEYS) == orjson.dumps(read(full), option=orjson.OPT_SORT_KEYS)


def test_a_screen_that_missed_ticks_gets_all_changes_at_once(
    refresher: Refresher, store: FakeStore, clock: ManualClock
) -> None:
    shown = read(refresher.answer(asking()))
    for count in range(2, 5):
        moved_on(store, clock, f"b1-{count}", 1000.0 + count)
        refresher.answer(asking())
    late = whole_of(read(refresher.answer(asking(seen="b1-1"))), shown)
    assert late == read(refresher.answer(asking()))


def test_changes_are_worked_out_once_for_all_screens(
    deps: Deps, store: FakeStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresher, built, real = Refresher(deps), list[int](), callbacks.live.build_changes
    monkeypatch.setattr(callbacks.live, "build_changes", lambda old, new: (built.append(1), real(old, new))[1])
    refresher.answer(asking())
    moved_on(store, clock, "b1-2", 5.0)
    with ThreadPoolExecutor(8) as screens:
        answers = set(screens.map(lambda _: refresher.answer(asking(seen="b1-1")), range(40)))
    assert len(answers) == len(built) == 1


def test_changes_never_cross_languages_or_scopes(refresher: Refresher, store: FakeStore, clock: ManualClock) -> None:
    refresher.answer(asking())
    moved_on(store, clock, "b1-2", 5.0)
    assert "tiles" in read(refresher.answer(asking(seen="b1-1", locale="en")))
    assert "tiles" in read(refresher.answer(asking("province=440000", seen="b1-1")))
    assert "tiles" in read(refresher.answer(asking(seen="b1-1\x1fwall")))


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
    frame = read(refresher.answer(asking()))
    assert "11月12日" in frame["head"]["day"]
    assert frame["scope"] == ""


def test_a_ticker_that_stands_still_is_not_taken_for_nothing_new(
    refresher: Refresher, store: FakeStore, clock: ManualClock
) -> None:
    stuck = store.make("wall", Scope())
    store.changes = {"as_of": stuck.as_of, "heard": stuck.heard, "tiles": stuck.tiles}
    clock.advance(seconds=3)
    assert refresher.answer(asking(seen="b1-1")) is None
    clock.advance(minutes=5)
    assert refresher.answer(asking(seen="b1-1")) is not None
    frame = read(refresher.answer(asking()))
    assert frame["version"] != "b1-1"
    assert frame["as_of"] == "2026-11-11T04:00:00.000Z", "old numbers do not pass for new ones"


def test_a_change_of_pace_is_told_though_no_number_changed(clock: ManualClock) -> None:
    pace = [0.0]
    refresher = Refresher(make_deps(clock, slowed=lambda: pace[0]))
    first = read(refresher.answer(asking()))
    assert (first["tick"], first["slowed"]) == (2.0, False)
    pace[0] = 5.0
    slow = read(refresher.answer(asking(seen=first["version"])))
    slow = whole_of(slow, first)
    assert (slow["tick"], slow["slowed"]) == (5.0, True)
    assert refresher.answer(asking(seen=slow["version"])) is None
    pace[0] = 0.0
    assert whole_of(read(refresher.answer(asking(seen=slow["version"]))), slow) == first


def test_numbers_of_a_past_day_do_not_age_and_a_ticker_that_stands_still_is_told_there_too(
    refresher: Refresher, store: FakeStore, clock: ManualClock
) -> None:
    """Its alerts are those of now."""
    day = "day=2026-11-10"
    stuck = store.make("wall", Scope(day=date(2026, 11, 10)))
    store.changes = {"as_of": stuck.as_of, "heard": stuck.heard, "tiles": stuck.tiles}
    clock.advance(days=1)
    assert refresher.answer(asking(day, seen="b1-1")) is not None
    tiles = read(refresher.answer(asking(day)))["tiles"]
    assert (tiles["hero"]["face"], tiles["hero"]["stale_after"]) == ("fresh", None)


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
