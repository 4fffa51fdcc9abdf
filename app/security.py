"""What every answer carries and every request must meet: headers, size limits, same-origin posts."""

from __future__ import annotations

from urllib.parse import urlsplit

from dash import Dash
from flask import Flask, Response, abort, request

MAX_BODY = 256 * 1024


def protect(app: Dash) -> None:
    """Install limits and headers. Call last: the content policy needs every inline script's hash.

    The callback endpoint is open to anyone who can reach it; JSON-only bodies and the Origin check keep other sites'
    pages from using a viewer's browser for it.
    """
    server: Flask = app.server
    server.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    scripts = " ".join(
        ["'self'", *(f"'{digest}'" if not digest.startswith("'") else digest for digest in app.csp_hashes())]
    )
    policy = "; ".join(
        [
            "default-src 'self'",
            f"script-src {scripts}",
            "style-src 'self' 'unsafe-inline'",  # dcc and plotly insert style elements
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ]
    )

    @server.before_request
    def same_origin() -> None:
        origin = request.headers.get("Origin")
        if request.method == "POST" and origin and urlsplit(origin).netloc != request.host:
            abort(403)

    @server.after_request
    def harden(answer: Response) -> Response:
        answer.headers.setdefault("Content-Security-Policy", policy)
        answer.headers.setdefault("X-Content-Type-Options", "nosniff")
        answer.headers.setdefault("Referrer-Policy", "no-referrer")
        return answer
