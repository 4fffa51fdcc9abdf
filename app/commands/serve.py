"""`python -m app serve`: the wall in production."""

from __future__ import annotations

from app.commands.common import clear_errors
from app.logs import set_up_logs
from app.production import serve_in_production
from app.settings import read_settings


def serve() -> None:
    """Serve the wall with Granian in WEB_PROCESSES processes until SIGTERM. Settings: environment or .env."""
    with clear_errors():
        settings = read_settings()
        set_up_logs(settings.log_level)
        serve_in_production(settings)
