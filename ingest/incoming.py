"""Checks one event as a producer sends it: JSON in, a ledger row out, or the reason why not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from core.errors import nearest
from ingest.event import BEHAVIOUR, BEHAVIOUR_KINDS, ORDER_KINDS, ORDERS, Ledger
from metrics.profile import MONEY_SCALE, StoreProfile
from metrics.regions import RegionSet, load_region_set

LONGEST_TEXT = 128
MOST_AMOUNT = 900_000_000_000_000  # ten-thousandths of the currency unit that still fit the ledger, as for files
MOST_COUNT = 4_294_967_295
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(minutes=5)  # a producer's clock may be so much fast; further ahead would move the watermark
TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)? ?(Z|[+-]\d{2}(:?\d{2})?)?", re.A | re.I)
AMOUNT = re.compile(r"-?\d{1,15}(\.\d{1,10})?", re.A)
CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
ZONED = re.compile(r"(Z|[+-]\d{2}(:?\d{2})?)$", re.A | re.I)


@dataclass(frozen=True, slots=True)
class Incoming:
    """An event that fits its ledger: every column by name."""

    ledger: Ledger
    row: Mapping[str, Any]

    @property
    def event_id(self) -> str:
        return str(self.row["event_id"])


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an event is not taken: a reason word as in `dead_letters`, a sentence, and what may have been meant."""

    reason: str
    detail: str
    suggestions: tuple[str, ...] = ()


def _clean(text: str) -> str:
    if CONTROL.search(text):
        raise PydanticCustomError("bad_text", "it has a control character in it")
    return text.strip()


def _named(text: str) -> str:
    if not text:
        raise PydanticCustomError("missing_value", "it must not be empty")
    return text


def _moment(value: object) -> datetime:
    if not isinstance(value, str) or not TIME.fullmatch(value.strip()):
        raise PydanticCustomError("bad_time", "write a time like 2026-11-11T12:00:00.250+08:00")
    text = value.strip()
    if not ZONED.search(text[10:]):
        raise PydanticCustomError("bad_time", "this time has no zone: end it with Z or +08:00")
    try:
        moment = datetime.fromisoformat(text.upper().replace(",", ".").replace(" ", "T", 1).replace(" ", ""))
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("bad_time", "there is no such time") from None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _money(value: object) -> int:
    """Whole ten-thousandths, exactly what was written: nothing is rounded."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise PydanticCustomError("bad_amount", 'write an amount like "129.90"')
    text = value.strip() if isinstance(value, str) else repr(value)
    if not AMOUNT.fullmatch(text):
        raise PydanticCustomError("bad_amount", 'write an amount like "129.90"')
    scaled = Decimal(text) * MONEY_SCALE
    if scaled != int(scaled):
        raise PydanticCustomError("bad_amount", "an amount has at most four decimals")
    if abs(scaled) > MOST_AMOUNT:
        raise PydanticCustomError("bad_amount", "this amount is too large")
    return int(scaled)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_COUNT:
        raise PydanticCustomError("bad_number", "write a whole number from 0 to 4294967295")
    return value


Text = Annotated[str, Field(strict=True, max_length=LONGEST_TEXT), AfterValidator(_clean)]
Name = Annotated[Text, AfterValidator(_named)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Money = Annotated[int, BeforeValidator(_money)]
Count = Annotated[int, BeforeValidator(_count)]
CountOrLeftOut = Annotated[int | None, BeforeValidator(_count)]  # a null that was sent is still no number


class _Shared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    event_id: Name
    time: Moment
    user_id: Text = ""
    session_id: Text = ""
    channel: Text = ""
    room: Text = ""
    category: Text = ""
    sku: Text = ""
    country: Text = ""
    province: Text = ""
    city: Text = ""
    tier: Text = ""


class BehaviourEvent(_Shared):
    """What people did: a visit, a view, a click … `quantity` is how many of them the event stands for."""

    kind: Literal[BEHAVIOUR_KINDS]  # type: ignore[valid-type]
    quantity: Count = 1


class OrderEvent(_Shared):
    """What became of an order, or of one of its lines: `orders` is 1 on its leading line and 0 on its others.

    A `correction` is a new event beside the one it corrects: its amount is what is added, or taken away when negative.
    It counts as no order, no unit and no buyer.
    """

    kind: Literal[ORDER_KINDS]  # type: ignore[valid-type]
    order_id: Name
    amount: Money
    currency: Text = ""
    correction: Annotated[bool, Field(strict=True)] = False
    units: CountOrLeftOut = None
    orders: CountOrLeftOut = None
    created_at: Moment | None = None


MODELS: dict[str, type[BehaviourEvent] | type[OrderEvent]] = {
    **dict.fromkeys(BEHAVIOUR_KINDS, BehaviourEvent),
    **dict.fromkeys(ORDER_KINDS, OrderEvent),
}
BY_TYPE = {
    "missing": ("missing_value", "it must be there"),
    "string_type": ("bad_text", "write a text in quotes"),
    "bool_type": ("unknown_value", "write true or false"),
    "string_too_long": ("bad_text", f"it has more than {LONGEST_TEXT} characters"),
}


class EventCheck:
    """Checks events for one store: its currency, regions and home country."""

    def __init__(self, profile: StoreProfile, kept_days: int = 0) -> None:
        """`kept_days` is for how long single events are kept, 0 for ever: older ones would vanish at once."""
        self._profile, self._kept_days = profile, kept_days
        self._regions: dict[str, RegionSet] = {profile.region_level: load_region_set(profile.region_set)}
        self._regions.setdefault("country", load_region_set("world_cn"))

    def check(self, value: object, source: str, now: datetime) -> Incoming | Refusal:
        """One decoded JSON value as an event of `source`; `now` bounds believable times."""
        if not isinstance(value, dict):
            return Refusal("bad_json", "an event is a JSON object: {…}")
        kind = value.get("kind")
        if not isinstance(kind, str) or not kind:
            return Refusal("missing_value", f"kind: one of {', '.join(MODELS)}")
        model = MODELS.get(kind)
        if model is None:
            return _unlike("unknown_value", "kind", kind, MODELS)
        try:
            event = model.model_validate(value)
        except ValidationError as problem:
            return _refusal(problem.errors(include_url=False, include_context=False)[0], model)
        return self._fit(event, source, now)

    def _fit(self, event: BehaviourEvent | OrderEvent, source: str, now: datetime) -> Incoming | Refusal:
        row = event.model_dump()
        row["source"], row["ts"] = source, row.pop("time")
        for name in ("province", "country"):
            code = self._code(name, row[name])
            if isinstance(code, Refusal):
                return code
            row[name] = code
        row["country"] = row["country"] or self._profile.home_country
        if isinstance(event, BehaviourEvent):
            return _believable("time", event.time, now, self._kept_days) or Incoming(BEHAVIOUR, row)
        if row.pop("currency") not in ("", self._profile.currency):
            return Refusal("unknown_value", f"currency: this store counts in {self._profile.currency}")
        refusal = _uncounted(event) if row.pop("correction") else _counted(event)
        if refusal:
            return refusal
        usual = 0 if event.correction else 1
        row["orders"] = usual if event.orders is None else event.orders
        row["units"] = usual if event.units is None else event.units
        if event.correction:
            row["user_id"] = ""  # who is corrected today did not buy today
        if event.kind == "created" and not event.correction:
            row["created_at"] = event.time
        elif event.created_at is None:
            return Refusal("missing_value", f"created_at: say when the order was created that is now {event.kind}")
        problem = _believable("time", event.time, now, self._kept_days)
        return problem or _believable("created_at", row["created_at"], now) or Incoming(ORDERS, row)

    def _code(self, name: str, text: str) -> str | Refusal:
        """The code of a region by code or name; '' is unknown, and where the store has no list any text is a code."""
        regions = self._regions.get(name)
        if not text or regions is None:
            return text
        return regions.code_of(text) or _unlike("unknown_region", name, text, regions.by_alias)


def _counted(event: OrderEvent) -> Refusal | None:
    if event.amount < 0:
        direction = 'the kind of the event gives the direction, and a later change says "correction": true'
        return Refusal("bad_amount", f"amount: never negative: {direction}")
    if (event.orders or 0) > 1:
        return Refusal("bad_number", "orders: 1 on an order's leading line, 0 on its others")
    return None


def _uncounted(event: OrderEvent) -> Refusal | None:
    for name, value in (("orders", event.orders), ("units", event.units)):
        if value:
            return Refusal("bad_number", f"{name}: a correction changes an amount only: leave it out")
    return None


def _believable(name: str, moment: datetime, now: datetime, kept_days: int = 0) -> Refusal | None:
    if moment > now + AHEAD:
        return Refusal("bad_time", f"{name}: {moment.isoformat()} is in the future; check the clock and the zone")
    if moment < EARLIEST:
        return Refusal("bad_time", f"{name}: {moment.isoformat()} is too long ago")
    if kept_days and moment < now - timedelta(days=kept_days):
        return Refusal("bad_time", f"{name}: {moment.isoformat()} is older than the {kept_days} days that are kept")
    return None


def _unlike(reason: str, name: str, text: str, known: Mapping[str, object]) -> Refusal:
    suggestions = nearest(text, known)
    hint = f"; did you mean {' or '.join(map(repr, suggestions))}?" if suggestions else ""
    return Refusal(reason, f"{name}: unknown {text[:LONGEST_TEXT]!r}{hint}", suggestions)


def _refusal(error: ErrorDetails, model: type[BaseModel]) -> Refusal:
    name = ".".join(map(str, error["loc"]))[:LONGEST_TEXT]
    if error["type"] == "extra_forbidden":
        return _unlike("unknown_field", "field", name, dict.fromkeys(_fields(model)))
    reason, detail = BY_TYPE.get(error["type"], (error["type"], error["msg"]))
    return Refusal(reason, f"{name}: {detail}")


def _fields(model: type[BaseModel]) -> Sequence[str]:
    return tuple(model.model_fields)
