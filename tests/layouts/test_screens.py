"""The list of screens: one row a screen, in people's words, however odd what a screen says of itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from layouts.board import load_board
from layouts.gallery import FACES, sample_screens, sample_view
from layouts.plan import plan_board
from layouts.tiles.screens import draw, grows
from layouts.view import View
from metrics.ask import SCREENS, Facts
from metrics.labels import Labels
from metrics.reading import Findings
from tests.layouts.sample import NOW, SAMPLES, catalogue, context, regions
from tests.layouts.test_gallery import is_plain

BOARD = load_board("walls")
(TILE,) = BOARD.tiles


def view(locale: str = "en", face: str = "fresh") -> View:
    (planned,) = plan_board(BOARD, context())
    return sample_view(planned, face, context(), Labels(catalogue(), regions()), locale, SAMPLES)


def with_rows(rows: tuple[dict[str, object], ...], locale: str = "en") -> dict[str, Any]:
    found = Findings(Facts("screens", SCREENS), rows, NOW)
    return draw(TILE, replace(view(locale), answers={"screens": found}))


def changed(**values: object) -> dict[str, Any]:
    """The row of one screen with some of its values replaced."""
    (row,) = sample_screens(context(), 1)
    rows: list[dict[str, Any]] = with_rows(({**row, **values},))["rows"]
    return rows[0]


@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize("face", FACES)
def test_every_face_is_plain_values(locale: str, face: str) -> None:
    payload = draw(TILE, view(locale, face))
    assert is_plain(payload) and payload["title"]
    if face == "empty":
        assert payload["empty"]
    else:
        assert [count["state"] for count in payload["counts"]] == ["dark", "frozen", "late", "hidden", "closed"]


def test_no_answer_yet_is_waiting() -> None:
    assert draw(TILE, replace(view(), answers={}))["waiting"]


def test_a_row_says_what_a_person_asks() -> None:
    row = changed(
        state="ok", silent_s=3.2, query="province=440000&channel=live", paint_ms=12.4, paint_worst_ms=40.6, ratio=2.0
    )
    assert (row["age"], row["heard"], row["paint"]) == ("1 s", "3 s", "12 / 41 ms")
    assert (row["size"], row["filter"]) == ("1920×1080 @2", "Guangdong · Live stream")
    assert (row["heap"], row["build"], row["old"]) == ("38 MB", "9f2c61a", False)


def test_a_dark_screen_promises_no_age() -> None:
    assert changed(state="dark", frame_age_s=1.0, silent_s=400.0)["age"] == "—"


def test_what_a_screen_does_not_tell_is_a_dash() -> None:
    row = changed(frame_age_s=None, paint_ms=None, paint_worst_ms=None, heap_mb=None, heaps_mb=[], width=0, build="")
    assert [row[name] for name in ("age", "paint", "heap", "size", "build")] == ["—"] * 5
    assert row["spark"] == []


@pytest.mark.parametrize("query", ["&".join(f"a{n}=1" for n in range(90)), "%%%", "province=<b>x</b>", "=&=&;", "\x00"])
def test_an_odd_address_breaks_nothing(query: str) -> None:
    assert isinstance(changed(query=query)["filter"], str)


def test_what_became_of_a_command_is_said_with_its_moment() -> None:
    command = {"id": "c", "kind": "show", "problem": "", "given_at": NOW, "done_at": NOW}
    assert changed(command={**command, "state": "done"})["command"]["text"] == "Show board: acknowledged 14:02:31"
    failed = changed(command={**command, "state": "failed", "problem": "no {such} board"})["command"]
    assert "no {such} board" in failed["text"]
    for state in ("waiting", "sent", "expired"):
        assert changed(command={**command, "done_at": None, "state": state})["command"]["text"].endswith("(14:02:31)")


def test_sixty_screens_are_listed_and_more_than_can_be_shown_are_counted() -> None:
    assert len(with_rows(sample_screens(context(), 60))["rows"]) == 60
    payload = with_rows(sample_screens(context(), 130))
    assert (len(payload["rows"]), payload["more"]) == (120, "10 more are not listed")
    assert payload["summary"] == "Walls 129 · viewers 1"


def test_a_heap_that_grows_is_told_from_one_that_breathes() -> None:
    assert grows([30 + minute * 2 for minute in range(40)])
    assert not grows([30 + minute % 9 * 5 for minute in range(40)])
    assert not grows([30, 300])
