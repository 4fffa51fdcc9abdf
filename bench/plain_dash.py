"""What one would write without Livewall: six tiles in plain Dash, memoised for a second as its documentation advises.

The other side of `bench/peers.py`, served by gunicorn; PEER_DSN names ClickHouse, PEER_REDIS the cache, PEER_DAY the
moment in epoch seconds at which the business day began. Its statements read the raw ledgers.
"""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import clickhouse_connect
import plotly.express as px
from dash import Dash, Input, Output, dcc, html
from flask_caching import Cache

TICK_S = 2.0
DAY = timedelta(days=1)
BEGIN = datetime.fromtimestamp(float(os.environ["PEER_DAY"]), UTC)
PAID = "FROM order_events WHERE kind = 'paid' AND ts >= {from:DateTime64(3, 'UTC')} AND ts < {to:DateTime64(3, 'UTC')}"
KINDS = "ts >= {from:DateTime64(3, 'UTC')} AND ts < {to:DateTime64(3, 'UTC')} GROUP BY kind"
GMV = f"SELECT sum(amount) / 10000 {PAID}"
TREND = f"SELECT toStartOfMinute(ts) AS minute, sum(amount) / 10000 AS gmv {PAID} GROUP BY minute ORDER BY minute"
FUNNEL = (
    "SELECT kind, uniq(user_id) FROM behaviour_events WHERE kind IN ('impression', 'click', 'view', 'cart') "
    f"AND {KINDS} UNION ALL SELECT kind, uniq(user_id) FROM order_events WHERE kind IN ('created', 'paid') AND {KINDS}"
)
PROVINCES = f"SELECT province, sum(amount) / 10000 AS gmv {PAID} GROUP BY province ORDER BY gmv DESC LIMIT 31"
CATEGORIES = f"SELECT category, sum(amount) / 10000 AS gmv {PAID} GROUP BY category ORDER BY gmv DESC LIMIT 10"
ORDERS = f"SELECT ts, province, category, amount / 10000 {PAID} ORDER BY ts DESC LIMIT 10"

app = Dash(__name__)
server = app.server
cache = Cache(server, config={"CACHE_TYPE": "RedisCache", "CACHE_REDIS_URL": os.environ["PEER_REDIS"]})
clients = threading.local()


def rows(sql: str, begin: datetime, end: datetime) -> list[Any]:
    """The answer of one statement. A client to each thread, as the driver advises."""
    if not hasattr(clients, "mine"):
        clients.mine = clickhouse_connect.get_client(dsn=os.environ["PEER_DSN"], autogenerate_session_id=False)
    return list(clients.mine.query(sql, {"from": begin, "to": end}).result_rows)


def today(sql: str) -> list[Any]:
    return rows(sql, BEGIN, datetime.now(UTC))


@cache.memoize(timeout=1)
def draw_gmv() -> str:
    now = datetime.now(UTC)
    ((gmv,),), ((before,),) = rows(GMV, BEGIN, now), rows(GMV, BEGIN - DAY, now - DAY)
    return f"{gmv:,.0f} ({float(gmv) / float(before or 1) - 1:+.1%})"


@cache.memoize(timeout=1)
def draw_trend() -> Any:
    now = datetime.now(UTC)
    minutes = rows(TREND, now - timedelta(hours=1), now)
    return px.line(x=[minute for minute, _ in minutes], y=[float(gmv) for _, gmv in minutes])


@cache.memoize(timeout=1)
def draw_funnel() -> Any:
    steps = dict(today(FUNNEL))
    return px.funnel(x=[steps.get(kind, 0) for kind in ("impression", "click", "view", "cart", "created", "paid")])


@cache.memoize(timeout=1)
def draw_provinces() -> Any:
    found = today(PROVINCES)
    return px.bar(x=[float(gmv) for _, gmv in found], y=[name for name, _ in found], orientation="h")


@cache.memoize(timeout=1)
def draw_categories() -> Any:
    found = today(CATEGORIES)
    return px.bar(x=[float(gmv) for _, gmv in found], y=[name for name, _ in found], orientation="h")


@cache.memoize(timeout=1)
def draw_orders() -> list[str]:
    return [f"{ts:%H:%M:%S} {province} {category} {amount:,.2f}" for ts, province, category, amount in today(ORDERS)]


app.layout = html.Div(
    [
        dcc.Interval(id="beat", interval=int(TICK_S * 1000)),
        html.H1(id="gmv"),
        *[dcc.Graph(id=name) for name in ("trend", "funnel", "provinces", "categories")],
        html.Div(id="orders"),
    ]
)


@app.callback(
    Output("gmv", "children"),
    Output("trend", "figure"),
    Output("funnel", "figure"),
    Output("provinces", "figure"),
    Output("categories", "figure"),
    Output("orders", "children"),
    Input("beat", "n_intervals"),
)
def refresh(_beats: int | None) -> tuple[Any, ...]:
    return (
        draw_gmv(),
        draw_trend(),
        draw_funnel(),
        draw_provinces(),
        draw_categories(),
        [html.Div(line) for line in draw_orders()],
    )


# What several threads must not meet cold: Dash can answer HTTP 500, and plotly imports pandas on the first figure.
server.test_client().get("/")
px.line(x=[0.0], y=[0.0])
