"""The wall in production, as real processes: one with the embedded store, several that share one asking."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from live.sharing import TURNS, lease_of
from tests.app.test_run import PATIENCE_S, command, environment
from tests.conftest import ROOT, free_port
from tests.redis_server import RedisServer

ASK = {"n": 1, "seen": "", "query": "", "locale": "zh", "board": "wall"}
TICK_S = 2.0  # as people get it
UPDATE = {
    "output": "frame.data",
    "outputs": {"id": "frame", "property": "data"},
    "changedPropIds": ["ask.data"],
}


SCREENS = 1_100


@contextlib.contextmanager
def file_limit(files: int) -> Iterator[None]:
    """So many open files for this process."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@contextlib.contextmanager
def lateness(every_s: float = 0.05) -> Iterator[list[float]]:
    """By how many seconds somebody who only sleeps wakes up too late, each time: so long the machine is taken away."""
    late, ended = [0.0], threading.Event()

    def watch() -> None:
        looked = time.monotonic()
        while not ended.wait(every_s):
            now = time.monotonic()
            late.append(now - looked - every_s)
            looked = now

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield late
    finally:
        ended.set()
        watching.join()


class Visitor:
    """A client that stays with one web process. A server may close a connection at any time, and the next one is taken
    by any process: then it connects until the right one answers."""

    def __init__(self, url: str, pid: int) -> None:
        self._url, self._pid = url, pid
        self._client = httpx.Client(base_url=url, timeout=60)

    def get(self, path: str) -> httpx.Response:
        return self._there().get(path)

    def post(self, path: str, json: Any) -> httpx.Response:
        return self._there().post(path, json=json)

    def close(self) -> None:
        self._client.close()

    def _there(self) -> httpx.Client:
        for _ in range(200):
            if ready(self._client)["pid"] == self._pid:
                return self._client
            self._client.close()
            self._client = httpx.Client(base_url=self._url, timeout=60)
        raise httpx.ConnectError(f"the process {self._pid} did not take a connection")


class Served:
    """`python -m app serve` with its web processes; clients stay with the process that answered them first."""

    def __init__(self, store: Path, log: Path, **more: str) -> None:
        wanted = environment(store, HISTORY_DAYS="0", **more)
        self.url, self.log = f"http://127.0.0.1:{wanted['PORT']}", log
        self._opened: list[Visitor] = []
        with log.open("w") as target:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", "serve"], cwd=ROOT, env=wanted, stdout=target, stderr=subprocess.STDOUT
            )

    def until(self, said: Callable[[], Any], every_s: float = 0.25) -> Any:
        for _ in range(round(PATIENCE_S / every_s)):
            assert self.process.poll() is None, self.log.read_text("utf-8")
            try:
                if found := said():
                    return found
            except httpx.TransportError:
                pass
            time.sleep(every_s)
        raise AssertionError(self.log.read_text("utf-8"))

    def clients(self, count: int) -> dict[int, Visitor]:
        """A client for each web process, by its pid."""
        found: dict[int, Visitor] = {}

        def all_of_them() -> bool:
            with httpx.Client(base_url=self.url, timeout=60) as client:
                pid = ready(client)["pid"]
            if pid not in found:
                self._opened.append(found.setdefault(pid, Visitor(self.url, pid)))
            return len(found) == count

        self.until(all_of_them)
        return found

    def close(self) -> None:
        for client in self._opened:
            client.close()

    def end(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE_S)
        return self.log.read_text("utf-8")


def ready(client: httpx.Client | Visitor) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/readyz").json()
    return found


def frame(client: httpx.Client | Visitor, seen: str = "", **more: Any) -> dict[str, Any] | None:
    body = {**UPDATE, "inputs": [{"id": "ask", "property": "data", "value": {**ASK, "seen": seen, **more}}]}
    answer = client.post("/_dash-update-component", json=body)
    assert answer.status_code in (200, 204), answer.text
    if answer.status_code == 204:
        return None
    found: dict[str, Any] = json.loads(answer.json()["response"]["frame"]["data"])
    return found


def asked_after(log: str, moment: float) -> list[tuple[float, float]]:
    """Of each tick after a moment, as the log tells them: the seconds to its beginning, and those it took."""
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{") and '"event": "tick"' in line]
    ended = [(datetime.fromisoformat(line["timestamp"]).timestamp(), line["took_ms"] / 1000) for line in lines]
    return [(at - took - moment, took) for at, took in ended if at - took > moment]


def asked_since(client: Visitor, moment: float) -> bool:
    """Whether a process serves numbers that were asked for after a moment."""
    shown = frame(client)
    return shown is not None and datetime.fromisoformat(shown["tiles"]["hero"]["as_of"]).timestamp() > moment


def by_process(client: Visitor, name: str) -> dict[int, float]:
    """The sum of a number of /metrics for each process."""
    sums: dict[int, float] = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            if sample.name == name:
                pid = int(sample.labels["process"].rpartition(":")[2])
                sums[pid] = sums.get(pid, 0) + sample.value
    return sums


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    made: list[Served] = []

    def start(**more: str) -> Served:
        made.append(Served(tmp_path / "store", tmp_path / "served.log", **more))
        return made[-1]

    yield start
    for served in made:
        served.close()
        if served.process.poll() is None:
            served.process.terminate()
            try:
                served.process.wait(60)
            except subprocess.TimeoutExpired:
                served.process.kill()


def test_one_process_serves_the_embedded_store_tells_every_tick_and_ends_cleanly(
    serving: Callable[..., Served], tmp_path: Path
) -> None:
    served = serving()
    served.until(lambda: httpx.get(f"{served.url}/readyz").status_code == 200)
    with httpx.Client(base_url=served.url, timeout=60) as client:
        assert ready(client)["role"] == "single"
        assert frame(client) is not None
        assert "livewall_ticks_total" in client.get("/metrics").text
        again = command(tmp_path / "store", "serve")
        assert again.returncode == 1 and f"held by the wall at {served.url}" in again.stderr
        served.until(lambda: ready(client)["ticks"] >= 3)
    words = served.end()
    assert served.process.returncode == 0 and "Traceback" not in words, words
    ticks = [json.loads(line)["number"] for line in words.splitlines() if '"event": "tick"' in line]
    assert ticks[:3] == [1, 2, 3], "one line a tick"
    assert not (tmp_path / "store" / "wall.json").exists()


def test_more_screens_than_a_server_takes_by_itself_are_all_answered(serving: Callable[..., Served]) -> None:
    """Granian leaves connections beyond 1,024 a process unanswered, and systems allow no more files, unless told."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 3 * SCREENS:
        pytest.skip(f"this machine allows a process {hard} open files")
    served = serving()
    served.until(lambda: httpx.get(f"{served.url}/readyz").status_code == 200)
    address = ("127.0.0.1", int(served.url.rpartition(":")[2]))
    with file_limit(3 * SCREENS), contextlib.ExitStack() as held:
        for _ in range(SCREENS):
            screen = held.enter_context(socket.create_connection(address, timeout=60))
            screen.sendall(b"GET /healthz HTTP/1.1\r\nHost: wall\r\n\r\n")
            assert screen.recv(64).startswith(b"HTTP/1.1 200 OK")
        assert httpx.get(f"{served.url}/healthz", timeout=60).status_code == 200
    assert "Traceback" not in served.end()


def test_a_wall_that_can_never_open_ends_the_server_and_says_why_once(tmp_path: Path) -> None:
    said = command(tmp_path / "store", "serve", ONLY="planet=mars", HISTORY_DAYS="0", SIMULATE="false")
    assert said.returncode != 0 and said.stderr.count("planet") == 1, said.stderr
    assert "Traceback" not in said.stderr


def test_two_processes_share_one_asking_and_survive_the_one_that_asks_and_redis(
    serving: Callable[..., Served], redis_server: RedisServer, tmp_path: Path
) -> None:
    listening = f"listen://127.0.0.1:{free_port()}"
    served = serving(WEB_PROCESSES="2", REDIS_URL=redis_server.url, DSN=listening, TICK=str(TICK_S))
    clients = served.clients(2)

    def leader() -> int | None:
        told = [ready(client) for client in clients.values()]
        leading = [each["pid"] for each in told if each["role"] == "leader"]
        return leading[0] if len(leading) == 1 else None

    first = served.until(leader)
    (second,) = set(clients) - {first}
    assert served.until(lambda: ready(clients[second])["role"] == "follower")

    def alike() -> dict[str, Any] | None:
        one, other = frame(clients[first]), frame(clients[second])
        assert one is not None and other is not None
        for stamped in ("now", "next", "spread", "pixel"):  # of the answer, not of the shared frame
            assert (stamped in one) and (stamped in other)
            one[stamped] = other[stamped]
        return one if one["complete"] and one == other else None

    shown = served.until(alike)

    def pixel_of(pid: int, **more: Any) -> Any:
        return (frame(clients[pid], **more) or {}).get("pixel")

    def painted() -> bool:  # by a screen whose next question another process answers
        marker = (frame(clients[first]) or {"head": {}})["head"].get("marker")
        return bool(marker and pixel_of(second, painted=[marker, 0]))

    served.until(painted)

    def counted_once() -> bool:  # the header adds up both processes, and /metrics says where each report came
        told, same = pixel_of(first), pixel_of(second)
        reports = by_process(clients[first], "livewall_event_to_pixel_seconds_count")
        assert reports[first] == 0, "no screen told it anything"
        return bool(told and told == same and reports == {first: 0, second: told["count"]})

    served.until(counted_once)  # what processes tell each other is seconds old, and not all of the same age
    asked = by_process(clients[second], "livewall_statement_seconds_count")
    served.until(
        lambda: by_process(clients[first], "livewall_statement_seconds_count")[first] > asked.get(first, 0) + 5
    )
    served.until(lambda: by_process(clients[second], "livewall_questions_total").get(first, 0) > 0)
    assert by_process(clients[second], "livewall_questions_total").get(second, 0) == 0, "one asks"
    assert by_process(clients[second], "livewall_statement_seconds_count").get(second) == asked.get(second)
    for client in clients.values():  # whoever is asked, the process that keeps the store answers: it has no keys
        served.until(lambda client=client: client.post("/ingest/v1/events", json={}).status_code == 403)

    with lateness() as late:
        heir, killed = clients[second], time.time()
        os.kill(first, signal.SIGKILL)
        kept = frame(heir)
        assert kept and kept["complete"], "the last numbers stay"
        newer_s = served.until(lambda: asked_since(heir, killed) and time.time() - killed, every_s=0.05)
        begun = served.until(lambda: asked_after(served.log.read_text("utf-8"), killed))
    promised_s = 3 * TICK_S + max(late)
    assert begun[0][0] < promised_s, "it is asked again within three ticks"
    # what the statements of that tick took is the machine's, which is starting a third process at the time
    assert newer_s - begun[0][1] < promised_s, "and the other process serves newer numbers"
    watermark = kept["head"]["watermark"]
    assert served.until(lambda: (frame(heir) or kept)["head"]["watermark"] != watermark), "and newer events"
    clients = served.clients(2)  # the server has replaced the one that was killed, and either may lead now
    next_one = served.until(leader)
    served.until(lambda: by_process(heir, "livewall_questions_total").get(next_one, 0) > 0)
    after = served.until(lambda: (found := frame(heir)) and found["boot"] != shown["boot"] and found)
    assert after["complete"] and "loading" not in {tile["face"] for tile in after["tiles"].values()}
    served.until(lambda: (tmp_path / "store" / "wall.json").exists() and leader())

    redis_server.stop()
    for client in clients.values():
        served.until(lambda client=client: ready(client)["role"] == "alone")
        assert "Redis does not answer" in ready(client)["sharing"]
        served.until(lambda client=client: ready(client)["ready"] and (frame(client) or {}).get("complete"))
    redis_server.start()
    served.until(leader)
    served.until(lambda: {ready(client)["role"] for client in clients.values()} == {"leader", "follower"})

    words = served.end()
    assert served.process.returncode == 0 and "Traceback" not in words, words
    assert not (tmp_path / "store" / "wall.json").exists()


@pytest.mark.parametrize("tick_s", [1.0, 2.0, 5.0, 10.0])
def test_a_dead_leader_is_replaced_within_three_ticks(tick_s: float) -> None:
    """The longest it can take: a whole lease that was just renewed, and a turn of who takes over."""
    assert lease_of(tick_s) * (1 + 1 / TURNS) < 3 * tick_s


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({}, "the embedded store belongs to one process; set DSN=listen://"),
        ({"DSN": "listen://127.0.0.1:8123"}, "set REDIS_URL=redis://"),
    ],
)
def test_several_processes_without_what_they_need_are_refused_in_one_line(
    tmp_path: Path, more: dict[str, str], says: str
) -> None:
    said = command(tmp_path, "serve", WEB_PROCESSES="2", **more)
    assert said.returncode == 2 and says in said.stderr and len(said.stderr.strip().splitlines()) == 1
