"""The store of snapshots: who is in use, how many fit, and when a version grows."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from core.clock import ManualClock
from live.store import PAST_S, SnapshotStore
from metrics.ask import make_filters
from metrics.scope import Scope
from metrics.snapshot import AlertView, Snapshot, TileReadings, Watermark
from tests.live.fakes import NOON


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


def scope(province: int) -> Scope:
    return Scope(filters=make_filters({"province": [str(province)]}))


def snapshot(of: Scope = Scope(), **changes: object) -> Snapshot:  # noqa: B008
    tile = TileReadings("gmv", 1, {}, NOON)
    plain = Snapshot(of, "", NOON, True, {"gmv": tile}, (Watermark("orders", NOON, 0.0),), (), 1.0)
    return replace(plain, **changes)  # type: ignore[arg-type]


ALERT = AlertView("r", "critical", "firing", NOON, 1, 2, "m", None, None, {}, {}, {}, {})
LATER = NOON + timedelta(seconds=1)


def test_a_first_look_is_incomplete_and_the_published_snapshot_follows(clock: ManualClock) -> None:
    store = SnapshotStore(clock, boot="boot")
    assert not store.watch("wall", Scope(), wait_s=0).complete
    store.publish("wall", snapshot())
    assert store.watch("wall", Scope(), wait_s=0).version == "boot-1"
    assert store.latest("kiosk", Scope()) is None


def test_screens_hear_that_the_store_answers_and_that_it_does_not(clock: ManualClock) -> None:
    """Or a screen that joins a board without news would be given a frame whose last word of the store is long ago."""
    store = SnapshotStore(clock, boot="boot")
    store.watch("wall", Scope(), wait_s=0)

    def version(seconds: float, *, live: bool = True, mute: bool = False) -> str:
        said = clock.now() + timedelta(seconds=seconds)
        return store.publish("wall", replace(snapshot(), heard=said, live=live, mute=mute)).version

    assert [version(0), version(0.5), version(1)] == ["boot-1", "boot-1", "boot-2"]
    assert [version(1, mute=True), version(1, mute=True), version(1)] == ["boot-3", "boot-3", "boot-4"]
    assert len({version(second, live=False) for second in range(4 * PAST_S)}) == 4, "a past day is confirmed as well"


def test_a_watcher_is_woken_by_the_first_publication(clock: ManualClock) -> None:
    store = SnapshotStore(clock)
    woken = threading.Event()
    store.on_new_scope(woken.set)
    threading.Thread(target=lambda: woken.wait(60) and store.publish("wall", snapshot())).start()
    begun = time.monotonic()
    assert store.watch("wall", Scope(), wait_s=60).complete
    assert time.monotonic() - begun < 30


def test_who_has_the_newest_waits_for_the_next(clock: ManualClock) -> None:
    store = SnapshotStore(clock, boot="boot")
    assert store.newer("wall", Scope(), "", 0.01) is None, "nobody watches it"
    store.watch("wall", Scope(), wait_s=0)
    store.publish("wall", snapshot())
    found = store.newer("wall", Scope(), "boot-0", 0)
    assert found is not None and found.version == "boot-1", "it came in between"
    assert store.newer("wall", Scope(), "boot-1", 0.01) is None
    asked = threading.Event()

    def publish() -> None:
        assert asked.wait(60)
        store.publish("wall", snapshot())  # nothing changed: no reason to answer
        store.publish("wall", replace(snapshot(), complete=False))

    with ThreadPoolExecutor(1) as other:
        done = other.submit(publish)
        asked.set()
        found = store.newer("wall", Scope(), "boot-1", 60)
        assert found is not None and found.version == "boot-2"
        done.result(60)


@pytest.mark.parametrize(
    ("changes", "grows"),
    [
        ({}, False),
        ({"as_of": LATER, "engine_ms": 9.0}, False),
        ({"watermarks": (Watermark("orders", NOON + timedelta(milliseconds=900), 3.0),)}, False),
        ({"watermarks": (Watermark("orders", LATER, 0.0),)}, True),
        ({"tiles": {"gmv": TileReadings("gmv", 2, {}, NOON)}}, True),
        ({"tiles": {"gmv": TileReadings("gmv", 1, {}, LATER)}}, True),
        ({"alerts": (ALERT,)}, True),
        ({"complete": False}, True),
    ],
)
def test_the_version_grows_only_when_something_shown_changed(
    clock: ManualClock, changes: dict[str, object], grows: bool
) -> None:
    store = SnapshotStore(clock, boot="boot")
    store.watch("wall", Scope(), wait_s=0)
    store.publish("wall", snapshot())
    store.publish("wall", snapshot(**changes))
    assert store.watch("wall", Scope(), wait_s=0).version == ("boot-2" if grows else "boot-1")


def test_two_boots_never_share_a_version(clock: ManualClock) -> None:
    assert SnapshotStore(clock).boot != SnapshotStore(clock).boot


def test_more_scopes_than_fit_are_turned_away_but_never_the_plain_wall(clock: ManualClock) -> None:
    store = SnapshotStore(clock, limit=3)
    for province in range(3):
        store.watch("wall", scope(province), wait_s=0)
    busy = store.watch("wall", scope(9), wait_s=60)
    assert store.is_busy(busy) and not busy.complete and len(store.in_use()) == 3
    assert not store.is_busy(store.watch("wall", Scope(), wait_s=0))
    assert len(store.in_use()) == 3 and ("wall", Scope()) in store.in_use()


def test_a_newcomer_takes_the_place_of_who_has_not_looked_for_longest(clock: ManualClock) -> None:
    store = SnapshotStore(clock, limit=2)
    store.watch("wall", scope(1), wait_s=0)
    store.watch("wall", scope(2), wait_s=0)
    clock.advance(seconds=11)
    store.watch("wall", scope(1), wait_s=0)
    assert not store.is_busy(store.watch("wall", scope(3), wait_s=0))
    assert {of for _, of in store.in_use()} == {scope(1), scope(3)}


def test_a_snapshot_for_a_dropped_scope_is_not_kept(clock: ManualClock) -> None:
    store = SnapshotStore(clock)
    store.watch("wall", scope(1), wait_s=0)
    clock.advance(seconds=61)
    assert store.in_use() == ()
    store.publish("wall", snapshot(scope(1)))
    assert store.latest("wall", scope(1)) is None
