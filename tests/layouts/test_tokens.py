"""The design tokens: every text colour is readable on every ground it stands on, in both themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from layouts.variants import SHAPES

CSS = Path(__file__).resolve().parents[2] / "assets" / "css"
TOKENS = (CSS / "00-tokens.css").read_text(encoding="utf-8")
ON_GROUNDS = ("--ink", "--ink-2", "--ink-3", "--accent", "--red", "--green", "--amber", "--good", "--bad")
PAIRS = [
    *((text, ground) for text in ON_GROUNDS for ground in ("--ground", "--panel", "--panel-2")),
    ("--ink", "--accent-soft"),
    ("--ink-2", "--accent-soft"),
    ("--critical-ink", "--critical-ground"),
    ("--ink", "--warning-ground"),
    ("--accent-ink", "--accent"),
]


def colours(theme: str) -> dict[str, str]:
    block = re.search(rf':root\[data-theme="{theme}"\] {{(.*?)\n}}', TOKENS, re.S)
    assert block
    return dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6});", block.group(1)))


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_wcag_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_is_readable_on_its_ground(theme: str, text: str, ground: str) -> None:
    known = colours(theme)
    assert contrast(known[text], known[ground]) >= 4.5


def test_both_themes_name_the_same_colours() -> None:
    assert set(colours("dark")) == set(colours("light"))


@pytest.mark.parametrize("sheet", sorted(path.name for path in CSS.glob("*.css")))
def test_every_token_that_is_used_exists(sheet: str) -> None:
    text = (CSS / sheet).read_text(encoding="utf-8")
    known = set(re.findall(r"(--[\w-]+):", TOKENS)) | set(re.findall(r"(--[\w-]+):", text))
    given_by_elements = {"--columns", "--rows", "--chars", "--digit", "--tracks", "--narrow-tracks"}
    given_by_elements |= {f"--{part}-{name}" for part in ("columns", "rows", "at") for name in SHAPES}
    fallbacks = set(re.findall(r"var\((--[\w-]+),", text))
    assert set(re.findall(r"var\((--[\w-]+)", text)) - known - given_by_elements - fallbacks == set()


@pytest.mark.parametrize("sheet", sorted(path.name for path in CSS.glob("*.css") if path.name[:2] not in ("00",)))
def test_colours_are_named_in_the_tokens_only(sheet: str) -> None:
    text = re.sub(r"/\*.*?\*/", "", (CSS / sheet).read_text(encoding="utf-8"), flags=re.S)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", text) == []
