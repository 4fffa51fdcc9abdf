"""A real ledger for the alert tests: orders put in by hand, and a plain SQL that answers the engine's asks."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa

from alerts.engine import AlertEngine
from alerts.measures import Measured
from alerts.model import MinVolume, Rule
from metrics.ask import Ask
from metrics.calendar import BusinessCalendar
from metrics.reading import Reading, Row
from metrics.regions import load_region_set
from metrics.snapshot import AlertView, Watermark
from queries.client import ClickHouse
from queries.statement import Statement

CALENDAR = BusinessCalendar(ZoneInfo("Asia/Shanghai"), time(0, 0))
NOON = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)
REGIONS = load_region_set("cn_provinces")
SHANGHAI, GUANGDONG = "310000", "440000"
ORDERS = frozenset({"orders"})
DIMENSIONS = frozenset({"large_region", "province", "channel"})


def measure(key: str, zh: str, en: str, unit: str = "count", countable: bool = True) -> Measured:
    return Measured(key, {"zh": zh, "en": en}, unit, ORDERS, countable, DIMENSIONS)


MEASURES = {
    found.key: found
    for found in (
        measure("orders_created", "创建订单", "orders created"),
        measure("orders_paid", "支付订单", "orders paid"),
        measure("paid_gmv", "支付金额", "paid GMV", "money"),
        measure("create_to_pay_rate", "支付成功率", "payment success", "ratio", countable=False),
    )
}
WORDS = {"zh": "规则", "en": "rule"}
OUTAGE = Rule(
    key="outage",
    name=WORDS,
    metric="create_to_pay_rate",
    by="large_region",
    window_minutes=2,
    limit=0.45,
    resolve_limit=0.6,
    min_volume=MinVolume(metric="orders_created", value=15),
    resolve_after=2,
    severity="critical",
    owner="pay",
    action=WORDS,
)
STALE = Rule(
    key="stale", name=WORDS, metric="paid_gmv", type="stale", ledger="orders", op="above", limit=90, resolve_after=1,
    owner="data", action=WORDS,
)  # fmt: skip

SEEN = """
SELECT transform(province, {provinces:Array(String)}, {parents:Array(String)}, '') AS region,
       countIf(kind = 'created') AS orders_created, countIf(kind = 'paid') AS orders_paid,
       sumIf(amount, kind = 'paid') / 10000 AS paid_gmv, orders_paid / nullIf(orders_created, 0) AS create_to_pay_rate
FROM order_events WHERE ts >= {start:DateTime64(3, 'UTC')} AND ts < {end:DateTime64(3, 'UTC')}
GROUP BY region
"""


class Shop:
    """A store with orders put in by hand, an engine over it, and a clock that is an argument."""

    def __init__(self, store: ClickHouse, rules: tuple[Rule, ...] = (OUTAGE,), **options: object) -> None:
        self.store, self.rules, self.options = store, rules, options
        self.asked: list[Ask] = []
        self._waiting: list[dict[str, object]] = []
        self.broken: Exception | None = None
        self.reached: datetime | None = None
        self.behaviour: datetime | None = None
        self.engine = self.restarted()

    def restarted(self) -> AlertEngine:
        self.engine = AlertEngine(
            self.rules,
            fetch=self.fetch,
            measures=MEASURES,
            calendar=CALENDAR,
            members=lambda dimension: REGIONS.parents if dimension == "large_region" else (),
            label=lambda dimension, code, locale: REGIONS.parents.get(code, {}).get(locale, code),
            **self.options,  # type: ignore[arg-type]
        )
        return self.engine

    def put(self, kind: str, start: datetime, count: int, province: str = SHANGHAI, over_s: float = 60) -> None:
        """`count` orders spread evenly over some seconds; they reach the ledger with the next `observe`."""
        for number in range(count):
            ts = start + timedelta(seconds=over_s * number / count)
            self._waiting.append({"ts": ts, "kind": kind, "province": province, "event_id": f"{len(self._waiting)}"})
            self.reached = ts if self.reached is None else max(self.reached, ts)

    def _flush(self) -> None:
        if self._waiting:
            same = {"order_id": "o", "amount": 1_000_000, "user_id": "u", "channel": "live", "country": "CHN"}
            rows = [{**row, **same, "created_at": row["ts"]} for row in self._waiting]
            self.store.insert_arrow("order_events", pa.Table.from_pylist(rows))
            self._waiting.clear()

    def minute(self, start: datetime, east: float = 0.86, south: float = 0.86, orders: int = 20) -> None:
        """One minute of orders in two regions, with their shares of payments."""
        for province, share in ((SHANGHAI, east), (GUANGDONG, south)):
            self.put("created", start, orders, province)
            self.put("paid", start, round(orders * share), province)

    def observe(self, as_of: datetime) -> tuple[AlertView, ...]:
        self._flush()
        marks = tuple(
            Watermark(ledger, reached, (as_of - reached).total_seconds() if reached else None)
            for ledger, reached in (("orders", self.reached), ("behaviour", self.behaviour))
        )
        return self.engine.observe(as_of, marks)

    def fetch(self, ask: Ask, now: datetime) -> Reading:
        self.asked.append(ask)
        if self.broken:
            raise self.broken
        values: dict[tuple[str, ...], dict[str, dict[str, float]]] = {}
        for name, span in ask.spans:
            provinces = list(REGIONS.regions)
            found = self.store.read(
                Statement(
                    "seen",
                    SEEN
                    if ask.by
                    else SEEN.replace("{parents:Array(String)}, '')", "{parents:Array(String)}, '') = '?'"),
                    {
                        "start": span.start,
                        "end": span.end,
                        "provinces": provinces,
                        "parents": [REGIONS.regions[code].parent for code in provinces],
                    },
                )
            )
            for row in found.rows:
                keys = (str(row[0]),) if ask.by else ()
                values.setdefault(keys, {})[name] = dict(zip(found.columns[1:], row[1:], strict=True))
        return Reading(ask, tuple(Row(keys, None, spans) for keys, spans in values.items()), now)


def of(views: tuple[AlertView, ...], rule: str, code: str | None = None) -> AlertView:
    return next(view for view in views if view.rule == rule and view.code == code)
