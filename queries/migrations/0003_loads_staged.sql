-- Loads whose events stand ready in their own table and are on their way into the ledgers. A load that is here and not
-- in `loads` was interrupted: it is finished by sending the same slices with the same tokens again, which also heals
-- rollups that an earlier attempt left behind the ledger.

CREATE TABLE IF NOT EXISTS loads_staged
(
    load_id   String,
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
