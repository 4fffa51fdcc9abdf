"""The running wall's local API: how a command on the same machine works on a store that this process holds."""

from __future__ import annotations

import hmac
import json
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

from flask import Flask, Response, abort, request

from core.errors import LivewallError

Report = Callable[[dict[str, Any]], None]
Work = Callable[[dict[str, Any], Report], dict[str, Any]]
HEADER = "X-Livewall-Token"


@dataclass(frozen=True, slots=True)
class LocalJobs:
    """What a command may ask of the wall. Each takes the request's JSON and a progress reporter, returns its result."""

    load: Work
    replay: Work
    simulate: Work
    letters: Work
    reconcile: Work
    rebuild: Work


def serve_local(server: Flask, token: str, jobs: LocalJobs) -> None:
    """Add `POST /local/<job>`: a line of JSON a report, the last one `{"done": …}` or `{"error": …}`."""
    known = {field.name: getattr(jobs, field.name) for field in fields(jobs)}

    @server.post("/local/<job>")
    def local(job: str) -> Response:
        given = request.headers.get(HEADER, "")
        if not hmac.compare_digest(given.encode(), token.encode()):
            abort(403)
        if job not in known:
            abort(404)
        wanted = request.get_json(silent=True)
        if not isinstance(wanted, dict):
            abort(400)
        return Response(_lines(known[job], wanted), mimetype="application/x-ndjson")


def _lines(work: Work, wanted: dict[str, Any]) -> Iterator[str]:
    """Run the work beside the answer, so that progress goes out while it runs."""
    reports: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def run() -> None:
        try:
            reports.put({"done": work(wanted, reports.put)})
        except LivewallError as problem:
            reports.put({"error": str(problem)})
        except Exception as problem:  # the far end must hear of it: without a last line it would wait for ever
            reports.put({"error": f"{type(problem).__name__}: {problem}"})
        finally:
            reports.put(None)

    threading.Thread(target=run, name="local-job", daemon=True).start()
    while (report := reports.get()) is not None:
        yield json.dumps(report, ensure_ascii=False, default=str) + "\n"
