"""The frame: faces as the server sees them, digests that change only with the picture, one broken tile apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from core.clock import ManualClock
from layouts import frame as frame_room
from layouts.frame import build_frame, freshness, iso, stamp
from layouts.head import build_head, slowest_watermark
from metrics.scope import Dropped, Scope
from metrics.snapshot import Snapshot, TileReadings, Watermark
from tests.callbacks.parts import FakeStore, make_deps

CLOCK = ManualClock(datetime(2026, 11, 11, 4, 0, tzinfo=UTC))
DEPS = make_deps(CLOCK)
BOARD = DEPS.boards["wall"]
NOW = CLOCK.now()


def snapshot(scope: Scope | None = None) -> Snapshot:
    assert isinstance(DEPS.store, FakeStore)
    return DEPS.store.make("wall", scope or Scope())


def frame_of(shot: Snapshot, locale: str = "zh") -> dict[str, Any]:
    made: dict[str, Any] = orjson.loads(build_frame(DEPS.stage, BOARD, shot, shot.version, locale, (), 2.0))
    return made


def hero_of(shot: Snapshot, **changes: Any) -> dict[str, Any]:
    """The hero's part of the frame after its readings were changed."""
    tiles = {**shot.tiles, "hero": replace(shot.tiles["hero"], **changes)}
    part: dict[str, Any] = frame_of(replace(shot, tiles=tiles))["tiles"]["hero"]
    return part


def test_a_tile_never_answered_is_loading() -> None:
    part = frame_of(replace(snapshot(), tiles={}))["tiles"]["hero"]
    assert (part["face"], part["payload"]) == ("loading", None)
    assert hero_of(snapshot(), answers={}, as_of=None)["face"] == "loading"


def test_an_answered_tile_is_fresh_and_says_how_true_it_is() -> None:
    part = hero_of(snapshot())
    assert part["face"] == "fresh"
    assert part["as_of"] == "2026-11-11T04:00:00.000Z"
    assert part["stale_after"] == freshness(DEPS.stage, BOARD.tiles[0], 2.0)


def test_a_tile_past_its_promise_is_stale() -> None:
    promise = freshness(DEPS.stage, BOARD.tiles[0], 2.0)
    assert hero_of(snapshot(), as_of=NOW - timedelta(seconds=promise - 1))["face"] == "fresh"
    assert hero_of(snapshot(), as_of=NOW - timedelta(seconds=promise + 1))["face"] == "stale"


def test_a_tile_that_asks_nothing_is_as_true_as_the_last_word_of_the_store() -> None:
    shot = snapshot()
    tiles = {**shot.tiles, "alerts": replace(shot.tiles["alerts"], answers={}, as_of=None)}
    said = NOW - timedelta(seconds=100)
    shown = frame_of(replace(shot, tiles=tiles, heard=said))["tiles"]
    assert (shown["alerts"]["as_of"], shown["alerts"]["asks"]) == (iso(said), False)
    assert (shown["hero"]["as_of"], shown["hero"]["asks"]) == (iso(NOW), True)
    assert frame_of(replace(shot, tiles=tiles, heard=None))["tiles"]["alerts"]["face"] == "loading"
    past = frame_of(replace(shot, tiles=tiles, live=False))["tiles"]
    assert past["hero"]["stale_after"] is None
    assert past["alerts"]["stale_after"] is not None, "alerts are those of now, whatever day is looked at"


def test_a_past_day_never_gets_stale() -> None:
    past = replace(snapshot(Scope(day=NOW.date() - timedelta(days=3))), live=False)
    part = hero_of(past, as_of=NOW - timedelta(days=1))
    assert (part["face"], part["stale_after"]) == ("fresh", None)


def test_a_failing_question_keeps_the_last_numbers_and_says_why() -> None:
    part = hero_of(snapshot(), error="sum of orders: timeout")
    assert part["face"] == "error"
    assert part["error"] == "sum of orders: timeout"
    assert part["payload"] is not None


def test_a_question_that_never_came_back_is_an_error_without_numbers() -> None:
    part = hero_of(snapshot(), answers={}, as_of=None, error="timeout")
    assert (part["face"], part["payload"], part["as_of"]) == ("error", None, None)


def test_a_kind_that_throws_breaks_its_own_tile_only(monkeypatch: pytest.MonkeyPatch) -> None:
    real = frame_room.draw_tile

    def draw(tile: Any, view: Any) -> dict[str, Any]:
        if tile.key == "hero":
            raise ZeroDivisionError("boom")
        return real(tile, view)

    monkeypatch.setattr(frame_room, "draw_tile", draw)
    tiles = frame_of(snapshot())["tiles"]
    assert tiles["hero"]["face"] == "error"
    assert "boom" not in str(tiles["hero"]["error"]), "what people read is a sentence, the log has the rest"
    assert {part["face"] for name, part in tiles.items() if name != "hero"} <= {"fresh", "empty"}


def test_an_empty_tile_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_room, "draw_tile", lambda tile, view: {"title": "t", "empty": "nothing here"})
    assert frame_of(snapshot())["tiles"]["hero"]["face"] == "empty"


def test_the_digest_changes_with_the_picture_and_with_nothing_else() -> None:
    shot = snapshot()
    first = hero_of(shot)["v"]
    assert hero_of(replace(shot, version="b2-77"), as_of=NOW - timedelta(seconds=1))["v"] == first
    other = TileReadings("hero", 2, {}, NOW)
    assert hero_of(shot, answers=other.answers)["v"] != first


def test_a_frame_is_whole_json_after_it_is_stamped() -> None:
    made = build_frame(DEPS.stage, BOARD, snapshot(), "b1-1", "en", (), 2.0)
    sent = orjson.loads(stamp(made, NOW))
    assert sent["now"] == "2026-11-11T04:00:00.000Z"
    assert sent["locale"] == "en"
    assert {key: value for key, value in sent.items() if key != "now"} == orjson.loads(made)


def test_both_languages_draw_the_same_tiles_with_other_words() -> None:
    zh, en = frame_of(snapshot())["tiles"], frame_of(snapshot(), "en")["tiles"]
    assert {name: part["face"] for name, part in zh.items()} == {name: part["face"] for name, part in en.items()}
    assert zh["hero"]["payload"]["title"] != en["hero"]["payload"]["title"]


def test_the_head_promises_no_more_than_the_slowest_ledger() -> None:
    late = Watermark("orders", NOW - timedelta(seconds=90), 90.0)
    marks = (Watermark("behaviour", NOW, 0.0), late, Watermark("ads", None, None))
    assert slowest_watermark(marks) == late
    head = build_head(DEPS.stage, replace(snapshot(), watermarks=marks), "zh", ())
    assert (head["watermark"], head["lag_s"]) == ("11:58:30", 90.0)


def test_an_empty_store_has_no_watermark() -> None:
    head = build_head(DEPS.stage, replace(snapshot(), watermarks=()), "zh", ())
    assert (head["watermark"], head["lag_s"]) == (None, None)


@pytest.mark.parametrize(
    ("scope", "live", "day", "until"),
    [
        (Scope(), True, "11月11日", ""),
        (Scope(day=datetime(2026, 11, 9).date()), False, "11月9日", "全天"),  # noqa: DTZ001 (only its date is used)
        (Scope(day=datetime(2020, 2, 19).date(), at=datetime(1, 1, 1, 14, 30).time()), False, "2020年2月19日", "14:30"),  # noqa: DTZ001
    ],
)
def test_the_head_says_which_day_and_up_to_when(scope: Scope, live: bool, day: str, until: str) -> None:
    head = build_head(DEPS.stage, replace(snapshot(scope), live=live), "zh", ())
    assert head["day"].startswith(day)
    assert head["until"] == until


def test_firing_alerts_are_counted_and_critical_ones_named() -> None:
    def alert(rule: str, state: str, severity: str = "critical", code: str | None = None) -> Any:
        return SimpleNamespace(rule=rule, state=state, severity=severity, dimension=code and "province", code=code)

    alerts = (
        alert("pay", "firing", code="440000"),
        alert("calm", "pending"),
        alert("slow", "firing", "warning"),
        alert("drift", "firing"),
        alert("over", "resolved"),
    )
    head = build_head(DEPS.stage, replace(snapshot(), alerts=alerts), "en", ())
    assert head["firing"] == 3
    assert (head["worst"], head["critical"]) == ("critical", ["drift::", "pay:province:440000"])
    milder = build_head(DEPS.stage, replace(snapshot(), alerts=(alert("over", "resolved"), alerts[2])), "en", ())
    assert (milder["worst"], milder["critical"]) == ("warning", [])
    assert build_head(DEPS.stage, replace(snapshot(), alerts=alerts[4:]), "en", ())["worst"] is None


@pytest.mark.parametrize("reason", ["unknown_value", "unknown_filter", "bad_date", "bad_time", "too_long"])
@pytest.mark.parametrize("locale", ["zh", "en"])
def test_every_reason_to_drop_a_part_has_words(reason: str, locale: str) -> None:
    (note,) = build_head(DEPS.stage, snapshot(), locale, (Dropped("province", "x" * 900, reason),))["notes"]
    assert 5 < len(note) < 200
