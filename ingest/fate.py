"""What becomes of an order: paid after a while, cancelled when it is not, refunded hours or days later."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingest.columns import ORDER_COLUMNS, Rows, event_number, join
from ingest.dice import Dice, Floats, Ints
from ingest.event import ORDER_KINDS
from ingest.journey import CREATED
from ingest.scenario import Staged
from ingest.shapes import at_quantile
from ingest.world import World

PAY, CANCEL, REFUND = 0.861, 0.6, 0.14
PAY_LIMIT_HOURS = 20.0
CANCEL_MINUTES = (15.0, 30.0)  # a cart's own time limit
REFUND_HOURS, REFUND_SPREAD, REFUND_LIMIT_HOURS = 7.0, 1.1, 60.0  # log-normal around its median
# Nothing happens to an order later than this after its creation.
FATE_HOURS = PAY_LIMIT_HOURS + REFUND_LIMIT_HOURS

HOUR_MS = 3_600_000


@dataclass(frozen=True, eq=False)
class Fate:
    """Decides from an order's own number; the same order has the same fate whenever it is asked."""

    dice: Dice
    world: World
    staged: Staged

    def follow(self, created: Rows) -> Rows:
        """The later events of orders given by their `created` rows, with the same order number and dimensions.

        A payment that fails in an outage is not tried again: most of those orders run out of time.
        """
        order = created["order"]
        wait = np.minimum(
            at_quantile("create_to_pay_seconds", self.dice.uniform("pay/wait", order)), PAY_LIMIT_HOURS * 3600
        )
        paid_at = created["ts"] + (1000 * wait + 1000 * self.dice.uniform("pay/ms", order)).astype(np.int64)
        pays = self.dice.uniform("pay", order) < PAY * self.staged.factor("pay", paid_at, created.columns)

        least, most = CANCEL_MINUTES
        minutes = least + (most - least) * self.dice.uniform("cancel/wait", order)
        cancelled_at = created["ts"] + (60_000 * minutes).astype(np.int64)
        cancels = ~pays & (
            self.dice.uniform("cancel", order) < CANCEL * self.staged.factor("cancel", created["ts"], created.columns)
        )

        refunded_at = paid_at + (HOUR_MS * self._refund_hours(order)).astype(np.int64)
        refunds = pays & (self.dice.uniform("refund", order) < self._refund_chance(created, paid_at))
        part = at_quantile("refund_over_total_when_refunded", self.dice.uniform("refund/part", order))
        returned = np.maximum(100, np.rint(created["amount"] * part / 100).astype(np.int64) * 100)

        return join(
            [
                self._event(created, "paid", paid_at, created["amount"], pays),
                self._event(created, "cancelled", cancelled_at, created["amount"], cancels),
                self._event(created, "refunded", refunded_at, np.minimum(returned, created["amount"]), refunds),
            ],
            ORDER_COLUMNS,
        )

    def _refund_hours(self, order: Ints) -> Floats:
        hours = REFUND_HOURS * np.exp(REFUND_SPREAD * self.dice.normal("refund/wait", order))
        return np.clip(hours, 0.3, REFUND_LIMIT_HOURS)

    def _refund_chance(self, created: Rows, paid_at: Ints) -> Floats:
        chance = REFUND * self.staged.factor("refund", paid_at, created.columns)
        for dimension, rates in self.world.refund.items():
            chance = chance * rates[created[dimension]]
        return chance

    @staticmethod
    def _event(
        created: Rows, kind: str, ts: Ints, amount: Ints, which: np.ndarray[tuple[int], np.dtype[np.bool_]]
    ) -> Rows:
        number = ORDER_KINDS.index(kind)
        return created.having(
            ts=ts,
            kind=np.full(len(created), number),
            amount=amount,
            event=event_number(created["session"], CREATED + number),
        ).take(which)
