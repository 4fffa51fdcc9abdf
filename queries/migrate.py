"""Applies `migrations/NNNN_name.sql` once each, in order; safe to run again at any time."""

from __future__ import annotations

from pathlib import Path

from core.errors import DefinitionError
from metrics.profile import DEMO, StoreProfile, read_profile
from queries.client import ClickHouse
from queries.days import day_clock
from queries.distinct import counting_of
from queries.statement import Statement

FOLDER = Path(__file__).parent / "migrations"

REGISTER = """
CREATE TABLE IF NOT EXISTS schema_migrations
(version UInt32, name String, at DateTime64(3, 'UTC') DEFAULT now64(3))
ENGINE = MergeTree ORDER BY version
"""


def split_statements(text: str) -> list[str]:
    """The statements of a migration file. A statement ends with `;` at the end of a line; comments stay inside."""
    parts, current = [], []
    for line in text.splitlines():
        bare = line.split("--")[0].rstrip()
        current.append(line if not bare.endswith(";") else bare[:-1])
        if bare.endswith(";"):
            parts.append("\n".join(current))
            current = []
    parts.append("\n".join(current))
    return [part for part in parts if any(line.split("--")[0].strip() for line in part.splitlines())]


def written(sql: str, profile: StoreProfile) -> str:
    """A migration's text for one store: its clock and its way of counting in the places of {{…}}."""
    shift = f"INTERVAL {profile.day_start.hour} HOUR"
    local = f"toTimeZone(hour, '{profile.time_zone}')"
    first = f"toDateTime64(toStartOfDay({local} - {shift}) + {shift}, 0, 'UTC')"
    counting = counting_of(profile)
    places = {
        "business_day": first,
        "day_clock": day_clock(profile),
        "uniq": counting.type,
        "uniq_state_if": counting.state_if,
        "uniq_merge_state": counting.merge_state,
    }
    for name, text in places.items():
        sql = sql.replace(f"{{{{{name}}}}}", text)
    return sql


def migrate(clickhouse: ClickHouse, profile: StoreProfile | None = None, folder: Path = FOLDER) -> list[str]:
    """Bring the store up to date; returns the names applied now. Raises QueryFailedError naming the migration.

    `profile` says where business days begin (the default is the demo's): daily rollups are made for it.
    """
    profile = profile or read_profile(DEMO)
    clickhouse.administer(Statement("create the migration register", REGISTER))
    done = {
        row[0] for row in clickhouse.read(Statement("applied migrations", "SELECT version FROM schema_migrations")).rows
    }
    applied = []
    for path in sorted(folder.glob("*.sql")):
        number, _, name = path.stem.partition("_")
        if not number.isdigit() or not name:
            raise DefinitionError(path.name, "file name", "a migration is called NNNN_name.sql")
        if int(number) in done:
            continue
        for statement in split_statements(written(path.read_text(encoding="utf-8"), profile)):
            clickhouse.administer(Statement(f"migration {path.stem}", statement))
        clickhouse.administer(
            Statement(
                f"record migration {path.stem}",
                "INSERT INTO schema_migrations (version, name) SELECT {version:UInt32}, {name:String}",
                {"version": int(number), "name": name},
            )
        )
        applied.append(path.stem)
    return applied
