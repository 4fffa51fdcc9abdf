"""How many people come, and what they are like: demand by second, and the shares of a day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ingest.columns import Rows
from ingest.dice import Dice, Floats, Ints
from ingest.scenario import Staged
from ingest.shapes import day_index, hour_index
from ingest.world import SLOTS, ZONE, World

ZONE_SECONDS = int(ZONE.total_seconds())
DAY = 86_400
EPOCH = 1_704_067_200  # 2024-01-01 UTC; session numbers count from here so that ids stay short
PER_SECOND = 1 << 16  # sessions that one second can number
TAGS = 64  # streams with other settings get other numbers (one in 64 shares a tag; nothing is lost then)

ROWS_PER_SESSION = 2.138  # ledger rows that a mean session leaves in the end (held by a test)
USERS_PER_ROW_RATE = 150_000  # people who know the shop, per ledger row a second: most visitors of a day come once

DAY_NOISE, MINUTE_NOISE = 0.03, 0.08
DAY_OF_WEEK = 0.7  # the measured index comes from three weeks of one shop: taken at seven tenths of its swing
TREND, TREND_DAYS = 0.10, 42  # a season's slow swing: at most 1.5 % a day
DRIFT = {"province": 0.07, "channel": 0.06, "category": 0.08}
ZIPF = 0.9  # how much the best-selling SKUs of a category stand out
LIVE = "live"


@dataclass(frozen=True, eq=False)
class Demand:
    """The visitors of a business: `rate` is ledger rows a second averaged over a day."""

    dice: Dice
    rate: float
    world: World
    staged: Staged
    tag: int

    def intensity(self, seconds: Ints) -> Floats:
        """Sessions expected to begin in each second (epoch seconds)."""
        local = seconds + ZONE_SECONDS
        hours = np.interp((local % DAY) / 3600 - 0.5, np.arange(24), hour_index(), period=24)
        days, day_of = np.unique(local // DAY, return_inverse=True)
        minutes, minute_of = np.unique(seconds // 60, return_inverse=True)
        noise = np.exp(MINUTE_NOISE * self.dice.normal("minute", minutes))[minute_of]
        traffic = self.staged.factor("traffic", seconds * 1000, {})
        return np.asarray(self.rate / ROWS_PER_SESSION * hours * self._day_factor(days)[day_of] * noise * traffic)

    def _day_factor(self, days: Ints) -> Floats:
        weekday = np.array(day_index())[(days + 3) % 7]  # epoch day 0 was a Thursday
        season = 1 + TREND * np.sin(2 * np.pi * days / TREND_DAYS)
        return np.asarray(
            (1 + DAY_OF_WEEK * (weekday - 1)) * season * np.exp(DAY_NOISE * self.dice.normal("day", days))
        )

    def shares(self, dimension: str, day: int) -> Floats:
        """Shares of a dimension's codes on a local day: each code drifts from day to day."""
        base = self.world.weight[dimension]
        keys = np.int64(day) * 1000 + np.arange(len(base))
        drift = np.exp(DRIFT[dimension] * self.dice.normal(f"drift/{dimension}", keys))
        return self.staged.shares(dimension, base * drift)

    def sessions(self, begin: int, end: int) -> Rows:
        """The sessions that begin in [begin, end), epoch seconds within one local day."""
        seconds = np.arange(begin, end, dtype=np.int64)
        counts = np.minimum(self.dice.poisson("sessions", seconds, self.intensity(seconds)), PER_SECOND)
        second = np.repeat(seconds, counts)
        place = np.arange(len(second)) - np.repeat(np.cumsum(counts) - counts, counts)
        key = ((second - EPOCH) * PER_SECOND + place) * TAGS + self.tag
        start = second * 1000 + (self.dice.uniform("start", key) * 1000).astype(np.int64)
        day = (begin + ZONE_SECONDS) // DAY
        province = _pick(self.shares("province", day), self.dice.uniform("province", key))
        user = self._users(key, province)
        channel, room = self._channels(key, start, day)
        category, sku = self._products(key, room, day)
        return Rows(
            {
                "session": key,
                "ts": start,
                "user": user,
                "channel": channel,
                "room": room,
                "category": category,
                "sku": sku,
                "province": province,
                "city": self._cities(user, province),
                "tier": _pick(self.world.weight["tier"], self.dice.uniform("tier", user)),
            }
        )

    def _users(self, key: Ints, province: Ints) -> Ints:
        """A user lives in one province, in one city, and has one tier."""
        pool = np.maximum(50, self.world.weight["province"] * USERS_PER_ROW_RATE * self.rate)
        return (province + 1) * 100_000_000 + (self.dice.uniform("user", key) * pool[province]).astype(np.int64)

    def _cities(self, user: Ints, province: Ints) -> Ints:
        """Larger cities stand first in a province's list and have more people."""
        spread = self.dice.uniform("city", user) ** 1.6
        return self.world.city_start[province] + (spread * self.world.city_count[province]).astype(np.int64)

    def _channels(self, key: Ints, start: Ints, day: int) -> tuple[Ints, Ints]:
        """Channel and live room: the live share follows what is on air, and is nothing when nobody is."""
        slot = ((start // 1000 + ZONE_SECONDS) % DAY) // (DAY // SLOTS)
        live = self.world.index("channel", LIVE)
        on_air = self.world.room_on_air.sum(axis=1)
        table = np.tile(self.shares("channel", day), (SLOTS, 1))
        table[:, live] *= np.where(on_air > 0, 0.4 + 0.6 * on_air / on_air.mean(), 0.0)
        channel = _pick_by_row(table, slot, self.dice.uniform("channel", key))
        room = np.zeros(len(key), dtype=np.int64)
        watching = channel == live
        room[watching] = _pick_by_row(self.world.room_on_air, slot[watching], self.dice.uniform("room", key[watching]))
        return channel, room

    def _products(self, key: Ints, room: Ints, day: int) -> tuple[Ints, Ints]:
        """Category, as the room sells or as the day likes, and SKU, by Zipf within the category."""
        per_category = self.world.skus_per_category
        table = self.world.room_category * self.shares("category", day) / self.world.weight["category"]
        category = _pick_by_row(table, room, self.dice.uniform("category", key))
        popularity: Floats = np.arange(1, per_category + 1, dtype=np.float64) ** -ZIPF
        rank = _pick(popularity, self.dice.uniform("sku", key))
        sku: Ints = np.asarray(1 + category * per_category + rank)
        spotlight = self.staged.scenario.spotlight
        if spotlight:
            hot = self.world.index("sku", spotlight.sku)
            drawn = self.dice.uniform("spotlight", key) < spotlight.share
            sku = np.where(drawn, hot, sku)
            category = np.where(drawn, (hot - 1) // per_category, category)
        return category, sku


def _pick(weight: Floats, chance: Floats) -> Ints:
    """An index by weight for each chance in [0, 1)."""
    edges = np.cumsum(weight)
    return np.asarray(np.minimum(np.searchsorted(edges, chance * edges[-1], side="right"), len(weight) - 1))


def _pick_by_row(weights: Floats, row: Ints, chance: Floats) -> Ints:
    """An index by the weights of each chance's own row; a row's trailing zeros are never picked."""
    edges = np.cumsum(weights, axis=1)
    reach: npt.NDArray[np.float64] = chance * edges[row, -1]
    picked: Ints = (edges[row] <= reach[:, None]).sum(axis=1)
    return picked


def local_day(milliseconds: Ints) -> Ints:
    """The shop's calendar day, as days since 1970, of epoch milliseconds."""
    return np.asarray((milliseconds // 1000 + ZONE_SECONDS) // DAY)
