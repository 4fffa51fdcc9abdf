"""The second derivation of every metric: hand-written SQL over the raw ledgers, knowing nothing of definitions."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

Exact = Fraction | None


def _users(kind: str) -> str:
    return f"uniqExactIf(user_id, kind = '{kind}' AND user_id != '')"


def _sessions(kind: str) -> str:
    return f"uniqExactIf(session_id, kind = '{kind}' AND session_id != '')"


def _quantity(kind: str) -> str:
    return f"sumIf(quantity, kind = '{kind}')"


# metric -> SQL over order_events; money in ten-thousandths
ORDERS = {
    "created_gmv": "sumIf(amount, kind = 'created')",
    "paid_gmv": "sumIf(amount, kind = 'paid')",
    "refund_amount": "sumIf(amount, kind = 'refunded')",
    "cancelled_amount": "sumIf(amount, kind = 'cancelled')",
    "orders_created": "sumIf(orders, kind = 'created')",
    "orders_paid": "sumIf(orders, kind = 'paid')",
    "orders_cancelled": "sumIf(orders, kind = 'cancelled')",
    "orders_refunded": "sumIf(orders, kind = 'refunded')",
    "units": "sumIf(units, kind = 'paid')",
    "live_gmv": "sumIf(amount, kind = 'paid' AND channel = 'live')",
    "order_users": _users("created"),
    "paying_buyers": _users("paid"),
    "new_buyers": "uniqExactIf(user_id, kind = 'paid' AND user_id != '' AND tier = 'new')",
    "order_sessions": _sessions("created"),
    "pay_sessions": _sessions("paid"),
}
# metric -> SQL over behaviour_events
BEHAVIOUR = {
    "impressions": _quantity("impression"),
    "clicks": _quantity("click"),
    "product_views": _quantity("view"),
    "cart_adds": _quantity("cart"),
    "favourites": _quantity("favourite"),
    "visits": _quantity("visit"),
    "visitors": "uniqExactIf(user_id, user_id != '')",
    **{f"{kind}_users": _users(kind) for kind in ("impression", "click", "view", "cart", "favourite")},
    **{
        f"{kind}_sessions": _sessions(kind)
        for kind in ("visit", "impression", "click", "view", "cart", "favourite", "checkout")
    },
    "online_live_rooms": "uniqExactIf(room, room != '')",
}
# metric -> SQL over reconciliations, by the time of a run
TRUTH = {
    "compared_figures": "sum(compared)",
    "differing_figures": "sum(differences)",
    "contradicting_figures": "sum(contradictions)",
}
MONEY = {"created_gmv", "paid_gmv", "refund_amount", "cancelled_amount", "live_gmv"}


def _ratio(upper: str, lower: str) -> Callable[[dict[str, Fraction]], Exact]:
    return lambda v: v[upper] / v[lower] if v[lower] else None


# metric -> value from the others; `minutes` is the length of the window
COMPOSITES: dict[str, Callable[[dict[str, Fraction]], Exact]] = {
    "net_gmv": lambda v: v["paid_gmv"] - v["refund_amount"],
    "average_order_value": _ratio("paid_gmv", "orders_paid"),
    "unit_price": _ratio("paid_gmv", "units"),
    "refund_rate": _ratio("refund_amount", "paid_gmv"),
    "refund_rate_orders": _ratio("orders_refunded", "orders_paid"),
    "create_to_pay_rate": _ratio("orders_paid", "orders_created"),
    "gmv_per_minute": _ratio("paid_gmv", "minutes"),
    "orders_per_minute": _ratio("orders_paid", "minutes"),
    "new_buyer_share": _ratio("new_buyers", "paying_buyers"),
    "spend_per_buyer": _ratio("paid_gmv", "paying_buyers"),
    "click_rate": _ratio("clicks", "impressions"),
    "view_rate": _ratio("product_views", "clicks"),
    "cart_rate": _ratio("cart_adds", "product_views"),
    "order_rate": _ratio("orders_created", "cart_adds"),
    "view_to_order_rate": _ratio("orders_created", "product_views"),
    "impression_to_pay_rate": _ratio("orders_paid", "impressions"),
    "user_click_rate": _ratio("click_users", "impression_users"),
    "user_view_rate": _ratio("view_users", "click_users"),
    "user_cart_rate": _ratio("cart_users", "view_users"),
    "user_order_rate": _ratio("order_users", "cart_users"),
    "user_pay_rate": _ratio("paying_buyers", "order_users"),
    "pay_conversion": _ratio("paying_buyers", "visitors"),
    "session_conversion": _ratio("pay_sessions", "visit_sessions"),
    "differing_rate": _ratio("differing_figures", "compared_figures"),
}
