"""The controls in the header of a screen that someone sits at; a kiosk has none of them."""

from __future__ import annotations

from dash import html

from locales.words import Words

CHOICES = ("updown", "theme", "lang")  # each goes through its values; scripts write the one that a click gives


def build_controls(words: Words) -> html.Div:
    """Day picker, back-to-live, direction colours, theme, language, full screen, keys."""
    return html.Div(
        [
            html.Div(className="day-picker", **{"data-control": "day"}),
            html.Button(
                words.t("shell.control.live"),
                className="control control-live",
                type="button",
                **{"data-act": "live", "data-word": "shell.control.live"},
            ),
            *[
                html.Button(
                    className="control",
                    type="button",
                    **{"data-choose": name, "data-word-label": f"shell.control.{name}.label"},
                )
                for name in CHOICES
            ],
            html.Button(
                words.t("shell.control.full"),
                className="control",
                type="button",
                **{"data-act": "full", "data-word": "shell.control.full"},
            ),
            html.Button(
                "?",
                className="control",
                type="button",
                **{"data-act": "help", "data-word-label": "shell.control.help"},
            ),
        ],
        className="controls",
    )
