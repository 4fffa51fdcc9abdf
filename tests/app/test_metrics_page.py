"""What Prometheus is told: counts of this process, how things stand, and the numbers of all processes by label."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from app.api import serve_api
from app.given import Given
from app.metrics_page import MOST_NAMES, Meters, MetricsTeller, Standing, serve_metrics
from live.exchange import Exchange, connect
from live.health import Beat
from metrics.snapshot import AlertView, Watermark
from tests.live.fakes import NOON, wall
from tests.redis_server import RedisServer

BEAT = Beat(7, NOON, 2, 30, 1, 2, 250.0, 8.0, True, 1.5)
ALERT = AlertView("r", "critical", "firing", NOON, 1, 2, "m", None, None, {}, {}, {}, {})


def read(text: str) -> dict[tuple[str, ...], float]:
    """Samples by name and the values of their labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def page(server: Flask) -> dict[tuple[str, ...], float]:
    answer = server.test_client().get("/metrics")
    assert answer.status_code == 200 and answer.content_type.startswith("text/plain; version=")
    return read(answer.text)


def test_ticks_statements_frames_and_events_are_counted() -> None:
    meters, server = Meters(), Flask("wall")
    serve_metrics(server, meters, None, "")
    meters.beat(BEAT)
    meters.statement("gmv", 0.03, False)
    meters.statement("gmv", 7.0, True)
    meters.stage("kept", 0.25)
    meters.stage("told", 1.5)
    meters.verdicts({"accepted": 3, "rejected": 1})
    kept: dict[str, str] = {}

    class Kept:
        def get(self, key: str) -> str | None:
            return kept.get(key)

        def set(self, key: str, value: str, timeout: int | None = None) -> None:
            kept[key] = value

    cache = meters.counted(Kept())
    assert cache.get("a") is None
    cache.set("a", "x" * 30_000)
    assert cache.get("a") == cache.get("a") == "x" * 30_000
    cache.set("changes:a", "x" * 700)
    told = page(server)
    assert told["livewall_ticks_total",] == 1 and told["livewall_tick_seconds_bucket", "0.5"] == 1
    assert told["livewall_tick_seconds_bucket", "0.2"] == 0
    assert told["livewall_questions_total", "asked"] == 30 and told["livewall_questions_total", "waiting"] == 2
    assert told["livewall_statement_seconds_count", "gmv"] == 1
    assert told["livewall_statement_seconds_bucket", "0.05", "gmv"] == 1
    assert told["livewall_statement_failures_total", "gmv"] == 1
    assert told["livewall_frame_hits_total",] == 2 and told["livewall_frame_bytes_sum",] == 30_000
    assert told["livewall_change_bytes_sum",] == 700 and told["livewall_change_bytes_count",] == 1
    assert told["livewall_ingest_events_total", "accepted"] == 3
    assert told["livewall_event_stage_seconds_sum", "kept"] == 0.25
    assert told["livewall_event_stage_seconds_bucket", "1.4", "told"] == 0


def test_names_of_statements_do_not_grow_without_end() -> None:
    meters, server = Meters(), Flask("wall")
    serve_metrics(server, meters, None, "")
    for number in range(MOST_NAMES + 50):
        meters.statement(f"statement {number}", 0.1, False)
    counts = [key for key in page(server) if key[0] == "livewall_statement_seconds_count"]
    assert len(counts) == MOST_NAMES + 1
    assert page(server)["livewall_statement_seconds_count", "other"] == 50


@pytest.mark.parametrize("leads", [True, False])
def test_only_who_asks_says_how_the_ledgers_and_rules_stand(leads: bool) -> None:
    meters, server = Meters(), Flask("wall")
    serve_metrics(server, meters, None, "")
    marks = (Watermark("orders", NOON, 1.5), Watermark("behaviour", None, None))
    with wall() as w:
        w.look()
        alerts = (ALERT, replace(ALERT, code="1"), replace(ALERT, state="pending"))
        standing = Standing(w.store, lambda: leads, lambda: False, lambda: marks, lambda: alerts)
        meters.registry.register(standing)
        told = page(server)
    assert told["livewall_leader",] == leads and told["livewall_scopes",] == 1 and told["livewall_alone",] == 0
    assert told.get(("livewall_watermark_lag_seconds", "orders")) == (1.5 if leads else None)
    assert ("livewall_watermark_lag_seconds", "behaviour") not in told
    assert told.get(("livewall_alerts", "critical", "firing")) == (2 if leads else None)


def test_any_process_tells_the_numbers_of_all_and_without_redis_its_own(redis_server: RedisServer) -> None:
    servers, tellers = [], []
    for process, count in (("a:1", 1), ("b:2", 3)):
        exchange = Exchange(connect(redis_server.url, 30), "wall", "build", 60)
        exchange.process = process
        meters, server = Meters(), Flask(process)
        for _ in range(count):
            meters.beat(BEAT)
        serve_metrics(server, meters, exchange, process)
        exchange.tell_metrics("livewall_ticks_total 0\n")  # is replaced: its own numbers are those of the moment
        servers.append(server)
        tellers.append(MetricsTeller(meters, exchange))
    tellers[1].start()
    tellers[1].stop()
    told = page(servers[0])
    assert told["livewall_ticks_total", "a:1"] == 1 and told["livewall_ticks_total", "b:2"] == 3
    assert told["livewall_tick_seconds_bucket", "+Inf", "b:2"] == 3
    client = redis_server.client()
    client.delete("livewall:wall:metrics:b:2")  # a minute of silence
    client.close()
    assert ("livewall_ticks_total", "b:2") not in page(servers[0])
    redis_server.stop()
    assert page(servers[0])["livewall_ticks_total", "a:1"] == 1


def test_the_page_stands_beside_the_list_of_metrics_of_the_api() -> None:
    """Both are called metrics; a wall that has one of them only would not start."""
    server = Flask("wall")
    serve_api(server, cast("Given", None))
    serve_metrics(server, Meters(), None, "")
    assert {"/metrics", "/api/v1/metrics"} <= {rule.rule for rule in server.url_map.iter_rules()}
