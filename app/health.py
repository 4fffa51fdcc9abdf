"""Whether this process is alive, and whether what it shows can be believed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, jsonify


def serve_health(server: Flask, readiness: Callable[[], tuple[bool, dict[str, Any]]]) -> None:
    """`/healthz`: the process answers. `/readyz`: ticks come and the store answers, else 503 with the reason."""

    @server.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", mimetype="text/plain")

    @server.get("/readyz")
    def readyz() -> tuple[Response, int]:
        ready, facts = readiness()
        return jsonify({"ready": ready, **facts}), 200 if ready else 503
