"""Simulator, ledgers and shipped rules together: a payment outage in the east calls for somebody, and ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.engine import AlertEngine
from alerts.measures import measures_of
from alerts.rules import load_rules
from app.members import Members
from app.store import demo_profile
from core.clock import ManualClock
from ingest.scenario import load_scenario
from ingest.simulator import LiveSimulator
from ingest.world import load_world
from metrics.calendar import BusinessCalendar
from metrics.catalogue import load_catalogue
from metrics.labels import Labels
from metrics.regions import load_region_set
from metrics.snapshot import AlertView
from queries.client import ClickHouse
from queries.members import load_members
from queries.readings import fetch
from queries.watermark import watermarks

STEP_S = 20  # of business time, each an insert into every rollup and a tick of the rules
LEAD_MIN, OUTAGE_MIN = 2, 10  # the scenario: payments fail from minute 2 to 12


@pytest.mark.parametrize(
    ("hours", "rule", "within_s"), [(0, "payment_success_by_region", 120), (19, "payment_stopped_by_region", 420)]
)
def test_a_payment_outage_fires_in_its_region_only_and_resolves_by_itself(
    clean_store: ClickHouse, clock: ManualClock, hours: int, rule: str, within_s: int
) -> None:
    """At noon within two minutes; at seven in the morning, with a tenth of the orders, once they are enough to tell."""
    clock.advance(hours=hours)
    profile, catalogue = demo_profile(), load_catalogue()
    regions = load_region_set(profile.region_set)
    members = Members(catalogue, regions, profile.region_level, lambda: load_members(clean_store), clock)
    engine = AlertEngine(
        load_rules(measures_of(catalogue)),
        fetch=lambda ask, now: fetch(clean_store, catalogue, profile, regions, ask, now),
        measures=measures_of(catalogue),
        calendar=BusinessCalendar.of(profile),
        members=lambda dimension: members.of(dimension) or (),
        label=Labels(catalogue, regions).of,
    )
    simulator = LiveSimulator(
        clean_store, seed=5, rate=20, scenario=load_scenario("payment_outage", load_world()), clock=clock
    )
    began = clock.now()
    fired_after: float | None = None
    views: tuple[AlertView, ...] = ()
    while clock.now() < began + timedelta(minutes=LEAD_MIN + OUTAGE_MIN + 10):
        clock.advance(seconds=STEP_S)
        simulator.step()
        views = engine.observe(clock.now(), watermarks(clean_store, clock.now()))
        firing = [view for view in views if view.state == "firing" and view.metric == "create_to_pay_rate"]
        assert {view.code for view in firing if view.dimension} <= {"east"}
        if fired_after is None and any(view.rule == rule for view in firing):
            fired_after = (clock.now() - began).total_seconds() - LEAD_MIN * 60
    assert fired_after is not None and fired_after <= within_s, fired_after
    ended = [view.state for view in views if view.rule == rule and view.code == "east"]
    assert ended in ([], ["resolved"]), "an instance that is calm again has no view of its own"
