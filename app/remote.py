"""Talks to the wall that holds a store, on behalf of a command."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from app.local import HEADER
from app.store import Holder
from core.errors import BadRequestError, StoreBusyError


def ask_wall(
    holder: Holder, job: str, wanted: dict[str, Any], report: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Have the wall do a job; returns its result. Raises BadRequestError with the wall's own words when it refuses."""
    try:
        with httpx.stream(
            "POST",
            f"{holder.url}/local/{job}",
            json=wanted,
            headers={HEADER: holder.token},
            timeout=httpx.Timeout(10, read=None),
        ) as answer:
            if answer.status_code != 200:
                raise StoreBusyError(f"the wall at {holder.url} refused {job} (HTTP {answer.status_code})")
            for line in answer.iter_lines():
                message = json.loads(line)
                if "done" in message:
                    return dict(message["done"])
                if "error" in message:
                    raise BadRequestError(str(message["error"]))
                report(message)
    except httpx.HTTPError as problem:
        raise StoreBusyError(
            f"the wall at {holder.url} holds the store but does not answer ({problem}); stop it first"
        ) from problem
    raise StoreBusyError(f"the wall at {holder.url} stopped in the middle of {job}; run the command again")


def query_wall(holder: Holder, parameters: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """A metrics query answered by the wall. Raises BadRequestError with its message for HTTP 400."""
    try:
        answer = httpx.get(f"{holder.url}/api/v1/metrics/query", params=dict(parameters), timeout=30)
    except httpx.HTTPError as problem:
        raise StoreBusyError(
            f"the wall at {holder.url} holds the store but does not answer ({problem}); stop it first"
        ) from problem
    content: dict[str, Any] = answer.json()
    if answer.status_code == 400:
        raise BadRequestError(str(content.get("error", "bad request")))
    if answer.status_code != 200:
        raise StoreBusyError(f"the wall at {holder.url} could not answer (HTTP {answer.status_code})")
    return content
