"""Writes numbers the way people of a locale read them: ¥124.0M, 9,876, +3.2%, -0.4 pp.

Pure. Every result comes in parts (sign, prefix, number, unit): a wall rolls the digits and sets the unit small.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date as babel_date
from babel.numbers import get_currency_precision, get_currency_symbol, parse_pattern

from locales.words import load_words
from metrics.reading import Number

NONE = "—"
RATIO, POINTS = "ratio", " pp"
FIRST_STEP = Decimal(10_000)  # below this a number is written out: 9,876 reads better than 9.9K
NARROW = {"CNY": "¥"}  # the symbol people at a Chinese wall expect, also in English
LARGEST_CHANGE = Decimal(10)  # +1000 %: beyond it only "more than" is honest


@dataclass(frozen=True, slots=True)
class Text:
    """A written number. `str()` joins the parts; `number` is the only part with digits."""

    number: str
    sign: str = ""
    prefix: str = ""
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.sign}{self.prefix}{self.number}{self.unit}"

    def parts(self) -> dict[str, str]:
        """The parts as plain values, with the joined text under `text`."""
        return {
            "sign": self.sign,
            "prefix": self.prefix,
            "number": self.number,
            "unit": self.unit,
            "text": str(self),
        }


def format_value(value: Number, unit: str, locale: str, currency: str = "CNY", exact: bool = False) -> Text:
    """A value in its metric's unit: money | count | ratio | duration (seconds), `rate_` before it for per minute.

    `exact` writes all digits before the point instead of K, M or B. None becomes a dash.
    """
    if value is None:
        return Text(NONE)
    base = unit.removeprefix("rate_")
    if base == RATIO:
        return _ratio(Decimal(str(value)))
    if base == "duration":
        return format_duration(float(value), locale)
    amount = Decimal(str(value))
    prefix = currency_symbol(currency, locale) if base == "money" else ""
    tail = load_words(locale).t("unit.per_minute") if unit.startswith("rate_") else ""
    sign, size = ("-", -amount) if amount < 0 else ("", amount)
    number, step = _spell(size, locale, _cents(base, size, currency, unit), exact)
    return Text(number, sign, prefix, step + tail)


def _cents(base: str, size: Decimal, currency: str, unit: str) -> int:
    """Decimals of a number that is written out."""
    if base == "money":
        return get_currency_precision(currency) if size < 1000 else 0
    if unit.startswith("rate_") and size < 100:
        return 1
    return 0 if size == size.to_integral_value() else 1


@lru_cache(maxsize=8)
def ladder(locale: str) -> tuple[tuple[Decimal, str], ...]:
    """The steps a locale counts in, largest first, read from its `unit.steps`: (1000000, M), (1000, K)."""
    pairs = (step.split("=") for step in load_words(locale).t("unit.steps").split())
    return tuple((Decimal(10) ** int(power), word) for power, word in pairs)


def _spell(size: Decimal, locale: str, decimals: int, exact: bool) -> tuple[str, str]:
    """A non-negative number as (digits, step word), rounded half up, promoted when rounding reaches the next step."""
    plain = _rounded(size, decimals)
    if exact:
        return _grouped(size, 0, locale), ""
    if plain < FIRST_STEP:
        return _grouped(plain, decimals if plain < 1000 else min(decimals, _whole(plain)), locale), ""
    size, steps = max(size, plain), ladder(locale)
    for position, (step, word) in enumerate(steps):
        smaller = steps[position + 1][0] if position + 1 < len(steps) else None
        if size >= step or (smaller and _reaches(size, smaller, step)):
            return _grouped(size / step, 2 if size < 10 * step or position == 0 else 1, locale), word
    return _grouped(plain, 0, locale), ""


def _whole(value: Decimal) -> int:
    return 0 if value == value.to_integral_value() else 1


def _reaches(size: Decimal, smaller: Decimal, step: Decimal) -> bool:
    """Whether `size`, written in the smaller step, would round up to a whole larger step (999.96K is 1.00M)."""
    return _rounded(size / smaller, 1) * smaller >= step


def _rounded(value: Decimal, decimals: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


@lru_cache(maxsize=8192)
def _grouped(value: Decimal, decimals: int, locale: str) -> str:
    """Digits with the locale's grouping; cached because a wall writes the same figures again and again."""
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    return str(parse_pattern(pattern).apply(_rounded(value, decimals), Locale.parse(locale)))


def _ratio(value: Decimal) -> Text:
    sign, size = ("-", -value) if value < 0 else ("", value)
    percent = size * 100
    if 0 < percent < Decimal("0.005"):
        return Text("<0.01", sign, "", "%")
    return Text(str(_rounded(percent, 2 if percent < 10 else 1)), sign, "", "%")


def format_change(change: Number, unit: str, locale: str) -> Text:
    """A change with its sign: relative (0.032 -> +3.2%), or percentage points for a ratio (-0.004 -> -0.4 pp)."""
    if change is None:
        return Text(NONE)
    tail = POINTS if unit == RATIO else "%"
    size, decimals = _change_size(change, unit)
    sign = {"up": "+", "down": "-", "flat": ""}[direction(change, unit)]
    if unit != RATIO and size >= LARGEST_CHANGE * 100:
        return Text(_grouped(LARGEST_CHANGE * 100, 0, locale), f">{sign}", "", tail)
    return Text(_grouped(size, decimals, locale), sign, "", tail)


def direction(change: Number, unit: str = "") -> str:
    """up | down | flat, by what is written: a change that rounds to zero is flat."""
    if change is None or _change_size(change, unit)[0] == 0:
        return "flat"
    return "up" if change > 0 else "down"


def _change_size(change: float, unit: str) -> tuple[Decimal, int]:
    """Percent or points without sign as written, and its decimals: small moves of a ratio need two."""
    size = abs(Decimal(str(change))) * 100
    decimals = 2 if unit == RATIO and size < Decimal("0.1") else 1
    return _rounded(size, decimals), decimals


@lru_cache(maxsize=64)
def currency_symbol(currency: str, locale: str) -> str:
    """The sign before an amount: ¥ for CNY in both languages, otherwise what the locale writes."""
    return NARROW.get(currency) or get_currency_symbol(currency, locale="zh_CN" if locale == "zh" else "en_US")


def format_duration(seconds: float, locale: str) -> Text:
    """The largest whole unit that says enough: 42 s, 7 min, 3.5 h, 2 d."""
    words = load_words(locale)
    days, hours, minutes, second = (words.t(f"unit.{name}") for name in ("days", "hours", "minutes", "seconds"))
    if seconds < 60:
        return Text(str(int(seconds)), unit=second)
    if seconds < 3600:
        return Text(str(int(seconds // 60)), unit=minutes)
    if seconds < 86_400:
        return Text(f"{seconds / 3600:.1f}".removesuffix(".0"), unit=hours)
    return Text(str(int(seconds // 86_400)), unit=days)


def format_clock(moment: datetime, zone: ZoneInfo, seconds: bool = True) -> str:
    """An aware moment on the business's clock: 14:02:31, or 14:02."""
    return moment.astimezone(zone).strftime("%H:%M:%S" if seconds else "%H:%M")


def format_day(day: date, locale: str) -> str:
    """A business day with its weekday, in the pattern the locale's words give."""
    return str(babel_date(day, load_words(locale).t("unit.day"), locale=locale))


def number_scale(unit: str, locale: str, currency: str) -> dict[str, object]:
    """How a script writes the same numbers where text would be too much to send: a curve's hover card."""
    base = unit.removeprefix("rate_")
    return {
        "percent": base == RATIO,
        "prefix": currency_symbol(currency, locale) if base == "money" else "",
        "tail": load_words(locale).t("unit.per_minute") if unit.startswith("rate_") else "",
        "steps": [[float(step), word] for step, word in ladder(locale)],
        "first": float(FIRST_STEP),
    }
