"""`/metrics` for Prometheus: what this process counts, and with several processes what each of them does, by label."""

from __future__ import annotations

import threading
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

import structlog
from flask import Flask, Response
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from redis import RedisError

from callbacks.shelf import is_changes
from live.health import Beat
from live.store import SnapshotStore
from metrics.snapshot import AlertView, Watermark

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
TOLD_EVERY_S = 5.0  # the numbers of other processes are at most so old
MOST_NAMES = 200  # statements have names of ours; more than these are counted together
TICK_S = (0.05, 0.1, 0.2, 0.5, 1, 1.5, 2, 3, 5, 10)
STATEMENT_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
PIXEL_S = (0.25, 0.5, 0.75, 1, 1.2, 1.4, 1.6, 1.8, 2, 2.2, 2.4, 2.6, 2.8, 3, 3.5, 4, 5, 7.5, 10, 30)
STAGE_S = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, *PIXEL_S[3:])
CHANGE_BYTES = (250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000)
FRAME_BYTES = (10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000)

log = structlog.get_logger("metrics")
disable_created_metrics()  # type: ignore[no-untyped-call]  # a series of its own for each counter's birth helps nobody here


class Told(Protocol):
    """Where processes leave their numbers for each other."""

    def tell_metrics(self, text: str) -> None: ...

    def told_metrics(self) -> Mapping[str, str]: ...


class Meters:
    """The counters of one process. Every method may be called from any thread.

    What another part wants to count (a histogram of `live/latency.py`, say) is made with `registry=meters.registry`.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._names = Tally[str]()
        given: dict[str, Any] = {"registry": self.registry}
        self._ticks = Counter("livewall_ticks", "Ticks made by this process: it asks, others follow.", **given)
        self._tick_s = Histogram("livewall_tick_seconds", "How long a tick took.", buckets=TICK_S, **given)
        self._questions = Counter(
            "livewall_questions", "Questions of ticks: asked, failed, or slower than their tick.", ["outcome"], **given
        )
        self._statements = Histogram(
            "livewall_statement_seconds", "Reading statements by name.", ["name"], buckets=STATEMENT_S, **given
        )
        self._failures = Counter("livewall_statement_failures", "Statements that failed, by name.", ["name"], **given)
        self._hits = Counter("livewall_frame_hits", "Frames and changes found in the cache.", **given)
        self._frame_bytes = Histogram(
            "livewall_frame_bytes", "Frames drawn by this process, by size.", buckets=FRAME_BYTES, **given
        )
        self._change_bytes = Histogram(
            "livewall_change_bytes",
            "Changes between two frames built by this process, by size.",
            buckets=CHANGE_BYTES,
            **given,
        )
        self._pixels = Histogram(
            "livewall_event_to_pixel_seconds",
            "From a marker event to the screen that had painted it, as screens told this process.",
            buckets=PIXEL_S,
            **given,
        )
        self._stages = Histogram(
            "livewall_event_stage_seconds",
            "From a marker event to its being on disk (kept), stored, in a snapshot (asked) and in an answer (told).",
            ["until"],
            buckets=STAGE_S,
            **given,
        )
        self._events = Counter(
            "livewall_ingest_events", "Events by POST: accepted, duplicate or rejected.", ["verdict"], **given
        )

    def statement(self, name: str, seconds: float, failed: bool) -> None:
        if name not in self._names and len(self._names) >= MOST_NAMES:
            name = "other"
        self._names[name] += 1
        if failed:
            self._failures.labels(name).inc()
        else:
            self._statements.labels(name).observe(seconds)

    def beat(self, beat: Beat) -> None:
        self._ticks.inc()
        self._tick_s.observe(beat.took_ms / 1000)
        for outcome in ("asked", "failed", "waiting"):
            self._questions.labels(outcome).inc(getattr(beat, outcome))

    def pixel(self, seconds: float) -> None:
        self._pixels.observe(seconds)

    def stage(self, until: str, seconds: float) -> None:
        self._stages.labels(until).observe(seconds)

    def verdicts(self, counts: Mapping[str, int]) -> None:
        for verdict, count in counts.items():
            self._events.labels(verdict).inc(count)

    def counted(self, cache: Any) -> CountedFrames:
        """The frame cache, whose use is counted from now on."""
        return CountedFrames(cache, self._hits.inc, self._made)

    def _made(self, key: str, text: str) -> None:
        (self._change_bytes if is_changes(key) else self._frame_bytes).observe(len(text))


class CountedFrames:
    """A frame cache that tells what was found in it and what was made for it."""

    def __init__(self, cache: Any, hit: Callable[[], None], made: Callable[[str, str], None]) -> None:
        self._cache, self._hit, self._made = cache, hit, made

    def get(self, key: str) -> Any:
        found = self._cache.get(key)
        if found is not None:
            self._hit()
        return found

    def set(self, key: str, value: Any, timeout: int | None = None) -> Any:
        self._made(key, value)
        return self._cache.set(key, value, timeout=timeout)


class Standing(Collector):
    """How things stand at the moment of asking. What is true of the wall is said by the process that asks, once."""

    def __init__(
        self,
        store: SnapshotStore,
        leads: Callable[[], bool],
        alone: Callable[[], bool],
        watermarks: Callable[[], Iterable[Watermark]],
        alerts: Callable[[], Iterable[AlertView]],
    ) -> None:
        self._store, self._leads, self._alone = store, leads, alone
        self._watermarks, self._alerts = watermarks, alerts

    def collect(self) -> Iterator[Metric]:
        leads = self._leads()
        yield GaugeMetricFamily("livewall_leader", "1 while this process asks the database.", value=leads)
        yield GaugeMetricFamily("livewall_alone", "1 while Redis is lost: asks for itself.", value=self._alone())
        scopes = len(self._store.in_use())
        yield GaugeMetricFamily("livewall_scopes", "Scopes in use; a leader's include those of others.", value=scopes)
        if not leads:
            return
        lag = GaugeMetricFamily("livewall_watermark_lag_seconds", "How far a ledger is behind.", labels=["ledger"])
        for mark in self._watermarks():
            if mark.lag_s is not None:
                lag.add_metric([mark.ledger], mark.lag_s)
        yield lag
        alerts = GaugeMetricFamily("livewall_alerts", "Rule instances by state.", labels=["severity", "state"])
        for (severity, state), count in Tally((view.severity, view.state) for view in self._alerts()).items():
            alerts.add_metric([severity, state], count)
        yield alerts


class Everyone(Collector):
    """The numbers of all processes, each with the label `process`; Prometheus adds them up."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for process, text in sorted(self._texts.items()):
            for family in text_string_to_metric_families(text):
                whole = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for sample in family.samples:
                    whole.add_sample(sample.name, {**sample.labels, "process": process}, sample.value)
        yield from families.values()


def serve_metrics(server: Flask, meters: Meters, peers: Told | None, process: str) -> None:
    """Add `/metrics`. With `peers` it tells the numbers of all processes, whichever is asked."""

    @server.get("/metrics")
    def prometheus() -> Response:
        own = generate_latest(meters.registry)
        if peers is None:
            return Response(own, content_type=CONTENT_TYPE)
        try:
            told = dict(peers.told_metrics())
        except RedisError:
            told = {}
        registry = CollectorRegistry()
        registry.register(Everyone({**told, process: own.decode()}))
        return Response(generate_latest(registry), content_type=CONTENT_TYPE)


class MetricsTeller:
    """Leaves this process's numbers with the others, again and again."""

    def __init__(self, meters: Meters, peers: Told) -> None:
        self._meters, self._peers, self._stopping = meters, peers, threading.Event()
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(10)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._peers.tell_metrics(generate_latest(self._meters.registry).decode())
            except RedisError as problem:
                log.debug("numbers were not told", problem=str(problem))
            self._stopping.wait(TOLD_EVERY_S)
