"""`python -m app migrate`: bring a store's tables up to date."""

from __future__ import annotations

from app.commands.common import clear_errors
from app.console import console
from app.settings import read_settings
from app.store import keep_retention, open_store
from core.clock import SystemClock


def migrate() -> None:
    """Apply the migrations that the store has not seen; safe to run twice."""
    with clear_errors():
        settings = read_settings()
        clickhouse = open_store(settings.store, settings.clickhouse_dsn, 1)
        try:
            keep_retention(clickhouse, settings, SystemClock().now())
        finally:
            clickhouse.close()
        console.print(f"{settings.store} is up to date")
