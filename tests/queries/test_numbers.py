"""Every metric is derived twice: what tiles get equals hand-written SQL over the raw ledgers, for random questions."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from metrics.ask import CURRENT, Ask, make_filters
from metrics.calendar import Span
from metrics.catalogue import load_catalogue
from metrics.profile import StoreProfile
from metrics.reading import Reading
from metrics.regions import load_region_set
from queries.builder import Store, build_statements
from queries.client import ClickHouse
from queries.readings import bucket_span, fetch
from queries.rollups import RAW, ROLLUPS
from queries.statement import Statement
from tests.queries.events import insert_random
from tests.queries.twins import BEHAVIOUR, COMPOSITES, MONEY, ORDERS, TRUTH

START = datetime(2026, 11, 5, 16, 0, tzinfo=UTC)
END = START + timedelta(days=3)
NOW = END
CLOCKS_CHANGE = datetime(2026, 10, 25, 1, tzinfo=UTC)  # in London an hour comes twice: a day of 25 hours
CATALOGUE = load_catalogue()
OF_EVENTS = sorted(key for key in CATALOGUE.metrics if "reconciliations" not in CATALOGUE.ledgers_of(key))
REGIONS = load_region_set("cn_provinces")
RUN = """
INSERT INTO reconciliations (at, compared, differences, contradictions)
SELECT {at:DateTime64(3, 'UTC')}, {compared:UInt64}, {differences:UInt64}, {contradictions:UInt64}
"""
# Zones with whole, half and changing hours; a business day that begins at four in the morning.
PROFILES = {
    "shanghai": StoreProfile(name="a"),
    "kolkata": StoreProfile(name="b", time_zone="Asia/Kolkata"),
    "early": StoreProfile(name="c", day_start="04:00"),
    "london": StoreProfile(name="d", time_zone="Europe/London"),
}
EAST = REGIONS.children_of("east")
SHELF = ("search", "mall", "recommendation")
# Of the rooms that test events have; room-00 is in no list, so that something is left over.
OWN, INFLUENCER = ("room-02", "room-03"), ("room-01",)
RETURNING = ("returning", "member", "vip")
# Each filter in the builder's words and in plain SQL.
FILTERS = [
    (("province", ("440000", "310000")), "province IN ('440000', '310000')"),
    (("large_region", ("east",)), f"province IN {EAST!r}"),
    (("scene", ("shelf",)), f"channel IN {SHELF!r}"),
    (("channel", ("live",)), "channel = 'live'"),
    (("channel", ("",)), "channel = ''"),
    (("category", ("food", "beauty")), "category IN ('food', 'beauty')"),
    (("room", ("room-01",)), "room = 'room-01'"),
    (("tier", ("new", "vip")), "tier IN ('new', 'vip')"),
    (("country", ("CHN",)), "country = 'CHN'"),
    (("city", ("city-2",)), "city = 'city-2'"),
    (("sku", ("sku-3",)), "sku = 'sku-3'"),
    (("source", ("one",)), "source = 'one'"),
    (("room_kind", ("influencer",)), f"room IN {INFLUENCER!r}"),
    (("room_kind", ("",)), f"room NOT IN {(*OWN, *INFLUENCER)!r}"),
    (("customer", ("returning",)), f"tier IN {RETURNING!r}"),
    (("scene", ("",)), f"channel NOT IN {('live', 'short_video', *SHELF)!r}"),
]
BY = {
    "province": "province",
    "channel": "channel",
    "category": "category",
    "room": "room",
    "tier": "tier",
    "country": "country",
    "city": "city",
    "source": "source",
    "large_region": "multiIf("
    + ", ".join(f"province IN {REGIONS.children_of(code)!r}, '{code}'" for code in REGIONS.parents)
    + ", '')",
    "scene": f"multiIf(channel IN ('live', 'short_video'), channel, channel IN {SHELF!r}, 'shelf', '')",
    "room_kind": f"multiIf(room IN {OWN!r}, 'self', room IN {INFLUENCER!r}, 'influencer', '')",
    "customer": f"multiIf(tier = 'new', 'new', tier IN {RETURNING!r}, 'returning', '')",
}


@pytest.fixture(scope="module")
def events(clickhouse: ClickHouse) -> Iterator[ClickHouse]:
    _empty(clickhouse)
    insert_random(clickhouse, START, END, 30_000)
    insert_random(clickhouse, END - timedelta(minutes=3), END, 600, first=30_000)
    insert_random(clickhouse, CLOCKS_CHANGE - timedelta(days=1), CLOCKS_CHANGE + timedelta(days=2), 4_000, first=40_000)
    yield clickhouse
    _empty(clickhouse)


def _empty(clickhouse: ClickHouse) -> None:
    sql = (
        "SELECT name FROM system.tables WHERE database = currentDatabase() "
        "AND engine LIKE '%MergeTree' AND name != 'schema_migrations'"
    )
    for (table,) in clickhouse.read(Statement("tables", sql)).rows:
        clickhouse.write(Statement("empty", f"TRUNCATE TABLE {table}"))


def test_every_metric_has_a_twin() -> None:
    assert set(CATALOGUE.metrics) == set(ORDERS) | set(BEHAVIOUR) | set(TRUTH) | set(COMPOSITES)


def plain(
    clickhouse: ClickHouse, span: Span, keys: list[str], conditions: list[str]
) -> dict[tuple[str, ...], dict[str, Fraction]]:
    """All plain metrics by key over [start, end), straight from the raw ledgers."""
    found: dict[tuple[str, ...], dict[str, Fraction]] = {}
    for table, metrics in (("order_events", ORDERS), ("behaviour_events", BEHAVIOUR)):
        columns = ", ".join([*keys, *metrics.values()])
        where = " AND ".join(["ts >= {start:DateTime64(3, 'UTC')}", "ts < {end:DateTime64(3, 'UTC')}", *conditions])
        group = f" GROUP BY {', '.join(keys)}" if keys else ""
        sql = f"SELECT {columns} FROM {table} WHERE {where}{group}"
        for row in clickhouse.read(Statement("twin", sql, {"start": span.start, "end": span.end})).rows:
            place = tuple(str(key) for key in row[: len(keys)])
            for metric, value in zip(metrics, row[len(keys) :], strict=True):
                scale = 10_000 if metric in MONEY else 1
                found.setdefault(place, {})[metric] = Fraction(int(value), scale)
    return found


def expected(values: dict[str, Fraction], minutes: Fraction) -> dict[str, float | None]:
    base = {name: Fraction(0) for name in (*ORDERS, *BEHAVIOUR, *TRUTH)} | values | {"minutes": minutes}
    derived = {name: formula(base) for name, formula in COMPOSITES.items()}
    return {
        name: None if value is None else float(value) for name, value in (base | derived).items() if name != "minutes"
    }


def random_moment(dice: random.Random) -> datetime:
    """Any millisecond, often on a minute, an hour or a day's edge."""
    span = int((END - START).total_seconds())
    grain = dice.choice([1, 1, 60, 3600, 86_400])
    moment = START + timedelta(seconds=dice.randrange(0, span + 1) // grain * grain)
    return min(END, moment + timedelta(milliseconds=dice.choice([0, 0, 1, 999, dice.randrange(1000)])))


def random_span(dice: random.Random) -> Span:
    first, second = sorted((random_moment(dice), random_moment(dice)))
    if dice.random() < 0.3:  # whole business days, alone or with an edge: what daily rollups answer
        first = START + timedelta(days=dice.randrange(3))
        second = dice.choice([END, first + timedelta(days=1), END - timedelta(minutes=dice.randrange(300))])
    return Span(first, max(first, second))


@pytest.mark.parametrize("seed", range(60))
def test_totals_and_splits_equal_plain_sql(events: ClickHouse, seed: int) -> None:
    """Five random scopes a seed: three hundred a run."""
    dice = random.Random(seed)
    for _ in range(5):
        check_random_scope(events, dice)


def test_random_scopes_are_answered_by_rollups_of_every_grain() -> None:
    """Else the comparison above would compare the ledger with itself."""
    store = Store(CATALOGUE, PROFILES["shanghai"], REGIONS, days=True)
    asked = []
    for seed in range(60):
        dice = random.Random(seed)
        for _ in range(5):
            built = build_statements(store, random_ask(dice)[0])
            asked.append(frozenset(table for statement in built for table in statement.tables))
    raw = set(RAW.values())
    assert sum(bool(tables - raw) for tables in asked) > len(asked) / 3
    rollups = frozenset().union(*asked) - raw
    assert {grain for grain in ("_1s", "_1m", "_1h", "_1d") if any(grain in table for table in rollups)} == {
        *("_1s", "_1m", "_1h", "_1d")
    }
    assert len(rollups) > len(ROLLUPS) / 2, rollups


def random_ask(dice: random.Random) -> tuple[Ask, list[str], list[str]]:
    """A question, the columns it splits by and the conditions of its filters in plain SQL."""
    chosen = dice.sample(FILTERS, dice.choice([0, 0, 1, 1, 2, 3]))
    chosen = list({entry[0][0]: entry for entry in chosen}.values())
    by = tuple(dice.sample(sorted(BY), dice.choice([0, 0, 1, 1, 2])))
    spans = [(CURRENT, random_span(dice)), ("previous_day", random_span(dice))][: dice.choice([1, 2])]
    metrics = tuple(dice.sample(OF_EVENTS, dice.choice([1, 3, len(OF_EVENTS)])))
    ask = Ask("random", metrics, tuple(spans), by, None, make_filters(dict(entry[0] for entry in chosen)))
    return ask, [BY[key] for key in by], [entry[1] for entry in chosen]


def check_random_scope(events: ClickHouse, dice: random.Random) -> None:
    ask, columns, conditions = random_ask(dice)

    reading = fetch(events, CATALOGUE, PROFILES["shanghai"], REGIONS, ask, NOW)

    assert isinstance(reading, Reading)
    rows = {row.keys: row for row in reading.rows}
    for name, span in ask.spans:
        twins = plain(events, span, columns, conditions)
        minutes = Fraction(int((span.end - span.start) / timedelta(milliseconds=1)), 60_000)
        for place, values in twins.items():
            if not _shows(ask.metrics, values):
                continue
            right = expected(values, minutes)
            got = rows[place].values[name]
            assert got == {metric: right[metric] for metric in ask.metrics}, (name, place)
        for place in rows.keys() - twins.keys():
            assert not any(rows[place].values.get(name, {}).values()), (name, place, "nothing happened there")


def test_whole_days_are_answered_by_days_and_only_on_the_stores_own_clock(events: ClickHouse) -> None:
    whole = Ask(
        "two days", ("paid_gmv", "visitors"), ((CURRENT, Span(START, START + timedelta(days=2))),), ("channel",)
    )
    edges = Ask(
        "edges", ("impressions",), ((CURRENT, Span(START - timedelta(minutes=1), END - timedelta(1))),), ("tier",)
    )
    for profile, ask, tables in (
        ("shanghai", whole, {"orders_1d_region", "visitors_1d_by_channel"}),
        ("kolkata", whole, {"orders_1h_region", "visitors_1h_by_channel"}),
        ("early", whole, {"orders_1h_region", "visitors_1h_by_channel"}),
        ("shanghai", edges, {"behaviour_1d", "behaviour_events"}),
    ):
        reading = fetch(events, CATALOGUE, PROFILES[profile], REGIONS, ask, NOW)
        assert isinstance(reading, Reading) and set(reading.sources) == tables, profile


def _shows(metrics: tuple[str, ...], values: dict[str, Fraction]) -> bool:
    """Whether any of the metrics has something to show: a row without any may be left out."""
    right = expected(values, Fraction(1))
    return any(right[metric] for metric in metrics)


@pytest.mark.parametrize("profile", sorted(PROFILES))
@pytest.mark.parametrize("grain", ["minute", "hour", "day"])
@pytest.mark.parametrize("seed", range(3))
def test_every_bucket_equals_plain_sql_over_its_part(events: ClickHouse, profile: str, grain: str, seed: int) -> None:
    dice = random.Random(seed)
    length = timedelta(minutes=7, seconds=20) if grain == "minute" else timedelta(hours=dice.choice([11, 50]))
    first = min(random_moment(dice), END - length)
    spans = ((CURRENT, Span(first, first + length)), ("previous_day", Span(first - length, first)))
    check_buckets(events, PROFILES[profile], grain, spans, dice.sample(FILTERS, seed % 2))


@pytest.mark.parametrize("profile", ["london", "shanghai"])
@pytest.mark.parametrize("grain", ["minute", "hour", "day"])
def test_every_bucket_around_a_clock_change_equals_plain_sql(events: ClickHouse, profile: str, grain: str) -> None:
    around = timedelta(minutes=40) if grain == "minute" else timedelta(hours=26)
    spans = (
        (CURRENT, Span(CLOCKS_CHANGE - around, CLOCKS_CHANGE + around)),
        ("previous_day", Span(CLOCKS_CHANGE - timedelta(days=1) - around, CLOCKS_CHANGE - timedelta(days=1) + around)),
    )
    check_buckets(events, PROFILES[profile], grain, spans, [])


Spans = tuple[tuple[str, Span], ...]
Filter = tuple[tuple[str, tuple[str, ...]], str]


def check_buckets(events: ClickHouse, profile: StoreProfile, grain: str, spans: Spans, chosen: list[Filter]) -> None:
    store = Store(CATALOGUE, profile, REGIONS)
    metrics = ("paid_gmv", "gmv_per_minute", "visitors", "impressions", "paying_buyers")
    ask = Ask("buckets", metrics, spans, (), grain, make_filters(dict(entry[0] for entry in chosen)))

    reading = fetch(events, CATALOGUE, profile, REGIONS, ask, NOW)

    assert isinstance(reading, Reading)
    seen = 0
    for row in reading.rows:
        for name, span in spans:
            part = bucket_span(store, grain, span, row.bucket)
            assert part.start >= span.start and part.end <= span.end
            twins = plain(events, part, [], [entry[1] for entry in chosen])
            minutes = Fraction(int((part.end - part.start) / timedelta(milliseconds=1)), 60_000)
            right = expected(twins.get((), {}), minutes)
            assert row.values[name] == {metric: right[metric] for metric in metrics}, (row.bucket, name)
            seen += int(row.value("impressions", name) or 0)
    whole = sum(int(plain(events, span, [], [entry[1] for entry in chosen])[()]["impressions"]) for _, span in spans)
    assert seen == whole  # no event fell between two buckets


def test_comparisons_are_metrics_too(events: ClickHouse) -> None:
    """What reconciliations found, by hour and in all, equals plain SQL over the runs; no run, no rate."""
    runs = [START + timedelta(minutes=25 * number, milliseconds=number) for number in range(8)]
    for number, at in enumerate(runs):
        values = {"at": at, "compared": 1_000 + number, "differences": number % 3, "contradictions": number % 2}
        events.write(Statement("a run", RUN, values))
    keys = (*TRUTH, "differing_rate")
    between = "at >= {start:DateTime64(3, 'UTC')} AND at < {end:DateTime64(3, 'UTC')}"
    twin = f"SELECT {', '.join(TRUTH.values())} FROM reconciliations WHERE {between}"
    for span in (Span(START, END), Span(runs[2], runs[5]), Span(END - timedelta(hours=1), END)):
        ask = Ask("truth", keys, ((CURRENT, span),), (), None, ())
        reading = fetch(events, CATALOGUE, PROFILES["shanghai"], REGIONS, ask, NOW)
        ((compared, differing, contradicting),) = events.read(
            Statement("twin", twin, {"start": span.start, "end": span.end})
        ).rows
        rate = differing / compared if compared else None
        assert isinstance(reading, Reading)
        assert reading.rows[0].values[CURRENT] == {
            "compared_figures": compared,
            "differing_figures": differing,
            "contradicting_figures": contradicting,
            "differing_rate": pytest.approx(rate) if rate is not None else None,
        }
    ask = Ask("truth by hour", keys[:2], ((CURRENT, Span(START, START + timedelta(hours=4))),), (), "hour", ())
    reading = fetch(events, CATALOGUE, PROFILES["shanghai"], REGIONS, ask, NOW)
    assert isinstance(reading, Reading)
    assert sum(row.value("compared_figures", CURRENT) or 0 for row in reading.rows) == sum(range(1_000, 1_008))
    assert len(reading.rows) == 3  # 00:00 to 02:55: one bucket an hour
