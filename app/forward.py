"""Brings events that any web process is sent to the one that keeps the store, so that they are counted once."""

from __future__ import annotations

import httpx
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from app.ingest_api import MEGABYTE, PATH
from app.settings import Settings
from app.store import find_holder

TOLD = ("Authorization", "X-Api-Key", "Content-Type", "Content-Encoding")
ANSWERED = ("Content-Type", "Retry-After", "WWW-Authenticate")
PATIENCE = httpx.Timeout(45, connect=2)  # longer than the receiver's own patience, which then says why


def forward_ingest(server: Flask, settings: Settings) -> None:
    """Add `POST /ingest/v1/events`: answered by the keeper, or with 503 and when to come again."""
    keeper = httpx.Client(timeout=PATIENCE, trust_env=False)

    @server.post(PATH)
    def events() -> tuple[Response, int]:
        request.max_content_length = settings.ingest_body_mb * MEGABYTE
        try:
            body = request.get_data(cache=False)
        except RequestEntityTooLarge:
            return jsonify({"error": f"the body has more than {settings.ingest_body_mb} MB: send fewer events"}), 413
        holder = find_holder(settings.store)
        headers = {name: request.headers[name] for name in TOLD if name in request.headers}
        try:
            if holder is None:
                raise httpx.ConnectError("no process keeps the store at the moment")
            heard = keeper.post(f"{holder.url}{PATH}", content=body, headers=headers)
        except httpx.HTTPError:
            answer = jsonify({"error": "the process that takes events is being replaced: send this again in a moment"})
            answer.headers["Retry-After"] = "2"
            return answer, 503
        answer = Response(heard.content)
        for name in ANSWERED:
            if name in heard.headers:
                answer.headers[name] = heard.headers[name]
        return answer, heard.status_code
