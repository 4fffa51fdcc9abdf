"""The page as another version of the program serves it: of other files, and of the build that those make."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from dash import Dash

from app.build import build_id
from app.static import plotly_url, serve_plotly
from callbacks.page import wire_page
from layouts.page import dash_options
from layouts.shell import Screen, build_shell
from locales.words import load_words
from metrics.profile import StoreProfile
from tests.browser.stage import BOARD, KINDS, ROOT, TICK, ScriptedWall, make_frame, part

CHANGED = "assets/js/10-core.js"


def edition(wall: ScriptedWall, root: Path, more: str = "") -> tuple[Dash, str]:
    """The app over a copy of our assets made in `root`, with `more` at the end of a script, and its build."""
    shutil.copytree(ROOT / "assets", root / "assets")
    if more:
        with (root / CHANGED).open("a", encoding="utf-8") as script:
            script.write(f"{more}\n")
    boards, words = {"wall": BOARD}, {locale: load_words(locale) for locale in ("zh", "en")}
    profile, screen = StoreProfile(name="试验店", name_en="Test Shop"), Screen("wall", "zh", "", TICK, spread_s=0.2)
    build = build_id(build_shell(boards, screen, profile, words), boards, root)
    app = Dash(__name__, assets_folder=str(root / "assets"), **dash_options("test", plotly_url()))
    app.layout = build_shell(boards, replace(screen, build=build), profile, words)
    wire_page(app, wall.respond, build)
    serve_plotly(app.server)
    app.index_string = app.index_string.replace("{%renderer%}", f"<script>{KINDS}</script>{{%renderer%}}")
    return app, build


def counting_as(build: str) -> Callable[[dict[str, Any]], str]:
    """Answers of a build: each question's number in the first tile."""

    def answer(ask: dict[str, Any]) -> str:
        return make_frame(f"{build}-{ask['n']}", {"one": part({"text": f"n{ask['n']}"})}, build=build, boot=build)

    return answer
