"""The wall for a WSGI server of your own: `gunicorn --threads 12 --keep-alive 75 "app.wsgi:create()"`.

Call it in the process that serves, after every fork. `make serve` does all this; here the store is opened only, and
brought up to date by `python -m app prepare` beforehand.
"""

from __future__ import annotations

import atexit
import contextlib

from flask import Flask

from app.logs import set_up_logs
from app.settings import read_settings
from app.worker import web_process


def create() -> Flask:
    """A running wall as a WSGI application; it ends with the process. Raises LivewallError."""
    settings = read_settings()
    set_up_logs(settings.log_level)
    closing = contextlib.ExitStack()
    atexit.register(closing.close)
    server: Flask = closing.enter_context(web_process(settings)).dash.server
    return server
