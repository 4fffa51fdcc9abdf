"""Requests as text become asks, or errors that say what to write instead."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.errors import BadRequestError, UnknownNameError
from metrics.ask import Ask
from metrics.catalogue import load_catalogue
from metrics.profile import StoreProfile
from metrics.request import Params, parse_request

CATALOGUE = load_catalogue()
SHANGHAI = StoreProfile(name="a")
NOW = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)


def parse(params: Params, members: dict[str, frozenset[str]] | None = None) -> Ask:
    (ask,) = parse_request({"metrics": "paid_gmv", **params}, CATALOGUE, SHANGHAI, members, NOW)
    return ask


def test_dates_are_business_days_and_to_is_exclusive() -> None:
    span = parse({"from": "2020-02-01", "to": "2020-02-21"}).current
    assert span.start == datetime(2020, 1, 31, 16, tzinfo=UTC) and span.end == datetime(2020, 2, 20, 16, tzinfo=UTC)


def test_moments_are_in_the_stores_zone_unless_they_say_otherwise() -> None:
    span = parse({"from": "2020-02-01T10:30", "to": "2020-02-01T03:00:00.500Z"}).current
    assert span.start == datetime(2020, 2, 1, 2, 30, tzinfo=UTC)
    assert span.end == datetime(2020, 2, 1, 3, 0, 0, 500_000, tzinfo=UTC)


def test_without_times_the_day_so_far_is_meant() -> None:
    span = parse({}).current
    assert span.start == datetime(2026, 11, 10, 16, tzinfo=UTC) and span.end == NOW


def test_filters_repeat_and_combine() -> None:
    ask = parse({"filter": ["channel=live,search;province=440000", "channel=mall"]})
    assert ask.filters == (("channel", ("live", "mall", "search")), ("province", ("440000",)))


def test_by_may_name_the_grain() -> None:
    ask = parse({"by": "province,day"})
    assert ask.by == ("province",) and ask.grain == "day"


def test_comparisons_are_spans_beside_the_current_one() -> None:
    ask = parse({"compare": "previous_day,previous_week"})
    assert [name for name, _ in ask.spans] == ["current", "previous_day", "previous_week"]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"metrics": "paid_gvm"}, "did you mean 'paid_gmv'"),
        ({"by": "provinse"}, "did you mean 'province'"),
        ({"filter": "chanel=live"}, "did you mean 'channel'"),
        ({"compare": "previous_dya"}, "did you mean 'previous_day'"),
        ({"grain": "hours"}, "did you mean 'hour'"),
        ({"metrix": "x"}, "did you mean 'metrics'"),
    ],
)
def test_wrong_names_get_did_you_mean(params: Params, said: str) -> None:
    with pytest.raises(UnknownNameError, match=said):
        parse(params)


def test_a_code_the_store_does_not_have_is_an_unknown_name() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'apparel'"):
        parse({"filter": "category=aparel"}, {"category": frozenset({"apparel"})})


@pytest.mark.parametrize(
    "params",
    [
        {"from": "yesterday"},
        {"from": "2020-13-01"},
        {"from": "0001-01-01"},
        {"from": "2020-02-02", "to": "2020-02-01"},
        {"from": "1980-01-01", "to": "2020-01-01"},
        {"from": "2020-01-01", "to": "2020-06-01", "grain": "minute"},
        {"limit": "0"},
        {"limit": "-1"},
        {"limit": "9999999999"},
        {"limit": "²"},
        {"filter": "live"},
        {"metrics": ""},
        {"metrics": "x" * 3000},
        {"metrics": "visitors", "by": "order_day"},
        {"limit": ["1", "2"]},
        {"by": "day", "grain": "hour"},
        {"by": "province,channel,tier,room"},
    ],
)
def test_wrong_values_are_bad_requests(params: Params) -> None:
    with pytest.raises(BadRequestError):
        parse(params)
