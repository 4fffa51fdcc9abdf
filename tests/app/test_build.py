"""The id of a build: another one for whatever would look otherwise, the same one in every process of a wall."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.build import ROOMS, ROOT, build_id
from app.given import Definitions
from app.main import first_screen
from app.settings import Settings
from layouts.board import FOLDER
from layouts.shell import build_shell
from metrics.profile import StoreProfile
from tests import rooms

SHOP = StoreProfile(name="x")
OWN_BOARD = (FOLDER / "walls.yaml").read_text("utf-8")
TELL = """
from app.build import build_id
from app.given import Definitions
from app.main import first_screen
from app.settings import Settings
from layouts.shell import build_shell
from metrics.profile import StoreProfile
made = Definitions.load()
page = build_shell(made.boards, first_screen(Settings(_env_file=None)), StoreProfile(name="x"), made.words)
print(build_id(page, made.boards))
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small checkout: a file of each kind that pages or processes are made of."""
    for name in (
        "assets/maps/cn_provinces.geojson", "assets/fonts/text.woff2", "assets/js/10-core.js", "metrics/cn_cities.csv",
        "live/wire.py", "queries/sql.py", "alerts/rules.yaml", "core/clock.py", "ingest/sources/tmall.yaml",
    ):  # fmt: skip
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, "utf-8")
    return tmp_path / "root"


def of(root: Path = ROOT, shop: StoreProfile = SHOP, **settings: Any) -> str:
    chosen = Settings(_env_file=None, **settings)
    made = Definitions.load(chosen.boards)
    return build_id(build_shell(made.boards, first_screen(chosen), shop, made.words), made.boards, root)


def test_the_same_input_gives_the_same_id(root: Path) -> None:
    assert of(root) == of(root)


def test_processes_of_one_wall_have_the_same_id_whatever_their_hashes() -> None:
    told = [
        subprocess.run(
            [sys.executable, "-c", TELL],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert told[0] == told[1] and len(told[0].strip()) == 12


def test_every_room_counts() -> None:
    assert set(ROOMS) == {*rooms.ROOMS, "assets"}
    assert all((ROOT / room).is_dir() for room in ROOMS)


def test_any_file_of_a_room_counts_by_what_is_in_it_and_by_its_name(root: Path) -> None:
    files = [path for path in root.rglob("*") if path.is_file()]
    ids = {of(root)}
    for path in files:
        path.write_text("changed", "utf-8")
        ids.add(of(root))
    files[0].rename(files[0].with_name("renamed"))
    ids.add(of(root))
    files[1].unlink()
    ids.add(of(root))
    assert len(ids) == len(files) + 3


def test_what_tools_leave_beside_files_does_not_count(root: Path) -> None:
    before = of(root)
    for name in ("live/__pycache__/wire.cpython-311.pyc", "assets/.cache", "metrics/.cache/part"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("x", "utf-8")
    assert of(root) == before


def test_a_board_of_ones_own_counts(root: Path, tmp_path: Path) -> None:
    own = tmp_path / "boards"
    own.mkdir()
    ids = [of(root), of(root, boards=own)]
    (own / "mine.yaml").write_text(OWN_BOARD, "utf-8")
    ids.append(of(root, boards=own))
    asked_seldom = OWN_BOARD.replace("kind: screens,", "kind: screens, every: 7,", 1)
    assert asked_seldom != OWN_BOARD, "which no page shows, only its frames"
    (own / "mine.yaml").write_text(asked_seldom, "utf-8")
    ids.append(of(root, boards=own))
    assert ids[0] == ids[1], "an empty folder changes nothing"
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    "settings",
    [{"locale": "en"}, {"tick": 5.0}, {"light_hours": "08:00-20:00"}, {"board": "funnel"}, {"desk_key": "k" * 20},
     {"host": "0.0.0.0"}],
    ids=lambda settings: next(iter(settings)),
)  # fmt: skip
def test_a_setting_that_pages_start_with_counts(root: Path, settings: dict[str, Any]) -> None:
    assert of(root, **settings) != of(root)


def test_a_setting_that_no_page_knows_does_not_count(root: Path) -> None:
    assert of(root, threads=3, log_level="error") == of(root)


def test_the_names_of_the_shop_count(root: Path) -> None:
    assert of(root, StoreProfile(name="y")) != of(root)


def test_packages_whose_scripts_pages_load_count_by_version(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def newer(changed: str) -> Callable[[str], str]:
        return lambda name: "99" if name == changed else "1"

    ids = set()
    for changed in ("none", "dash", "plotly"):
        monkeypatch.setattr("app.build.version", newer(changed))
        ids.add(of(root))
    assert len(ids) == 3
