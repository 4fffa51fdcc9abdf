"""TLS as a wall meets it: the listener behind a proxy that shows a certificate and asks for ours."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from app.settings import Settings
from core.errors import BadRequestError, QueryFailedError
from queries.client import ClickHouse
from queries.listener import Listener
from queries.server import Access, ServerOptions
from queries.statement import Statement
from tests.conftest import OVER_HTTP, free_port

pytestmark = [
    pytest.mark.skipif(OVER_HTTP, reason="starts a listener of its own, whatever the store of the tests is"),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made with openssl"),
]


def openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], capture_output=True, timeout=300, check=True)


def authority(folder: Path, name: str) -> None:
    """A certificate authority of our own: NAME.pem and NAME.key."""
    key, pem = str(folder / f"{name}.key"), str(folder / f"{name}.pem")
    more = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    openssl("req", "-x509", *new, "-subj", f"/CN={name}", *more, "-keyout", key, "-out", pem)


def certificate(folder: Path, name: str, by: str, extension: str) -> None:
    """NAME.pem and NAME.key, signed by an authority."""
    key, asked, pem = (str(folder / f"{name}.{kind}") for kind in ("key", "csr", "pem"))
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-new", *new, "-subj", f"/CN={name}", "-keyout", key, "-out", asked)
    (folder / f"{name}.ext").write_text(f"{extension}\nauthorityKeyIdentifier=keyid\n", "utf-8")
    signed_by = ("-CA", str(folder / f"{by}.pem"), "-CAkey", str(folder / f"{by}.key"), "-CAcreateserial")
    openssl(
        "x509", "-req", "-in", asked, *signed_by, "-days", "2", "-extfile", str(folder / f"{name}.ext"), "-out", pem
    )


class Proxy:
    """Ends TLS on a loopback port, lets in who has a certificate of `ours`, and passes bytes on to `target`."""

    def __init__(self, folder: Path, target: int) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / "server.pem", folder / "server.key")
        self._context.load_verify_locations(folder / "ours.pem")
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._target = target
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self.names: list[str] = []  # of the certificates that were let in
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def _serve(self) -> None:
        while True:
            try:
                guest, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(guest,), daemon=True).start()

    def _pass_on(self, guest: socket.socket) -> None:
        inside = self._context.wrap_socket(guest, server_side=True, do_handshake_on_connect=False)
        inside.settimeout(60)
        try:
            inside.do_handshake()
        except OSError:  # refused; who closes with bytes unread takes the reason back
            with suppress(OSError):
                inside.shutdown(socket.SHUT_WR)
                while inside.recv(65536):
                    pass
            inside.close()
            return
        inside.settimeout(None)
        subject = (inside.getpeercert() or {}).get("subject", ())
        self.names += [str(value) for part in subject for key, value in part if key == "commonName"]  # type: ignore[misc]
        outside = socket.create_connection(("127.0.0.1", self._target))
        threading.Thread(target=_pump, args=(outside, inside), daemon=True).start()
        _pump(inside, outside)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65536):
            target.sendall(chunk)
    for end in (source, target):
        with suppress(OSError):
            end.close()


@dataclass(frozen=True)
class Served:
    folder: Path
    proxy: Proxy
    access: Access


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("tls")
    authority(folder, "ours")
    authority(folder, "theirs")
    certificate(folder, "server", "ours", "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth")
    certificate(folder, "wall", "ours", "extendedKeyUsage=clientAuth")
    certificate(folder, "stranger", "theirs", "extendedKeyUsage=clientAuth")
    listener = Listener(folder / "listener", folder / "clickhouse", free_port())
    told = listener.start()
    proxy = Proxy(folder, told.port)

    def behind(dsn: str) -> str:
        return dsn.replace("http://", "https://").replace(f":{told.port}/", f":{proxy.port}/")

    plain = told.access()
    yield Served(folder, proxy, Access(behind(plain.read), behind(plain.ingest), behind(plain.admin)))
    proxy.close()
    listener.stop()


def options(served: Served, ca: str = "ours", own: str = "wall", **more: bool) -> ServerOptions:
    """As CLICKHOUSE_CA, CLICKHOUSE_CERT and CLICKHOUSE_KEY say; '' is what was left out."""
    files = {"ca_file": f"{ca}.pem" if ca else "", "client_cert": f"{own}.pem", "client_key": f"{own}.key"}
    files = {name: str(served.folder / file) for name, file in files.items() if file and (own or name == "ca_file")}
    return ServerOptions(connect_s=5, **files, **more)  # type: ignore[arg-type]


def refused(served: Served, given: ServerOptions, access: Access | None = None) -> QueryFailedError:
    with pytest.raises(QueryFailedError) as failed:
        ClickHouse(replace(access or served.access, options=given), readers=1)
    said = str(failed.value)
    assert "\n" not in said and len(said) < 400, said
    return failed.value


def test_the_right_certificates_pass_and_the_three_roles_work(served: Served) -> None:
    store = ClickHouse(replace(served.access, options=options(served)), readers=1)
    try:
        assert store.read(Statement("who", "SELECT currentUser()")).rows == [("dashboard",)]
        store.administer(Statement("table", "CREATE TABLE seen (a UInt8) ENGINE = MergeTree ORDER BY a"))
        store.write(Statement("row", "INSERT INTO seen SELECT 7"))
        assert store.read(Statement("row", "SELECT a FROM seen")).rows == [(7,)]
    finally:
        store.close()
    assert set(served.proxy.names) == {"wall"}


def test_a_server_that_our_authority_did_not_sign_is_said_in_one_line(served: Served) -> None:
    for given in (options(served, ca="theirs"), options(served, ca="")):
        problem = refused(served, given)
        assert "no trusted TLS connection" in str(problem) and "CLICKHOUSE_CA" in str(problem), str(problem)
        assert not problem.retryable


def test_a_missing_or_foreign_client_certificate_is_said_in_one_line(served: Served) -> None:
    for given in (options(served, own=""), options(served, own="stranger")):
        problem = refused(served, given)
        assert "CLICKHOUSE_CERT" in str(problem), str(problem)
        assert not problem.retryable


def test_a_name_that_is_not_on_the_certificate_is_refused(served: Served) -> None:
    elsewhere = replace(served.access, read=served.access.read.replace("127.0.0.1", "localhost"))
    elsewhere = replace(elsewhere, ingest="", admin="")
    assert "CLICKHOUSE_CA" in str(refused(served, options(served), elsewhere))


@pytest.mark.parametrize(
    ("field", "setting"),
    [("ca_file", "CLICKHOUSE_CA"), ("client_cert", "CLICKHOUSE_CERT"), ("client_key", "CLICKHOUSE_KEY")],
)
@pytest.mark.parametrize("file", ["nowhere.pem", "server.ext", "stranger.key"])
def test_a_file_that_cannot_be_used_is_named(served: Served, field: str, setting: str, file: str) -> None:
    given = replace(options(served), **{field: str(served.folder / file)})
    with pytest.raises(BadRequestError) as wrong:
        ClickHouse(replace(served.access, options=given), readers=1)
    assert f"{setting}=" in str(wrong.value) and file in str(wrong.value) and "\n" not in str(wrong.value)


def test_a_key_without_its_certificate_is_refused(served: Served) -> None:
    with pytest.raises(BadRequestError, match="set CLICKHOUSE_CERT too"):
        ClickHouse(replace(served.access, options=replace(options(served), client_cert="")), readers=1)


def test_settings_of_the_environment_reach_the_connection(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, file in (("CA", "ours.pem"), ("CERT", "wall.pem"), ("KEY", "wall.key")):
        monkeypatch.setenv(f"CLICKHOUSE_{name}", str(served.folder / file))
    monkeypatch.setenv("DSN", served.access.read)
    store = ClickHouse(Settings(_env_file=None).clickhouse_dsn, readers=1)
    assert store.read(Statement("one", "SELECT 1")).rows == [(1,)]
    store.close()


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_rehearsals_may_leave_the_servers_certificate_unchecked(served: Served) -> None:
    store = ClickHouse(replace(served.access, options=options(served, ca="", verify=False)), readers=1)
    assert store.read(Statement("one", "SELECT 1")).rows == [(1,)]
    store.close()
