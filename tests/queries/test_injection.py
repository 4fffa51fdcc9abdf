"""A table of attempts to be more than a value: each is refused, or matches nothing; the store stays as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from typer.testing import CliRunner

from app.__main__ import cli
from app.main import Wall, build_wall
from app.settings import Settings
from core.clock import ManualClock
from layouts.plan import plan_board
from layouts.view import PlanContext
from metrics.ask import Ask, make_filters
from metrics.catalogue import load_catalogue
from metrics.profile import StoreProfile
from metrics.reading import Listing
from metrics.scope import Scope, parse_scope
from queries.client import ClickHouse
from queries.readings import fetch
from queries.statement import Statement
from tests.queries.events import insert_random

NOON = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)  # the clock of the tests
ATTEMPTS = (
    "'",
    "' OR 1=1 --",
    "x' OR '1'='1",
    "'; DROP TABLE order_events; --",
    "\\'; DROP TABLE order_events; --",
    "') UNION ALL SELECT name FROM system.tables --",
    "1 UNION ALL SELECT 1",
    "1; TRUNCATE TABLE order_events",
    "{p0:String}",
    "{limit:UInt32}",
    "%(p0)s",
    "`order_events`",
    '"order_events"',
    "file('/etc/passwd', LineAsString)",
    "url('http://127.0.0.1:1/')",
    "sleep(3)",
    "/**/",
    "-- x",
    "1 SETTINGS readonly = 0",
    "x FORMAT Null",
    "\\",
    "\\N",
    "\x00",
    "NULL",
    "-1",
    "1e9",
    "0x10",
    "１０",
    "𝒳\u202e\u2028'",
)
PARAMETERS = ("metrics", "by", "from", "to", "compare", "grain", "limit")
DIMENSIONS = ("province", "channel", "category", "room", "tier", "country", "city", "sku", "large_region", "order_day")
# One code of every dimension: where an address may name nothing, dropping what it names would prove nothing.
KNOWN = {
    "country": {"CHN": ""},
    "large_region": {"east": ""},
    "province": {"440000": ""},
    "city": {"440100": ""},
    "scene": {"shelf": ""},
    "channel": {"live": ""},
    "room": {"room-01": ""},
    "category": {"beauty": ""},
    "sku": {"sku-3": ""},
    "tier": {"vip": ""},
    "source": {"one": ""},
    "order_day": {"2026-11-10": ""},
    "room_kind": {"self": ""},
    "customer": {"returning": ""},
    "focus": {"paid_gmv": ""},
}
GOOD = {key: next(iter(codes)) for key, codes in KNOWN.items()} | {"day": "2026-11-10", "at": "12:30", "step": "pay"}
WHOLE = ("day", "at", "step", "focus")  # one value each; dimensions have several with commas between them
TABLES = (
    "SELECT name, total_rows FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' "
    "ORDER BY name"
)
PRINT = "SELECT count(), sum(cityHash64(*)) FROM %s"


@pytest.fixture(scope="module")
def filled(clickhouse: ClickHouse) -> Iterator[ClickHouse]:
    """A store with events, and the proof afterwards that no attempt changed it."""
    insert_random(clickhouse, NOON - timedelta(hours=6), NOON, 1_000)
    before = state(clickhouse)
    yield clickhouse
    assert state(clickhouse) == before


def state(clickhouse: ClickHouse) -> list[object]:
    ledgers = ("order_events", "behaviour_events", "dead_letters", "schema_migrations")
    prints = [clickhouse.read(Statement("print", PRINT % table)).rows[0] for table in ledgers]
    names = [row[0] for row in clickhouse.read(Statement("tables", TABLES)).rows]
    return [names, prints]


@pytest.fixture(scope="module")
def wall(filled: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Wall:
    settings = Settings(_env_file=None, store=tmp_path_factory.mktemp("wall"))
    return build_wall(settings, filled, StoreProfile(name="x"), ManualClock(NOON))


@pytest.fixture(scope="module")
def client(wall: Wall) -> Iterator[FlaskClient]:
    with wall.dash.server.test_client() as client:
        yield client


def ask(client: FlaskClient, **parameters: str) -> tuple[int, dict[str, object]]:
    text = "&".join(f"{name.rstrip('_')}={quote(value)}" for name, value in parameters.items())
    answer = client.get(f"/api/v1/metrics/query?{text}")
    return answer.status_code, json.loads(answer.data)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_of_the_api_is_a_known_word_or_refused(client: FlaskClient, name: str) -> None:
    for attempt in ATTEMPTS:
        status, answer = ask(client, **{"metrics": "paid_gmv", name: attempt})
        assert status == 400 and set(answer) <= {"error", "did_you_mean"}, (attempt, answer)
        assert "\n" not in str(answer["error"])
        status, answer = ask(client, **{"metrics": "paid_gmv", name: f"paid_gmv,{attempt}"})
        assert status == 400, (attempt, answer)


def test_a_parameter_that_is_none_is_refused_whatever_it_is_called(client: FlaskClient) -> None:
    for attempt in (*ATTEMPTS, "order", "sort", "query", "settings", "database", "readonly"):
        status, _ = ask(client, **{"metrics": "paid_gmv", f"{attempt} ".strip("_") or "x": "1"})
        assert status == 400, attempt


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_a_filter_of_the_api_is_a_value_and_nothing_more(client: FlaskClient, dimension: str) -> None:
    for attempt in ATTEMPTS:
        status, answer = ask(client, metrics="orders_created", filter=f"{dimension}={attempt}")
        if status == 200:
            assert [row["values"] for row in answer["rows"]] == [{"orders_created": 0}], attempt  # type: ignore[index, attr-defined]
        else:
            assert status == 400, (attempt, answer)
        status, answer = ask(client, metrics="orders_created", filter=f"{attempt}=440000")
        assert status == 400, (attempt, answer)


def test_the_addresses_below_may_name_every_dimension() -> None:
    assert set(KNOWN) == {*load_catalogue().dimensions, "focus"}


@pytest.mark.parametrize("key", GOOD)
def test_what_an_address_carries_is_known_or_dropped(key: str) -> None:
    good = f"{key}={GOOD[key]}"
    kept, dropped = parse_scope(good, KNOWN.get)
    assert kept != Scope() and kept.to_query() == good and not dropped
    for attempt in ATTEMPTS:
        for query in (f"{key}={quote(attempt)}", f"{quote(attempt)}={GOOD[key]}"):
            scope, dropped = parse_scope(query, KNOWN.get)
            assert scope == Scope() and dropped, query
        for query in (f"{good},{quote(attempt)}", f"{key}={quote(attempt)},{GOOD[key]}"):
            scope, dropped = parse_scope(query, KNOWN.get)
            assert scope == (Scope() if key in WHOLE else kept) and dropped, query


def test_even_a_hostile_scope_is_only_values_in_every_statement_of_the_wall(wall: Wall, filled: ClickHouse) -> None:
    """As if the address had let everything through: each tile's statement with each attempt as its filter."""
    given, catalogue = wall.given, wall.given.definitions.catalogue
    board, day = given.definitions.boards["wall"], given.calendar.day_of(NOON)
    for dimension in ("province", "channel", "category"):
        scope = Scope(filters=make_filters({dimension: [text for text in ATTEMPTS if text.strip("\x00")]}))
        context = PlanContext(scope, NOON, day, given.calendar, catalogue, given.profile, given.regions)
        asked = 0
        for planned in plan_board(board, context):
            for question in planned.questions.values():
                if isinstance(question, Ask) and not question.filters:
                    continue  # a chart that shows what is filtered keeps its full view
                answer = fetch(filled, catalogue, given.profile, given.regions, question, NOON)
                numbers = (
                    answer.rows
                    if isinstance(answer, Listing)
                    else [value for row in answer.rows for values in row.values.values() for value in values.values()]
                )
                assert not any(numbers), question
                asked += 1
        assert asked > 3


@pytest.mark.parametrize("attempt", ["'; DROP TABLE order_events; --", "csv; SELECT 1", "Null"])
def test_the_command_writes_known_formats_only(attempt: str, tmp_path: Path) -> None:
    run = CliRunner(env={"STORE": str(tmp_path)}).invoke(cli, ["query", "--metrics=paid_gmv", f"--format={attempt}"])
    assert run.exit_code == 2 and not any(tmp_path.iterdir())
