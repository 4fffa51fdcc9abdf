"""Several processes on a real Redis: one asks, all show the same; hand-over, a leader that slept, Redis lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import redis

from app.sharing import readiness
from live.exchange import Exchange, connect
from live.sharing import Sharing
from live.ticker import Ticker
from metrics.ask import make_filters
from metrics.scope import Scope
from metrics.snapshot import AlertView, Watermark
from tests.live.fakes import BUDGET, CALENDAR, NOON, Wall
from tests.redis_server import RedisServer

LEASE_S = 300.0  # by the clock of the test, and longer than the slowest machine needs: it ends when the test says so
EAST = Scope(filters=make_filters({"province": ["440000"]}))
ALERT = AlertView("r", "critical", "firing", NOON, 1, 2, "m", None, None, {}, {}, {}, {})


class Process(Wall):
    """What one web process has: a wall with a place among the others. Its turns and ticks are taken by the test."""

    def __init__(self, url: str, build: str = "build") -> None:
        super().__init__()
        self.ticker.stop()
        self.members: dict[str, frozenset[str]] = {}
        self.rereads = 0
        self.sharing = Sharing(
            Exchange(connect(url, 60), "wall", build, LEASE_S),
            self.store,
            self.clock,
            lease_s=LEASE_S,
            members=lambda: self.members,
            adopt_members=self.members.update,
        )
        self.ticker = Ticker(
            plan=self.plan,
            fetch=self.fetch,
            watermarks=self.watermarks,
            observe=self.observe,
            store=self.store,
            clock=self.clock,
            calendar=CALENDAR,
            budget_s=BUDGET,
            peers=self.sharing,
        )
        self.sharing.connect_ticker(self.ticker.resume, self.ticker.wake, self.reread)

    def reread(self) -> None:
        self.rereads += 1

    def beat(self) -> None:
        """What the threads of a process do in a tick: turn, tick if it leads, tell."""
        self.sharing.turn()
        if self.sharing.leads():
            self.tick(0.1)
        self.sharing.turn()


@pytest.fixture
def processes(redis_server: RedisServer) -> Iterator[Callable[..., Process]]:
    made: list[Process] = []

    def make(**more: str) -> Process:
        made.append(Process(redis_server.url, **more))
        return made[-1]

    yield make
    for process in made:
        process.ticker.stop()
        process.sharing.stop()


def end_lease(server: RedisServer) -> None:
    """What a leader that is gone, or asleep, meets sooner or later."""
    client = server.client()
    assert client.delete("livewall:wall:leader") == 1
    client.close()


def pair(processes: Callable[..., Process]) -> tuple[Process, Process]:
    """A leader and a follower with one screen each, which have both seen a tick."""
    one, other = processes(), processes()
    one.look()
    other.look()
    for process in (one, other, one, other):
        process.beat()
    assert (one.sharing.role, other.sharing.role) == ("leader", "follower")
    return one, other


def test_one_asks_and_both_show_the_same_with_the_same_version(processes: Callable[..., Process]) -> None:
    one, other = pair(processes)
    assert one.asked and other.asked == [] and other.observed == 0
    assert other.look() == one.look() and other.look().complete
    one.values["gmv"] = 8.0
    one.beat()
    other.beat()
    assert other.look() == one.look() and other.asked == []


def test_the_pace_of_the_leader_is_the_pace_of_all(processes: Callable[..., Process]) -> None:
    """Screens of a follower would otherwise ask as often as ever, and its /readyz would miss ticks."""
    one, other = pair(processes)
    one.takes_s = 1.9
    for _ in range(3):
        one.tick(2.0)
    one.sharing.turn()
    other.sharing.turn()
    assert one.ticker.slowed_s == 5.0 and other.ticker.slowed_s == 0.0
    assert other.sharing.last is not None and other.sharing.last.slowed_s == 5.0
    other.clock.set(other.sharing.last.at + timedelta(seconds=14))
    assert readiness(other.ticker, other.sharing, other.clock)[0]
    other.clock.advance(seconds=2)
    assert not readiness(other.ticker, other.sharing, other.clock)[0]


def test_the_leader_asks_for_the_scopes_of_all_and_drops_them_with_their_screens(
    processes: Callable[..., Process], redis_server: RedisServer
) -> None:
    one, other = pair(processes)
    assert not other.look(EAST).complete
    for process in (other, one, other):
        process.beat()
    assert other.look(EAST).complete and other.look(EAST).scope == EAST and one.store.latest("wall", EAST) is not None
    count = one.asked_for("gmv")
    client = redis_server.client()
    client.delete("livewall:wall:scopes")  # a minute without anybody, for Redis
    client.close()
    one.clock.advance(seconds=61)
    one.look()
    one.beat()
    assert one.store.latest("wall", EAST) is None and one.asked_for("gmv") == count + 1


def test_a_scope_that_does_not_fit_is_turned_away_on_every_process(processes: Callable[..., Process]) -> None:
    one, other = pair(processes)
    one.store._limit = 2
    one.look(EAST)
    other.look(replace(EAST, step="pay"))
    for process in (other, one, other):
        process.beat()
    assert other.store.is_busy(other.look(replace(EAST, step="pay")))


def test_alerts_watermarks_and_codes_come_from_the_leader(processes: Callable[..., Process]) -> None:
    one, other = pair(processes)
    one.alerts, one.members = (ALERT,), {"sku": frozenset({"a"})}
    one.beat()
    one.beat()
    other.beat()
    assert other.look().alerts == (ALERT,) and other.look().watermarks == one.look().watermarks
    assert other.members == {"sku": frozenset({"a"})} and other.sharing.last == one.sharing.last


def test_every_process_knows_the_marks_that_any_may_have_shown(processes: Callable[..., Process]) -> None:
    """A screen that one process answered may report what it painted to another."""
    one, other = pair(processes)
    asks, follows = list[tuple[Watermark, ...]](), list[tuple[Watermark, ...]]()
    one.sharing.on_marks(asks.append)
    other.sharing.on_marks(follows.append)
    one.reached = NOON - timedelta(seconds=1)
    one.beat()
    one.beat()
    other.beat()
    assert asks[-1] == follows[-1] and follows[-1][0].reached == NOON - timedelta(seconds=1)


def test_a_dead_leader_is_replaced_and_its_numbers_stay_until_there_are_new_ones(
    processes: Callable[..., Process], redis_server: RedisServer
) -> None:
    one, other = pair(processes)
    one.alerts = (ALERT,)
    one.values["gmv"] = 8.0
    one.beat()
    one.beat()
    other.beat()
    last, rereads = other.look(), other.rereads
    other.broken = {"gmv", "visitors"}  # the new leader's first questions bring nothing
    end_lease(redis_server)
    other.sharing.turn()
    assert other.sharing.role == "leader"
    assert other.look() == last, "nothing is lost at the moment of the hand-over"
    other.watermark_error = RuntimeError("not yet")
    other.tick()
    held = other.look()
    assert held.complete and held.tiles["gmv"].answers["main"].rows == last.tiles["gmv"].answers["main"].rows
    assert held.tiles["gmv"].as_of == last.tiles["gmv"].as_of, "it ages"
    assert held.watermarks[0].reached == last.watermarks[0].reached and other.rereads == rereads + 1
    assert held.heard == last.heard, "the store has said nothing since"
    other.broken = set()
    other.tick()
    assert other.look().tiles["gmv"].as_of == other.clock.now()
    assert other.look().version.split("-")[0] != last.version.split("-")[0]


def test_who_takes_over_knows_scopes_that_only_others_watch(
    processes: Callable[..., Process], redis_server: RedisServer
) -> None:
    one, other = pair(processes)
    third = processes()
    third.look(EAST)
    for process in (third, one, third):
        process.beat()
    before = third.look(EAST)
    assert before.complete
    end_lease(redis_server)
    other.sharing.turn()
    assert other.sharing.role == "leader"
    held = other.store.latest("wall", EAST)
    assert held is not None and held.tiles == before.tiles


def test_a_leader_that_slept_cannot_overwrite_the_next_one(
    processes: Callable[..., Process], redis_server: RedisServer
) -> None:
    one, other = pair(processes)
    one.tick(0.1)  # its publication is ready to go out, and then it sleeps
    end_lease(redis_server)
    other.sharing.turn()
    assert other.sharing.role == "leader"
    other.beat()
    told = other.look()
    one.sharing._publish()
    assert one.sharing.role == "follower" and not one.sharing.keep_alerts("{}")
    one.beat()
    assert one.look() == told and not one.sharing.leads()


def test_a_leader_whose_lease_is_over_asks_nothing_before_it_has_looked(processes: Callable[..., Process]) -> None:
    one, _ = pair(processes)
    one.clock.advance(seconds=LEASE_S)
    assert one.sharing.role == "leader" and not one.sharing.leads()


def test_a_clean_end_hands_over_at_once(processes: Callable[..., Process]) -> None:
    one, other = pair(processes)
    one.sharing.stop()
    other.sharing.turn()
    assert other.sharing.role == "leader"


def test_without_redis_each_asks_for_itself_says_why_and_comes_back(
    processes: Callable[..., Process], redis_server: RedisServer
) -> None:
    one, other = pair(processes)
    shown = other.look()
    redis_server.stop()
    other.sharing.turn()
    assert other.sharing.role == "follower", "one failure is no reason yet"
    for process in (one, other):
        process.clock.advance(seconds=LEASE_S)
        process.sharing.turn()
        assert process.sharing.role == "alone" and "Redis does not answer" in process.sharing.problem
    assert other.look() == shown
    other.tick()
    one.tick()
    assert other.asked and other.look().complete and other.look().version != one.look().version
    redis_server.start()
    for process in (one, other, one, other):
        process.beat()
    assert {one.sharing.role, other.sharing.role} == {"leader", "follower"} and not other.sharing.problem
    count = len(other.asked if other.sharing.role == "follower" else one.asked)
    for process in (one, other, one, other):
        process.beat()
    assert other.look() == one.look()
    assert count == len(other.asked if other.sharing.role == "follower" else one.asked)


def test_a_process_of_another_version_is_not_read(processes: Callable[..., Process]) -> None:
    one, newer = processes(), processes(build="newer")
    one.look()
    newer.look()
    one.beat()
    newer.beat()
    assert newer.sharing.role == "alone" and "another version" in newer.sharing.problem
    assert newer.asked and newer.look().version != one.look().version
    one.sharing.stop()
    newer.sharing.turn()
    assert newer.sharing.role == "leader"


def test_others_are_nudged_once_about_a_new_scope_and_never_by_who_is_alone(
    processes: Callable[..., Process], redis_server: RedisServer
) -> None:
    """A nudge wakes its sender too: one a turn would have each process turn as fast as the machine can."""
    one, other = pair(processes)
    newer = processes(build="other")
    newer.look()
    newer.beat()
    heard = one.sharing.exchange.listener()
    assert heard.get_message(timeout=60) is None  # that it is subscribed, which it keeps to itself
    while heard.get_message(timeout=0.2) is not None:  # what was told so far
        pass
    other.look(EAST)  # nobody publishes it: the leader takes no turn
    for _ in range(5):
        newer.sharing.turn()
        other.sharing.turn()
    assert (other.sharing.role, newer.sharing.role) == ("follower", "alone")
    assert heard.get_message(timeout=5) is not None
    assert heard.get_message(timeout=0.5) is None, "nudged again"
    heard.close()


def test_what_cannot_be_read_leaves_the_last_numbers(
    processes: Callable[..., Process], redis_server: RedisServer
) -> None:
    one, other = pair(processes)
    before = other.look()
    client: redis.Redis = redis_server.client()
    for key in client.hkeys("livewall:wall:snapshots"):
        client.hset("livewall:wall:snapshots", key, b"cos\nsystem\n.")
    client.close()
    other.sharing.turn()
    assert other.look() == before and "cannot be read" in other.sharing.problem
    one.beat()
    other.beat()
    assert other.look() == one.look() and not other.sharing.problem
