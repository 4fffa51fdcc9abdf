"""Puts ingestion together for an open store: the spool, the receiver, and the work on dead letters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.console import console
from app.ingest_api import Ingestion, read_keys
from app.settings import Settings
from core.clock import Clock
from core.errors import BadRequestError
from ingest.incoming import EventCheck
from ingest.markers import MarkerThread
from ingest.receiver import Limits, Receiver
from ingest.settling import list_letters, retry_letters
from ingest.spool import Spool
from ingest.under_way import UnderWay
from ingest.writer import SPOOL, Writer, send_leftovers
from metrics.profile import StoreProfile
from queries.client import ClickHouse

Report = Callable[[dict[str, Any]], None]


def heal(clickhouse: ClickHouse, folder: Path) -> None:
    """Send what a crash left on disk. Before anything else is done with a store that was just opened."""
    count = send_leftovers(clickhouse, folder)
    if count:
        console.print(f"Sent {count:,} batches of events again that the last run could not finish")


@dataclass(frozen=True)
class Intake:
    """The parts of a running ingestion, and what commands may ask of it."""

    clickhouse: ClickHouse
    receiver: Receiver
    writer: Writer
    check: EventCheck
    clock: Clock
    under_way: UnderWay

    def letters_job(self, wanted: dict[str, Any], _report: Report) -> dict[str, Any]:
        """{action: list | retry, source, reason} -> open letters in groups, or what became of them."""
        source, reason = str(wanted.get("source") or ""), str(wanted.get("reason") or "")
        if wanted.get("action") == "list":
            return {"groups": [asdict(group) for group in list_letters(self.clickhouse, source, reason)]}
        if wanted.get("action") == "retry":
            return asdict(retry_letters(self.clickhouse, self.receiver, self.check, self.clock, source, reason))
        raise BadRequestError("dead letters can be listed or retried")


@contextmanager
def intake(settings: Settings, clickhouse: ClickHouse, profile: StoreProfile, clock: Clock) -> Iterator[Intake]:
    """A running receiver on the store's spool; at the end everything taken is in the store or on disk."""
    kept_days = min((days for days in (settings.raw_days, settings.minute_days) if days), default=0)
    limits = Limits(
        settings.ingest_batch_rows,
        settings.ingest_batch_ms,
        settings.ingest_waiting_rows,
        settings.ingest_window_hours,
    )
    with Spool(settings.store / SPOOL) as spool:
        way = UnderWay()
        receiver, writer = (
            Receiver(clickhouse, spool, clock, limits, way),
            Writer(clickhouse, spool=spool, under_way=way),
        )
        receiver.start()
        try:
            yield Intake(clickhouse, receiver, writer, EventCheck(profile, kept_days), clock, way)
        finally:
            receiver.stop()


@contextmanager
def marking(settings: Settings, parts: Intake, passed: Callable[[str, int], None]) -> Iterator[None]:
    """Markers travel with the events, unless MARKERS_EVERY is 0; `passed` hears how far they are."""
    thread = MarkerThread(parts.receiver, parts.clock, settings.markers_every, passed)
    if settings.markers_every:
        thread.start()
    try:
        yield
    finally:
        thread.stop()


def endpoint(
    settings: Settings, parts: Intake, profile: StoreProfile, told: Callable[[Mapping[str, int]], None]
) -> Ingestion:
    """What `POST /ingest/v1/events` of this wall works with. Raises BadRequestError for wrong INGEST_KEYS."""
    return Ingestion(
        receiver=parts.receiver,
        check=parts.check,
        keys=read_keys(settings.ingest_keys.get_secret_value()),
        clock=parts.clock,
        simulated=profile.simulated,
        body_mb=settings.ingest_body_mb,
        at_once=max(1, settings.threads // 3),
        told=told,
    )
