"""The three roles of a store as the embedded listener's users file; deploy/clickhouse/ has them for a real server."""

from __future__ import annotations

from collections.abc import Mapping

# What the wall and the health board read beside the store's own tables.
SYSTEM_TABLES = (
    *("tables", "columns", "databases", "parts", "parts_columns", "merges", "mutations", "disks", "processes"),
    *("metrics", "asynchronous_metrics", "settings", "functions", "one", "numbers"),
)
READ = (
    "GRANT SELECT, SHOW ON default.*",
    *(f"GRANT SELECT ON system.{name}" for name in SYSTEM_TABLES),
)
GRANTS = {
    "dashboard": READ,
    "ingest": (
        *READ,
        "GRANT INSERT, OPTIMIZE ON default.*",
        # a file is loaded through tables of its own
        "GRANT CREATE TABLE, DROP TABLE ON default.stage_*",
        "GRANT TABLE ENGINE ON MergeTree",
    ),
    "admin": (
        *READ,
        "GRANT INSERT, ALTER, CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW, TRUNCATE, OPTIMIZE ON default.*",
        *(f"GRANT TABLE ENGINE ON {name}" for name in ("MergeTree", "AggregatingMergeTree", "ReplacingMergeTree")),
        *(f"GRANT TABLE ENGINE ON {name}" for name in ("Memory", "Distributed", "Null")),
        "GRANT REMOTE ON *.*",
        "GRANT SET DEFINER ON *",
        "GRANT SYSTEM MERGES, KILL QUERY ON *.*",
    ),
}
# A statement may change these within bounds; 0 would mean no bound at all.
BOUNDS = {
    "max_execution_time": (0.05, 60),
    "max_memory_usage": (1, 8_000_000_000),
    "max_rows_to_read": (1, 10_000_000_000),
    "max_result_rows": (1, 1_000_000),
    "max_threads": (1, 4),
}
PROFILES: dict[str, dict[str, float | str]] = {
    "dashboard": {
        "readonly": 2,
        "max_execution_time": 5,
        "max_memory_usage": 2_000_000_000,
        "max_rows_to_read": 500_000_000,
        "max_result_rows": 500_000,
        "max_threads": 1,
        "distributed_product_mode": "global",
    },
    # an insert into a cluster's table is acknowledged when the shards have it, and views drop what a retry repeats
    "ingest": {
        "distributed_foreground_insert": 1,
        "distributed_product_mode": "global",
        "deduplicate_blocks_in_dependent_materialized_views": 1,
    },
    "admin": {},
}
QUERIES_A_MINUTE = 100_000  # a hundred screens' worth: what exceeds it is a mistake

# Only the listener's admin backs up and restores; a server's administrator has rights of their own. A grant on DISK is
# no grant on FILE, so file() stays refused; backups go to the one disk that the configuration allows.
BACKUP = ("GRANT BACKUP, CREATE DATABASE ON default.*", "GRANT READ, WRITE ON DISK")

# The user of the engine's own session has no password, whatever one writes: it may open the door, wait, and no more.
OWN = (
    "GRANT SYSTEM LISTEN ON *.*",
    "GRANT CREATE DATABASE ON default.*",
    "GRANT SELECT ON system.numbers",
)


def users_file(password_hashes: Mapping[str, str], queries_a_minute: int = QUERIES_A_MINUTE) -> str:
    """users.xml with the three roles (SHA-256 of each password, hexadecimal) and the engine's own user `default`.

    `queries_a_minute` is the dashboard's quota.
    """
    own = "".join(f"<query>{grant}</query>" for grant in OWN)
    users = "".join(
        f"<{role}><password_sha256_hex>{password_hashes[role]}</password_sha256_hex>"
        f"<networks><ip>127.0.0.1</ip></networks><profile>{role}</profile><quota>{role}</quota>"
        f"<grants>{''.join(f'<query>{grant}</query>' for grant in grants)}</grants></{role}>"
        for role, grants in {**GRANTS, "admin": GRANTS["admin"] + BACKUP}.items()
    )
    return (
        f"<clickhouse><profiles><default/>{''.join(map(_profile, PROFILES))}</profiles>"
        f"<quotas><default/><dashboard><interval><duration>60</duration><queries>{queries_a_minute}</queries>"
        "</interval></dashboard><ingest/><admin/></quotas>"
        f"<users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile>"
        f"<quota>default</quota><grants>{own}</grants></default>{users}</users></clickhouse>"
    )


def _profile(role: str) -> str:
    values = "".join(f"<{name}>{value}</{name}>" for name, value in PROFILES[role].items())
    if role != "dashboard":
        return f"<{role}>{values}</{role}>"
    bounds = "".join(f"<{name}><min>{least}</min><max>{most}</max></{name}>" for name, (least, most) in BOUNDS.items())
    return f"<{role}>{values}<constraints>{bounds}</constraints></{role}>"
