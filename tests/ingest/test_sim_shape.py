"""The simulated business looks like one: rates, shapes and shares, against the profiles they are drawn from."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from core.errors import DefinitionError, UnknownNameError
from ingest.columns import BEHAVIOUR_COLUMNS, ORDER_COLUMNS, Rows, join
from ingest.dice import Dice
from ingest.event import BEHAVIOUR_KINDS, ORDER_KINDS
from ingest.journey import MEAN_ORDER
from ingest.scenario import FOLDER, Staged, load_scenario, scenario_names
from ingest.shapes import at_quantile, hour_index, region_demand
from ingest.stream import Settings, Stream
from ingest.world import load_world
from metrics.profile import MONEY_SCALE

MIDNIGHT = 1_793_721_600  # the midnight that begins 2026-11-04 in Shanghai
RATE, HOURS = 4.0, 72


@cache
def business(scenario: str = "normal_day", rate: float = RATE, hours: int = HOURS) -> tuple[Rows, Rows]:
    """Behaviour and orders of some days from a local midnight on."""
    world = load_world()
    staged = Staged(load_scenario(scenario, world), world, datetime.fromtimestamp(MIDNIGHT, UTC))
    stream = Stream(Settings(11, rate), staged, MIDNIGHT)
    released = [stream.advance(MIDNIGHT + 3600 * (hour + 1)) for hour in range(hours)]
    return (
        join([part.behaviour for part in released], BEHAVIOUR_COLUMNS),
        join([part.orders for part in released], ORDER_COLUMNS),
    )


def of(rows: Rows, kind: str) -> Rows:
    kinds = BEHAVIOUR_KINDS if kind in BEHAVIOUR_KINDS else ORDER_KINDS
    return rows.take(rows["kind"] == kinds.index(kind))


def test_the_rate_is_ledger_rows_a_second_on_average() -> None:
    behaviour, orders = business()
    # Days differ by weekday (7 tenths of ±13 %), season (±10 %) and noise; refunds of three days are partly to come.
    assert (len(behaviour) + len(orders)) / (HOURS * 3600) == pytest.approx(RATE, rel=0.17)


def test_steps_come_in_their_proportions() -> None:
    behaviour, orders = business()
    counts = {kind: len(of(behaviour, kind)) for kind in ("impression", "click", "view", "cart", "favourite")}
    counts |= {kind: len(of(orders, kind)) for kind in ("created", "paid", "cancelled")}
    wanted = {"impression": 10, "click": 4.2, "view": 3.4, "cart": 0.85, "favourite": 0.15, "created": 0.5}
    wanted |= {"paid": 0.43, "cancelled": 0.04}
    total = sum(counts.values())
    for kind, part in wanted.items():
        assert counts[kind] / total == pytest.approx(part / sum(wanted.values()), rel=0.2), kind


def test_the_funnel_narrows_at_every_step_in_events_and_in_people() -> None:
    behaviour, orders = business()
    steps = [of(behaviour, kind) for kind in ("impression", "click", "view", "cart")]
    steps += [of(orders, kind) for kind in ("created", "paid")]
    events = [int(steps[0]["quantity"].sum()), *map(len, steps[1:])]
    people = [len(np.unique(step["user"])) for step in steps]
    assert events == sorted(events, reverse=True)
    assert people == sorted(people, reverse=True)


def test_four_to_six_visitors_of_a_hundred_pay_on_a_day() -> None:
    behaviour, orders = business()
    for day in range(HOURS // 24):
        begin, end = (MIDNIGHT + 86_400 * day) * 1000, (MIDNIGHT + 86_400 * (day + 1)) * 1000
        today = [rows.take((rows["ts"] >= begin) & (rows["ts"] < end)) for rows in (behaviour, of(orders, "paid"))]
        visitors, payers = (len(np.unique(rows["user"])) for rows in today)
        assert 0.04 < payers / visitors < 0.06


def test_hours_follow_the_measured_day() -> None:
    behaviour, _ = business()
    hours = (of(behaviour, "impression")["ts"] // 1000 - MIDNIGHT) // 3600 % 24
    shares = np.bincount(hours, minlength=24) / len(hours)
    measured = np.array(hour_index()) / 24
    assert np.corrcoef(shares, measured)[0, 1] > 0.98
    assert shares.argmin() in (4, 5)
    assert shares[21] > 4 * shares[5]


def test_order_values_have_the_measured_spread_around_a_mean_of_a_hundred() -> None:
    created = of(business()[1], "created")
    values = created["amount"] / MONEY_SCALE
    assert 95 < values.mean() < 110
    measured = at_quantile("paid_order_total_cny", np.array([0.1, 0.25, 0.5, 0.75, 0.9]))
    simulated = np.quantile(values, [0.1, 0.25, 0.5, 0.75, 0.9])
    # Categories and SKUs widen what one shop measured.
    assert np.abs(np.log(simulated / measured)).max() < 0.30
    categories = load_world().codes["category"]
    means = {code: values[created["category"] == index].mean() for index, code in enumerate(categories)}
    dear = ("digital", "appliances", "jewelry")
    assert min(means[code] for code in dear) > max(mean for code, mean in means.items() if code not in dear)
    assert (created["amount"] % (MONEY_SCALE // 100) == 0).all()


def test_payment_takes_as_long_as_measured() -> None:
    paid = of(business()[1], "paid")
    seconds = np.quantile((paid["ts"] - paid["created_ms"]) / 1000, [0.25, 0.5, 0.75, 0.9])
    measured = at_quantile("create_to_pay_seconds", np.array([0.25, 0.5, 0.75, 0.9]))
    assert np.abs(seconds - measured - 0.5).max() < 0.1 * measured.max()
    assert (paid["ts"] > paid["created_ms"]).all()


def test_refunds_come_hours_to_days_later_and_never_exceed_what_was_paid() -> None:
    orders = business()[1]
    paid, refunded = of(orders, "paid"), of(orders, "refunded")
    at = dict(zip(paid["order"].tolist(), zip(paid["ts"].tolist(), paid["amount"].tolist(), strict=True), strict=True))
    hours = [(ts - at[o][0]) / 3.6e6 for o, ts in zip(refunded["order"].tolist(), refunded["ts"].tolist(), strict=True)]
    assert 3 < float(np.median(hours)) < 10
    assert min(hours) > 0.25
    assert max(hours) <= 60.01
    assert all(a <= at[o][1] for o, a in zip(refunded["order"].tolist(), refunded["amount"].tolist(), strict=True))
    early = paid.take(paid["ts"] < (MIDNIGHT + 12 * 3600) * 1000)
    assert np.isin(early["order"], refunded["order"]).mean() == pytest.approx(0.14, rel=0.25)


def test_every_province_sells_and_the_large_ones_most() -> None:
    behaviour, _ = business()
    world = load_world()
    shares = np.bincount(behaviour["province"], minlength=len(world.codes["province"])) / len(behaviour)
    assert (shares > 0).all()
    demand = np.array([region_demand()[code] for code in world.codes["province"]])
    assert np.corrcoef(shares, demand)[0, 1] > 0.97
    parents = {code: index for index, code in enumerate(world.codes["province"])}
    assert world.codes["province"][int(shares.argmax())] in ("310000", "440000")
    assert world.codes["city"][int(behaviour["city"][behaviour["province"] == parents["440000"]][0])].startswith("44")


def test_a_user_keeps_city_and_tier() -> None:
    behaviour, _ = business()
    user = behaviour["user"]
    for dimension in ("province", "city", "tier"):
        pairs = np.unique(user * 1000 + behaviour[dimension])
        assert len(pairs) == len(np.unique(user)), dimension


def test_live_rooms_are_only_on_the_live_channel_and_only_on_air() -> None:
    behaviour, _ = business()
    world = load_world()
    live = behaviour["channel"] == world.index("channel", "live")
    assert ((behaviour["room"] > 0) == live).all()
    shown = of(behaviour, "impression").take(of(behaviour, "impression")["event"] % 32 == 0)
    slot = (shown["ts"] // 1000 - MIDNIGHT) % 86_400 // 1800
    on_air = shown["room"] > 0
    assert (world.room_on_air[slot[on_air], shown["room"][on_air]] > 0).all()
    online = (world.room_on_air > 0).sum(axis=1)
    assert all(3 <= rooms <= 8 for rooms in online[18:47])


def test_days_differ_so_that_comparisons_are_alive() -> None:
    _, orders = business()
    created = of(orders, "created")
    day = (created["ts"] // 1000 - MIDNIGHT) // 86_400
    channels = np.array([np.bincount(created["channel"][day == d], minlength=5) / (day == d).sum() for d in range(3)])
    assert np.abs(channels[1] / channels[0] - 1).max() > 0.02
    totals = np.bincount(day)
    assert 0.005 < abs(totals[1] / totals[0] - 1) < 0.4


def test_ids_are_unique() -> None:
    behaviour, orders = business()
    events = np.concatenate([behaviour["event"], orders["event"]])
    assert len(np.unique(events)) == len(events)


def test_how_time_is_cut_changes_nothing() -> None:
    world = load_world()
    staged = Staged(load_scenario("normal_day", world), world, datetime.fromtimestamp(MIDNIGHT, UTC))
    noon = MIDNIGHT + 12 * 3600
    whole = Stream(Settings(1, 20.0), staged, noon).advance(noon + 900)
    cut = Stream(Settings(1, 20.0), staged, noon)
    pieces = [cut.advance(noon + second) for second in (1, 2, 3, 60, 61, 400, 900)]
    for name in ("event", "ts", "user", "sku"):
        one = np.sort(whole.behaviour[name])
        many = np.sort(np.concatenate([piece.behaviour[name] for piece in pieces]))
        assert (one == many).all()
    assert sorted(whole.orders["event"]) == sorted(np.concatenate([piece.orders["event"] for piece in pieces]))


def test_double11_bursts_at_midnight_and_rises_in_the_evening() -> None:
    plain, burst = (
        np.bincount((of(business(name, 4.0, 24)[0], "impression")["ts"] // 1000 - MIDNIGHT) // 600, minlength=144)
        for name in ("normal_day", "double11")
    )
    assert 7 < burst[0] / plain[0] < 11
    assert 1.2 < burst[60:72].sum() / plain[60:72].sum() < 2.2
    assert burst[126:132].sum() / plain[126:132].sum() > 2.3
    orders = [len(of(business(name, 4.0, 24)[1], "created")) for name in ("normal_day", "double11")]
    assert orders[1] > 2 * orders[0]


def test_a_hot_sku_takes_a_quarter_of_the_orders_and_many_come_back() -> None:
    orders = business("hot_sku", RATE, HOURS)[1]
    hot = load_world().index("sku", "SKU-00007")
    created, paid, refunded = (of(orders, kind)["sku"] == hot for kind in ("created", "paid", "refunded"))
    assert created.mean() == pytest.approx(0.25, abs=0.03)
    assert refunded.sum() / paid.sum() > 1.6 * (~refunded).sum() / (~paid).sum()


def test_an_outage_leaves_orders_unpaid_in_the_east_and_cancels_them() -> None:
    world = load_world()
    noon = MIDNIGHT + 12 * 3600
    staged = Staged(load_scenario("payment_outage", world), world, datetime.fromtimestamp(noon, UTC))
    orders = Stream(Settings(2, 200.0), staged, noon).advance(noon + 3600).orders
    created = of(orders, "created")
    east = np.isin(created["province"], world.large_regions["east"])
    paid = np.isin(created["order"], of(orders, "paid")["order"])
    minute = (created["ts"] // 1000 - noon) // 60
    broken, later = (minute >= 2) & (minute < 11), (minute >= 13) & (minute < 30)
    assert paid[broken & east].mean() < 0.1
    assert paid[broken & ~east].mean() > 0.75
    assert paid[later & east].mean() > 0.75
    assert (broken & east).sum() > 300
    cancelled = np.isin(created["order"], of(orders, "cancelled")["order"])
    assert cancelled[broken & east].mean() > 0.7


def test_dice_are_even_and_independent() -> None:
    keys = np.arange(200_000, dtype=np.int64)
    first, second = Dice(1).uniform("a", keys), Dice(1).uniform("b", keys)
    assert abs(first.mean() - 0.5) < 0.003
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.01
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.01
    mean = np.repeat([0.3, 4.0, 55.0, 400.0], 50_000)
    counts = Dice(1).poisson("c", keys, mean).reshape(4, -1)
    assert counts.mean(axis=1) == pytest.approx([0.3, 4.0, 55.0, 400.0], rel=0.02)
    assert counts.var(axis=1) == pytest.approx([0.3, 4.0, 55.0, 400.0], rel=0.04)
    assert MEAN_ORDER > 0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("title: {zh: a, en: b}\neffcts: []", "effects"),
        ("title: {zh: a, en: b}\neffects: [{step: pay, times: 0, wher: {}}]", "where"),
        ("title: {zh: a, en: b}\neffects: [{step: pay, times: 0, where: {large_region: [eest]}}]", "east"),
        ("title: {zh: a, en: b}\neffects: [{step: pay}]", "times"),
        ("title: {zh: a, en: b}\neffects: [{step: traffic, times: 2, where: {channel: [live]}}]", "mix"),
        ('title: {zh: a, en: b}\neffects: [{step: traffic, curve: [["25:00", 1]]}]', "curve"),
        ("title: {zh: a, en: b}\nmix: {channel: {livee: 2}}", "live"),
        ("title: {zh: a, en: b}\nspotlight: {sku: SKU-99999, share: 0.5}", "spotlight.sku"),
        ("title: {zh: [", "file"),
    ],
)
def test_a_wrong_scenario_is_refused_with_file_and_entry(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "odd.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError, match=problem) as caught:
        load_scenario("odd", load_world(), tmp_path)
    assert caught.value.file == "odd.yaml"


def test_every_scenario_file_is_right_and_an_unknown_one_gets_a_hint() -> None:
    assert set(scenario_names()) >= {"normal_day", "double11", "payment_outage", "hot_sku"}
    for name in scenario_names(FOLDER):
        assert load_scenario(name, load_world()).title.zh
    with pytest.raises(UnknownNameError, match="double11"):
        load_scenario("doubl11", load_world())
