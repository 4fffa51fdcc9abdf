"""`python -m bench.unslowed` is `python -m app run` that keeps its tick under any load: many ticks in short time."""

from __future__ import annotations

from unittest.mock import patch

from app.commands.run import run
from live.ticker import Ticker

if __name__ == "__main__":
    # A tick that took too long is followed at once by the next: the wall would else beat every five seconds.
    with patch.object(Ticker, "_keep_pace"):
        run()
