"""Serves `/gallery`: every kind of tile in every face, for whoever designs or checks a wall."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from flask import Flask, Response


def serve_gallery(server: Flask, build: Callable[[], str]) -> None:
    """Add the route. The page is the same for everybody and built at the first request."""
    page = cache(build)

    @server.get("/gallery")
    def gallery() -> Response:
        return Response(page(), mimetype="text/html")
