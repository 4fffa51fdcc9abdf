"""Writes the migrations as a cluster's tables: replicated and local where rows are kept, Distributed where one asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import BadRequestError
from metrics.profile import StoreProfile
from queries.intake import KINDS
from queries.migrate import FOLDER, REGISTER, split_statements, written
from queries.rollups import RAW

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
TABLE = re.compile(
    r"CREATE TABLE (?:IF NOT EXISTS )?(?P<name>\w+)\s*(?P<columns>\(.*?\))\s*ENGINE = (?P<engine>\w*MergeTree)\b"
    r"(?P<rest>.*)",
    re.DOTALL,
)
NEW_COLUMN = re.compile(r"ALTER TABLE (?P<name>\w+)\s+(?P<what>ADD COLUMN .*)", re.DOTALL)
VIEW = re.compile(
    r"CREATE MATERIALIZED VIEW (?:IF NOT EXISTS )?(?P<name>\w+) TO (?P<target>\w+) AS\s*(?P<select>.*)", re.DOTALL
)
ORDER_BY = re.compile(r"ORDER BY \(?([^)\n]+)\)?")
COMMENT = re.compile(r"COMMENT '[^']*'")
# All events of an order on one shard, and all of a visitor: what is counted once is counted on one machine, and the
# same row always goes to the same shard, so that a retry meets its own deduplication window there. Exposures without
# a visitor would all fall on one shard: they are spread by their own id.
SHARDED_BY = {
    "order_events": "cityHash64(order_id)",
    "behaviour_events": "cityHash64(if(user_id != '', user_id, event_id))",
}
LEDGERS = tuple(SHARDED_BY)
KINDS_OF = {table: KINDS[ledger] for ledger, table in RAW.items()}
# What a producer's message does not carry: these keep their defaults.
NOT_SENT = {"ingested_at"}
# What a message may leave out, and what stands for it then: the same as over HTTP. A plain column would be 0 or 1970.
LEFT_OUT = {"orders": "1", "units": "1", "quantity": "1", "created_at": "ts"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where tables go. Without `replicated` nothing says ON CLUSTER: for each node by hand, and for our own proof."""

    name: str
    database: str = "livewall"
    replicated: bool = True

    def __post_init__(self) -> None:
        for text in (self.name, self.database):
            if not NAME.fullmatch(text):
                raise BadRequestError(f"{text[:40]!r} is no name of a cluster or database: letters, digits, _ and -")

    @property
    def everywhere(self) -> str:
        return f" ON CLUSTER '{self.name}'" if self.replicated else ""

    def engine(self, engine: str, table: str) -> str:
        if not self.replicated:
            return engine
        return f"Replicated{engine}('/clickhouse/tables/{{shard}}/{self.database}/{table}', '{{replica}}')"


def cluster_statements(cluster: Cluster, profile: StoreProfile, folder: Path = FOLDER) -> Iterator[str]:
    """Every statement for a new cluster, in order; at the end what the wall reads as 'these migrations are applied'.

    What a migration takes over from older tables is left out: a new cluster has none.
    """
    yield f"CREATE DATABASE IF NOT EXISTS {cluster.database}{cluster.everywhere}"
    yield from _table(cluster, REGISTER)
    applied = []
    for path in sorted(folder.glob("*.sql")):
        number, _, name = path.stem.partition("_")
        applied.append(f"({int(number)}, '{name}')")
        for statement in split_statements(written(path.read_text("utf-8"), profile)):
            yield from _clustered(cluster, statement, path.name)
    yield f"INSERT INTO {cluster.database}.schema_migrations (version, name) VALUES {', '.join(applied)}"


def _clustered(cluster: Cluster, statement: str, file: str) -> Iterator[str]:
    bare = _bare(statement)
    if bare.startswith("CREATE TABLE"):
        yield from _table(cluster, bare)
    elif bare.startswith("CREATE MATERIALIZED VIEW"):
        yield _view(cluster, bare)
    elif found := NEW_COLUMN.fullmatch(bare):
        for table in (f"{found['name']}_local", found["name"]):
            yield f"ALTER TABLE {cluster.database}.{table}{cluster.everywhere}\n{found['what']}"
    elif not bare.startswith(("DROP ", "INSERT INTO ")):
        raise BadRequestError(f"{file}: a cluster's form of {bare[:60]!r} … is not known (queries/ddl.py)")


def _table(cluster: Cluster, statement: str) -> Iterator[str]:
    found = TABLE.match(statement.strip())
    if not found:
        raise BadRequestError(f"a cluster's form of {statement.strip()[:60]!r} … is not known (queries/ddl.py)")
    name, rest = found["name"], found["rest"]
    local, database = f"{name}_local", cluster.database
    if cluster.replicated:
        rest = rest.replace("non_replicated_deduplication_window", "replicated_deduplication_window")
    yield (
        f"CREATE TABLE IF NOT EXISTS {database}.{local}{cluster.everywhere}\n{found['columns']}\n"
        f"ENGINE = {cluster.engine(found['engine'], local)}{rest.rstrip()}"
    )
    key = ORDER_BY.search(rest)
    assert key is not None  # no MergeTree without one
    shard = SHARDED_BY.get(name, f"cityHash64({key[1].strip()})")
    comment = COMMENT.search(rest)
    yield (
        f"CREATE TABLE IF NOT EXISTS {database}.{name}{cluster.everywhere} AS {database}.{local}\n"
        f"ENGINE = Distributed('{cluster.name}', '{database}', '{local}', {shard})"
        + (f"\n{comment[0]}" if comment else "")
    )


def _view(cluster: Cluster, statement: str) -> str:
    found = VIEW.match(statement)
    if not found:
        raise BadRequestError(f"a cluster's form of {statement[:60]!r} … is not known (queries/ddl.py)")
    # a view sees what arrives in a shard's own table; the old name stays as its alias
    select = re.sub(r"\bFROM (\w+)", rf"FROM {cluster.database}.\1_local AS \1", found["select"])
    return (
        f"CREATE MATERIALIZED VIEW IF NOT EXISTS {cluster.database}.{found['name']}{cluster.everywhere}\n"
        f"TO {cluster.database}.{found['target']}_local AS\n{select.strip()}"
    )


def kafka_statements(cluster: Cluster, brokers: str, folder: Path = FOLDER) -> Iterator[str]:
    """Ingestion from Kafka topics named after the ledgers, one JSON object a message with the ledger's columns.

    At least once: what a consumer reads again after a crash is counted again, unlike events over HTTP. An unknown kind,
    no time or no id is refused into dead_letters; regions are not checked. Never run these in the embedded engine: the
    store could not be opened afterwards.
    """
    if not re.fullmatch(r"[\w.:,-]{1,500}", brokers):
        raise BadRequestError("brokers: host:port, several by comma")
    tables = {found["name"]: found["columns"] for found in _tables(folder)}
    for ledger in LEDGERS:
        columns = dict(_columns(tables[ledger]))
        queue, database = f"{ledger}_kafka", cluster.database
        typed = ", ".join(f"{name} {_nullable(name, kind)}" for name, kind in columns.items())
        chosen = ", ".join(
            f"ifNull({queue}.{name}, {LEFT_OUT[name]}) AS {name}" if name in LEFT_OUT else name for name in columns
        )
        names, kinds = ", ".join(columns), ", ".join(f"'{kind}'" for kind in KINDS_OF[ledger])
        reason = (
            f"multiIf(_error != '', 'unreadable', kind NOT IN ({kinds}), 'unknown_value', "
            "toUnixTimestamp(ts) = 0, 'bad_time', event_id = '', 'missing_value', '')"
        )
        yield (
            f"CREATE TABLE IF NOT EXISTS {database}.{queue}{cluster.everywhere}\n({typed})\nENGINE = Kafka\n"
            f"SETTINGS kafka_broker_list = '{brokers}', kafka_topic_list = 'livewall.{ledger}', "
            f"kafka_group_name = 'livewall', kafka_format = 'JSONEachRow', kafka_handle_error_mode = 'stream', "
            "kafka_num_consumers = 1, kafka_max_block_size = 100000, date_time_input_format = 'best_effort'"
        )
        yield (
            f"CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.{queue}_refused{cluster.everywhere}\n"
            f"TO {database}.dead_letters AS\nSELECT 'kafka' AS source, _topic AS origin, _offset AS line, "
            f"{reason} AS reason, if(_error != '', _error, kind) AS detail, "
            f"if(_error != '', _raw_message, formatRowNoNewline('JSONEachRow', {names})) AS content, '' AS load_id\n"
            f"FROM {database}.{queue} WHERE reason != ''"
        )
        yield (
            f"CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.{queue}_view{cluster.everywhere}\n"
            f"TO {database}.{ledger} AS\nSELECT {chosen} FROM {database}.{queue} WHERE {reason} = ''"
        )


def _nullable(name: str, kind: str) -> str:
    return f"Nullable({kind})" if name in LEFT_OUT else kind


def _bare(statement: str) -> str:
    """A statement without its comments."""
    return "\n".join(line.split("--")[0].rstrip() for line in statement.splitlines()).strip()


def _tables(folder: Path) -> Iterator[re.Match[str]]:
    for path in sorted(folder.glob("*.sql")):
        for statement in split_statements(path.read_text("utf-8")):
            found = TABLE.match(_bare(statement))
            if found:
                yield found


def _columns(text: str) -> Iterator[tuple[str, str]]:
    """Name and type of a table's columns, without codecs and defaults."""
    for line in text.strip("()\n ").splitlines():
        name, _, rest = line.strip().rstrip(",").partition(" ")
        if name and name not in NOT_SENT:
            yield name, re.split(r"\s+(?:DEFAULT|CODEC|TTL)\b", rest.strip())[0]
