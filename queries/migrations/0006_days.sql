-- Rollups by business day, fed from those by the hour: what months and years are answered from. `day` is the day's first
-- moment on the store's own clock: queries/migrate.py writes {{business_day}} from the store's profile, and {{day_clock}}
-- remembers it as the tables' comment. Where business days do not begin on whole hours nobody reads these tables.
-- What a store holds already is taken over between making a table and its view: nothing may be written meanwhile. A
-- migration that was interrupted begins anew.

DROP VIEW IF EXISTS orders_1d_region_view;
DROP TABLE IF EXISTS orders_1d_region;

CREATE TABLE orders_1d_region
(
    day DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
    country LowCardinality(String),
    province LowCardinality(String),
    channel LowCardinality(String),
    created__orders SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    created__amount SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    created__units SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    paid__orders SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    paid__amount SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    paid__units SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    cancelled__orders SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    cancelled__amount SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    cancelled__units SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    refunded__orders SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    refunded__amount SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    refunded__units SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, country, province, channel)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60
COMMENT '{{day_clock}}';

INSERT INTO orders_1d_region
SELECT
    {{business_day}} AS day,
    country,
    province,
    channel,
    sum(orders_1h_region.created__orders) AS created__orders,
    sum(orders_1h_region.created__amount) AS created__amount,
    sum(orders_1h_region.created__units) AS created__units,
    sum(orders_1h_region.paid__orders) AS paid__orders,
    sum(orders_1h_region.paid__amount) AS paid__amount,
    sum(orders_1h_region.paid__units) AS paid__units,
    sum(orders_1h_region.cancelled__orders) AS cancelled__orders,
    sum(orders_1h_region.cancelled__amount) AS cancelled__amount,
    sum(orders_1h_region.cancelled__units) AS cancelled__units,
    sum(orders_1h_region.refunded__orders) AS refunded__orders,
    sum(orders_1h_region.refunded__amount) AS refunded__amount,
    sum(orders_1h_region.refunded__units) AS refunded__units
FROM orders_1h_region
GROUP BY day, country, province, channel;

CREATE MATERIALIZED VIEW orders_1d_region_view TO orders_1d_region AS
SELECT
    {{business_day}} AS day,
    country,
    province,
    channel,
    sum(orders_1h_region.created__orders) AS created__orders,
    sum(orders_1h_region.created__amount) AS created__amount,
    sum(orders_1h_region.created__units) AS created__units,
    sum(orders_1h_region.paid__orders) AS paid__orders,
    sum(orders_1h_region.paid__amount) AS paid__amount,
    sum(orders_1h_region.paid__units) AS paid__units,
    sum(orders_1h_region.cancelled__orders) AS cancelled__orders,
    sum(orders_1h_region.cancelled__amount) AS cancelled__amount,
    sum(orders_1h_region.cancelled__units) AS cancelled__units,
    sum(orders_1h_region.refunded__orders) AS refunded__orders,
    sum(orders_1h_region.refunded__amount) AS refunded__amount,
    sum(orders_1h_region.refunded__units) AS refunded__units
FROM orders_1h_region
GROUP BY day, country, province, channel;

DROP VIEW IF EXISTS orders_1d_view;
DROP TABLE IF EXISTS orders_1d;

CREATE TABLE orders_1d
(
    day DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
    country LowCardinality(String),
    province LowCardinality(String),
    city LowCardinality(String),
    channel LowCardinality(String),
    room LowCardinality(String),
    category LowCardinality(String),
    tier LowCardinality(String),
    created__orders SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    created__amount SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    created__units SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    paid__orders SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    paid__amount SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    paid__units SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    cancelled__orders SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    cancelled__amount SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    cancelled__units SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    refunded__orders SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    refunded__amount SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    refunded__units SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, country, province, city, channel, room, category, tier)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60
COMMENT '{{day_clock}}';

INSERT INTO orders_1d
SELECT
    {{business_day}} AS day,
    country,
    province,
    city,
    channel,
    room,
    category,
    tier,
    sum(orders_1h.created__orders) AS created__orders,
    sum(orders_1h.created__amount) AS created__amount,
    sum(orders_1h.created__units) AS created__units,
    sum(orders_1h.paid__orders) AS paid__orders,
    sum(orders_1h.paid__amount) AS paid__amount,
    sum(orders_1h.paid__units) AS paid__units,
    sum(orders_1h.cancelled__orders) AS cancelled__orders,
    sum(orders_1h.cancelled__amount) AS cancelled__amount,
    sum(orders_1h.cancelled__units) AS cancelled__units,
    sum(orders_1h.refunded__orders) AS refunded__orders,
    sum(orders_1h.refunded__amount) AS refunded__amount,
    sum(orders_1h.refunded__units) AS refunded__units
FROM orders_1h
GROUP BY day, country, province, city, channel, room, category, tier;

CREATE MATERIALIZED VIEW orders_1d_view TO orders_1d AS
SELECT
    {{business_day}} AS day,
    country,
    province,
    city,
    channel,
    room,
    category,
    tier,
    sum(orders_1h.created__orders) AS created__orders,
    sum(orders_1h.created__amount) AS created__amount,
    sum(orders_1h.created__units) AS created__units,
    sum(orders_1h.paid__orders) AS paid__orders,
    sum(orders_1h.paid__amount) AS paid__amount,
    sum(orders_1h.paid__units) AS paid__units,
    sum(orders_1h.cancelled__orders) AS cancelled__orders,
    sum(orders_1h.cancelled__amount) AS cancelled__amount,
    sum(orders_1h.cancelled__units) AS cancelled__units,
    sum(orders_1h.refunded__orders) AS refunded__orders,
    sum(orders_1h.refunded__amount) AS refunded__amount,
    sum(orders_1h.refunded__units) AS refunded__units
FROM orders_1h
GROUP BY day, country, province, city, channel, room, category, tier;

DROP VIEW IF EXISTS buyers_1d_view;
DROP TABLE IF EXISTS buyers_1d;

CREATE TABLE buyers_1d
(
    day DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
    country LowCardinality(String),
    province LowCardinality(String),
    channel LowCardinality(String),
    tier LowCardinality(String),
    created__user_id AggregateFunction({{uniq}}, UInt64),
    paid__user_id AggregateFunction({{uniq}}, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, country, province, channel, tier)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60
COMMENT '{{day_clock}}';

INSERT INTO buyers_1d
SELECT
    {{business_day}} AS day,
    country,
    province,
    channel,
    tier,
    {{uniq_merge_state}}(buyers_1h.created__user_id) AS created__user_id,
    {{uniq_merge_state}}(buyers_1h.paid__user_id) AS paid__user_id
FROM buyers_1h
GROUP BY day, country, province, channel, tier;

CREATE MATERIALIZED VIEW buyers_1d_view TO buyers_1d AS
SELECT
    {{business_day}} AS day,
    country,
    province,
    channel,
    tier,
    {{uniq_merge_state}}(buyers_1h.created__user_id) AS created__user_id,
    {{uniq_merge_state}}(buyers_1h.paid__user_id) AS paid__user_id
FROM buyers_1h
GROUP BY day, country, province, channel, tier;

DROP VIEW IF EXISTS behaviour_1d_region_view;
DROP TABLE IF EXISTS behaviour_1d_region;

CREATE TABLE behaviour_1d_region
(
    day DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
    country LowCardinality(String),
    province LowCardinality(String),
    channel LowCardinality(String),
    visit__quantity SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    impression__quantity SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    click__quantity SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    view__quantity SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    cart__quantity SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    favourite__quantity SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, country, province, channel)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60
COMMENT '{{day_clock}}';

INSERT INTO behaviour_1d_region
SELECT
    {{business_day}} AS day,
    country,
    province,
    channel,
    sum(behaviour_1h_region.visit__quantity) AS visit__quantity,
    sum(behaviour_1h_region.impression__quantity) AS impression__quantity,
    sum(behaviour_1h_region.click__quantity) AS click__quantity,
    sum(behaviour_1h_region.view__quantity) AS view__quantity,
    sum(behaviour_1h_region.cart__quantity) AS cart__quantity,
    sum(behaviour_1h_region.favourite__quantity) AS favourite__quantity
FROM behaviour_1h_region
GROUP BY day, country, province, channel;

CREATE MATERIALIZED VIEW behaviour_1d_region_view TO behaviour_1d_region AS
SELECT
    {{business_day}} AS day,
    country,
    province,
    channel,
    sum(behaviour_1h_region.visit__quantity) AS visit__quantity,
    sum(behaviour_1h_region.impression__quantity) AS impression__quantity,
    sum(behaviour_1h_region.click__quantity) AS click__quantity,
    sum(behaviour_1h_region.view__quantity) AS view__quantity,
    sum(behaviour_1h_region.cart__quantity) AS cart__quantity,
    sum(behaviour_1h_region.favourite__quantity) AS favourite__quantity
FROM behaviour_1h_region
GROUP BY day, country, province, channel;

DROP VIEW IF EXISTS behaviour_1d_view;
DROP TABLE IF EXISTS behaviour_1d;

CREATE TABLE behaviour_1d
(
    day DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
    country LowCardinality(String),
    province LowCardinality(String),
    channel LowCardinality(String),
    room LowCardinality(String),
    category LowCardinality(String),
    tier LowCardinality(String),
    visit__quantity SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    impression__quantity SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    click__quantity SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    view__quantity SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    cart__quantity SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    favourite__quantity SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, country, province, channel, room, category, tier)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60
COMMENT '{{day_clock}}';

INSERT INTO behaviour_1d
SELECT
    {{business_day}} AS day,
    country,
    province,
    channel,
    room,
    category,
    tier,
    sum(behaviour_1h.visit__quantity) AS visit__quantity,
    sum(behaviour_1h.impression__quantity) AS impression__quantity,
    sum(behaviour_1h.click__quantity) AS click__quantity,
    sum(behaviour_1h.view__quantity) AS view__quantity,
    sum(behaviour_1h.cart__quantity) AS cart__quantity,
    sum(behaviour_1h.favourite__quantity) AS favourite__quantity
FROM behaviour_1h
GROUP BY day, country, province, channel, room, category, tier;

CREATE MATERIALIZED VIEW behaviour_1d_view TO behaviour_1d AS
SELECT
    {{business_day}} AS day,
    country,
    province,
    channel,
    room,
    category,
    tier,
    sum(behaviour_1h.visit__quantity) AS visit__quantity,
    sum(behaviour_1h.impression__quantity) AS impression__quantity,
    sum(behaviour_1h.click__quantity) AS click__quantity,
    sum(behaviour_1h.view__quantity) AS view__quantity,
    sum(behaviour_1h.cart__quantity) AS cart__quantity,
    sum(behaviour_1h.favourite__quantity) AS favourite__quantity
FROM behaviour_1h
GROUP BY day, country, province, channel, room, category, tier;

DROP VIEW IF EXISTS visitors_1d_view;
DROP TABLE IF EXISTS visitors_1d;

CREATE TABLE visitors_1d
(
    day DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
    any__user_id AggregateFunction({{uniq}}, UInt64),
    impression__user_id AggregateFunction({{uniq}}, UInt64),
    click__user_id AggregateFunction({{uniq}}, UInt64),
    view__user_id AggregateFunction({{uniq}}, UInt64),
    cart__user_id AggregateFunction({{uniq}}, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60
COMMENT '{{day_clock}}';

INSERT INTO visitors_1d
SELECT
    {{business_day}} AS day,
    {{uniq_merge_state}}(visitors_1h.any__user_id) AS any__user_id,
    {{uniq_merge_state}}(visitors_1h.impression__user_id) AS impression__user_id,
    {{uniq_merge_state}}(visitors_1h.click__user_id) AS click__user_id,
    {{uniq_merge_state}}(visitors_1h.view__user_id) AS view__user_id,
    {{uniq_merge_state}}(visitors_1h.cart__user_id) AS cart__user_id
FROM visitors_1h
GROUP BY day;

CREATE MATERIALIZED VIEW visitors_1d_view TO visitors_1d AS
SELECT
    {{business_day}} AS day,
    {{uniq_merge_state}}(visitors_1h.any__user_id) AS any__user_id,
    {{uniq_merge_state}}(visitors_1h.impression__user_id) AS impression__user_id,
    {{uniq_merge_state}}(visitors_1h.click__user_id) AS click__user_id,
    {{uniq_merge_state}}(visitors_1h.view__user_id) AS view__user_id,
    {{uniq_merge_state}}(visitors_1h.cart__user_id) AS cart__user_id
FROM visitors_1h
GROUP BY day;

DROP VIEW IF EXISTS visitors_1d_by_region_view;
DROP TABLE IF EXISTS visitors_1d_by_region;

CREATE TABLE visitors_1d_by_region
(
    day DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
    country LowCardinality(String),
    province LowCardinality(String),
    any__user_id AggregateFunction({{uniq}}, UInt64),
    view__user_id AggregateFunction({{uniq}}, UInt64),
    cart__user_id AggregateFunction({{uniq}}, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, country, province)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60
COMMENT '{{day_clock}}';

INSERT INTO visitors_1d_by_region
SELECT
    {{business_day}} AS day,
    country,
    province,
    {{uniq_merge_state}}(visitors_1h_by_region.any__user_id) AS any__user_id,
    {{uniq_merge_state}}(visitors_1h_by_region.view__user_id) AS view__user_id,
    {{uniq_merge_state}}(visitors_1h_by_region.cart__user_id) AS cart__user_id
FROM visitors_1h_by_region
GROUP BY day, country, province;

CREATE MATERIALIZED VIEW visitors_1d_by_region_view TO visitors_1d_by_region AS
SELECT
    {{business_day}} AS day,
    country,
    province,
    {{uniq_merge_state}}(visitors_1h_by_region.any__user_id) AS any__user_id,
    {{uniq_merge_state}}(visitors_1h_by_region.view__user_id) AS view__user_id,
    {{uniq_merge_state}}(visitors_1h_by_region.cart__user_id) AS cart__user_id
FROM visitors_1h_by_region
GROUP BY day, country, province;

DROP VIEW IF EXISTS visitors_1d_by_channel_view;
DROP TABLE IF EXISTS visitors_1d_by_channel;

CREATE TABLE visitors_1d_by_channel
(
    day DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
    channel LowCardinality(String),
    any__user_id AggregateFunction({{uniq}}, UInt64),
    view__user_id AggregateFunction({{uniq}}, UInt64),
    cart__user_id AggregateFunction({{uniq}}, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, channel)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60
COMMENT '{{day_clock}}';

INSERT INTO visitors_1d_by_channel
SELECT
    {{business_day}} AS day,
    channel,
    {{uniq_merge_state}}(visitors_1h_by_channel.any__user_id) AS any__user_id,
    {{uniq_merge_state}}(visitors_1h_by_channel.view__user_id) AS view__user_id,
    {{uniq_merge_state}}(visitors_1h_by_channel.cart__user_id) AS cart__user_id
FROM visitors_1h_by_channel
GROUP BY day, channel;

CREATE MATERIALIZED VIEW visitors_1d_by_channel_view TO visitors_1d_by_channel AS
SELECT
    {{business_day}} AS day,
    channel,
    {{uniq_merge_state}}(visitors_1h_by_channel.any__user_id) AS any__user_id,
    {{uniq_merge_state}}(visitors_1h_by_channel.view__user_id) AS view__user_id,
    {{uniq_merge_state}}(visitors_1h_by_channel.cart__user_id) AS cart__user_id
FROM visitors_1h_by_channel
GROUP BY day, channel;
