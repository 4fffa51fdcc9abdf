"""What deploys the wall names only what there is: paths, settings, users, modules."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.settings import Settings
from layouts.board import load_boards

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
SETTINGS = {name.upper() for name in Settings.model_fields}
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")
ROOMS = {"alerts", "app", "assets", "callbacks", "core", "ingest", "layouts", "live", "locales", "metrics", "queries"}


def test_the_image_has_every_room_and_what_it_copies_exists_and_is_not_ignored() -> None:
    copied = {
        name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()
    }
    assert copied >= ROOMS | {"requirements.txt"}
    assert all((ROOT / name).exists() for name in copied)
    kept = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE))
    assert kept == copied


def test_the_image_runs_as_nobodys_root_and_sets_only_settings_of_ours() -> None:
    last = DOCKERFILE.rpartition("FROM ")[2]
    assert re.search(r"^USER livewall$", last, re.MULTILINE) and last.index("USER") < last.index("CMD [")
    named = re.findall(r"([A-Z_]+)=", re.findall(r"^ENV (.+)$", last, re.MULTILINE)[0])
    assert set(named) <= SETTINGS | {"PYTHONUNBUFFERED"}


def test_the_compose_file_names_services_networks_volumes_and_settings_that_exist() -> None:
    services = COMPOSE["services"]
    assert set(services) == {"wall", "clickhouse", "redis"}
    assert set(services["wall"]["environment"]) <= SETTINGS
    for name, service in services.items():
        assert set(service["networks"]) <= set(COMPOSE["networks"]), name
        assert set(service.get("depends_on", {})) <= set(services), name
        assert "healthcheck" in service or name == "wall", name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"], volume
    assert (DEPLOY / services["wall"]["build"]["context"] / services["wall"]["build"]["dockerfile"]).exists()
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published and all(port.startswith("127.0.0.1:") for port in published), "there is no login yet"
    for role in ("dashboard", "ingest", "admin"):
        assert f"CREATE USER IF NOT EXISTS {role} " in (DEPLOY / "clickhouse" / "roles.sql").read_text("utf-8")
        dsns = [services["wall"]["environment"][name] for name in ("DSN", "INGEST_DSN", "ADMIN_DSN")]
        assert sum(f"http://{role}:" in dsn for dsn in dsns) == 1


def test_any_setting_reaches_the_wall_in_containers_and_none_moves_what_the_containers_rest_on() -> None:
    wall = COMPOSE["services"]["wall"]
    assert wall["env_file"] == [{"path": ".env", "required": False}], "the file that the passwords stand in"
    held = {name: value for name, value in wall["environment"].items() if "$" not in value}
    assert held == {
        "HOST": "0.0.0.0", "PORT": "8050", "STORE": "var/store", "BOARDS": "boards", "REDIS_URL": "redis://redis:6379/0",
    }  # fmt: skip
    passed = {name for name, value in wall["environment"].items() if f"${{{name}:-" in value}
    assert passed | set(held) | {"DSN", "INGEST_DSN", "ADMIN_DSN"} == set(wall["environment"])
    assert not {"DESK_KEY", "LOCALE", "BOARD", "TICK", "LIGHT_HOURS", "RAW_DAYS"} & set(wall["environment"])
    inside = [f"/srv/livewall/{held[name].split('/')[0]}" for name in ("STORE", "BOARDS")]
    assert [volume.split(":")[1] for volume in wall["volumes"]] == inside
    assert load_boards(DEPLOY / "boards").keys() == load_boards().keys(), "boards of one's own are one's own"


def test_an_env_file_with_passwords_and_settings_is_read_by_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    """What compose does with the file: all of it becomes the environment, and an empty value is the default."""
    for name, value in {"DESK_KEY": "k", "LOCALE": "en", "ADMIN_PASSWORD": "three", "ONLY": "", "SIMULATE": ""}.items():
        monkeypatch.setenv(name, value)
    settings = Settings(_env_file=None)
    assert (settings.desk_key.get_secret_value(), settings.locale, settings.simulate) == ("k", "en", True)


@pytest.mark.parametrize(
    ("password", "says"),
    [("a'; DROP USER x", "letters and digits only"), ("", "letters and digits only"), ("S3cret", "")],
)
def test_a_password_that_would_be_sql_or_a_url_is_refused(tmp_path: Path, password: str, says: str) -> None:
    client = tmp_path / "clickhouse-client"
    client.write_text("#!/bin/sh\ncat > /dev/null\n")
    client.chmod(0o755)
    script = (DEPLOY / "clickhouse" / "init.sh").read_text("utf-8").replace("/livewall/roles.sql", "/dev/null")
    words = {"DASHBOARD_PASSWORD": "one", "INGEST_PASSWORD": password, "ADMIN_PASSWORD": "three"}
    done = subprocess.run(
        ["sh", "-c", script], env={"PATH": f"{tmp_path}:/usr/bin:/bin", **words}, capture_output=True, text=True
    )
    assert (done.returncode == 0) == (not says) and says in done.stderr


def test_units_start_what_there_is() -> None:
    unit = (DEPLOY / "systemd" / "livewall.service").read_text("utf-8")
    assert "-m app serve" in unit and (ROOT / "app" / "commands" / "serve.py").exists()
    stop = int(re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)[0])
    grace = int(re.findall(r"^GRACE_S = (\d+)$", (ROOT / "app" / "production.py").read_text("utf-8"), re.MULTILINE)[0])
    assert stop > grace and int(COMPOSE["services"]["wall"]["stop_grace_period"].rstrip("s")) > grace
    kiosk = (DEPLOY / "kiosk" / "livewall-kiosk.service").read_text("utf-8")
    assert "--kiosk" in kiosk and "kiosk=1" in kiosk and "Restart=always" in kiosk
    assert "name=%H" in kiosk and "--incognito" not in kiosk, "after a crash it is the same screen to the wall"
