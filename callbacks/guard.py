"""Refuses callback requests that no page of ours would send: Dash itself checks nothing but the output's name."""

from __future__ import annotations

from typing import Any

from dash import Dash
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

UPDATE = "_dash-update-component"


def guard_callbacks(app: Dash) -> None:
    """Answer malformed or foreign callback bodies with 400 and one line, before Dash meets them.

    Only string ids are allowed to come in: the wall has no pattern-matching server callbacks.
    """
    path = f"{app.config.requests_pathname_prefix}{UPDATE}"
    server: Flask = app.server

    @server.before_request
    def check() -> Response | tuple[Response, int] | None:
        if request.method != "POST" or request.path != path:
            return None
        problem = find_problem(request.get_json(silent=True), app.callback_map)
        return (jsonify({"error": problem}), 400) if problem else None

    @server.errorhandler(HTTPException)
    def refuse(problem: HTTPException) -> Any:
        """Errors of the callback address as JSON: the page reads nothing else."""
        if request.path != path:
            return problem
        return jsonify({"error": problem.description}), problem.code or 500


def find_problem(body: Any, callbacks: Any) -> str | None:
    """What is wrong with a callback request, in one line; None when it has the shape its callback declares."""
    if not isinstance(body, dict):
        return "a callback request is a JSON object"
    output = body.get("output")
    if not isinstance(output, str) or output not in callbacks:
        return "no such callback"
    declared = callbacks[output]
    for kind, key in (("inputs", "inputs"), ("state", "state")):
        given = body.get(key) or []
        if not isinstance(given, list) or [_name(part) for part in given] != [_name(part) for part in declared[kind]]:
            return f"wrong {key}"
    outputs = body.get("outputs")
    if not isinstance(outputs, dict) or f"{outputs.get('id')}.{outputs.get('property')}" != output:
        return "wrong outputs"
    changed = body.get("changedPropIds", [])
    if not isinstance(changed, list) or not all(isinstance(part, str) for part in changed):
        return "wrong changedPropIds"
    return None


def _name(part: Any) -> tuple[str, str] | None:
    """(id, property) of an input; None, which equals no declared one, for any other shape."""
    if not isinstance(part, dict) or not isinstance(part.get("id"), str) or not isinstance(part.get("property"), str):
        return None
    return part["id"], part["property"]
