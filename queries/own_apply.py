"""Makes a ledger of own tables, or takes it away again: a view over them, and rollups that follow them.

Where rows stay (`append`) each event has a materialized view on the user's table that feeds our rollups; where rows
change, our rollups are views too. The user's tables are read and never written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta

from core.errors import BadRequestError
from metrics.profile import StoreProfile
from queries.client import ClickHouse
from queries.ddl import COMMENT, TABLE, VIEW
from queries.healing import fill_rollups
from queries.migrate import FOLDER, split_statements, written
from queries.own_check import Examined
from queries.own_select import quoted
from queries.own_sources import MADE_OF, PREFIX, comment_of, forget, own_of
from queries.own_tables import OwnRollup
from queries.rollups import DAY, FEED, GRAINS, RAW, Source
from queries.statement import Statement

FROM_TABLE = re.compile(r"\bFROM (\w+)\b")
# A view's time has to be a CAST for the table's index to prune by it; toDateTime64 hides it.
TO_TIME = re.compile(r"toDateTime64\((toStartOf\w+\(\w+\)), 0, 'UTC'\)")
# Their tables are read with the rights of who made the view: who looks at the wall needs none on them.
AS_ADMIN = "DEFINER = CURRENT_USER SQL SECURITY DEFINER"
OWN_VIEWS = (
    "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'MaterializedView' "
    "AND match(name, {pattern:String}) ORDER BY name"
)
MADE = "SELECT name, engine, as_select FROM system.tables WHERE database = currentDatabase()"
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Made:
    """A rollup as the migrations make it: the table, what feeds it, and both texts."""

    table: str
    source: str
    create: str
    select: str

    @property
    def comment(self) -> str:
        found = COMMENT.search(self.create)
        return f" {found[0]}" if found else ""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What the migrations make of one ledger: its table and its rollups, each after what feeds it."""

    ledger: str
    create: str
    rollups: tuple[Made, ...]

    @classmethod
    def of(cls, ledger: str, profile: StoreProfile) -> Blueprint:
        tables, views = dict[str, str](), list[tuple[str, str]]()
        for path in sorted(FOLDER.glob("*.sql")):
            for statement in split_statements(written(path.read_text("utf-8"), profile)):
                text = "\n".join(line for line in statement.splitlines() if not line.lstrip().startswith("--")).strip()
                if found := TABLE.match(_uncommented(text)):
                    tables[found["name"]] = _uncommented(text)
                elif found := VIEW.match(text):
                    views.append((found["target"], found["select"].strip()))
        reached, rollups = {RAW[ledger]}, list[Made]()
        for target, select in views:
            source = FROM_TABLE.search(select)
            if source and source[1] in reached:
                reached.add(target)
                rollups.append(Made(target, source[1], tables[target], select))
        return cls(ledger, tables[RAW[ledger]], tuple(rollups))

    @property
    def table(self) -> str:
        return RAW[self.ledger]

    @property
    def feed(self) -> str:
        return self.table + FEED

    def dropping(self) -> list[str]:
        """Takes away all that a ledger has, whether it is ours or made of own tables."""
        views = [f"DROP VIEW IF EXISTS {made.table}_view" for made in reversed(self.rollups)]
        tables = [f"DROP TABLE IF EXISTS {made.table}" for made in reversed(self.rollups)]
        return [*views, *tables, f"DROP TABLE IF EXISTS {self.feed}", f"DROP TABLE IF EXISTS {self.table}"]

    def own(self) -> list[str]:
        """The ledger and its rollups as the migrations make them."""
        made = [text for made in self.rollups for text in (made.create, _view(made, made.select))]
        return [self.create, *made]

    def fed(self, name: str, selects: list[str]) -> list[str]:
        """The ledger as a view, its rollups as tables, and a materialized view on their tables for each event."""
        feeding = [
            f"CREATE MATERIALIZED VIEW own_{name}_{self.ledger}_{number} TO {self.feed} {AS_ADMIN} AS {select}"
            for number, select in enumerate(selects, start=1)
        ]
        kept: list[str] = []
        for made in self.rollups:
            kept += [made.create, _view(made, self.select_fed(made))]
        feed = [self.create, f"CREATE TABLE {self.feed} AS {self.table} ENGINE = Null", f"DROP TABLE {self.table}"]
        return [*feed, self._view(name, selects), *kept, *feeding]

    def viewed(self, name: str, selects: list[str]) -> list[str]:
        """The ledger and every rollup as views."""
        return [self._view(name, selects), *(self.as_view(made) for made in self.rollups)]

    def select_fed(self, made: Made) -> str:
        """What keeps a rollup where events come through the feed."""
        return FROM_TABLE.sub(f"FROM {self.feed}", made.select, count=1) if made.source == self.table else made.select

    def as_view(self, made: Made) -> str:
        """A rollup that is summed up whenever it is asked."""
        time = r"CAST(\1, 'DateTime64(0, \'UTC\')')".replace("\\'", "\\\\'")
        return f"CREATE VIEW {made.table} AS\n{TO_TIME.sub(time, made.select)}{made.comment}"

    def _view(self, name: str, selects: list[str]) -> str:
        union = "\nUNION ALL\n".join(selects)
        return f"CREATE VIEW {self.table} {AS_ADMIN} AS\n{union}\nCOMMENT {quoted(MADE_OF + name)}"


def _uncommented(text: str) -> str:
    return "\n".join(line.split("--")[0].rstrip() for line in text.splitlines())


def _view(made: Made, select: str) -> str:
    return f"CREATE MATERIALIZED VIEW {made.table}_view TO {made.table} AS\n{select}"


def apply_statements(clickhouse: ClickHouse, examined: Examined, profile: StoreProfile) -> list[str]:
    """Every statement that applying a mapping runs, in order; what it made before goes first.

    Raises BadRequestError where a ledger has events of its own or belongs to another mapping.
    """
    mapping = examined.mapping
    check_free(clickhouse, mapping.name, mapping.ledgers)
    statements = dropping_own(clickhouse, mapping.name)
    for ledger in mapping.ledgers:
        plan, selects = Blueprint.of(ledger, profile), examined.ledger(ledger)
        made = plan.viewed if mapping.changes(ledger) else plan.fed
        statements += [*plan.dropping(), *made(mapping.name, selects)]
    for key, rollup in mapping.file.rollups.items():
        statements.append(_rollup_view(clickhouse, examined, key, rollup))
    return statements


def remove_statements(clickhouse: ClickHouse, name: str, profile: StoreProfile) -> list[str]:
    """Every statement that gives a store empty ledgers of its own back. Raises BadRequestError where it has them."""
    ledgers = [ledger for ledger, mapping in own_of(clickhouse).mappings if mapping == name]
    if not ledgers:
        applied = sorted({mapping for _, mapping in own_of(clickhouse).mappings})
        raise BadRequestError(
            f"own tables {name!r} are not applied to this store; applied: {', '.join(applied) or 'none'}"
        )
    statements = dropping_own(clickhouse, name)
    for ledger in ledgers:
        plan = Blueprint.of(ledger, profile)
        statements += [*plan.dropping(), *plan.own()]
    return statements


def check_free(clickhouse: ClickHouse, name: str, ledgers: tuple[str, ...]) -> None:
    """Raises BadRequestError where a ledger cannot be made of this mapping: somebody else's rows are in it."""
    taken = dict(own_of(clickhouse).mappings)
    for ledger in ledgers:
        other = taken.get(ledger)
        if other is not None and other != name:
            raise BadRequestError(
                f"{RAW[ledger]} is made of own tables {other!r}: remove those first, or put both into one mapping"
            )
        there = f"SELECT count() FROM (SELECT 1 FROM {RAW[ledger]} LIMIT 1)"
        if other is None and clickhouse.read(Statement("ledger is empty", there)).rows[0][0]:
            raise BadRequestError(
                f"{RAW[ledger]} already holds events: own tables need a store (or database) of their own"
            )


def dropping_own(clickhouse: ClickHouse, name: str) -> list[str]:
    """Takes the views off the user's tables first, so that nobody's insert runs into half of ours."""
    values = {"pattern": f"^own_{name}_({'|'.join(RAW)})_[0-9]+$"}
    views = [view for (view,) in clickhouse.read(Statement("views on own tables", OWN_VIEWS, values)).rows]
    own = own_of(clickhouse)
    views += [source.table for ledger, source in own.rollups if (ledger, name) in own.mappings]
    return [f"DROP VIEW IF EXISTS {view}" for view in views]


def run_statements(clickhouse: ClickHouse, name: str, statements: list[str]) -> None:
    """Run them one by one as who changes tables; running all of them again is harmless."""
    try:
        for number, sql in enumerate(statements, start=1):
            clickhouse.administer(Statement(f"own tables {name}, statement {number}", sql))
    finally:
        forget(clickhouse)


def fill(clickhouse: ClickHouse, examined: Examined, report: Callable[[str], None] = lambda _: None) -> None:
    """Sum up what the tables hold already, by days that have rows, while rows go on coming.

    `report` hears each rollup that is filled. Raises QueryFailedError.
    """
    for ledger in examined.mapping.ledgers:
        if not examined.mapping.changes(ledger):
            _fill_ledger(clickhouse, ledger, report)


def _fill_ledger(
    clickhouse: ClickHouse, ledger: str, report: Callable[[str], None], only: Collection[str] | None = None
) -> None:
    sql = f"SELECT DISTINCT toStartOfDay(ts) AS day FROM {RAW[ledger]} ORDER BY day"
    days = [row[0].replace(tzinfo=UTC) for row in clickhouse.read_long(Statement("days of own tables", sql)).rows]
    fill_rollups(clickhouse, RAW[ledger], [(day, day + DAY) for day in days], report, only)


def follow_migrations(clickhouse: ClickHouse, profile: StoreProfile) -> list[str]:
    """Have rollups that a migration has just made follow own tables, as it knows of ledgers that are tables only.

    Returns their names. Raises QueryFailedError.
    """
    followed = []
    for ledger, name in own_of(clickhouse).mappings:
        plan = Blueprint.of(ledger, profile)
        found = clickhouse.inspect(Statement("what rollups are made of", MADE)).rows
        made_of = {table: (engine, select) for table, engine, select in found}
        fed = plan.feed in made_of
        strayed = [made for made in plan.rollups if _strays(made, plan.table, made_of, fed)]
        statements = []
        for made in reversed(strayed):
            statements += [f"DROP VIEW IF EXISTS {made.table}_view", *([] if fed else [f"DROP TABLE {made.table}"])]
        statements += [_view(made, plan.select_fed(made)) if fed else plan.as_view(made) for made in strayed]
        run_statements(clickhouse, name, statements)
        if fed and strayed:
            _fill_ledger(clickhouse, ledger, lambda _: None, {made.table for made in strayed})
        followed += [made.table for made in strayed]
    return followed


def _strays(made: Made, ledger: str, made_of: Mapping[str, tuple[str, str]], fed: bool) -> bool:
    if not fed:
        return made_of[made.table][0] != "View"
    _, select = made_of.get(f"{made.table}_view", ("", ""))
    return made.source == ledger and bool(re.search(rf"\b{ledger}\b", select))


def _rollup_view(clickhouse: ClickHouse, examined: Examined, key: str, rollup: OwnRollup) -> str:
    select = examined.rollup(rollup)
    sql = f"SELECT toInt64(count()), min({rollup.step}), max({rollup.step}) FROM ({select})"
    ((count, first, last),) = clickhouse.inspect(Statement("size of a rollup", sql)).rows
    hours = max((last - first) / HOUR, 1.0) if count else 1.0
    step = dict(GRAINS.values())[rollup.step]
    dimensions, columns = frozenset(rollup.dimensions), frozenset(rollup.measures)
    source = Source(PREFIX + key, rollup.step, step, dimensions, columns, max(1, round(count / hours)))
    return f"CREATE VIEW {source.table} {AS_ADMIN} AS\n{select}\nCOMMENT {quoted(comment_of(rollup.ledger, source))}"
