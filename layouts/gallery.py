"""Every kind of tile in every face, from made-up answers: to look at while designing, and for tests to draw.

The answers are deterministic and plausible, never from a store; each kind plans and draws them as it does on a wall.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from layouts.board import Board, Tile
from layouts.plan import plan_board
from layouts.view import PlanContext, View, draw_tile
from locales.words import load_words
from metrics.ask import SCREENS, Ask, Facts, Latest, Question
from metrics.goals import Goal, load_goals
from metrics.labels import Labels
from metrics.reading import Answer, Findings, Listing, Number, Reading, Row
from metrics.scope import Scope
from metrics.snapshot import AlertView, PlannedTile

FACES = ("loading", "fresh", "stale", "empty", "error", "filtered")
SPAN_FACTORS = {"current": 1.0, "previous_day": 0.93, "previous_week": 1.06}
TYPICAL = {"money": 3_482_915.0, "count": 18_640.0, "ratio": 0.0312, "duration": 340.0}

SCREEN_STATES = ("dark", "frozen", "late", "hidden", "ok", "closed")


FILTERED = Scope(filters=(("channel", ("live",)), ("province", ("440000",)), ("room", ("room-01",))))
NOW = datetime(2026, 11, 22, 6, 2, 31, tzinfo=UTC)  # 14:02:31 in Shanghai: a gallery's clock stands still


@dataclass(frozen=True, slots=True)
class Samples:
    """What made-up answers are split by: the codes of each dimension, and the typical size of single metrics."""

    members: Mapping[str, Sequence[str]]
    sizes: Mapping[str, float]


SAMPLES = Samples(
    {
        "province": ("440000", "320000", "370000", "410000", "330000", "510000", "310000"),
        "large_region": ("east", "south", "north", "central", "southwest", "northeast", "northwest"),
        "city": ("440100", "440300", "440600", "441900", "440400", "440700"),
        "channel": ("live", "short_video", "search", "mall", "recommendation"),
        "category": ("apparel", "beauty", "digital"),
        "room": ("room-01", "room-02", "room-03"),
        "room_kind": ("influencer", "self"),
        "customer": ("returning", "new"),
        "sku": tuple(f"SKU-{number:05d}" for number in (51, 1, 201, 301, 52, 2, 202, 251)),
    },
    {"impressions": 4_812_000, "clicks": 188_300, "product_views": 142_800, "cart_adds": 20_410, "units": 9_000},
)


def sample_part(
    tile: Tile, board: Board, face: str, context: PlanContext, labels: Labels, locale: str, samples: Samples
) -> dict[str, Any]:
    """One tile of a frame in one face, as `layouts.frame` would send it."""
    if face == "filtered":
        context = replace(context, scope=FILTERED)
    planned = next(plan for plan in plan_board(board, context) if plan.key == tile.key)
    view = sample_view(planned, face, context, labels, locale, samples)
    payload = None if face == "loading" else draw_tile(tile, view)
    return {
        "v": f"{tile.key}-{face}-{locale}",
        "face": _face(face, payload),
        "as_of": context.as_of.isoformat(),
        "stale_after": 30.0,
        "error": "orders_1m: timeout" if face == "error" else None,
        "payload": payload,
    }


def _face(face: str, payload: dict[str, Any] | None) -> str:
    """`empty` is for tiles that say so: an alert tile without alerts is calm, not empty."""
    if payload and payload.get("empty"):
        return "empty"
    return "fresh" if face in ("empty", "filtered") else face


def sample_view(
    planned: PlannedTile, face: str, context: PlanContext, labels: Labels, locale: str, samples: Samples
) -> View:
    """The view of a tile with made-up answers; without any row for the face `empty`."""
    answers = {
        role: sample_answer(question, context, samples, empty=face == "empty")
        for role, question in planned.questions.items()
    }
    return View(
        scope=context.scope,
        locale=locale,
        words=load_words(locale),
        catalogue=context.catalogue,
        labels=labels,
        profile=context.profile,
        regions=context.regions,
        calendar=context.calendar,
        answers=answers,
        alerts=() if face == "empty" else sample_alerts(context),
        as_of=context.as_of,
        live=context.scope.day is None,
        goals=_goals(tuple(context.catalogue.metrics)),
    )


@lru_cache(maxsize=1)
def _goals(metrics: tuple[str, ...]) -> tuple[Goal, ...]:
    return load_goals(metrics)


def sample_answer(question: Question, context: PlanContext, samples: Samples, *, empty: bool = False) -> Answer:
    """A plausible answer to any question of a tile."""
    if isinstance(question, Facts) and question.topic == SCREENS:
        return Findings(question, () if empty else sample_screens(context), context.as_of)
    if isinstance(question, Facts):
        facts = ({"label": "order_events", "value": 12 * place, "unit": "count", "tone": ""} for place in range(1, 6))
        return Findings(question, () if empty else tuple(facts), context.as_of)
    if isinstance(question, Latest):
        return Listing(question, () if empty else tuple(_orders(question, context, samples)), context.as_of)
    rows = () if empty else tuple(_rows(question, context, samples))
    return Reading(question, rows, context.as_of)


def _rows(ask: Ask, context: PlanContext, samples: Samples) -> list[Row]:
    keys = _keys(ask, samples)[: ask.limit]
    buckets = _buckets(ask)
    return [
        Row(key, bucket, _values(ask, context, samples, place, bucket))
        for place, key in enumerate(keys)
        for bucket in buckets
    ]


def _keys(ask: Ask, samples: Samples) -> list[tuple[str, ...]]:
    """The codes of the last dimension, each beside one of the others'; what an ask is filtered to comes first."""
    if not ask.by:
        return [()]
    members = [samples.members.get(name, ("one", "two", "three")) for name in ask.by]
    return [tuple(codes[place % len(codes)] for codes in members) for place in range(len(members[-1]))]


def _buckets(ask: Ask) -> list[int | None]:
    if ask.grain is None:
        return [None]
    size = {"minute": 1, "hour": 60, "day": 1440}[ask.grain]
    longest = max(span.minutes for _, span in ask.spans)
    return list(range(max(1, math.ceil(longest / size))))


def _values(
    ask: Ask, context: PlanContext, samples: Samples, place: int, bucket: int | None
) -> dict[str, dict[str, Number]]:
    """Values by span and metric: smaller for later places, with a day's shape over buckets."""
    size = 1 if ask.grain == "minute" else 60
    values: dict[str, dict[str, Number]] = {}
    for name, span in ask.spans:
        if bucket is not None and bucket * size >= span.minutes:
            continue
        wave = (
            1.0
            if bucket is None
            else 0.6 + 0.5 * math.sin(bucket * size / 1440 * math.tau - 2.2) + _noise(bucket, name)
        )
        share = 1.0 if not ask.by else 0.28 / (1 + place) ** 1.1
        twist = 1 + 0.16 * math.sin(3 * place + (0 if name == "current" else 1))
        factor = SPAN_FACTORS.get(name, 1.0) * max(wave, 0.05) * twist
        values[name] = {metric: _value(context, samples, metric, factor, share, bucket, size) for metric in ask.metrics}
    return values


def _value(
    context: PlanContext, samples: Samples, metric: str, factor: float, share: float, bucket: int | None, size: int
) -> Number:
    definition = context.catalogue.metric(metric)
    typical = samples.sizes.get(metric, TYPICAL.get(definition.unit.removeprefix("rate_"), 1000.0))
    value = typical * factor
    if definition.additive or definition.measure or definition.unit.startswith("rate_"):
        value *= share  # an average or a ratio of a part is about that of the whole
    if definition.additive and bucket is not None:
        value *= size / 900
    return round(value) if definition.unit == "count" else value


def _noise(bucket: int, name: str) -> float:
    """The same small unrest for the same bucket, every time."""
    return 0.14 * math.sin(bucket * 12.9898 + len(name)) * math.sin(bucket * 0.7)


def _orders(question: Latest, context: PlanContext, samples: Samples) -> list[dict[str, object]]:
    def pick(dimension: str, place: int) -> str:
        codes = samples.members.get(dimension, ("",))
        return codes[place * 7 % len(codes)]

    dimensions = ("province", "country", "category", "channel")
    return [
        {
            "ts": context.span.end - timedelta(seconds=1.7 * place + 0.4),
            "event_id": f"sample-{place}",
            "order_id": f"order-{place}",
            "amount": 59.9 + 137.3 * (place * 3 % 5),
            **{dimension: pick(dimension, place) for dimension in dimensions},
        }
        for place in range(question.limit)
    ]


def sample_screens(context: PlanContext, count: int = len(SCREEN_STATES)) -> tuple[dict[str, object], ...]:
    """So many screens, walls and a viewer, with every state among them."""

    def screen(place: int) -> dict[str, object]:
        state = SCREEN_STATES[place] if place < len(SCREEN_STATES) else "ok"
        silent = {"dark": 412.0, "late": 31.0, "closed": 95.0}.get(state, 2.0 + place % 9)
        done = {"id": f"c{place}", "kind": "show", "state": "done", "problem": ""}
        moments = {"given_at": context.as_of - timedelta(seconds=60), "done_at": context.as_of - timedelta(seconds=52)}
        return {
            "screen": f"{place:012x}",
            "name": f"lobby-{place + 1:02d}",
            "wall": place != 4,
            "kiosk": True,
            "state": state,
            "silent_s": silent,
            "heard_at": context.as_of - timedelta(seconds=silent),
            "frame_age_s": 71.0 if state == "frozen" else 1.2,
            "board": "wall",
            "query": "province=440000" if place % 3 == 0 else "",
            "width": 3840 if place % 2 else 1920,
            "height": 2160 if place % 2 else 1080,
            "ratio": 1.0,
            "hidden": state == "hidden",
            "paint_ms": 14.0 + place % 7,
            "paint_worst_ms": 41.0 + place % 13,
            "heap_mb": 38.0 + place % 11,
            "heaps_mb": [36 + (place * 7 + minute * 5) % 9 + minute * 0.1 for minute in range(30)],
            "build": "41d0c7a5e2b9" if place == 2 else "9f2c61ab03de",
            "old": place == 2,
            "up_s": 3600.0 * (place + 1),
            "errors": 3 if state == "frozen" else 0,
            "last_error": "TypeError: figure is null" if state == "frozen" else "",
            "command": {**done, **moments} if place == 4 else None,
        }

    order = sorted(range(count), key=lambda place: (place == 4, place))
    return tuple(screen(place) for place in order)


def sample_alerts(context: PlanContext) -> tuple[AlertView, ...]:
    """One firing, one pending, one resolved and a few quiet rules."""
    zh, en = load_words("zh"), load_words("en")

    def alert(rule: str, state: str, severity: str, minutes: int, code: str | None) -> AlertView:
        return AlertView(
            rule=rule,
            severity=severity,
            state=state,
            since=context.as_of - timedelta(minutes=minutes),
            value=0.031,
            limit=0.45,
            metric="pay_conversion",
            dimension="large_region" if code else None,
            code=code,
            name={"zh": zh.t("gallery.alert.name"), "en": en.t("gallery.alert.name")},
            cause={"zh": zh.t("gallery.alert.cause"), "en": en.t("gallery.alert.cause")},
            action={"zh": zh.t("gallery.alert.action"), "en": en.t("gallery.alert.action")},
            owner={"zh": zh.t("gallery.alert.owner"), "en": en.t("gallery.alert.owner")},
            unit="ratio",
        )

    quiet = tuple(alert(f"rule_{place}", "inactive", "info", 60, None) for place in range(6))
    return (
        alert("payment_success", "firing", "critical", 4, "east"),
        alert("conversion_drop", "pending", "warning", 1, None),
        alert("refund_surge", "resolved", "warning", 22, "south"),
        *quiet,
    )
