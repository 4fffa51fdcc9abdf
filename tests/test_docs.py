"""What the documents say exists: links, files, commands, make targets, settings, scenarios and mappings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from app.__main__ import cli
from app.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
DOCS = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "assets" / "maps" / "NOTICE.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
TEXTS = {path: path.read_text("utf-8") for path in DOCS}
ALL = "\n".join(TEXTS.values())
FOLDERS: tuple[str, ...] = (
    "app",
    "callbacks",
    "layouts",
    "live",
    "alerts",
    "ingest",
    "queries",
    "metrics",
    "locales",
    "core",
    "assets",
)
FOLDERS += ("docs", "deploy", "tests", "bench")


def names(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", DOCS, ids=names)
def test_every_link_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", TEXTS[path])
    inside = [link for link in links if not link.startswith(("http://", "https://", "mailto:"))]
    missing = [link for link in inside if not (path.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("path", DOCS, ids=names)
def test_every_file_named_in_backticks_exists(path: Path) -> None:
    quoted = re.findall(r"`((?:" + "|".join(FOLDERS) + r")/[\w./-]*)`", TEXTS[path])
    missing = [name for name in quoted if not (ROOT / name).exists() and "NNNN" not in name]
    assert not missing


def test_every_yaml_example_can_be_read() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", ALL, re.DOTALL)
    assert examples
    assert all(yaml.safe_load(example) for example in examples)


def test_every_command_named_exists() -> None:
    commands = sorted(set(re.findall(r"python -m app (\w[\w-]*)", ALL)))
    assert {"load", "query", "check"} <= set(commands)
    for command in commands:
        shown = CliRunner().invoke(cli, [command, "--help"])
        assert shown.exit_code == 0, f"python -m app {command}: {shown.output[-500:]}"


def test_every_option_of_the_query_example_exists() -> None:
    example = re.search(r"-m app query ((?:[^\n`]|\\\n)+)", TEXTS[ROOT / "README.md"])
    assert example
    options = set(re.findall(r"--[\w-]+", example.group(1))) | {"--filter"}
    shown = subprocess.run(
        [sys.executable, "-m", "app", "query", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
    ).stdout
    assert not [option for option in options if option not in shown]


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(
        re.findall(r"`?\bmake ([a-z]+)\b(?=[`\s])", "\n".join(re.findall(r"`[^`\n]+`|^make .*$", ALL, re.MULTILINE)))
    )
    assert {"run", "test"} <= named
    assert named <= targets


def test_every_setting_named_exists_and_stands_in_the_example() -> None:
    fields = {name.upper() for name in Settings.model_fields}
    example = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE))
    assert example == fields
    table = re.findall(r"^\| ((?:`[A-Z_]+`(?:, )?)+) \|", TEXTS[ROOT / "README.md"], re.MULTILINE)
    named = {name for row in table for name in re.findall(r"`([A-Z_]+)`", row)}
    assert named
    assert named <= fields
    assert set(re.findall(r"\bmake run\b[^\n`]*?\b([A-Z]+)=", ALL)) <= fields


def test_the_defaults_in_the_settings_table_are_the_defaults() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| `([^`]+)` \|", TEXTS[ROOT / "README.md"], re.MULTILINE)
    assert rows
    for name, said in rows:
        assert str(Settings.model_fields[name.lower()].default) == said


def test_every_scenario_and_mapping_named_exists() -> None:
    readme = TEXTS[ROOT / "README.md"]
    scenarios = {path.stem for path in (ROOT / "ingest" / "scenarios").glob("*.yaml")}
    assert all(f"`{name}`" in readme for name in scenarios)
    assert set(re.findall(r"SCENARIO=(\w+)", ALL)) <= scenarios
    mappings = {path.stem for path in (ROOT / "ingest" / "sources").glob("*.yaml")}
    assert set(re.findall(r'LOAD="(\w+) ', ALL)) <= mappings
