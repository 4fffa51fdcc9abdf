"""The only file that reads the environment. Every setting stands in `.env.example` with its default."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import BadRequestError
from queries.server import Access, ServerOptions


class Settings(BaseSettings):
    """Read once at start, frozen afterwards. Names are upper case in the environment and in `.env`."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", frozen=True, extra="ignore", env_ignore_empty=True
    )

    host: str = Field(default="127.0.0.1", description="Address to listen on; 0.0.0.0 lets other machines in.")
    port: int = Field(default=8050, ge=1, le=65535, description="Port of the wall.")
    store: Path = Field(default=Path("var/demo"), description="Folder of the store; every store is its own.")
    dsn: str = Field(
        default="",
        description="ClickHouse: empty (embedded), listen://127.0.0.1:8123, http(s)://user:password@host/db.",
    )
    ingest_dsn: str = Field(default="", description="The same server as the user who brings events; empty is DSN.")
    admin_dsn: str = Field(
        default="", description="The same server as the user who changes tables; empty is INGEST_DSN."
    )
    clickhouse_ca: str = Field(
        default="", description="PEM file of the authority that signed the server's certificate."
    )
    clickhouse_cert: str = Field(default="", description="PEM file of our own certificate, where the server wants one.")
    clickhouse_key: str = Field(default="", description="PEM file of its key.")
    clickhouse_verify: bool = Field(default=True, description="Refuse a server whose certificate is not trusted.")
    clickhouse_compression: Literal["lz4", "zstd", "gzip", "none"] = Field(
        default="lz4", description="How rows travel between server and wall."
    )
    clickhouse_connections: int = Field(
        default=0, ge=0, le=200, description="Connections kept open; 0 is one for each statement that may run."
    )
    clickhouse_connect_s: int = Field(default=5, ge=1, le=60, description="Seconds until a server is given up.")
    clickhouse_answer_s: int = Field(
        default=120,
        ge=10,
        le=3_600,
        description="Seconds until an answer is given up; more than any statement may take.",
    )
    load: str = Field(default="", description="Mapping and files to load before the wall opens: 'tmall a.csv b.csv'.")
    replay: float = Field(
        default=0, ge=0, le=100_000, description="Play LOAD live at this speed instead of loading it whole."
    )
    simulate: bool = Field(default=True, description="Keep a simulated store alive with new events.")
    scenario: str = Field(default="normal_day", description="Scenario of the simulator (ingest/scenarios).")
    rate: float = Field(default=20, gt=0, le=2_000, description="Simulated ledger rows a second, averaged over a day.")
    seed: int = Field(default=11, description="Seed of the simulated business.")
    history_days: int = Field(
        default=8, ge=0, le=40, description="Days of simulated history that a new store starts with."
    )
    raw_days: int = Field(
        default=0, ge=0, description="Days that single events are kept; 0 is for ever, less than 9 is refused."
    )
    minute_days: int = Field(
        default=0, ge=0, description="Days that rollups by second and minute are kept; 0 is for ever, 9 at least."
    )
    rollup_months: int = Field(
        default=0, ge=0, description="Months that rollups by hour and business day are kept; 0 is for ever."
    )
    ingest_keys: SecretStr = Field(
        default=SecretStr(""), description="Who may send events: 'shop=<key>,app=<key>'; nobody when empty."
    )
    ingest_body_mb: int = Field(default=8, ge=1, le=64, description="Most megabytes of one request, unpacked.")
    ingest_batch_rows: int = Field(default=5_000, ge=1, le=100_000, description="Events that make a batch full.")
    ingest_batch_ms: int = Field(
        default=500,
        ge=1,
        le=10_000,
        description="Milliseconds that a batch waits for more events at most; it ends when the clock turns.",
    )
    ingest_waiting_rows: int = Field(
        default=100_000, ge=1_000, le=10_000_000, description="Events on disk that may wait for the store; then 429."
    )
    ingest_window_hours: int = Field(
        default=24, ge=1, le=744, description="Hours that an event's id is remembered, whatever its time."
    )
    markers_every: float = Field(
        default=5, ge=0, le=60, description="Seconds between markers, which measure event to pixel; 0 is none."
    )
    desk_key: SecretStr = Field(
        default=SecretStr(""),
        description="Key for steering screens from /walls; empty: only where HOST is this machine.",
    )
    reconcile_every: float = Field(
        default=15, ge=0, le=1440, description="Minutes between comparisons of rollups with their ledger; 0 is never."
    )
    tick: float = Field(default=0, ge=0, le=60, description="Seconds between ticks; 0 follows the board (2 s).")
    board: str = Field(default="wall", description="The board shown at /.")
    boards: Path | None = Field(
        default=None, description="Folder with boards of your own; one named like a shipped one takes its place."
    )
    locale: Literal["zh", "en"] = Field(default="zh", description="Language of a screen that has not chosen one.")
    light_hours: str = Field(
        default="07:00-19:00",
        pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$",
        description="When screens with theme=auto are light, in the store's time zone; dark else.",
    )
    only: str = Field(
        default="", description="Limits everything this process shows: 'large_region=east' or 'province=440000,330000'."
    )
    scopes: int = Field(
        default=64, ge=1, le=1_000, description="Most scopes asked for at once; more screens may share them."
    )
    readers: int = Field(default=2, ge=1, le=32, description="Statements of tiles running at once; about one a core.")
    threads: int = Field(default=12, ge=2, le=200, description="Threads of the web server.")
    web_processes: int = Field(
        default=1, ge=1, le=32, description="Processes of `make serve`; more than one need REDIS_URL and a DSN."
    )
    redis_url: str = Field(
        default="", description="What several web processes share: one asks, all show. Empty is one process by itself."
    )
    log_ticks: Literal["auto", "all", "minute"] = Field(
        default="auto",
        description="Ticks in the log: all, one a minute, or auto: all of `make serve`, else a minute's.",
    )
    clock_offset: float = Field(default=0, description="Seconds added to the machine's clock, for rehearsals.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="How much the log says."
    )

    @field_validator("boards")
    @classmethod
    def _a_folder(cls, folder: Path | None) -> Path | None:
        if folder is not None and not folder.is_dir():
            raise ValueError("no such folder")
        return folder

    @field_validator("raw_days", "minute_days")
    @classmethod
    def _longer_than_a_week(cls, days: int) -> int:
        if 0 < days < 9:
            raise ValueError("0, or 9 and more: comparisons with a week ago read single events and minutes")
        return days

    @property
    def clickhouse_dsn(self) -> Access:
        """Where ClickHouse is and as whom to ask it."""
        options = ServerOptions(
            ca_file=self.clickhouse_ca,
            client_cert=self.clickhouse_cert,
            client_key=self.clickhouse_key,
            verify=self.clickhouse_verify,
            compression=self.clickhouse_compression,
            connections=self.clickhouse_connections,
            connect_s=self.clickhouse_connect_s,
            answer_s=self.clickhouse_answer_s,
        )
        return Access(self.dsn or f"chdb://{self.store}/clickhouse", self.ingest_dsn, self.admin_dsn, options)


def read_settings() -> Settings:
    """The settings of this process. Raises BadRequestError naming the variable that is wrong."""
    try:
        return Settings()
    except ValidationError as problem:
        first = problem.errors()[0]
        name = str(first["loc"][0]).upper() if first["loc"] else "settings"
        raise BadRequestError(f"{name}={first.get('input')!r}: {first['msg']} (see .env.example)") from problem
