-- Visitors by region also by the minute: without it the running hour is counted event by event, which costs the more the
-- larger a business is. What a store holds already is taken over between making the table and its view: nothing may be
-- written meanwhile. A migration that was interrupted begins anew.

DROP VIEW IF EXISTS visitors_1m_by_region_view;
DROP TABLE IF EXISTS visitors_1m_by_region;

CREATE TABLE visitors_1m_by_region
(
    minute DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
    country LowCardinality(String),
    province LowCardinality(String),
    any__user_id AggregateFunction({{uniq}}, UInt64),
    view__user_id AggregateFunction({{uniq}}, UInt64),
    cart__user_id AggregateFunction({{uniq}}, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(minute)
ORDER BY (minute, country, province)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60;

INSERT INTO visitors_1m_by_region
SELECT
    toDateTime64(toStartOfMinute(ts), 0, 'UTC') AS minute,
    country,
    province,
    {{uniq_state_if}}(cityHash64(user_id), user_id != '') AS any__user_id,
    {{uniq_state_if}}(cityHash64(user_id), kind = 'view' AND user_id != '') AS view__user_id,
    {{uniq_state_if}}(cityHash64(user_id), kind = 'cart' AND user_id != '') AS cart__user_id
FROM behaviour_events
GROUP BY minute, country, province
SETTINGS max_bytes_before_external_group_by = 400000000;

CREATE MATERIALIZED VIEW visitors_1m_by_region_view TO visitors_1m_by_region AS
SELECT
    toDateTime64(toStartOfMinute(ts), 0, 'UTC') AS minute,
    country,
    province,
    {{uniq_state_if}}(cityHash64(user_id), user_id != '') AS any__user_id,
    {{uniq_state_if}}(cityHash64(user_id), kind = 'view' AND user_id != '') AS view__user_id,
    {{uniq_state_if}}(cityHash64(user_id), kind = 'cart' AND user_id != '') AS cart__user_id
FROM behaviour_events
GROUP BY minute, country, province;
