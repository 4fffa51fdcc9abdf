"""A store belongs to one process: others are told who holds it, in one line, and nothing breaks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from app.store import announce, demo_profile, find_holder, holder_file, settle_profile, withdraw
from metrics.profile import StoreProfile, save_profile
from tests.conftest import ROOT

HOLD = """
import sys
from pathlib import Path
from app.store import announce, open_store
store = open_store(Path(sys.argv[1]), f"chdb://{sys.argv[1]}/clickhouse", 1)
announce(Path(sys.argv[1]), "http://127.0.0.1:1")
print("held", flush=True)
sys.stdin.read()
store.close()
"""
OPEN = """
import sys
from pathlib import Path
from app.store import open_store
from core.errors import LivewallError
try:
    open_store(Path(sys.argv[1]), f"chdb://{sys.argv[1]}/clickhouse", 1).close()
    print("opened")
except LivewallError as problem:
    print(problem)
"""


def _python(code: str, folder: Path, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        **options,
    )  # type: ignore[call-overload]


def test_a_second_process_is_told_who_holds_the_store_and_can_open_it_afterwards(tmp_path: Path) -> None:
    holder = _python(HOLD, tmp_path)
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    words, _ = _python(OPEN, tmp_path).communicate(timeout=300)
    assert f"held by the wall at http://127.0.0.1:1 (pid {holder.pid})" in words
    assert len(words.strip().splitlines()) == 1
    holder.communicate(timeout=300)
    words, _ = _python(OPEN, tmp_path).communicate(timeout=300)
    assert words == "opened\n"


def test_a_store_of_exact_counts_is_not_read_as_sketches(tmp_path: Path) -> None:
    words, _ = _python(OPEN, tmp_path).communicate(timeout=300)
    assert words == "opened\n"
    save_profile(tmp_path, StoreProfile(name="x", distinct="sketch"))
    words, _ = _python(OPEN, tmp_path).communicate(timeout=300)
    assert "keeps users as AggregateFunction(uniqExact, UInt64)" in words and "`distinct: sketch`" in words
    assert len(words.strip().splitlines()) == 1
    save_profile(tmp_path, StoreProfile(name="x", distinct="exact"))
    words, _ = _python(OPEN, tmp_path).communicate(timeout=300)
    assert words == "opened\n"


def test_the_note_of_the_holder_is_private_and_goes_away(tmp_path: Path) -> None:
    holder = announce(tmp_path, "http://127.0.0.1:8050")
    assert holder_file(tmp_path).stat().st_mode & 0o077 == 0
    assert find_holder(tmp_path) == holder
    withdraw(tmp_path)
    assert find_holder(tmp_path) is None


def test_a_note_of_a_dead_process_is_nobody(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    holder_file(tmp_path).write_text(json.dumps({"pid": gone.pid, "url": "x", "token": "y"}))
    assert find_holder(tmp_path) is None
    holder_file(tmp_path).write_text("half a fi")
    assert find_holder(tmp_path) is None
    assert os.getpid() != gone.pid


def test_a_store_keeps_the_profile_it_began_with(tmp_path: Path) -> None:
    first = StoreProfile(name="A", currency="GBP", time_zone="Europe/London")
    assert settle_profile(tmp_path / "a", first) == first
    assert settle_profile(tmp_path / "a", demo_profile()) == first
    assert settle_profile(tmp_path / "b", None) == demo_profile()
