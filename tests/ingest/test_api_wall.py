"""Ingestion as a shop meets it: a running wall, its commands beside it, and a wall that is killed after its answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import httpx

from metrics.profile import StoreProfile, save_profile
from tests.app.test_run import Wall, command

KEY = "a-key-of-the-shop-1"


def test_an_acknowledged_event_is_counted_after_the_wall_was_killed(tmp_path: Path) -> None:
    save_profile(tmp_path, StoreProfile(name="My shop"))
    wall = Wall(tmp_path, INGEST_KEYS=f"shop={KEY}", INGEST_BATCH_MS="1")
    now = datetime.now(UTC).isoformat()
    order = {"kind": "paid", "time": now, "amount": "129.90", "created_at": now, "order_id": "o"}
    events = [{**order, "event_id": f"e{n}"} for n in range(10)] + [{**order, "event_id": "x", "provnce": "y"}]
    try:
        wall.ready()
        sent = {"json": events, "headers": {"Authorization": f"Bearer {KEY}"}, "timeout": 60}
        first = httpx.post(f"{wall.url}/ingest/v1/events", **sent)  # type: ignore[arg-type]
        assert (first.status_code, first.json()["accepted"], first.json()["rejected"]) == (200, 10, 1)
        assert httpx.post(f"{wall.url}/ingest/v1/events", json=events, timeout=60).status_code == 401
        stranger = {"Authorization": f"Bearer {KEY}", "Origin": "http://elsewhere.example"}
        assert httpx.post(f"{wall.url}/ingest/v1/events", json=events, headers=stranger, timeout=60).status_code == 403
        listed = command(tmp_path, "dead-letters", "list", "--format", "json")
        assert [(g["source"], g["reason"]) for g in json.loads(listed.stdout)] == [("shop", "unknown_field")], listed
        assert "still refused: unknown_field" in command(tmp_path, "dead-letters", "retry").stdout
        last = httpx.post(f"{wall.url}/ingest/v1/events", **sent | {"json": [{**order, "event_id": "last"}]})  # type: ignore[arg-type]
        assert last.json()["accepted"] == 1
    finally:
        wall.process.kill()
        words, _ = wall.process.communicate()
    assert KEY not in words
    asked = command(tmp_path, "query", "--metrics", "paid_gmv,orders_paid", "--format", "csv", "--from", now[:10])
    assert "1428.9" in asked.stdout and ",11" in asked.stdout, asked
    wrong = command(tmp_path, "dead-letters", "list", "--reason", "unknown_feild")
    assert (wrong.returncode, "did you mean 'unknown_field'" in wrong.stderr) == (2, True), wrong
