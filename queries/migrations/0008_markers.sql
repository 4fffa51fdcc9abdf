-- Events that mean nothing: one every few seconds travels the way of all others, and what it took until a screen had
-- painted it is what the wall says of its own speed. A ledger of its own, so that no number of the business knows of it.

CREATE TABLE IF NOT EXISTS markers
(
    ts DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    kind LowCardinality(String),
    event_id String CODEC(ZSTD(1)),
    source LowCardinality(String),
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta(8), ZSTD(1))
)
ENGINE = MergeTree
ORDER BY ts
TTL toDateTime(ts) + INTERVAL 1 DAY
SETTINGS non_replicated_deduplication_window = 1000;
