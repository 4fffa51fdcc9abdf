"""Takes in events until it is killed, or checks what the store holds: run as a process of its own by test_crash.

Arguments: `endpoint` or `simulator`, the store's folder, the file of acknowledgements, and where the store is reached:
the addresses of three roles, or none for the engine in this process. It imports everything, says `loaded`, and waits
for a line: `go` to take in events, which it confirms with `taking`, or `check` to print as JSON what is in the ledgers
and rollups.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from core.clock import ManualClock, wait
from ingest.incoming import EventCheck, Incoming
from ingest.receiver import BusyError, Letter, Limits, Receiver
from ingest.spool import Spool
from ingest.writer import SPOOL, Writer, send_leftovers
from metrics.profile import DEMO, read_profile
from queries.client import ClickHouse
from queries.migrate import migrate
from queries.server import Access
from queries.statement import Statement
from tests.faults.rollups import rollup_rows

NOON = datetime(2026, 11, 11, 4, tzinfo=UTC)
PRODUCERS = 3
MOST_WAITING = 24  # so few that producers are put off, and that the next process has little to heal
PROVINCES, CHANNELS = ("440000", "330000", "110000", ""), ("live", "search", "mall", "")
LEDGERS = {"orders": "order_events", "behaviour": "behaviour_events"}
SEED, RATE, STEP_S = 5, 30.0, 20


def events_of(producer: int, number: int, check: EventCheck) -> list[Incoming]:
    """A producer's batch: the same whenever it is asked for, on either side of a crash."""
    dice = random.Random(f"{producer}-{number}")
    found = []
    orders = dice.choice((0.0, 0.0, 0.5, 1.0, 1.0))  # most batches are of one ledger: an insert keeps every rollup
    span_s = 30 * 3_600 if dice.random() < 0.05 else 600  # some batches are late and go into several partitions
    for place in range(dice.randint(1, 12)):
        moment = NOON - timedelta(milliseconds=dice.randrange(span_s * 1000))
        event: dict[str, Any] = {
            "event_id": f"{producer}-{number}-{place}",
            "time": moment.isoformat(),
            "user_id": f"u{dice.randrange(50)}",
            "province": dice.choice(PROVINCES),
            "channel": dice.choice(CHANNELS),
        }
        if dice.random() >= orders:
            event |= {"kind": dice.choice(("visit", "view", "cart", "click")), "quantity": dice.randint(1, 5)}
        else:
            event |= {"kind": dice.choice(("created", "paid", "cancelled", "refunded")), "order_id": f"o{number}"}
            event |= {"amount": f"{dice.randrange(1, 10**6)}.25", "created_at": moment.isoformat()}
        incoming = check.check(event, f"p{producer}", NOON)
        assert isinstance(incoming, Incoming), incoming
        found.append(incoming)
    return found


def acknowledged(path: Path) -> dict[int, int]:
    """How many batches of each producer were acknowledged before."""
    counts = dict.fromkeys(range(PRODUCERS), 0)
    for line in path.read_text().splitlines():
        producer, number = map(int, line.split())
        counts[producer] = max(counts[producer], number + 1)
    return counts


def take_events(store: ClickHouse, folder: Path, acks: Path) -> None:
    """Producers send batch after batch; each begins with the one whose acknowledgement it never heard."""
    receiver = Receiver(
        store, Spool(folder / SPOOL, every_s=0.1), ManualClock(NOON), Limits(batch_ms=3, waiting_rows=MOST_WAITING)
    )
    receiver.start()
    check = EventCheck(read_profile(DEMO))
    log = os.open(acks, os.O_WRONLY | os.O_APPEND)

    def produce(producer: int, number: int) -> None:
        chance = random.Random()
        while True:
            bad = Letter(1, "bad_json", "", f"bad {producer} {number}")
            try:
                receiver.receive(f"p{producer}", events_of(producer, number, check), [bad] if number % 5 == 0 else [])
                os.write(log, f"{producer} {number}\n".encode())
                if chance.random() < 0.2:  # a producer that did not hear the answer of an earlier batch
                    again = chance.randint(0, number)
                    assert not any(receiver.receive(f"p{producer}", events_of(producer, again, check)))
                number += 1
            except BusyError:
                wait(0.02)

    for producer, number in acknowledged(acks).items():
        threading.Thread(target=produce, args=(producer, number), daemon=True).start()


def simulate(store: ClickHouse, folder: Path, acks: Path) -> None:
    """The live simulator, whose seconds pass as fast as it writes."""
    from ingest.scenario import load_scenario  # here and not above: the other part would load it for nothing
    from ingest.simulator import LiveSimulator
    from ingest.world import load_world

    count = len(acks.read_text().splitlines())
    clock = ManualClock(NOON + timedelta(seconds=STEP_S * count))
    scenario = load_scenario("normal_day", load_world())
    writer = Writer(store, spool=Spool(folder / SPOOL, every_s=0.1))
    running = LiveSimulator(store, seed=SEED, rate=RATE, scenario=scenario, clock=clock, writer=writer)
    log = os.open(acks, os.O_WRONLY | os.O_APPEND)

    def run() -> None:
        running.step()
        while True:
            clock.advance(seconds=STEP_S)
            running.step()
            os.write(log, f"{int(clock.now().timestamp())}\n".encode())

    threading.Thread(target=run, daemon=True).start()


def expected_of_endpoint(acks: Path) -> set[str]:
    check = EventCheck(read_profile(DEMO))
    return {
        event.event_id
        for producer, count in acknowledged(acks).items()
        for number in range(count)
        for event in events_of(producer, number, check)
    }


def expected_of_simulator(acks: Path) -> set[str]:
    """What one run without a crash writes up to the last acknowledged second."""
    from ingest.columns import to_behaviour, to_orders
    from ingest.scenario import Staged, load_scenario
    from ingest.stream import Settings, Stream
    from ingest.world import load_world

    world, until = load_world(), int(acks.read_text().splitlines()[-1])
    begin = int(NOON.timestamp())
    stream = Stream(Settings(SEED, RATE), Staged(load_scenario("normal_day", world), world, NOON), begin)
    released = stream.advance(until)
    tables = (to_behaviour(released.behaviour, world), to_orders(released.orders, world))
    return {event_id for table in tables for event_id in table.column("event_id").to_pylist()}


def check_store(store: ClickHouse, acks: Path, expected: Callable[[Path], set[str]]) -> dict[str, Any]:
    """Events in the ledgers, those there twice, those that are missing, and what is wrong in each rollup."""
    ledgers, present = {}, set()
    for name, table in LEDGERS.items():
        found = store.read(Statement("ids", f"SELECT source, event_id FROM {table}")).rows
        ledgers[name] = {"events": len(found), "twice": len(found) - len(set(found))}
        present |= {event_id for _, event_id in found}
    letters = store.read(Statement("letters", "SELECT count(), uniqExact(load_id) FROM dead_letters")).rows[0]
    return {
        "ledgers": ledgers,
        "acknowledged": len(expected(acks)),
        "lost": len(expected(acks) - present),
        "letters": letters,
        "rollups": rollup_rows(store),
    }


def _die(failed: threading.ExceptHookArgs) -> None:
    """A producer that finds something wrong must not just fall silent."""
    traceback.print_exception(failed.exc_value)
    os._exit(1)


def main() -> None:
    import chdb  # noqa: F401
    import clickhouse_connect  # noqa: F401

    part, folder, acks = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    threading.excepthook = _die
    print("loaded", flush=True)
    wish = sys.stdin.readline().strip()
    if not wish:
        return  # whoever started this is gone
    store = ClickHouse(Access(*sys.argv[4:]) if sys.argv[4:] else f"chdb://{folder}/clickhouse", readers=2)
    migrate(store)
    healed = send_leftovers(store, folder)
    if wish == "check":
        expected = expected_of_endpoint if part == "endpoint" else expected_of_simulator
        print(json.dumps(check_store(store, acks, expected)), flush=True)
        store.close()
        return
    (take_events if part == "endpoint" else simulate)(store, folder, acks)
    print(f"taking {healed}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
