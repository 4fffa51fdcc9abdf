-- What the comparison of rollups with their ledger found, run by run: a row each run, and what differed as JSON.
CREATE TABLE IF NOT EXISTS reconciliations
(
    at          DateTime64(3, 'UTC'),
    first_day   Date,
    last_day    Date,
    compared    UInt64,                            -- figures
    differences UInt64,                            -- figures that are not equal
    took_ms     UInt64,
    worst       String CODEC(ZSTD(3))              -- the largest differences, as a JSON list
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY at
TTL toDateTime(at) + INTERVAL 12 MONTH
SETTINGS non_replicated_deduplication_window = 1000
