"""The registry of screens: how each is, what it has been told, and that strangers cannot fill it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.clock import ManualClock
from core.errors import BadRequestError, UnknownNameError
from live import screens as registry
from live.screen_book import MemoryBook
from live.screen_report import Order, Report, read_order, read_report
from live.screens import Screens

SECOND = timedelta(seconds=1)


def report(name: str = "lobby", **more: Any) -> Report:
    body = {"id": f"{name or 'viewer'}-0123456789abcdef", "name": name, "board": "wall", "frame_age_s": 1.0, **more}
    return read_report(body)


@pytest.fixture
def screens(clock: ManualClock) -> Screens:
    return Screens(MemoryBook(), clock)


def state(screens: Screens, name: str = "lobby") -> str:
    return next(view.state for view in screens.views() if view.screen.name == name)


def done(command: Any, problem: str = "") -> dict[str, Any]:
    return {"done": [{"id": command.id, "problem": problem}]}


@pytest.mark.parametrize(
    ("said", "silent_s", "expected"),
    [
        ({}, 0, "ok"),
        ({}, 26, "late"),
        ({}, 61, "dark"),
        ({"frame_age_s": 16}, 0, "late"),
        ({"frame_age_s": 31}, 0, "frozen"),
        ({"frame_age_s": 31}, 61, "dark"),
        ({"frame_age_s": None}, 0, "ok"),
        ({"hidden": True, "frame_age_s": 90}, 0, "hidden"),
        ({"hidden": True}, 120, "hidden"),
        ({"hidden": True}, 181, "dark"),
        ({"bye": True}, 500, "closed"),
    ],
)
def test_a_screen_is_as_it_was_heard(
    screens: Screens, clock: ManualClock, said: dict[str, Any], silent_s: int, expected: str
) -> None:
    screens.beat(report())
    screens.beat(report(**said))
    clock.advance(seconds=silent_s)
    assert state(screens) == expected


def test_the_worst_comes_first_and_viewers_come_last(screens: Screens, clock: ManualClock) -> None:
    screens.beat(report("gone"))
    clock.advance(seconds=70)
    screens.beat(report("", id="v" * 20))
    screens.beat(report("well"))
    screens.beat(report("still", frame_age_s=45))
    screens.beat(report("away", hidden=True))
    named = [(view.screen.report.name, view.state) for view in screens.views()]
    assert named == [("gone", "dark"), ("still", "frozen"), ("away", "hidden"), ("well", "ok"), ("", "ok")]
    assert [wall.name for wall in screens.walls()] == ["gone", "still", "away", "well"]


def test_a_server_that_was_away_does_not_call_its_screens_dark(clock: ManualClock, tmp_path: Path) -> None:
    book = MemoryBook(tmp_path / "screens.json")
    before = Screens(book, clock)
    before.beat(report())
    before.save()
    clock.advance(minutes=30)
    after = Screens(MemoryBook(tmp_path / "screens.json"), clock)
    assert state(after) == "ok"
    (view,) = after.views()
    assert view.silent_s == 1800
    clock.advance(seconds=61)
    assert state(after) == "dark"


def test_what_a_wall_is_told_is_handed_over_until_it_is_done_and_never_again(
    screens: Screens, clock: ManualClock
) -> None:
    screens.beat(report())
    command = screens.give("lobby", Order(kind="reload"))
    assert [found.id for found in screens.beat(report())] == [command.id]
    clock.advance(seconds=10)
    assert [found.id for found in screens.beat(report())] == [command.id], "the answer may have been lost"
    clock.advance(seconds=10)
    assert screens.beat(report(**done(command))) == ()
    (view,) = screens.views()
    assert view.command is not None and view.command.state(clock.now()) == "done"
    assert view.command.done_at == clock.now()
    assert screens.beat(report()) == ()


def test_a_command_that_failed_says_why(screens: Screens, clock: ManualClock) -> None:
    screens.beat(report())
    command = screens.give("lobby", Order(kind="show", board="wall"))
    screens.beat(report(**done(command, "no such board")))
    (view,) = screens.views()
    assert view.command is not None
    assert (view.command.state(clock.now()), view.command.problem) == ("failed", "no such board")


def test_a_command_expires(screens: Screens, clock: ManualClock) -> None:
    screens.beat(report())
    screens.give("lobby", Order(kind="reload"))
    clock.advance(seconds=registry.COMMAND_LIFE.total_seconds())
    assert screens.beat(report()) == ()
    (view,) = screens.views()
    assert view.command is not None and view.command.state(clock.now()) == "expired"


def test_a_command_survives_a_restart_for_its_life(clock: ManualClock, tmp_path: Path) -> None:
    before = Screens(MemoryBook(tmp_path / "screens.json"), clock)
    before.beat(report())
    command = before.give("lobby", Order(kind="message", text="hello"))  # and now the power goes
    after = Screens(MemoryBook(tmp_path / "screens.json"), clock)
    assert [found.id for found in after.beat(report())] == [command.id]


def test_a_newer_order_of_its_kind_takes_the_place_of_one_that_waits(screens: Screens) -> None:
    screens.beat(report())
    screens.give("lobby", Order(kind="message", text="one"))
    screens.give("lobby", Order(kind="show", board="wall"))
    screens.give("lobby", Order(kind="message", text="two"))
    assert [found.order.text or found.order.kind for found in screens.beat(report())] == ["show", "two"]


def test_too_many_commands_for_one_screen_are_refused(screens: Screens) -> None:
    screens.beat(report())
    for place in range(registry.MOST_COMMANDS):
        screens.give("lobby", Order(kind="message", text=str(place)))
        screens.beat(report())
    with pytest.raises(BadRequestError, match="wait"):
        screens.give("lobby", Order(kind="reload"))


def test_a_screen_is_found_by_key_or_by_a_name_that_only_one_has(screens: Screens) -> None:
    screens.beat(report())
    (view,) = screens.views()
    assert screens.give(view.screen.key, Order(kind="reload"))
    with pytest.raises(UnknownNameError, match="did you mean 'lobby'"):
        screens.give("loby", Order(kind="reload"))
    screens.beat(report(id="another-0123456789"))
    with pytest.raises(BadRequestError, match="2 screens"):
        screens.give("lobby", Order(kind="reload"))


def test_the_key_that_is_shown_does_not_give_the_id_away(screens: Screens) -> None:
    said = report()
    screens.beat(said)
    (view,) = screens.views()
    assert said.id not in view.screen.key and view.screen.key not in said.id


def test_a_forgotten_wall_is_gone_and_comes_back_when_it_is_heard(screens: Screens) -> None:
    screens.beat(report())
    screens.forget("lobby")
    assert screens.views() == ()
    screens.beat(report())
    assert state(screens) == "ok"


def test_a_dark_wall_stays_until_a_person_forgets_it_a_closed_one_a_day_and_a_viewer_minutes(
    screens: Screens, clock: ManualClock
) -> None:
    screens.beat(report())
    screens.beat(report("hall", id="h" * 20))
    screens.beat(report("hall", id="h" * 20, bye=True))
    screens.beat(report("", id="v" * 20))
    clock.advance(minutes=4)
    assert [view.screen.name for view in screens.views()] == ["lobby", "hall"]
    clock.advance(days=3)  # a long weekend
    assert [view.screen.name for view in screens.views()] == ["lobby"]
    assert state(screens) == "dark" and [sign.silent_s for sign in screens.walls()] == [3 * 86_400 + 240]
    screens.forget("lobby")
    assert screens.views() == ()


def test_a_kiosk_that_nobody_sees_counts_as_silent_and_a_tab_does_not(screens: Screens, clock: ManualClock) -> None:
    for seconds in range(0, 120, 10):
        screens.beat(report("kiosk", id="k" * 20, kiosk=True, hidden=seconds >= 30))
        screens.beat(report("tab", id="t" * 20, hidden=seconds >= 30))
        clock.advance(seconds=10)
    assert {sign.name: sign.silent_s for sign in screens.walls()} == {"kiosk": 90.0, "tab": 0.0}
    screens.beat(report("kiosk", id="k" * 20, kiosk=True))
    assert {sign.name: sign.silent_s for sign in screens.walls()} == {"kiosk": 0.0, "tab": 0.0}


def test_a_new_box_takes_the_place_of_the_dark_one_of_its_name_and_not_of_a_living_one(
    screens: Screens, clock: ManualClock
) -> None:
    screens.beat(report())
    clock.advance(seconds=61)
    screens.beat(report(id="new-box-0123456789"))
    assert [view.state for view in screens.views()] == ["ok"]
    screens.beat(report(id="third-box-0123456789"))
    assert [view.state for view in screens.views()] == ["ok", "ok"]


def test_a_browser_that_crashed_and_came_back_with_a_new_id_leaves_no_dark_wall_and_no_second_name(
    screens: Screens, clock: ManualClock
) -> None:
    screens.beat(report())
    clock.advance(seconds=10)  # the unit has started it again: the old one still looks well
    for _ in range(4):
        screens.beat(report(id="new-profile-0123456789"))
        clock.advance(seconds=10)
    assert [view.state for view in screens.views()] == ["ok"]
    screens.give("lobby", Order(kind="reload"))
    other = report(id="second-box-0123456789")  # one that lives beside it is missed when it goes
    for _ in range(4):
        screens.beat(other)
        screens.beat(report(id="new-profile-0123456789"))
        clock.advance(seconds=10)
    for _ in range(9):
        screens.beat(report(id="new-profile-0123456789"))
        clock.advance(seconds=10)
    assert sorted(view.state for view in screens.views()) == ["dark", "ok"]


def test_a_wall_that_was_dark_for_a_day_makes_way_when_the_list_is_full(
    screens: Screens, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "MOST_WALLS", 2)
    for name in ("one", "two"):
        screens.beat(report(name, id=f"box-{name}-0123456789"))
        clock.advance(hours=13)
    screens.beat(report("three", id="box-three-0123456789"))
    assert [view.screen.name for view in screens.views()] == ["two", "three"]
    screens.beat(report("four", id="box-four-0123456789"))
    assert [view.screen.name for view in screens.views()] == ["two", "three"], "dark for half a day: missed still"


def test_strangers_cannot_fill_the_registry(
    screens: Screens, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "MOST_SCREENS", 6)
    monkeypatch.setattr(registry, "MOST_WALLS", 3)
    for place in range(20):
        screens.beat(report("", id=f"stranger-{place:020d}"))
        clock.advance(seconds=1)
    assert len(screens.views()) == 6
    for place in range(20):
        screens.beat(report(f"made-up-{place}"))
    assert len(screens.views()) == 6
    assert len(screens.walls()) == 3
    screens.beat(report("made-up-0", frame_age_s=45))
    assert state(screens, "made-up-0") == "frozen", "a wall that is known is heard however full it is"


def test_new_screens_come_at_a_pace(screens: Screens, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MOST_NEW_A_MINUTE", 4)
    for place in range(9):
        screens.beat(report("", id=f"stranger-{place:020d}"))
    assert len(screens.views()) == 4
    clock.advance(seconds=60)
    screens.beat(report())
    assert state(screens) == "ok"


def test_a_goodbye_of_a_stranger_is_not_kept(screens: Screens) -> None:
    screens.beat(report(bye=True))
    assert screens.views() == ()


def test_heap_is_read_once_a_minute_and_starts_anew_with_the_page(screens: Screens, clock: ManualClock) -> None:
    for beat in range(100):
        screens.beat(report(heap_mb=40 + beat, up_s=10 * beat))
        clock.advance(seconds=10)
    (view,) = screens.views()
    assert view.screen.heaps[:3] == (40, 46, 52)
    screens.beat(report(heap_mb=30, up_s=1))
    (view,) = screens.views()
    assert view.screen.heaps == (30,)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        "x",
        {},
        {"id": "short"},
        {"id": "x" * 65},
        {"id": "../../../etc/passwd/0000"},
        {"id": 7},
        {"name": "x" * 41},
        {"name": ["a"]},
        {"board": "<script>"},
        {"query": "x" * 2001},
        {"width": -1},
        {"width": "1920"},
        {"width": 1e9},
        {"paint_ms": float("nan")},
        {"frame_age_s": float("inf")},
        {"frame_age_s": -1},
        {"heap_mb": {}},
        {"hidden": "yes"},
        {"errors": 10**30},
        {"last_error": "x" * 201},
        {"done": [{"id": "x" * 41}]},
        {"done": [{"id": "a"}] * 21},
        {"done": "abc"},
    ],
)
def test_a_heartbeat_of_another_shape_is_refused_in_one_line(wrong: Any) -> None:
    body = {"id": "lobby-0123456789abcdef", **wrong} if isinstance(wrong, dict) and wrong else wrong
    with pytest.raises(BadRequestError) as refused:
        read_report(body)
    assert len(str(refused.value)) < 300 and "\n" not in str(refused.value)


def test_a_name_cannot_break_its_line() -> None:
    assert report(id="x" * 20, name="a\u202eb\n\x00 c\u200b\td").name == "ab c d"


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "explode"},
        {"kind": "message"},
        {"kind": "message", "text": "\u200b\n"},
        {"kind": "message", "text": "x" * 241},
        {"kind": "message", "text": "x", "seconds": 0},
        {"kind": "message", "text": "x", "seconds": 10**9},
        {"kind": "message", "text": "x", "severity": "loud"},
        {"kind": "show"},
        {"kind": "show", "board": "../wall"},
    ],
)
def test_an_order_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError):
        read_order(wrong)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 9}', '{"format": 1, "screens": [{}], "commands": {}}'])
def test_a_broken_file_is_no_reason_not_to_start(clock: ManualClock, tmp_path: Path, content: str) -> None:
    (tmp_path / "screens.json").write_text(content, encoding="utf-8")
    screens = Screens(MemoryBook(tmp_path / "screens.json"), clock)
    screens.beat(report())
    screens.save()
    assert len(Screens(MemoryBook(tmp_path / "screens.json"), clock).views()) == 1
