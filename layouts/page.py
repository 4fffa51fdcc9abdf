"""The HTML page around the wall: what `Dash(...)` is told so that it starts fast, offline and quiet."""

from __future__ import annotations

from typing import Any

INDEX = """<!DOCTYPE html>
<html lang="zh-CN" data-theme="dark" data-updown="cn" data-link="ok">
  <head>
    {%metas%}
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="dark light">
    <title>{%title%}</title>
    {%favicon%}
    {%css%}
  </head>
  <body>
    {%app_entry%}
    <footer hidden>
      {%config%}
      {%scripts%}
      {%renderer%}
    </footer>
  </body>
</html>"""

# The only place where Dash tells that a callback ended, whatever way: answered, nothing new, refused, unreachable.
RENDERER_HOOKS = {"callback_resolved": "function (callback, result) { window.livewall.resolved(callback, result); }"}


def dash_options(title: str, plotly_url: str) -> dict[str, Any]:
    """Keyword arguments for `Dash(...)`. `plotly_url` is the local address of plotly.min.js.

    Plotly is loaded with `defer`: the numbers do not wait for 4.8 MB of charts. `use_async=False` keeps Dash from
    starting a thread per request as soon as some package brings `asgiref` along (0.21 against 0.75 ms a callback).
    """
    return {
        "title": title,
        "update_title": None,  # the title would flip on every tick
        "index_string": INDEX,
        "hooks": RENDERER_HOOKS,
        "external_scripts": [{"src": plotly_url, "defer": "defer"}],
        "serve_locally": True,
        "use_async": False,
        "suppress_callback_exceptions": False,
    }
