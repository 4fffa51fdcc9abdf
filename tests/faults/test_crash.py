"""Killed again and again while events come in: nothing acknowledged is lost, nothing counts twice, anywhere.

`make faults` does it for longer: FAULT_KILLS is how many times a process is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from queries.listener import Listener
from tests.conftest import OVER_HTTP, ROOT, free_port
from tests.faults.rollups import kept_by_views

KILLS = int(os.environ.get("FAULT_KILLS", "50"))
AT_ENDPOINT = KILLS - max(1, KILLS // 6)  # the others hit the simulator, whose steps are longer
MOST_ACKS = {"endpoint": 5, "simulator": 2}  # a process is killed within so many acknowledgements …
AFTER_S = {"endpoint": 0.1, "simulator": 0.4}  # … and a moment, whatever it then does
EARLY = 0.15  # the share of processes that are killed while they still heal what the last one left


class Victim:
    """A process that takes in events. It is loaded while the one before it still runs, which halves the time."""

    def __init__(self, part: str, folder: Path, acks: Path, roles: Sequence[str] = ()) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.ingesting", part, str(folder), str(acks), *roles],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _hear(self, word: str) -> str:
        assert self._process.stdout and self._process.stderr
        line = self._process.stdout.readline()
        assert line.startswith(word), self._process.stderr.read()[-3000:]
        return line

    def tell(self, wish: str) -> None:
        self._hear("loaded")
        assert self._process.stdin
        self._process.stdin.write(wish + "\n")
        self._process.stdin.flush()

    def taking(self) -> int:
        """Wait until events come in; returns the batches that were sent again before."""
        return int(self._hear("taking").split()[1])

    def answer(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._hear("{"))
        assert self._process.wait(300) == 0
        return answer

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        assert self._process.wait(300) == -signal.SIGKILL, "it died before it was killed"

    def end(self) -> None:
        """Leave nothing behind, however the test went."""
        self._process.kill()
        self._process.wait(300)
        self._close()

    def _close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe
            pipe.close()


def on_disk(folder: Path) -> list[Path]:
    """Batches that the next process has to look after."""
    return list((folder / "spool").glob("*.arrow"))


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


@contextlib.contextmanager
def served(folder: Path) -> Iterator[tuple[str, ...]]:
    """A store that outlives who is killed: the addresses of its three roles."""
    listener = Listener(folder / "listener", folder / "clickhouse", free_port())
    told = listener.start()
    try:
        yield tuple(told.dsn(role) for role in ("dashboard", "ingest", "admin"))
    finally:
        listener.stop()


@dataclass(frozen=True, slots=True)
class Killed:
    """What the store holds after so many kills, and what happened on the way."""

    answer: dict[str, Any]
    amid: int  # kills that left batches of which nobody had noted that the store and its disk have them
    healed: int  # batches that the store lacked, in whole or in part, and was sent again

    def told(self, kind: str) -> str:
        events = self.answer["acknowledged"]
        return f"{events} events {kind}, {self.amid} kills amid a batch, {self.healed} batches sent again"


def kill_often(part: str, folder: Path, kills: int) -> Killed:
    acks = folder / "acknowledged"
    acks.touch()
    chance = random.Random(kills)
    amid = healed = 0
    with contextlib.ExitStack() as closing:
        roles = closing.enter_context(served(folder)) if OVER_HTTP else ()

        def start() -> Victim:
            victim = Victim(part, folder, acks, roles)
            closing.callback(victim.end)
            return victim

        victim = start()
        for number in range(kills):
            victim.tell("go")
            following = start()
            last = number == kills - 1
            if chance.random() < EARLY and not last:
                time.sleep(chance.uniform(0.1, 0.6))
            else:
                healed += victim.taking()
                wanted = lines(acks) + chance.randint(1 if last else 0, MOST_ACKS[part])  # at least one in all
                while lines(acks) < wanted and victim.lives:
                    time.sleep(0.002)
                time.sleep(chance.uniform(0, AFTER_S[part]))
            victim.kill()
            amid += bool(on_disk(folder))
            victim = following
        victim.tell("check")
        return Killed(victim.answer(), amid, healed)


def assert_each_event_once(answer: dict[str, Any]) -> None:
    assert answer["lost"] == 0, answer
    assert [ledger["twice"] for ledger in answer["ledgers"].values()] == [0, 0], answer
    assert set(answer["rollups"]) == kept_by_views()
    assert {table: wrong for table, (_, wrong) in answer["rollups"].items() if wrong} == {}
    assert all(count for count, _ in answer["rollups"].values()), answer["rollups"]


@pytest.mark.timeout(300 + 40 * KILLS)
def test_no_acknowledged_event_is_lost_or_counts_twice(tmp_path: Path) -> None:
    killed = kill_often("endpoint", tmp_path, AT_ENDPOINT)
    answer = killed.answer
    print(killed.told("acknowledged"))
    assert_each_event_once(answer)
    assert answer["letters"][0] == answer["letters"][1] > 0
    assert answer["acknowledged"] > 2 * AT_ENDPOINT, "it must take in events for this to prove anything"
    assert killed.amid > 0, "some process must die while a batch is under way"
    # A server finishes what a killed process had sent it: of few kills none may leave a batch that the store lacks.
    if AT_ENDPOINT >= 20:
        assert killed.healed > 0, "some process must die before the store has a batch"
    assert on_disk(tmp_path) == []


@pytest.mark.timeout(300 + 40 * KILLS)
def test_a_killed_live_business_goes_on_where_it_was(tmp_path: Path) -> None:
    kills = KILLS - AT_ENDPOINT
    killed = kill_often("simulator", tmp_path, kills)
    print(killed.told("simulated"))
    assert_each_event_once(killed.answer)
