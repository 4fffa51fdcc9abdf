"""The JSON API: the same questions as the tiles, the same code path, the same limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import Flask, Response, jsonify, request

from app.given import Given
from core.errors import BadRequestError, LivewallError, QueryFailedError, UnknownNameError
from metrics.ask import Ask
from metrics.limits import narrow_question
from metrics.model import Metric
from metrics.request import parse_request
from queries.answer import Answer, answer_request

MAX_QUERY = 4_000


def serve_api(server: Flask, given: Given) -> None:
    """Add `GET /api/v1/metrics/query` and `/api/v1/metrics`. Wrong names and values are HTTP 400 with a hint."""

    @server.get("/api/v1/metrics/query")
    def query() -> tuple[Response, int]:
        if len(request.query_string) > MAX_QUERY:
            return jsonify({"error": "the query is too long"}), 400
        try:
            return jsonify(answer_for(given, request.args.to_dict(flat=False))), 200
        except UnknownNameError as problem:
            return jsonify({"error": str(problem), "did_you_mean": list(problem.suggestions)}), 400
        except BadRequestError as problem:
            return jsonify({"error": str(problem)}), 400
        except QueryFailedError as problem:
            return jsonify({"error": str(problem), "retryable": problem.retryable}), 503
        except LivewallError as problem:
            return jsonify({"error": str(problem)}), 500

    @server.get("/api/v1/metrics")
    def metrics() -> Response:
        return jsonify([describe(metric) for metric in given.definitions.catalogue.metrics.values()])


def describe(metric: Metric) -> dict[str, object]:
    """One metric as the API tells it: names, definition, unit and what it may be split by."""
    words = ("key", "name", "definition", "unit", "good", "tier", "theme", "owner", "fresh_s", "dimensions")
    return {word: getattr(metric, word) for word in words}


def answer_for(given: Given, parameters: Mapping[str, Sequence[str]]) -> Answer:
    """The answer to a request's parameters in this wall's store and within its limits."""
    asks = parse_request(parameters, given.definitions.catalogue, given.profile, None, given.clock.now())
    narrowed = [ask for ask in (narrow_question(ask, given.limits) for ask in asks) if isinstance(ask, Ask)]
    return answer_request(
        given.clickhouse, given.definitions.catalogue, given.profile, given.regions, narrowed, given.clock.now()
    )
