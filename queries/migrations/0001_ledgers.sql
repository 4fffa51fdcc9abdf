-- The two append-only ledgers. Corrections are new events, never updates.
-- Times are UTC with milliseconds; business days are cut by the caller, so one schema serves every time zone.
-- The deduplication window is set on every table that receives inserts: without it a retry is counted twice.

CREATE TABLE IF NOT EXISTS behaviour_events
(
    ts          DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    kind        LowCardinality(String),            -- visit impression click view cart uncart favourite checkout promo_impression promo_click
    quantity    UInt32 DEFAULT 1 CODEC(ZSTD(1)),   -- how many such events this row stands for: exposure logs come in batches
    event_id    String CODEC(ZSTD(1)),
    user_id     String CODEC(ZSTD(1)),
    session_id  String CODEC(ZSTD(1)),
    channel     LowCardinality(String),            -- live short_video search mall recommendation …
    room        LowCardinality(String),            -- live room; '' outside live streams
    category    LowCardinality(String),
    sku         String CODEC(ZSTD(1)),
    country     LowCardinality(String),            -- ISO 3166 alpha-3; '' unknown
    province    LowCardinality(String),            -- code in the store's region set; '' unknown
    city        LowCardinality(String),
    tier        LowCardinality(String),            -- new returning member … ; '' unknown
    source      LowCardinality(String),
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta(8), ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toDate(ts)
ORDER BY (kind, ts)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS order_events
(
    ts          DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    kind        LowCardinality(String),            -- created paid cancelled refunded
    order_id    String CODEC(ZSTD(1)),
    event_id    String CODEC(ZSTD(1)),
    orders      UInt8 DEFAULT 1,                   -- 1 on the order's leading line, 0 on its other lines: sums count orders
    amount      Int64 CODEC(ZSTD(1)),              -- ten-thousandths of the currency unit; `kind` gives the direction, a correction of an earlier amount may be negative
    units       UInt32 DEFAULT 1 CODEC(ZSTD(1)),
    created_at  DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),  -- when the order was created, on each of its events
    user_id     String CODEC(ZSTD(1)),
    session_id  String CODEC(ZSTD(1)),
    channel     LowCardinality(String),
    room        LowCardinality(String),
    category    LowCardinality(String),
    sku         String CODEC(ZSTD(1)),
    country     LowCardinality(String),
    province    LowCardinality(String),
    city        LowCardinality(String),
    tier        LowCardinality(String),
    source      LowCardinality(String),
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta(8), ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toDate(ts)
ORDER BY (kind, ts)
SETTINGS non_replicated_deduplication_window = 10000;

-- What was refused, with the reason and where it stood. Nothing is dropped silently.
CREATE TABLE IF NOT EXISTS dead_letters
(
    at       DateTime64(3, 'UTC') DEFAULT now64(3),
    source   LowCardinality(String),               -- mapping or producer
    origin   String,                               -- file name or endpoint
    line     UInt64,                               -- 1-based line or row in the origin, 0 when unknown
    reason   LowCardinality(String),               -- unknown_region bad_time bad_amount wrong_columns …
    detail   String,
    content  String CODEC(ZSTD(3)),
    load_id  String
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (source, at)
SETTINGS non_replicated_deduplication_window = 10000;

-- Which files were loaded whole, so that the same file twice changes nothing.
CREATE TABLE IF NOT EXISTS loads
(
    load_id   String,                              -- content hash of the file(s) and mapping
    source    LowCardinality(String),
    origin    String,
    rows      UInt64,
    events    UInt64,
    rejected  UInt64,
    at        DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY (load_id)
SETTINGS non_replicated_deduplication_window = 1000
