-- The three roles of Livewall on a ClickHouse server (24.10 or newer) or ClickHouse Cloud: who looks, who brings events, who
-- changes tables. Run it once as an administrator, with passwords of your own:
--     clickhouse-client --multiquery < deploy/clickhouse/roles.sql
-- On a cluster write ON CLUSTER '<name>' behind each name. The numbers are those of queries/roles.py (a test compares them).

CREATE DATABASE IF NOT EXISTS livewall;

-- A statement may change these within bounds: 0, which means no bound, is below every minimum.
CREATE SETTINGS PROFILE IF NOT EXISTS livewall_dashboard SETTINGS
    readonly = 2,
    max_execution_time = 5 MIN 0.05 MAX 60,
    max_memory_usage = 2000000000 MIN 1 MAX 8000000000,
    max_rows_to_read = 500000000 MIN 1 MAX 10000000000,
    max_result_rows = 500000 MIN 1 MAX 1000000,
    max_threads = 1 MIN 1 MAX 4,
    distributed_product_mode = 'global';

-- An insert into a cluster's table is acknowledged when the shards have it, and views drop what a retry repeats.
CREATE SETTINGS PROFILE IF NOT EXISTS livewall_ingest SETTINGS
    distributed_foreground_insert = 1,
    distributed_product_mode = 'global',
    deduplicate_blocks_in_dependent_materialized_views = 1;

CREATE QUOTA IF NOT EXISTS livewall_dashboard KEYED BY user_name FOR INTERVAL 1 minute MAX queries = 100000;

CREATE ROLE IF NOT EXISTS livewall_dashboard SETTINGS PROFILE 'livewall_dashboard';
CREATE ROLE IF NOT EXISTS livewall_ingest SETTINGS PROFILE 'livewall_ingest';
CREATE ROLE IF NOT EXISTS livewall_admin;
ALTER QUOTA livewall_dashboard TO livewall_dashboard;

GRANT SELECT, SHOW ON livewall.* TO livewall_dashboard, livewall_ingest, livewall_admin;
GRANT SELECT ON system.tables TO livewall_dashboard, livewall_ingest, livewall_admin;
GRANT SELECT ON system.columns TO livewall_dashboard, livewall_ingest, livewall_admin;
GRANT SELECT ON system.databases TO livewall_dashboard, livewall_ingest, livewall_admin;
GRANT SELECT ON system.parts TO livewall_dashboard, livewall_ingest, livewall_admin;
GRANT SELECT ON system.parts_columns TO livewall_dashboard, livewall_ingest, livewall_admin;
GRANT SELECT ON system.merges TO livewall_dashboard, livewall_ingest, livewall_admin;
GRANT SELECT ON system.mutations TO livewall_dashboard, livewall_ingest, livewall_admin;
GRANT SELECT ON system.disks TO livewall_dashboard, livewall_ingest, livewall_admin;
GRANT SELECT ON system.processes TO livewall_dashboard, livewall_ingest, livewall_admin;
GRANT SELECT ON system.metrics TO livewall_dashboard, livewall_ingest, livewall_admin;
GRANT SELECT ON system.asynchronous_metrics TO livewall_dashboard, livewall_ingest, livewall_admin;
GRANT SELECT ON system.settings TO livewall_dashboard, livewall_ingest, livewall_admin;
GRANT SELECT ON system.functions TO livewall_dashboard, livewall_ingest, livewall_admin;
GRANT SELECT ON system.one TO livewall_dashboard, livewall_ingest, livewall_admin;
GRANT SELECT ON system.numbers TO livewall_dashboard, livewall_ingest, livewall_admin;

GRANT INSERT, OPTIMIZE ON livewall.* TO livewall_ingest;
-- A file is loaded through tables of its own.
GRANT CREATE TABLE, DROP TABLE ON livewall.stage_* TO livewall_ingest;
GRANT TABLE ENGINE ON MergeTree TO livewall_ingest;

GRANT INSERT, ALTER, CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW, TRUNCATE, OPTIMIZE ON livewall.* TO livewall_admin;
GRANT TABLE ENGINE ON MergeTree TO livewall_admin;
GRANT TABLE ENGINE ON AggregatingMergeTree TO livewall_admin;
GRANT TABLE ENGINE ON ReplacingMergeTree TO livewall_admin;
GRANT TABLE ENGINE ON ReplicatedMergeTree TO livewall_admin;
GRANT TABLE ENGINE ON ReplicatedAggregatingMergeTree TO livewall_admin;
GRANT TABLE ENGINE ON Distributed TO livewall_admin;
GRANT TABLE ENGINE ON Memory TO livewall_admin;
GRANT TABLE ENGINE ON Null TO livewall_admin;
GRANT CLUSTER, REMOTE ON *.* TO livewall_admin;
GRANT SET DEFINER ON * TO livewall_admin;
GRANT SYSTEM MERGES, KILL QUERY ON *.* TO livewall_admin;

CREATE USER IF NOT EXISTS dashboard IDENTIFIED WITH sha256_password BY 'change-me-1' DEFAULT DATABASE livewall;
CREATE USER IF NOT EXISTS ingest IDENTIFIED WITH sha256_password BY 'change-me-2' DEFAULT DATABASE livewall;
CREATE USER IF NOT EXISTS admin IDENTIFIED WITH sha256_password BY 'change-me-3' DEFAULT DATABASE livewall;
GRANT livewall_dashboard TO dashboard;
GRANT livewall_ingest TO ingest;
GRANT livewall_admin TO admin;
