"""Several processes on a real Redis tell the same event-to-pixel latency; a dead one, Redis lost, strange words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from time import sleep

import pytest
import redis

from core.clock import ManualClock
from live.exchange import connect
from live.latency import WINDOW_S, Latency, PixelLatency
from live.latency_peers import LatencyPeers, pack_reports, unpack_reports
from metrics.snapshot import MARKERS, Watermark
from tests.live.fakes import NOON
from tests.redis_server import RedisServer

KEY = "livewall:wall:pixels"


class Process:
    """What one web process has of it. Its turns are taken by the test."""

    def __init__(self, url: str, name: str = "wall") -> None:
        self.clock, self.heard = ManualClock(NOON), list[float]()
        self.pixels = PixelLatency(self.clock, self.heard.append)
        self.peers = LatencyPeers(connect(url, 60), name, self.pixels)

    def painted(self, seconds: float) -> None:
        sent = self.clock.now() - timedelta(seconds=seconds)
        self.pixels.show([Watermark(MARKERS, sent, 0.0)])
        assert self.pixels.report(round(sent.timestamp() * 1000), 0) == seconds

    def last(self) -> Latency | None:
        self.clock.advance(seconds=1)  # what is told is added up once a second
        return self.pixels.last_minutes()


@pytest.fixture
def processes(redis_server: RedisServer) -> Iterator[Callable[..., Process]]:
    made: list[Process] = []

    def make(name: str = "wall") -> Process:
        made.append(Process(redis_server.url, name))
        return made[-1]

    yield make
    for process in made:
        process.peers.stop()


def turns(*made: Process) -> None:
    for _ in range(2):  # the first one heard nothing of those after it
        for process in made:
            process.peers.turn()


def test_all_processes_tell_the_same_and_count_each_report_once(processes: Callable[..., Process]) -> None:
    one, other, third = processes(), processes(), processes()
    one.painted(1.0)
    for seconds in (2.0, 2.0, 9.0):
        other.painted(seconds)
    for _ in range(3):  # what is told again takes the place of what was told before
        turns(one, other, third)
    assert one.last() == other.last() == third.last() == Latency(2.0, 9.0, 9.0, 4)
    assert (one.heard, other.heard, third.heard) == ([1.0], [2.0, 2.0, 9.0], []), "each counts its own for /metrics"


def test_walls_that_share_a_redis_do_not_share_their_latency(processes: Callable[..., Process]) -> None:
    one, stranger = processes(), processes(name="another wall")
    one.painted(1.0)
    turns(one, stranger)
    assert stranger.last() is None


def test_what_others_told_is_forgotten_after_five_minutes_of_their_own(processes: Callable[..., Process]) -> None:
    one, other = processes(), processes()
    other.painted(1.0)
    other.clock.advance(seconds=200)
    other.painted(3.0)
    turns(one, other)
    assert one.last() == Latency(1.0, 3.0, 3.0, 2)
    one.clock.advance(seconds=110)
    assert one.last() == Latency(3.0, 3.0, 3.0, 1), "the first was 200 seconds old when it was told"
    one.clock.advance(seconds=WINDOW_S)
    assert one.last() is None


def test_reports_to_a_process_that_died_count_until_they_are_old(
    processes: Callable[..., Process], redis_server: RedisServer
) -> None:
    dead, late = processes(), processes()
    dead.painted(1.5)
    dead.peers.turn()
    late.peers.turn()
    assert late.last() == Latency(1.5, 1.5, 1.5, 1)
    client = redis_server.client()
    assert 0 < client.pttl(KEY) <= WINDOW_S * 1000, "and a wall that is gone leaves nothing behind"
    (who, told) = next((who, told) for who, told in client.hgetall(KEY).items() if b"1.5" in told)
    moment, words = told.split(b" ", 1)
    client.hset(KEY, who, b"%d %s" % (int(moment) - 200_000, words))
    late.peers.turn()
    assert late.last() is not None
    late.clock.advance(seconds=100)
    assert late.last() is None, "it was told 200 seconds before, by the clock of Redis"
    client.hset(KEY, who, b"%d %s" % (int(moment) - 301_000, words))
    late.peers.turn()
    assert not client.hexists(KEY, who)
    client.close()


def test_without_redis_a_process_goes_on_with_its_own_and_joins_again(
    processes: Callable[..., Process], redis_server: RedisServer
) -> None:
    one, other = processes(), processes()
    one.painted(1.0)
    other.painted(4.0)
    turns(one, other)
    redis_server.stop()
    with pytest.raises(redis.RedisError):
        one.peers.turn()
    one.painted(2.0)
    found = one.last()
    assert found is not None and (found.count, found.worst) == (3, 4.0), "what was heard stays and ages"
    one.clock.advance(seconds=WINDOW_S)
    one.painted(2.5)
    assert one.last() == Latency(2.5, 2.5, 2.5, 1)
    redis_server.start()
    other.painted(6.0)
    turns(one, other)
    assert one.last() == Latency(4.0, 6.0, 6.0, 3), "the other one's five minutes are not over by its clock"


def test_the_thread_tells_by_itself_and_a_lost_redis_does_not_end_it(
    processes: Callable[..., Process], redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("live.latency_peers.TURN_S", 0.05)
    redis_server.stop()
    one, other = processes(), processes()
    one.painted(1.0)
    one.peers.start()
    other.peers.start()
    assert other.last() is None
    redis_server.start()
    for _ in range(1200):
        if other.last() is not None:
            return
        sleep(0.05)
    raise AssertionError("nothing was heard")


@pytest.mark.parametrize("words", [b"", b"x", b"{}", b"[1]", b"[[1]]", b'[["a", [[1, 1]]]]', b"[[1, [[1, null]]]]"])
def test_strange_words_are_no_reports(words: bytes) -> None:
    assert unpack_reports(words, 0.0) == []


def test_latencies_that_cannot_be_are_no_reports() -> None:
    assert unpack_reports(b"[[1, [[-1, 1]]], [2, [[301, 1]]], [3, [[1, -5]]], [4, [[2, 3]]]]", 1.0) == [
        (5.0, Counter({2.0: 3}))
    ]


def test_what_is_packed_is_unpacked_with_its_age() -> None:
    assert unpack_reports(pack_reports([(12.5, Counter({0.55: 3, 2.0: 1}))]), 7.0) == [
        (19.5, Counter({0.55: 3, 2.0: 1}))
    ]
