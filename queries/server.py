"""Reaches a ClickHouse server over HTTP or HTTPS: who connects as what, how, and what to say when it fails."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from core.errors import BadRequestError, QueryFailedError

PORTS = {"http": 8123, "https": 8443}
DENIED = {192, 193, 194, 497, 516}  # unknown user, wrong password, not enough privileges, authentication failed
NO_DATABASE = 81
# What a server's TLS says of our certificate: none, of an authority it does not know, out of date …
REFUSES_OURS = re.compile(r"alert[ _](?:(?:\w+[ _])?certificate|unknown[ _]ca|handshake|access)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a server is reached. Files are paths of PEM files, times are seconds."""

    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""
    verify: bool = True
    compression: Literal["lz4", "zstd", "gzip", "none"] = "lz4"
    connections: int = 0  # kept open at once; 0 is one for each client of the pool
    connect_s: int = 5
    answer_s: int = 120  # longer than any statement may run: giving up here does not stop it there


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks, who brings events and who changes tables, as DSNs; what is empty is done by the reader's."""

    read: str
    ingest: str = ""
    admin: str = ""
    options: ServerOptions = ServerOptions()

    @property
    def embedded(self) -> bool:
        return self.read.startswith("chdb://")


@dataclass(frozen=True, slots=True)
class Address:
    """A server DSN in its parts; texts are as they were before percent-encoding."""

    scheme: str
    host: str
    port: int
    user: str
    password: str
    database: str

    @property
    def shown(self) -> str:
        """The server as it may stand in a message: without the password."""
        return f"{self.scheme}://{self.user}@{self.host}:{self.port}/{self.database}"


def read_address(dsn: str) -> Address:
    """`https://user:password@host:port/database`. Raises BadRequestError; the message never holds the password."""
    try:
        parts = urlsplit(dsn)
        port = parts.port
    except ValueError as problem:
        raise BadRequestError("DSN: the port is no number, or the host is malformed") from problem
    if parts.scheme not in PORTS or not parts.hostname:
        raise BadRequestError(
            f"DSN: {parts.scheme or 'nothing'}://… is not understood; write http://user:password@host:8123/database, "
            "https://…, listen://127.0.0.1:8123, or leave it empty for the embedded engine"
        )
    if parse_qs(parts.query):
        raise BadRequestError("DSN: options after ? are settings of their own (CLICKHOUSE_CA, CLICKHOUSE_VERIFY …)")
    return Address(
        parts.scheme,
        parts.hostname,
        port or PORTS[parts.scheme],
        unquote(parts.username or "default"),
        unquote(parts.password or ""),
        unquote(parts.path.strip("/")) or "default",
    )


def check_files(options: ServerOptions) -> None:
    """Raises BadRequestError naming the setting whose PEM file cannot be used; the driver would name neither."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    own, key = options.client_cert, options.client_key
    if key and not own:
        raise BadRequestError("CLICKHOUSE_KEY is the key of a certificate: set CLICKHOUSE_CERT too")
    for name, path in (("CLICKHOUSE_CA", options.ca_file), ("CLICKHOUSE_CERT", own), ("CLICKHOUSE_KEY", key)):
        try:
            if path:
                with Path(path).open("rb"):
                    pass
        except OSError as problem:
            raise BadRequestError(f"{name}={path}: {problem.strerror}") from problem
    try:
        if options.ca_file:
            context.load_verify_locations(options.ca_file)
    except OSError as problem:
        raise BadRequestError(f"CLICKHOUSE_CA={options.ca_file} holds no certificate in PEM form") from problem
    try:
        if own:
            # without a password the key's would be asked for on the terminal
            context.load_cert_chain(own, key or None, password="")
    except OSError as problem:
        raise BadRequestError(
            f"CLICKHOUSE_CERT={own} and CLICKHOUSE_KEY={key}: no certificate and its key (PEM, without a password)"
        ) from problem


def connections(options: ServerOptions, clients: int) -> Any:
    """The connections that all clients of one pool share. Raises BadRequestError for a file that cannot be used."""
    from clickhouse_connect.driver.httputil import get_pool_manager

    check_files(options)
    files = {"ca_cert": options.ca_file, "client_cert": options.client_cert, "client_cert_key": options.client_key}
    given: dict[str, Any] = {name: path for name, path in files.items() if path}
    return get_pool_manager(maxsize=options.connections or clients, verify=options.verify, **given)


def connect(dsn: str, settings: Mapping[str, Any], options: ServerOptions, pool: Any) -> Any:
    """A client of a server. Raises QueryFailedError with one line; retryable where waiting can help."""
    import clickhouse_connect
    from clickhouse_connect.driver.exceptions import Error

    address = read_address(dsn)
    try:
        return clickhouse_connect.get_client(
            interface=address.scheme,
            host=address.host,
            port=address.port,
            username=address.user,
            password=address.password,
            database=address.database,
            settings=dict(settings),
            pool_mgr=pool,
            verify=options.verify,
            client_cert=options.client_cert or None,
            # a password beside a certificate is a password: the certificate then only opens the connection
            tls_mode="strict" if options.client_cert and address.password else None,
            compress=False if options.compression == "none" else options.compression,
            connect_timeout=options.connect_s,
            send_receive_timeout=options.answer_s,
            autogenerate_session_id=False,  # a session lets one statement in at a time
            query_retries=0,  # a tile is asked again by the next tick
            tz_mode="aware",
            form_encode_query_params=True,  # hundreds of event ids do not fit into an address line
        )
    except Error as problem:
        raise unreachable(address, problem) from problem
    except OSError as problem:  # a certificate file that cannot be read
        raise QueryFailedError("open", 0, f"{address.shown}: {problem}", retryable=False) from problem


def unreachable(address: Address, problem: Exception) -> QueryFailedError:
    """What keeps us from a server, in one line that says what to do."""
    text, code = str(problem), int(getattr(problem, "code", 0) or 0)
    where = address.shown
    if code in DENIED or "AUTHENTICATION_FAILED" in text:
        return _refused(code, f"{where} refuses the user {address.user!r}: wrong name, password or rights")
    if code == NO_DATABASE or "UNKNOWN_DATABASE" in text:
        return _refused(code, f"{where} has no database {address.database!r}: create it first (deploy/clickhouse/)")
    if REFUSES_OURS.search(text):
        return _refused(code, f"{where} wants a certificate that it trusts: see CLICKHOUSE_CERT and CLICKHOUSE_KEY")
    if "SSLEOF" in text:  # who refuses a certificate may hang up before it says so
        line = (
            f"{where} ends the TLS connection: see CLICKHOUSE_CERT (does it want a certificate of ours?) and the port"
        )
        return _refused(code, line)
    if "CERTIFICATE" in text.upper() or "SSL" in text:
        return _refused(code, f"{where}: no trusted TLS connection ({_reason(text)}); see CLICKHOUSE_CA and the port")
    if code == 0:
        return QueryFailedError("open", 0, f"{where} does not answer: {_reason(text)}", retryable=True)
    return QueryFailedError("open", code, f"{where}: {first_line(text)}", retryable=False)


def _refused(code: int, line: str) -> QueryFailedError:
    return QueryFailedError("open", code, line, retryable=False)


def _reason(text: str) -> str:
    """The innermost of a driver's nested messages."""
    return first_line(text).rsplit("Caused by ", 1)[-1].strip("() ")[-200:]


def first_line(text: str) -> str:
    return text.strip().splitlines()[0][:400] if text.strip() else "no message"
