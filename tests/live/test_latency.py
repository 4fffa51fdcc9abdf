"""From an event to the pixel: what screens may report, and what the last five minutes were like."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.clock import ManualClock
from live.latency import MOST_SHOWN, STAGES, Latency, PixelLatency
from metrics.snapshot import MARKERS, Watermark, marker_of, of_business

NOON = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)


def marks(at: datetime | None) -> tuple[Watermark, ...]:
    return Watermark("orders", NOON, 0.0), Watermark(MARKERS, at, 0.0)


@pytest.fixture
def heard() -> list[float]:
    return []


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def pixels(clock: ManualClock, heard: list[float]) -> PixelLatency:
    return PixelLatency(clock, heard.append)


def shown(pixels: PixelLatency, at: datetime) -> int:
    pixels.show(marks(at))
    marker = marker_of(marks(at))
    assert marker is not None
    return marker


def test_what_a_screen_held_back_is_not_counted(pixels: PixelLatency, clock: ManualClock, heard: list[float]) -> None:
    marker = shown(pixels, NOON)
    clock.advance(seconds=3)
    assert pixels.report(marker, 1_500) == 1.5  # painted half way, and said so with the next question
    assert pixels.last_minutes() == Latency(1.5, 1.5, 1.5, 1)
    assert heard == [1.5]


def test_five_minutes_are_looked_at_whatever_their_order(pixels: PixelLatency, clock: ManualClock) -> None:
    old = shown(pixels, NOON)
    clock.advance(seconds=100)
    assert pixels.report(old, 0) == 100
    clock.advance(seconds=290)
    for seconds in (3, 1, 2, 5):
        marker = shown(pixels, clock.now() - timedelta(seconds=seconds))
        assert pixels.report(marker, 0) == seconds
    assert pixels.last_minutes() == Latency(3.0, 100.0, 100.0, 5)
    clock.advance(seconds=15)
    assert pixels.last_minutes() == Latency(2.0, 5.0, 5.0, 4), "the oldest is more than five minutes ago"
    clock.advance(seconds=300)
    assert pixels.last_minutes() is None


def test_forged_reports_are_not_taken(pixels: PixelLatency, clock: ManualClock, heard: list[float]) -> None:
    marker = shown(pixels, NOON)
    clock.advance(seconds=2)
    assert pixels.report(marker + 1, 0) is None, "never shown"
    assert pixels.report(marker, 2_001) is None, "painted before it was sent"
    assert pixels.report(marker, 2**53 - 1) is None
    clock.advance(seconds=600)
    assert pixels.report(marker, 0) is None, "longer than is looked at"
    assert heard == [] and pixels.last_minutes() is None


def test_only_the_newest_markers_may_be_reported(pixels: PixelLatency, clock: ManualClock) -> None:
    first = shown(pixels, NOON)
    for number in range(MOST_SHOWN):
        shown(pixels, NOON + timedelta(milliseconds=number + 1))
    clock.advance(seconds=2)
    assert pixels.report(first, 0) is None
    assert pixels.report(first + 1, 0) == pytest.approx(1.999)


def test_each_stage_hears_of_a_marker_once_and_not_of_what_an_earlier_process_left(clock: ManualClock) -> None:
    stages: list[tuple[str, float]] = []
    pixels = PixelLatency(clock, observe_stage=lambda stage, seconds: stages.append((stage, seconds)))
    old, marker = shown(pixels, NOON - timedelta(hours=3)), round(NOON.timestamp() * 1000)
    assert stages == []
    clock.advance(seconds=1)
    for stage in STAGES[:-1]:
        pixels.passed(stage, marker)
        clock.advance(seconds=0.5)
        pixels.passed(stage, marker)  # the next tick has the same
    shown(pixels, NOON)
    shown(pixels, NOON)
    pixels.passed("asked", None)
    pixels.passed("asked", old)
    assert stages == [("kept", 1.0), ("stored", 1.5), ("asked", 2.0), ("told", 2.5)]


def test_a_thousand_screens_leave_nothing_out(pixels: PixelLatency, clock: ManualClock) -> None:
    slow = shown(pixels, NOON)
    clock.advance(seconds=9)
    assert pixels.report(slow, 0) == 9
    for _ in range(28):  # markers of the next minutes, each painted by all
        clock.advance(seconds=10)
        marker = shown(pixels, clock.now() - timedelta(seconds=1))
        for screen in range(1_000):
            assert pixels.report(marker, screen % 500) is not None
    found = pixels.last_minutes()
    assert found is not None and (found.count, found.worst) == (28_001, 9.0)
    assert found.median == pytest.approx(0.75, abs=0.05)


def test_what_screens_are_told_is_added_up_once_a_second(pixels: PixelLatency, clock: ManualClock) -> None:
    marker = shown(pixels, NOON)
    clock.advance(seconds=2)
    pixels.report(marker, 0)
    first = pixels.last_minutes()
    pixels.report(marker, 1_000)
    assert pixels.last_minutes() is first
    clock.advance(seconds=1)
    found = pixels.last_minutes()
    assert found is not None and found.count == 2


def test_a_store_without_markers_shows_none(pixels: PixelLatency) -> None:
    pixels.show(marks(None))
    pixels.show(())
    assert marker_of(marks(None)) is None and marker_of(()) is None
    assert [mark.ledger for mark in of_business(marks(NOON))] == ["orders"]
