"""Rules about screens: a dark or frozen wall pends, fires, resolves; one that is taken down does not burn."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from alerts.engine import AlertEngine
from alerts.measures import measures_of
from alerts.rules import load_rules
from core.errors import LivewallError
from metrics.catalogue import load_catalogue
from metrics.screens import WallSign
from metrics.snapshot import AlertView
from tests.alerts.ledger import CALENDAR, NOON

MINUTE = timedelta(minutes=1)
WELL = WallSign("a1", "lobby", "wall", silent_s=4.0, frame_age_s=1.0)
DARK = WallSign("a1", "lobby", "wall", silent_s=95.0, frame_age_s=None)
FROZEN = WallSign("a1", "lobby", "wall", silent_s=4.0, frame_age_s=80.0)
CLOSED = WallSign("a1", "lobby", "wall", silent_s=0.0, frame_age_s=None, closed=True)
OTHER = WallSign("b2", "canteen", "wall", silent_s=4.0, frame_age_s=1.0)


class House:
    """Walls that a test puts into a state, judged minute by minute."""

    def __init__(self, path: Path | None = None) -> None:
        measures = measures_of(load_catalogue())
        self.walls: tuple[WallSign, ...] | LivewallError = ()
        self.now = NOON + timedelta(seconds=4)
        self.engine = AlertEngine(
            [rule for rule in load_rules(measures) if rule.type == "screens"],
            fetch=lambda ask, now: pytest.fail("a rule about screens asks nothing"),
            measures=measures,
            calendar=CALENDAR,
            members=lambda _: (),
            label=lambda dimension, code, locale: code,
            state_path=path,
            walls=self._walls,
        )

    def _walls(self) -> tuple[WallSign, ...]:
        if isinstance(self.walls, LivewallError):
            raise self.walls
        return self.walls

    def minute(self, *walls: WallSign, minutes: int = 1) -> tuple[AlertView, ...]:
        self.walls = walls
        self.now += minutes * MINUTE
        return self.engine.observe(self.now, ())


def states(views: tuple[AlertView, ...], rule: str = "wall_dark") -> dict[str, str]:
    return {view.subject: view.state for view in views if view.rule == rule and view.subject}


@pytest.mark.parametrize(("sign", "rule"), [(DARK, "wall_dark"), (FROZEN, "wall_frozen")])
def test_a_wall_pends_fires_and_resolves_by_name(sign: WallSign, rule: str) -> None:
    house = House()
    assert states(house.minute(WELL, OTHER), rule) == {}
    assert states(house.minute(sign, OTHER), rule) == {"lobby": "pending"}
    views = house.minute(sign, OTHER)
    assert states(views, rule) == {"lobby": "firing"}
    fired = next(view for view in views if view.rule == rule)
    assert "lobby" in fired.cause["zh"] and "lobby" in fired.cause["en"] and "1 min" in fired.cause["en"]
    assert fired.owner and fired.action["en"] and fired.unit == "duration" and fired.metric == ""
    assert states(house.minute(WELL, OTHER), rule) == {"lobby": "resolved"}
    for _ in range(10):
        last = house.minute(WELL, OTHER)
    assert states(last, rule) == {}


def test_a_frozen_wall_that_goes_dark_is_held_until_it_is_heard() -> None:
    house = House()
    for sign in (FROZEN, FROZEN, DARK, DARK):
        views = house.minute(sign)
    assert states(views, "wall_frozen") == {"lobby": "firing"}
    assert states(views, "wall_dark") == {"lobby": "firing"}


def test_a_wall_closed_on_purpose_does_not_fire_and_ends_what_burns() -> None:
    house = House()
    for _ in range(5):
        assert states(house.minute(CLOSED)) == {}
    house.minute(DARK)
    assert states(house.minute(DARK)) == {"lobby": "firing"}
    assert states(house.minute(CLOSED)) == {"lobby": "resolved"}


def test_a_wall_that_was_forgotten_resolves_and_leaves_no_trace() -> None:
    house = House()
    house.minute(DARK)
    assert states(house.minute(DARK)) == {"lobby": "firing"}
    assert states(house.minute()) == {"lobby": "resolved"}
    for _ in range(12):
        views = house.minute()
    assert states(views) == {}
    assert [(view.rule, view.state) for view in views] == [("wall_dark", "inactive"), ("wall_frozen", "inactive")]
    assert house.engine._memories["wall_dark"].instances == {}


def test_without_any_wall_the_rules_are_calm() -> None:
    assert {view.state for view in House().minute()} == {"inactive"}


def test_minutes_that_are_caught_up_on_say_nothing() -> None:
    """What the screens are now says nothing of minutes ago: one look is one breach, however long the pause was."""
    house = House()
    house.minute(WELL)
    assert states(house.minute(DARK, minutes=7)) == {"lobby": "pending"}
    assert states(house.minute(DARK)) == {"lobby": "firing"}
    assert states(house.minute(DARK, minutes=7)) == {"lobby": "firing"}


def test_a_firing_wall_is_remembered_over_a_restart(tmp_path: Path) -> None:
    house = House(tmp_path / "alerts.json")
    house.minute(DARK)
    house.minute(DARK)
    again = House(tmp_path / "alerts.json")
    again.now = house.now
    views = again.minute(DARK)
    assert states(views) == {"lobby": "firing"}
    assert next(view for view in views if view.subject == "lobby").since == house.now.replace(second=0)


def test_screens_that_cannot_be_known_are_said() -> None:
    house = House()
    house.minute(WELL)
    house.walls = LivewallError("Redis does not answer")
    house.now += MINUTE
    views = house.engine.observe(house.now, ())
    assert {view.state for view in views} == {"error"}
    assert "Redis" in views[0].cause["en"]
