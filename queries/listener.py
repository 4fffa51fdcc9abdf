"""Runs the embedded engine as a small ClickHouse server on 127.0.0.1, so that several processes read one store.

The engine's wheel holds a whole server, which `SYSTEM START LISTEN` opens. It runs in a child process of its own
(`python -m queries.listener FOLDER`), with three users and no others, and ends with the process that started it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from core.clock import stopwatch, wait
from core.errors import QueryFailedError, StoreBusyError
from queries.client import ENGINE_FILE
from queries.roles import QUERIES_A_MINUTE, users_file
from queries.server import Access

Role = Literal["dashboard", "ingest", "admin"]
ROLES: tuple[Role, ...] = ("dashboard", "ingest", "admin")
ROOT = Path(__file__).resolve().parent.parent
NOTE = "listener.json"
BACKUPS = "backups"  # a disk beside the data, and the only place that BACKUP may write to
START_S, STOP_S = 60, 20
MEMORY = 6_000_000_000
CONFIG = """<clickhouse>
<listen_host>127.0.0.1</listen_host>
<http_port>{http}</http_port>{tcp}
<users_config>users.xml</users_config>
<max_server_memory_usage>{memory}</max_server_memory_usage>
<tmp_path>{data}/tmp/</tmp_path>
<default_database>scratch</default_database>
<storage_configuration><disks><backups><type>local</type><path>{backups}/</path></backups></disks></storage_configuration>
<backups><allowed_disk>backups</allowed_disk></backups>
<http_handlers>
<rule><url>/ping</url><handler><type>ping</type></handler></rule>
<rule><headers><Authorization>regex:Basic ({users}).*</Authorization><X-ClickHouse-User></X-ClickHouse-User></headers>
<handler><type>dynamic_query_handler</type><query_param_name>query</query_param_name></handler></rule>
</http_handlers>
{more}
</clickhouse>
"""
# How the Authorization header of each role begins: base64 of its name and a colon. Others are not even asked.
USERS = {"dashboard": "ZGFzaGJvYXJkO", "ingest": "aW5nZXN0O", "admin": "YWRtaW46"}
SCRIPT = (
    "CREATE DATABASE IF NOT EXISTS default; SYSTEM START LISTEN HTTP; {tcp}"
    "SELECT sleepEachRow(3) FROM system.numbers SETTINGS max_block_size = 1 FORMAT Null"  # the server lives as long
)


@dataclass(frozen=True, slots=True)
class Listening:
    """A running listener: its process, port and each role's password. Readable by its owner only on disk."""

    pid: int
    port: int
    passwords: dict[str, str]

    def dsn(self, role: Role) -> str:
        return f"http://{role}:{self.passwords[role]}@127.0.0.1:{self.port}/default"

    def access(self) -> Access:
        return Access(self.dsn("dashboard"), self.dsn("ingest"), self.dsn("admin"))


class Listener:
    """A child process that serves the store at `data` on a loopback port; its files stand in `folder`.

    `more` is configuration of the engine (`<remote_servers>` …), `tcp_port` opens the native protocol too, `passwords`
    are those of the three roles (new ones by default), `queries_a_minute` is the dashboard's quota. `BACKUP` writes to
    the disk `backups`, a folder beside the data.
    """

    def __init__(
        self,
        folder: Path,
        data: Path,
        port: int,
        tcp_port: int = 0,
        more: str = "",
        passwords: Mapping[str, str] | None = None,
        queries_a_minute: int = QUERIES_A_MINUTE,
    ) -> None:
        self.folder, self.port, self._quota = folder.resolve(), port, queries_a_minute
        self._folder_for(data.resolve(), tcp_port, more)
        self.told = Listening(0, port, dict(passwords or {role: secrets.token_urlsafe(18) for role in ROLES}))
        self._process: subprocess.Popen[bytes] | None = None

    def _folder_for(self, data: Path, tcp_port: int, more: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        data.mkdir(parents=True, exist_ok=True)
        tcp = f"\n<tcp_port>{tcp_port}</tcp_port>" if tcp_port else ""
        users = "|".join(USERS.values())
        backups = data.parent / BACKUPS
        places = {"data": data, "backups": backups, "memory": MEMORY}
        config = CONFIG.format(http=self.port, tcp=tcp, users=users, more=more, **places)
        (self.folder / "config.xml").write_text(config, encoding="utf-8")
        (self.folder / "config.d").mkdir(exist_ok=True)
        shutil.copy(ENGINE_FILE, self.folder / "config.d")  # the engine merges what stands there
        (self.folder / "start.json").write_text(json.dumps({"data": str(data), "tcp": bool(tcp_port)}), "utf-8")

    def start(self) -> Listening:
        """Returns when it answers. Raises StoreBusyError when another process holds the store or the port."""
        hashes = {role: hashlib.sha256(word.encode()).hexdigest() for role, word in self.told.passwords.items()}
        _private(self.folder / "users.xml", users_file(hashes, self._quota))
        log = self.folder / "listener.log"
        with log.open("wb") as target:
            self._process = subprocess.Popen(  # noqa: S603 (this very file)
                [sys.executable, "-m", "queries.listener", str(self.folder)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=target,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in a terminal is for us; the child ends when we close its input
            )
        since = stopwatch()
        while not answering(self.port):
            if self._process.poll() is not None:
                self.stop()
                raise _failure(log.read_text("utf-8", "replace"), self.port)
            if since() > START_S:
                self.stop()
                raise QueryFailedError("open", 0, f"the listener did not start within {START_S} s", retryable=True)
            wait(0.05)
        self.told = Listening(self._process.pid, self.port, self.told.passwords)
        _private(self.folder / NOTE, json.dumps(asdict(self.told)))
        return self.told

    def stop(self) -> None:
        """End the child. What it acknowledged is on disk: an end like a crash loses nothing, and takes no time."""
        process, self._process = self._process, None
        (self.folder / NOTE).unlink(missing_ok=True)
        if process is None:
            return
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """End the child as a power cut would."""
        if self._process is not None:
            self._process.kill()
        self.stop()

    def wait(self) -> int:
        """Until the child ends; its exit code."""
        return self._process.wait() if self._process else 0


def running(folder: Path) -> Listening | None:
    """The listener that another process started in this folder and that answers, or None."""
    try:
        told = Listening(**json.loads((folder / NOTE).read_text("utf-8")))
        os.kill(told.pid, 0)
    except (OSError, ValueError, TypeError):
        return None
    return told if answering(told.port) else None


def answering(port: int) -> bool:
    """Whether a ClickHouse answers on a loopback port."""
    import httpx

    try:
        return httpx.get(f"http://127.0.0.1:{port}/ping", timeout=2, trust_env=False).text.startswith("Ok")
    except httpx.HTTPError:
        return False


def _private(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as target:
        target.write(text)
    fresh.replace(path)


def _failure(log: str, port: int) -> StoreBusyError | QueryFailedError:
    lines = [line for line in log.splitlines() if "DB::Exception" in line] or log.splitlines() or ["no message"]
    if "Cannot lock file" in log or "already running" in log:
        return StoreBusyError("the store is held by another process; stop it, or use its wall's address")
    if "Address already in use" in log or "NETWORK_ERROR" in log:
        return StoreBusyError(f"127.0.0.1:{port} is taken; choose another port: DSN=listen://127.0.0.1:PORT")
    return QueryFailedError("open", 0, f"the listener did not start: {lines[-1][:300]}", retryable=False)


def adopt(data: Path) -> None:
    """Give the tables of an embedded store the note that a server finds its databases by.

    In embedded mode `default` takes unknown tables for files; a server's database of the same tables does not.
    """
    metadata = data / "metadata"
    link = metadata / "default"
    if link.is_symlink():
        note = f"ATTACH DATABASE _ UUID '{link.readlink().name}'\nENGINE = Atomic\n"
        (metadata / "default.sql").write_text(note, "utf-8")


def main(folder: Path) -> int:
    """The child: serve until our input ends or a signal comes."""
    from chdb import _chdb  # before the folder is entered: importing opens an engine that would read config.xml there

    os.chdir(folder)  # the engine reads config.xml here
    start = json.loads(Path("start.json").read_text("utf-8"))
    adopt(Path(start["data"]))
    script = SCRIPT.format(tcp="SYSTEM START LISTEN TCP; " if start["tcp"] else "")
    failed: list[str] = []
    done = threading.Event()

    def serve() -> None:
        try:
            _chdb.query(script, "TabSeparated", path=start["data"])  # type: ignore[attr-defined]  # no stubs
        except RuntimeError as problem:
            failed.append(str(problem))
        done.set()

    def until_orphaned() -> None:
        while sys.stdin.buffer.read(4096):
            pass
        os._exit(0)  # what was acknowledged is in the engine's files; what was not is sent again

    threading.Thread(target=serve, daemon=True).start()
    threading.Thread(target=until_orphaned, daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    while not done.wait(0.2):
        pass
    sys.stdout.write("".join(failed))
    sys.stdout.flush()
    os._exit(1 if failed else 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
