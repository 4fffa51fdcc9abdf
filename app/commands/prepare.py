"""`python -m app prepare`: a store that is up to date, for a server that starts afterwards."""

from __future__ import annotations

from app.commands.common import clear_errors
from app.logs import set_up_logs
from app.serve import prepare as bring_up
from app.settings import read_settings


def prepare() -> None:
    """Migrate STORE, finish what a crash interrupted, load LOAD or simulate what is missing, and end."""
    with clear_errors():
        settings = read_settings()
        set_up_logs(settings.log_level)
        bring_up(settings)
