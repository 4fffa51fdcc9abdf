"""Several processes judge with one memory: who takes over repeats nothing, who has no say tells nobody."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from queries.client import ClickHouse
from tests.alerts.ledger import NOON, OUTAGE, Shop, of

MINUTE, LATE = timedelta(minutes=1), timedelta(seconds=3)


class Memory:
    """What processes share: the last text, and who may write."""

    def __init__(self) -> None:
        self.text: str | None = None
        self.open = True

    def alerts(self) -> str | None:
        return self.text

    def keep_alerts(self, text: str) -> bool:
        if self.open:
            self.text = text
        return self.open


def outage(shop: Shop, first: int = -3, last: int = 2) -> None:
    for number in range(first, last):
        shop.minute(NOON + number * MINUTE, east=0.86 if number < 0 else 0.0)


def told(logs: list[Any]) -> list[tuple[str, str]]:
    return [(line["code"], line["after"]) for line in logs if line["event"] == "alert"]


def test_a_hand_over_fires_nothing_twice_and_forgets_nothing(clean_store: ClickHouse) -> None:
    memory = Memory()
    one, other = Shop(clean_store, (OUTAGE,), shared=memory), Shop(clean_store, (OUTAGE,), shared=memory)
    with structlog.testing.capture_logs() as logs:
        outage(one)
        for number in range(3):
            one.observe(NOON + number * MINUTE + LATE)
        assert ("east", "firing") in told(logs)
        before = len(told(logs))
        other.reached = one.reached
        other.engine.reread()
        views = other.observe(NOON + 2 * MINUTE + 2 * LATE)
        assert of(views, "outage", "east").state == "firing" and len(told(logs)) == before
        outage(other, 2, 12)
        for number in range(3, 12):
            other.observe(NOON + number * MINUTE + LATE)
        assert told(logs)[before:] == [], "it goes on firing, without being told again"


def test_who_takes_over_would_fire_again_without_the_memory(clean_store: ClickHouse) -> None:
    """The test above can fail: this is what it looks like."""
    one, other = Shop(clean_store, (OUTAGE,)), Shop(clean_store, (OUTAGE,))
    with structlog.testing.capture_logs() as logs:
        outage(one)
        for shop in (one, other):
            other.reached = one.reached
            for number in range(3):
                shop.observe(NOON + number * MINUTE + LATE)
    assert told(logs).count(("east", "firing")) == 2


@pytest.mark.parametrize("how", ["it does not act", "another process has the say"])
def test_who_has_no_say_judges_for_its_screens_and_tells_and_keeps_nothing(
    clean_store: ClickHouse, tmp_path: Path, how: str
) -> None:
    memory, path = Memory(), tmp_path / "alerts.json"
    memory.open = how == "it does not act"
    shop = Shop(clean_store, (OUTAGE,), shared=memory, state_path=path, acts=lambda: not memory.open)
    with structlog.testing.capture_logs() as logs:
        outage(shop)
        for number in range(3):
            views = shop.observe(NOON + number * MINUTE + LATE)
    assert of(views, "outage", "east").state == "firing"
    assert told(logs) == [] and memory.text is None and not path.exists()


def test_of_file_and_shared_memory_the_later_one_counts(clean_store: ClickHouse, tmp_path: Path) -> None:
    memory, path = Memory(), tmp_path / "alerts.json"
    shop = Shop(clean_store, (OUTAGE,), shared=memory, state_path=path)
    outage(shop, -3, 4)
    shop.observe(NOON + MINUTE + LATE)
    older = memory.text
    shop.observe(NOON + 2 * MINUTE + LATE)
    assert older != memory.text and json.loads(path.read_text("utf-8")) == json.loads(memory.text or "")
    memory.text = older
    shop.engine.reread()
    with structlog.testing.capture_logs() as logs:
        assert of(shop.observe(NOON + 2 * MINUTE + 2 * LATE), "outage", "east").state == "firing"
    assert told(logs) == []
