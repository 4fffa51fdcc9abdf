-- What the ingestion endpoint remembers: the ids of events it took, until their window is over, and which dead letters
-- were brought in later. A row says itself until when it counts, so that the window is a setting and no schema.

CREATE TABLE IF NOT EXISTS seen_events
(
    source    LowCardinality(String),
    event_id  String CODEC(ZSTD(1)),
    hours     UInt16,
    until     DateTime64(0, 'UTC') DEFAULT now64(0, 'UTC') + toIntervalHour(hours) CODEC(Delta(8), ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toDate(until)
ORDER BY (source, event_id)
TTL toDateTime(until)
SETTINGS non_replicated_deduplication_window = 10000, index_granularity = 1024, ttl_only_drop_parts = 1;

-- Letters are named as in dead_letters.load_id. A letter that stands here is no longer open.
CREATE TABLE IF NOT EXISTS dead_letters_settled
(
    letter_id String,
    verdict   LowCardinality(String),              -- accepted duplicate
    at        DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY (letter_id)
SETTINGS non_replicated_deduplication_window = 1000;
