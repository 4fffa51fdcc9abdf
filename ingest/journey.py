"""What visitors do: from a session to its exposures, clicks, views, carts, favourites and its order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingest.columns import BEHAVIOUR_COLUMNS, DIMENSIONS, ORDER_COLUMNS, Rows, event_number, join
from ingest.demand import local_day
from ingest.dice import Dice, Floats, Ints
from ingest.event import BEHAVIOUR_KINDS, ORDER_KINDS
from ingest.scenario import Staged, Step
from ingest.shapes import at_quantile
from ingest.world import World
from metrics.profile import MONEY_SCALE

SESSION_SECONDS = 600  # nothing but an order's later fate happens after this; the sum of the longest waits below

# Step rates of a mean session. Their ladder is that of an exposure log: a batch of ten exposures, one click in three
# sessions, one order in twenty; profiles' measured ratios (view → cart 0.41 of sessions, pv : fav 0.034) frame them.
SECOND_BATCH, CLICK, VIEW, CART, FAVOURITE, ORDER = 0.09, 0.30, 0.88, 0.30, 0.055, 0.685
CLICKS = (0.65, 0.87, 0.96)  # chance of at most one, two, three clicks; four at most
SKIPPED_VIEW = 0.25  # one click of several leaves before the page is there
SECOND_CART = 0.17
DAILY = {"click": 0.03, "cart": 0.03, "order": 0.035}  # how far a day's step rate wanders
MEAN_ORDER = 104.0  # currency units; the shape is profiles' paid_order_total_cny

# Places of a session's events in its numbering.
IMPRESSION, CLICKED, VIEWED, CARTED, FAVOURED, CREATED = 0, 2, 6, 10, 12, 20


@dataclass(frozen=True, eq=False)
class Journey:
    """Turns sessions into events; pure for given dice and scenario."""

    dice: Dice
    world: World
    staged: Staged

    def walk(self, sessions: Rows) -> tuple[Rows, Rows]:
        """Behaviour rows and the `created` rows of orders that `sessions` lead to, in no order of time."""
        parts = [self._impressions(sessions, sessions["ts"], 0)]
        again = sessions.take(self._chance("again", sessions) < SECOND_BATCH)
        parts.append(self._impressions(again, again["ts"] + self._wait("again/wait", again, 20, 90), 1))

        clickers = self._that(sessions, "click", CLICK)
        count = 1 + np.searchsorted(CLICKS, self._chance("clicks", clickers), side="right")
        clicks, nth = self._repeat(clickers, count)
        clicked = clicks["ts"] + self._wait("click/wait", clicks, 2, 22) + 1000 * nth * self._pace(clicks)
        parts.append(self._events(clicks, "click", clicked, CLICKED + nth))

        viewers = self._that(clickers, "view", VIEW)
        count = 1 + np.searchsorted(CLICKS, self._chance("clicks", viewers), side="right")
        skips = (self._chance("skip", viewers) < SKIPPED_VIEW) & (count > 1)
        views, nth = self._repeat(viewers, count - skips)
        viewed = views["ts"] + self._wait("click/wait", views, 2, 22) + 1000 * nth * self._pace(views)
        viewed += self._wait("view/wait", views, 0.3, 1.5)
        parts.append(self._events(views, "view", viewed, VIEWED + nth))
        last = np.cumsum(count - skips) - 1
        viewers = viewers.having(ts=viewed[last]) if len(viewers) else viewers

        fans = self._that(viewers, "favourite", FAVOURITE)
        parts.append(self._events(fans, "favourite", fans["ts"] + self._wait("favourite/wait", fans, 2, 20), FAVOURED))

        carters = self._that(viewers, "cart", CART)
        carters = carters.having(ts=carters["ts"] + self._wait("cart/wait", carters, 4, 60))
        parts.append(self._events(carters, "cart", carters["ts"], CARTED))
        more = carters.take(self._chance("more", carters) < SECOND_CART)
        parts.append(self._events(more, "cart", more["ts"] + self._wait("more/wait", more, 1, 8), CARTED + 1))

        behaviour = join(parts, BEHAVIOUR_COLUMNS)
        return behaviour, self._orders(self._that(carters, "order", ORDER))

    def _chance(self, purpose: str, rows: Rows) -> Floats:
        return self.dice.uniform(purpose, rows["session"])

    def _wait(self, purpose: str, rows: Rows, low: float, high: float) -> Ints:
        """Milliseconds between `low` and `high` seconds, short waits more often."""
        return (1000 * (low + (high - low) * self._chance(purpose, rows) ** 2)).astype(np.int64)

    def _pace(self, rows: Rows) -> Ints:
        """Seconds between a visitor's clicks."""
        return (10 + 30 * self._chance("pace", rows)).astype(np.int64)

    def _that(self, rows: Rows, step: Step, rate: float) -> Rows:
        """Those rows whose visitors take a step."""
        chance = rate * self.staged.factor(step, rows["ts"], rows.columns)
        if step in DAILY:
            chance = chance * np.exp(DAILY[step] * self.dice.normal(f"day/{step}", local_day(rows["ts"])))
        if step == "order":
            for dimension, rates in self.world.order.items():
                chance = chance * rates[rows[dimension]]
        return rows.take(self._chance(step, rows) < chance)

    @staticmethod
    def _repeat(rows: Rows, count: Ints) -> tuple[Rows, Ints]:
        """Each row `count` times, and which repetition (0, 1, …) each is."""
        nth = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
        return rows.take(np.repeat(np.arange(len(rows)), count)), nth

    def _impressions(self, rows: Rows, ts: Ints, nth: int) -> Rows:
        """A batch of exposures covers many products: it carries a count and no SKU."""
        quantity = 8 + (9 * self._chance(f"quantity/{nth}", rows)).astype(np.int64)
        shown = rows.having(sku=np.zeros(len(rows), dtype=np.int64))
        return self._events(shown, "impression", ts, IMPRESSION + nth, quantity)

    @staticmethod
    def _events(rows: Rows, kind: str, ts: Ints, place: Ints | int, quantity: Ints | None = None) -> Rows:
        length = len(rows)
        return rows.only(("user", "session", *DIMENSIONS)).having(
            ts=ts,
            kind=np.full(length, BEHAVIOUR_KINDS.index(kind)),
            event=event_number(rows["session"], place),
            quantity=np.ones(length, dtype=np.int64) if quantity is None else quantity,
        )

    def _orders(self, buyers: Rows) -> Rows:
        ts = buyers["ts"] + self._wait("order/wait", buyers, 8, 150)
        units = 1 + np.searchsorted((0.84, 0.95, 0.985), self._chance("units", buyers), side="right")
        return buyers.having(
            ts=ts,
            created_ms=ts,
            kind=np.full(len(buyers), ORDER_KINDS.index("created")),
            event=event_number(buyers["session"], CREATED),
            order=buyers["session"],
            amount=self._amounts(buyers, ts),
            units=units,
        ).only(ORDER_COLUMNS)

    def _amounts(self, buyers: Rows, ts: Ints) -> Ints:
        """Order values in money units, to the cent: the measured shape, moved by category, SKU and scenario."""
        shape = at_quantile("paid_order_total_cny", self._chance("amount", buyers)) / _mean_total()
        level = np.exp(0.2 * self.dice.normal("sku/price", buyers["sku"]) - 0.02)
        price = self.world.price[buyers["category"]] * level * self.staged.factor("amount", ts, buyers.columns)
        cents = np.maximum(100, np.rint(100 * MEAN_ORDER * shape * price)).astype(np.int64)
        return np.asarray(cents * (MONEY_SCALE // 100))


def _mean_total() -> float:
    return float(at_quantile("paid_order_total_cny", (np.arange(2000) + 0.5) / 2000).mean())
