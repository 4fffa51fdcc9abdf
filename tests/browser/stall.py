"""A database that lets some statements of a wall wait for as long as a test wants, and what waits for them."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Literal

from playwright.sync_api import Page

from app.main import Wall
from live.slots import Slot
from metrics.ask import Latest
from metrics.scope import Scope
from queries.statement import Result, Statement
from tests.browser.real import RunningClock
from tests.browser.stage import until

Kind = Literal["one statement", "one joined statement", "all"]
KINDS: tuple[Kind, ...] = ("one statement", "one joined statement", "all")
PATIENCE = 120.0
EVERY_TICK = {"hero", "orders_paid", "average_order_value", "refund_rate"}  # always in the one SELECT of the orders
OTHERS = {"visitors", "orders", "online_live_rooms"}  # never: of another ledger, or a list by itself


class Stall:
    """`read` takes the place of the store's own, and stalls until `go_on` is set; `stalls` is set by the first that
    waits. `all` has the watermarks and the rules in it."""

    def __init__(self, wall: Wall, clock: RunningClock, kind: Kind) -> None:
        self._wall, self._clock, self._kind, self._read = wall, clock, kind, wall.given.clickhouse.read
        self.stalls, self.go_on = threading.Event(), threading.Event()

    def read(self, statement: Statement) -> Result:
        if not self.go_on.is_set() and self._is_stuck(statement):
            self.stalls.set()
            self.go_on.wait(5 * PATIENCE)
        return self._read(statement)

    def _is_stuck(self, statement: Statement) -> bool:
        if self._kind == "all":
            return threading.current_thread().name.startswith(("ask", "watch"))  # the wall's own: a test asks too
        if self._kind == "one statement":
            return statement.name.startswith("latest ")  # the newest orders are one statement of one tile
        return statement.name == "tick: orders" and not self.stalls.is_set()  # those of the next ticks are well

    def pass_time(self, page: Page, steps: int) -> None:
        """In steps of 38 s: a scope that nobody asks for in a minute is let go of, and a wall that the stall has slowed
        asks every ten seconds by itself."""
        for _ in range(steps):
            self._clock.jump(self._clock.now() + timedelta(seconds=38))
            before = page.evaluate("() => livewall.gate.asked.n")  # it may have come to the server before the jump
            page.evaluate("() => livewall.ask()")
            page.wait_for_function(f"() => livewall.gate.answered.n > {before}", timeout=PATIENCE * 1000)

    def tiles(self) -> tuple[set[str], set[str]]:
        """Tiles that the wall shows by a question without an answer, and those that wait for nothing."""
        return self._tiles_of_a_joined() if self._kind == "one joined statement" else self._tiles_of_plan()

    def _tiles_of_plan(self) -> tuple[set[str], set[str]]:
        planned = [tile for tile in self._wall.ticker._plan("wall", Scope(), self._clock.now()) if tile.questions]
        hit = {
            tile.key
            for tile in planned
            if self._kind == "all" or any(isinstance(question, Latest) for question in tile.questions.values())
        }
        return hit, {tile.key for tile in planned} - hit

    def _tiles_of_a_joined(self) -> tuple[set[str], set[str]]:
        """Those that wait for an answer that was wanted at the stall: what was asked since is soon answered."""
        ticker = self._wall.ticker
        known = {slot.pending for slots in self._slots().values() for slot in slots if slot.pending}
        beats = ticker._count
        assert until(lambda: ticker._count >= beats + 2, PATIENCE)

        def waits(slots: list[Slot]) -> list[float]:
            return [slot.every for slot in slots if slot.pending in known]

        assert until(lambda: not any(waits(self._slots()[name]) for name in OTHERS), PATIENCE)
        asked = {key: slots for key, slots in self._slots().items() if slots}
        # of what is slower beside a tile's own number no tile is older
        hit = {key for key, slots in asked.items() if min(slot.every for slot in slots) in waits(slots)}
        return hit, {key for key, slots in asked.items() if not waits(slots)}

    def _slots(self) -> dict[str, list[Slot]]:
        scope = self._wall.ticker._scopes["wall", Scope()]
        return {key: [*tile.slots.values()] for key, tile in scope.tiles.items()}
