"""Settings: each stands in .env.example with its default, and a wrong one names itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from dotenv import dotenv_values

from app.settings import Settings, read_settings
from core.errors import BadRequestError
from tests.conftest import ROOT


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_every_setting_stands_in_the_example_with_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    example = dotenv_values(ROOT / ".env.example")
    assert set(example) == {name.upper() for name in Settings.model_fields}
    for name, value in example.items():
        monkeypatch.setenv(name, value or "")
    assert Settings() == Settings.model_construct(**{n: f.default for n, f in Settings.model_fields.items()})


def test_a_dotenv_file_is_read_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("PORT=9001\nRATE=50\n")
    monkeypatch.setenv("PORT", "9002")
    settings = read_settings()
    assert (settings.port, settings.rate) == (9002, 50)


def test_a_wrong_setting_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "eighty")
    with pytest.raises(BadRequestError, match=r"PORT='eighty'"):
        read_settings()


def test_the_dsn_follows_the_store_unless_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE", "var/tmall")
    assert read_settings().clickhouse_dsn.read == "chdb://var/tmall/clickhouse"
    monkeypatch.setenv("DSN", "http://u:p@127.0.0.1:8123/w")
    assert read_settings().clickhouse_dsn.read == "http://u:p@127.0.0.1:8123/w"


def test_a_folder_of_boards_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BOARDS", str(tmp_path / "bords"))
    with pytest.raises(BadRequestError, match=r"BOARDS='.*bords'.*no such folder"):
        read_settings()
