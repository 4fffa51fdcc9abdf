"""What a question says of painted markers, and what an answer says of event to pixel and of the next tick."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from callbacks.live import ANSWER_S, COUNT_S, Crowd, Refresher
from core.clock import ManualClock
from core.errors import BadRequestError
from live.latency import PixelLatency
from metrics.snapshot import MARKERS, Watermark
from tests.callbacks.parts import FakeStore, asking, make_deps


def test_a_screen_reports_what_it_painted_and_hears_how_long_it_took(clock: ManualClock) -> None:
    deps = replace(make_deps(clock), pixels=PixelLatency(clock), answered=lambda as_of: as_of.timestamp() + 0.25)
    assert isinstance(deps.store, FakeStore)
    refresher = Refresher(deps)
    sent = clock.now() - timedelta(seconds=1)
    deps.store.changes = {"watermarks": (Watermark(MARKERS, sent, 1.0),)}
    frame = orjson.loads(refresher.answer(asking()) or "")
    marker = frame["head"]["marker"]
    assert (marker, frame["pixel"]) == (round(sent.timestamp() * 1000), None)
    assert frame["head"]["lag_s"] is None, "markers promise nothing about the business"
    clock.advance(seconds=2)
    frame = orjson.loads(refresher.answer({**asking(), "painted": [marker, 1_200]}) or "")
    assert frame["pixel"] == {"median": 1.8, "p95": 1.8, "worst": 1.8, "count": 1}
    refresher.answer({**asking(), "painted": [marker + 5, 0]})  # forged: nothing comes of it
    assert orjson.loads(refresher.answer(asking()) or "")["pixel"]["count"] == 1


@pytest.mark.parametrize(
    "painted", [1, "1", [1], [1, 2, 3], [1.5, 0], [True, 0], [-1, 0], [1, -1], [2**53, 0], {"marker": 1}, [None, None]]
)
def test_a_wrong_report_is_refused(refresher: Refresher, painted: Any) -> None:
    with pytest.raises(BadRequestError, match="painted"):
        refresher.answer({**asking(), "painted": painted})


def test_an_answer_says_when_the_next_tick_has_answered(clock: ManualClock) -> None:
    deps = replace(make_deps(clock), answered=lambda as_of: as_of.timestamp() + 0.25)
    assert isinstance(deps.store, FakeStore)
    began = clock.now()
    deps.store.changes = {"as_of": began}
    told = []
    for _ in range(4):
        told.append(orjson.loads(Refresher(deps).answer(asking()) or "")["next"])
        clock.advance(seconds=0.5)
    assert told == [0.25, 1.75, 1.25, 0.75]


def test_screens_are_spread_by_how_many_they_are(clock: ManualClock) -> None:
    crowd = Crowd(clock)
    for _ in range(round(500 * COUNT_S)):  # a thousand screens at two seconds
        crowd.count()
    assert crowd.spread_s(2.0) == 0.0
    clock.advance(seconds=COUNT_S)
    crowd.count()
    assert crowd.spread_s(2.0) == pytest.approx(1_000 * ANSWER_S, rel=0.01)
    assert crowd.spread_s(60.0) == 30.0, "never over more than half a tick"
