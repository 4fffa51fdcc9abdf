"""Serves plotly.js once compressed and kept for ever, instead of compressing 4.8 MB on every request."""

from __future__ import annotations

import gzip
from functools import cache
from importlib.resources import files

import plotly
from flask import Flask, Response, request

PATH = "/vendor/plotly.min.js"


@cache
def _plotly_js() -> tuple[bytes, bytes]:
    plain = files("plotly").joinpath("package_data/plotly.min.js").read_bytes()
    return plain, gzip.compress(plain, 6)


def plotly_url() -> str:
    """The address with the version in it, so that it may be kept for ever and still changes with an upgrade."""
    return f"{PATH}?v={plotly.__version__}"


def serve_plotly(server: Flask) -> None:
    """Add the route. Cost: 0.2 s and 6 MB once, at the first request."""

    @server.get(PATH)
    def plotly_js() -> Response:
        plain, packed = _plotly_js()
        gzipped = "gzip" in request.headers.get("Accept-Encoding", "")
        answer = Response(packed if gzipped else plain, mimetype="text/javascript")
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        answer.headers["Vary"] = "Accept-Encoding"
        if gzipped:
            answer.headers["Content-Encoding"] = "gzip"
        return answer
