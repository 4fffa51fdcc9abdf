"""Reads a question that came as text, from the command line or the API, into asks. Everything in it is untrusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from core.errors import BadRequestError, UnknownNameError, nearest
from metrics.ask import CURRENT, Ask, Filters, make_filters
from metrics.calendar import COMPARISONS, BusinessCalendar, Span
from metrics.catalogue import Catalogue
from metrics.event_calendar import LAST_EVENT, last_event_part, load_events
from metrics.profile import StoreProfile

KEYS = ("metrics", "by", "from", "to", "filter", "compare", "grain", "limit")
GRAINS = ("minute", "hour", "day")
MAX_TEXT, MAX_METRICS, MAX_BY, MAX_CODES, MAX_LIMIT = 2_000, 60, 3, 200, 100_000
LONGEST = timedelta(days=366 * 5)
MAX_BUCKETS = {"minute": timedelta(days=14), "hour": timedelta(days=400), "day": LONGEST}

Members = Mapping[str, frozenset[str]]
Params = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class _Text:
    """The parameters as text, one or many values each."""

    params: Params

    def all(self, name: str) -> list[str]:
        value = self.params.get(name, ())
        values = [value] if isinstance(value, str) else list(value)
        if sum(map(len, values)) > MAX_TEXT:
            raise BadRequestError(f"{name}: longer than {MAX_TEXT} characters")
        return [text.strip() for text in values if text.strip()]

    def one(self, name: str) -> str:
        values = self.all(name)
        if len(values) > 1:
            raise BadRequestError(f"{name}: given {len(values)} times")
        return values[0] if values else ""

    def names(self, name: str) -> tuple[str, ...]:
        parts = [part.strip() for text in self.all(name) for part in text.split(",")]
        return tuple(dict.fromkeys(part for part in parts if part))


def parse_request(
    params: Params, catalogue: Catalogue, profile: StoreProfile, members: Members | None, now: datetime
) -> tuple[Ask, ...]:
    """The asks of a request; today there is always exactly one, with its comparisons as spans.

    `from` and `to` are dates (business days) or ISO moments in the store's zone; `to` is exclusive. Without them the
    business day so far is meant. `members` makes a filter on a code that the store does not have an error.
    Raises UnknownNameError for wrong names and BadRequestError for wrong values.
    """
    text = _Text(params)
    for name in params:
        if name not in KEYS:
            raise UnknownNameError("parameter", name[:60], KEYS)
    metrics = text.names("metrics")
    if not metrics:
        raise BadRequestError("metrics: name at least one, as in metrics=paid_gmv,orders_paid")
    if len(metrics) > MAX_METRICS:
        raise BadRequestError(f"metrics: more than {MAX_METRICS}")
    for name in metrics:
        catalogue.metric(name)
    by, grain = _split(text, catalogue)
    span = _span(text, BusinessCalendar.of(profile), now)
    if grain and span.end - span.start > MAX_BUCKETS[grain]:
        raise BadRequestError(f"grain: {grain} over more than {MAX_BUCKETS[grain].days} days is too much")
    filters = _filters(text.all("filter"), catalogue, members)
    _allow(catalogue, metrics, by, filters)
    spans = ((CURRENT, span), *((name, _compared(name, span, profile)) for name in text.names("compare")))
    return (Ask("request", metrics, spans, by, grain, filters, _limit(text.one("limit"))),)


def _compared(name: str, span: Span, profile: StoreProfile) -> Span:
    """The fair counterpart of a span. Raises UnknownNameError, and BadRequestError where there is none."""
    if name == LAST_EVENT:
        return last_event_part(span, load_events(), profile)
    if name not in COMPARISONS:
        raise UnknownNameError("comparison", name, (*COMPARISONS, LAST_EVENT))
    return BusinessCalendar.of(profile).same_part(span, name)


def _split(text: _Text, catalogue: Catalogue) -> tuple[tuple[str, ...], str | None]:
    """Dimensions and grain. `by` may also name one grain, as in `by=province,day`."""
    names, grain = text.names("by"), text.one("grain") or None
    for name in names:
        if name in GRAINS:
            if grain not in (None, name):
                raise BadRequestError(f"by and grain name two grains: {name} and {grain}")
            grain = name
        elif name not in catalogue.dimensions:
            raise UnknownNameError("dimension", name, [*catalogue.dimensions, *GRAINS])
    if grain is not None and grain not in GRAINS:
        raise UnknownNameError("grain", grain, GRAINS)
    by = tuple(name for name in names if name not in GRAINS)
    if len(by) > MAX_BY:
        raise BadRequestError(f"by: more than {MAX_BY} dimensions")
    return by, grain


def _span(text: _Text, calendar: BusinessCalendar, now: datetime) -> Span:
    today = calendar.day_of(now)
    start = _moment(text.one("from"), "from", calendar) or calendar.start_of(today)
    end = _moment(text.one("to"), "to", calendar) or max(start, now)
    if start > end:
        raise BadRequestError("from lies after to")
    if end - start > LONGEST:
        raise BadRequestError(f"from and to are more than {LONGEST.days} days apart")
    return Span(start, end)


def _moment(text: str, name: str, calendar: BusinessCalendar) -> datetime | None:
    """A date is the start of its business day; a moment without offset is meant in the store's zone."""
    if not text:
        return None
    try:
        if len(text) <= 10:
            return calendar.start_of(date.fromisoformat(text))
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        local = moment if moment.tzinfo else moment.replace(tzinfo=calendar.zone)
        found = local.astimezone(UTC)
    except (ValueError, OverflowError) as problem:
        raise BadRequestError(f"{name}: {text[:40]!r} is no date like 2020-02-01 or 2020-02-01T14:30") from problem
    if not 1970 < found.year < 2200:
        raise BadRequestError(f"{name}: {text[:40]!r} is too far away")
    return found


def _filters(texts: list[str], catalogue: Catalogue, members: Members | None) -> Filters:
    """`channel=live,search;province=440000`, repeatable; the codes of one dimension add up."""
    wanted: dict[str, list[str]] = {}
    for part in (part for text in texts for part in text.split(";") if part.strip()):
        name, equals, codes = part.partition("=")
        name = name.strip()
        if not equals:
            raise BadRequestError(f"filter: {part[:40]!r} is not like channel=live")
        known = catalogue.dimension(name).members.keys() | (members or {}).get(name, frozenset())
        for code in (code.strip() for code in codes.split(",")):
            if members is not None and known and code and code not in known:
                near = nearest(code, known)
                raise UnknownNameError(f"code of {name}", code[:60], near or sorted(known)[:200])
            wanted.setdefault(name, []).append(code)
        if len(wanted[name]) > MAX_CODES:
            raise BadRequestError(f"filter: more than {MAX_CODES} codes of {name}")
    return make_filters(wanted)


def _allow(catalogue: Catalogue, metrics: tuple[str, ...], by: tuple[str, ...], filters: Filters) -> None:
    for metric in metrics:
        allowed = catalogue.metric(metric).dimensions
        for dimension in (*by, *(name for name, _ in filters)):
            if dimension not in allowed:
                raise BadRequestError(f"{metric} cannot be split or filtered by {dimension}")


def _limit(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= MAX_LIMIT:
        raise BadRequestError(f"limit: {text[:20]!r} is no number from 1 to {MAX_LIMIT}")
    return int(text[:9])
