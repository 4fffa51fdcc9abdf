-- Rollups, kept by materialized views. Names are mechanical so that the query builder needs no list:
-- additive measures are <kind>__<column>, distinct counts are <kind>__user_id (mergeable; `any` is every kind; the store's
-- profile says how they count, see queries/distinct.py: {{uniq}} is uniqExact by default).
-- Merged parts go after a minute, and states are kept by day: a merge rewrites a day of them, not a month.
-- Wide by kind (a kind dimension would make six times the rows); dimensions are cut where the grain is fine.

CREATE TABLE IF NOT EXISTS orders_1m
(
    minute DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
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
PARTITION BY toDate(minute)
ORDER BY (minute, country, province, channel)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60;

CREATE MATERIALIZED VIEW IF NOT EXISTS orders_1m_view TO orders_1m AS
SELECT
    toDateTime64(toStartOfMinute(ts), 0, 'UTC') AS minute,
    country,
    province,
    channel,
    toInt64(sumIf(orders, kind = 'created')) AS created__orders,
    toInt64(sumIf(amount, kind = 'created')) AS created__amount,
    toInt64(sumIf(units, kind = 'created')) AS created__units,
    toInt64(sumIf(orders, kind = 'paid')) AS paid__orders,
    toInt64(sumIf(amount, kind = 'paid')) AS paid__amount,
    toInt64(sumIf(units, kind = 'paid')) AS paid__units,
    toInt64(sumIf(orders, kind = 'cancelled')) AS cancelled__orders,
    toInt64(sumIf(amount, kind = 'cancelled')) AS cancelled__amount,
    toInt64(sumIf(units, kind = 'cancelled')) AS cancelled__units,
    toInt64(sumIf(orders, kind = 'refunded')) AS refunded__orders,
    toInt64(sumIf(amount, kind = 'refunded')) AS refunded__amount,
    toInt64(sumIf(units, kind = 'refunded')) AS refunded__units
FROM order_events
GROUP BY minute, country, province, channel;

CREATE TABLE IF NOT EXISTS orders_1h
(
    hour DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
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
PARTITION BY toYYYYMM(hour)
ORDER BY (hour, country, province, city, channel, room, category, tier)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60;

CREATE MATERIALIZED VIEW IF NOT EXISTS orders_1h_view TO orders_1h AS
SELECT
    toDateTime64(toStartOfHour(ts), 0, 'UTC') AS hour,
    country,
    province,
    city,
    channel,
    room,
    category,
    tier,
    toInt64(sumIf(orders, kind = 'created')) AS created__orders,
    toInt64(sumIf(amount, kind = 'created')) AS created__amount,
    toInt64(sumIf(units, kind = 'created')) AS created__units,
    toInt64(sumIf(orders, kind = 'paid')) AS paid__orders,
    toInt64(sumIf(amount, kind = 'paid')) AS paid__amount,
    toInt64(sumIf(units, kind = 'paid')) AS paid__units,
    toInt64(sumIf(orders, kind = 'cancelled')) AS cancelled__orders,
    toInt64(sumIf(amount, kind = 'cancelled')) AS cancelled__amount,
    toInt64(sumIf(units, kind = 'cancelled')) AS cancelled__units,
    toInt64(sumIf(orders, kind = 'refunded')) AS refunded__orders,
    toInt64(sumIf(amount, kind = 'refunded')) AS refunded__amount,
    toInt64(sumIf(units, kind = 'refunded')) AS refunded__units
FROM order_events
GROUP BY hour, country, province, city, channel, room, category, tier;

CREATE TABLE IF NOT EXISTS buyers_1m
(
    minute DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
    created__user_id AggregateFunction({{uniq}}, UInt64),
    paid__user_id AggregateFunction({{uniq}}, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(minute)
ORDER BY (minute)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60;

CREATE MATERIALIZED VIEW IF NOT EXISTS buyers_1m_view TO buyers_1m AS
SELECT
    toDateTime64(toStartOfMinute(ts), 0, 'UTC') AS minute,
    {{uniq_state_if}}(cityHash64(user_id), kind = 'created' AND user_id != '') AS created__user_id,
    {{uniq_state_if}}(cityHash64(user_id), kind = 'paid' AND user_id != '') AS paid__user_id
FROM order_events
GROUP BY minute;

CREATE TABLE IF NOT EXISTS buyers_1h
(
    hour DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
    country LowCardinality(String),
    province LowCardinality(String),
    channel LowCardinality(String),
    tier LowCardinality(String),
    created__user_id AggregateFunction({{uniq}}, UInt64),
    paid__user_id AggregateFunction({{uniq}}, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(hour)
ORDER BY (hour, country, province, channel, tier)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60;

CREATE MATERIALIZED VIEW IF NOT EXISTS buyers_1h_view TO buyers_1h AS
SELECT
    toDateTime64(toStartOfHour(ts), 0, 'UTC') AS hour,
    country,
    province,
    channel,
    tier,
    {{uniq_state_if}}(cityHash64(user_id), kind = 'created' AND user_id != '') AS created__user_id,
    {{uniq_state_if}}(cityHash64(user_id), kind = 'paid' AND user_id != '') AS paid__user_id
FROM order_events
GROUP BY hour, country, province, channel, tier;

CREATE TABLE IF NOT EXISTS behaviour_1m
(
    minute DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
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
PARTITION BY toDate(minute)
ORDER BY (minute, country, province, channel)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60;

CREATE MATERIALIZED VIEW IF NOT EXISTS behaviour_1m_view TO behaviour_1m AS
SELECT
    toDateTime64(toStartOfMinute(ts), 0, 'UTC') AS minute,
    country,
    province,
    channel,
    toInt64(sumIf(quantity, kind = 'visit')) AS visit__quantity,
    toInt64(sumIf(quantity, kind = 'impression')) AS impression__quantity,
    toInt64(sumIf(quantity, kind = 'click')) AS click__quantity,
    toInt64(sumIf(quantity, kind = 'view')) AS view__quantity,
    toInt64(sumIf(quantity, kind = 'cart')) AS cart__quantity,
    toInt64(sumIf(quantity, kind = 'favourite')) AS favourite__quantity
FROM behaviour_events
GROUP BY minute, country, province, channel;

CREATE TABLE IF NOT EXISTS behaviour_1h
(
    hour DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
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
PARTITION BY toYYYYMM(hour)
ORDER BY (hour, country, province, channel, room, category, tier)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60;

CREATE MATERIALIZED VIEW IF NOT EXISTS behaviour_1h_view TO behaviour_1h AS
SELECT
    toDateTime64(toStartOfHour(ts), 0, 'UTC') AS hour,
    country,
    province,
    channel,
    room,
    category,
    tier,
    toInt64(sumIf(quantity, kind = 'visit')) AS visit__quantity,
    toInt64(sumIf(quantity, kind = 'impression')) AS impression__quantity,
    toInt64(sumIf(quantity, kind = 'click')) AS click__quantity,
    toInt64(sumIf(quantity, kind = 'view')) AS view__quantity,
    toInt64(sumIf(quantity, kind = 'cart')) AS cart__quantity,
    toInt64(sumIf(quantity, kind = 'favourite')) AS favourite__quantity
FROM behaviour_events
GROUP BY hour, country, province, channel, room, category, tier;

CREATE TABLE IF NOT EXISTS visitors_1m
(
    minute DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
    any__user_id AggregateFunction({{uniq}}, UInt64),
    impression__user_id AggregateFunction({{uniq}}, UInt64),
    click__user_id AggregateFunction({{uniq}}, UInt64),
    view__user_id AggregateFunction({{uniq}}, UInt64),
    cart__user_id AggregateFunction({{uniq}}, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(minute)
ORDER BY (minute)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60;

CREATE MATERIALIZED VIEW IF NOT EXISTS visitors_1m_view TO visitors_1m AS
SELECT
    toDateTime64(toStartOfMinute(ts), 0, 'UTC') AS minute,
    {{uniq_state_if}}(cityHash64(user_id), user_id != '') AS any__user_id,
    {{uniq_state_if}}(cityHash64(user_id), kind = 'impression' AND user_id != '') AS impression__user_id,
    {{uniq_state_if}}(cityHash64(user_id), kind = 'click' AND user_id != '') AS click__user_id,
    {{uniq_state_if}}(cityHash64(user_id), kind = 'view' AND user_id != '') AS view__user_id,
    {{uniq_state_if}}(cityHash64(user_id), kind = 'cart' AND user_id != '') AS cart__user_id
FROM behaviour_events
GROUP BY minute;

CREATE TABLE IF NOT EXISTS visitors_1h
(
    hour DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
    any__user_id AggregateFunction({{uniq}}, UInt64),
    impression__user_id AggregateFunction({{uniq}}, UInt64),
    click__user_id AggregateFunction({{uniq}}, UInt64),
    view__user_id AggregateFunction({{uniq}}, UInt64),
    cart__user_id AggregateFunction({{uniq}}, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(hour)
ORDER BY (hour)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60;

CREATE MATERIALIZED VIEW IF NOT EXISTS visitors_1h_view TO visitors_1h AS
SELECT
    toDateTime64(toStartOfHour(ts), 0, 'UTC') AS hour,
    {{uniq_state_if}}(cityHash64(user_id), user_id != '') AS any__user_id,
    {{uniq_state_if}}(cityHash64(user_id), kind = 'impression' AND user_id != '') AS impression__user_id,
    {{uniq_state_if}}(cityHash64(user_id), kind = 'click' AND user_id != '') AS click__user_id,
    {{uniq_state_if}}(cityHash64(user_id), kind = 'view' AND user_id != '') AS view__user_id,
    {{uniq_state_if}}(cityHash64(user_id), kind = 'cart' AND user_id != '') AS cart__user_id
FROM behaviour_events
GROUP BY hour;

CREATE TABLE IF NOT EXISTS visitors_1h_by_region
(
    hour DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
    country LowCardinality(String),
    province LowCardinality(String),
    any__user_id AggregateFunction({{uniq}}, UInt64),
    view__user_id AggregateFunction({{uniq}}, UInt64),
    cart__user_id AggregateFunction({{uniq}}, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(hour)
ORDER BY (hour, country, province)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60;

CREATE MATERIALIZED VIEW IF NOT EXISTS visitors_1h_by_region_view TO visitors_1h_by_region AS
SELECT
    toDateTime64(toStartOfHour(ts), 0, 'UTC') AS hour,
    country,
    province,
    {{uniq_state_if}}(cityHash64(user_id), user_id != '') AS any__user_id,
    {{uniq_state_if}}(cityHash64(user_id), kind = 'view' AND user_id != '') AS view__user_id,
    {{uniq_state_if}}(cityHash64(user_id), kind = 'cart' AND user_id != '') AS cart__user_id
FROM behaviour_events
GROUP BY hour, country, province;

CREATE TABLE IF NOT EXISTS visitors_1h_by_channel
(
    hour DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
    channel LowCardinality(String),
    any__user_id AggregateFunction({{uniq}}, UInt64),
    view__user_id AggregateFunction({{uniq}}, UInt64),
    cart__user_id AggregateFunction({{uniq}}, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(hour)
ORDER BY (hour, channel)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60;

CREATE MATERIALIZED VIEW IF NOT EXISTS visitors_1h_by_channel_view TO visitors_1h_by_channel AS
SELECT
    toDateTime64(toStartOfHour(ts), 0, 'UTC') AS hour,
    channel,
    {{uniq_state_if}}(cityHash64(user_id), user_id != '') AS any__user_id,
    {{uniq_state_if}}(cityHash64(user_id), kind = 'view' AND user_id != '') AS view__user_id,
    {{uniq_state_if}}(cityHash64(user_id), kind = 'cart' AND user_id != '') AS cart__user_id
FROM behaviour_events
GROUP BY hour, channel;

-- Narrow rollups, fed from the wide ones: a block that is already summed costs little to sum again, and totals and maps,
-- which are asked on every tick, read a fraction of the rows.

CREATE TABLE IF NOT EXISTS orders_1m_total
(
    minute DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
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
PARTITION BY toDate(minute)
ORDER BY (minute)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60;

CREATE MATERIALIZED VIEW IF NOT EXISTS orders_1m_total_view TO orders_1m_total AS
SELECT
    minute,
    sum(orders_1m.created__orders) AS created__orders,
    sum(orders_1m.created__amount) AS created__amount,
    sum(orders_1m.created__units) AS created__units,
    sum(orders_1m.paid__orders) AS paid__orders,
    sum(orders_1m.paid__amount) AS paid__amount,
    sum(orders_1m.paid__units) AS paid__units,
    sum(orders_1m.cancelled__orders) AS cancelled__orders,
    sum(orders_1m.cancelled__amount) AS cancelled__amount,
    sum(orders_1m.cancelled__units) AS cancelled__units,
    sum(orders_1m.refunded__orders) AS refunded__orders,
    sum(orders_1m.refunded__amount) AS refunded__amount,
    sum(orders_1m.refunded__units) AS refunded__units
FROM orders_1m
GROUP BY minute;

CREATE TABLE IF NOT EXISTS orders_1h_region
(
    hour DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
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
PARTITION BY toYYYYMM(hour)
ORDER BY (hour, country, province, channel)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60;

CREATE MATERIALIZED VIEW IF NOT EXISTS orders_1h_region_view TO orders_1h_region AS
SELECT
    toDateTime64(toStartOfHour(minute), 0, 'UTC') AS hour,
    country,
    province,
    channel,
    sum(orders_1m.created__orders) AS created__orders,
    sum(orders_1m.created__amount) AS created__amount,
    sum(orders_1m.created__units) AS created__units,
    sum(orders_1m.paid__orders) AS paid__orders,
    sum(orders_1m.paid__amount) AS paid__amount,
    sum(orders_1m.paid__units) AS paid__units,
    sum(orders_1m.cancelled__orders) AS cancelled__orders,
    sum(orders_1m.cancelled__amount) AS cancelled__amount,
    sum(orders_1m.cancelled__units) AS cancelled__units,
    sum(orders_1m.refunded__orders) AS refunded__orders,
    sum(orders_1m.refunded__amount) AS refunded__amount,
    sum(orders_1m.refunded__units) AS refunded__units
FROM orders_1m
GROUP BY hour, country, province, channel;

CREATE TABLE IF NOT EXISTS behaviour_1m_total
(
    minute DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
    visit__quantity SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    impression__quantity SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    click__quantity SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    view__quantity SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    cart__quantity SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    favourite__quantity SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(minute)
ORDER BY (minute)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60;

CREATE MATERIALIZED VIEW IF NOT EXISTS behaviour_1m_total_view TO behaviour_1m_total AS
SELECT
    minute,
    sum(behaviour_1m.visit__quantity) AS visit__quantity,
    sum(behaviour_1m.impression__quantity) AS impression__quantity,
    sum(behaviour_1m.click__quantity) AS click__quantity,
    sum(behaviour_1m.view__quantity) AS view__quantity,
    sum(behaviour_1m.cart__quantity) AS cart__quantity,
    sum(behaviour_1m.favourite__quantity) AS favourite__quantity
FROM behaviour_1m
GROUP BY minute;

CREATE TABLE IF NOT EXISTS behaviour_1h_region
(
    hour DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
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
PARTITION BY toYYYYMM(hour)
ORDER BY (hour, country, province, channel)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60;

CREATE MATERIALIZED VIEW IF NOT EXISTS behaviour_1h_region_view TO behaviour_1h_region AS
SELECT
    toDateTime64(toStartOfHour(minute), 0, 'UTC') AS hour,
    country,
    province,
    channel,
    sum(behaviour_1m.visit__quantity) AS visit__quantity,
    sum(behaviour_1m.impression__quantity) AS impression__quantity,
    sum(behaviour_1m.click__quantity) AS click__quantity,
    sum(behaviour_1m.view__quantity) AS view__quantity,
    sum(behaviour_1m.cart__quantity) AS cart__quantity,
    sum(behaviour_1m.favourite__quantity) AS favourite__quantity
FROM behaviour_1m
GROUP BY hour, country, province, channel;

-- Totals of orders by the second: what the headline asks on every tick, up to the second, from one table.

CREATE TABLE IF NOT EXISTS orders_1s_total
(
    second DateTime64(0, 'UTC') CODEC(Delta(8), ZSTD(1)),
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
PARTITION BY toDate(second)
ORDER BY (second)
SETTINGS non_replicated_deduplication_window = 10000, old_parts_lifetime = 60;

CREATE MATERIALIZED VIEW IF NOT EXISTS orders_1s_total_view TO orders_1s_total AS
SELECT
    toDateTime64(toStartOfSecond(ts), 0, 'UTC') AS second,
    toInt64(sumIf(orders, kind = 'created')) AS created__orders,
    toInt64(sumIf(amount, kind = 'created')) AS created__amount,
    toInt64(sumIf(units, kind = 'created')) AS created__units,
    toInt64(sumIf(orders, kind = 'paid')) AS paid__orders,
    toInt64(sumIf(amount, kind = 'paid')) AS paid__amount,
    toInt64(sumIf(units, kind = 'paid')) AS paid__units,
    toInt64(sumIf(orders, kind = 'cancelled')) AS cancelled__orders,
    toInt64(sumIf(amount, kind = 'cancelled')) AS cancelled__amount,
    toInt64(sumIf(units, kind = 'cancelled')) AS cancelled__units,
    toInt64(sumIf(orders, kind = 'refunded')) AS refunded__orders,
    toInt64(sumIf(amount, kind = 'refunded')) AS refunded__amount,
    toInt64(sumIf(units, kind = 'refunded')) AS refunded__units
FROM order_events
GROUP BY second
