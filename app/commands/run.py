"""`python -m app run`: the wall."""

from __future__ import annotations

from app.commands.common import clear_errors
from app.logs import set_up_logs
from app.serve import serve
from app.settings import read_settings


def run() -> None:
    """Open the store, bring it up to date and serve the wall until Ctrl-C. Settings: environment or .env."""
    with clear_errors():
        settings = read_settings()
        set_up_logs(settings.log_level)
        serve(settings)
