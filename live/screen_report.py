"""What a screen says of itself, and what a desk may tell it: checked values, whoever sent them."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from core.errors import BadRequestError
from metrics.scope import MAX_QUERY

NAME_LONGEST, MESSAGE_LONGEST = 40, 240
LONGEST_MESSAGE_S = 24 * 3600
ID = r"^[A-Za-z0-9_-]{16,64}$"
BOARD = r"^[A-Za-z0-9_-]{0,64}$"
SEVERITIES = ("info", "warning", "critical")


def one_line(text: str) -> str:
    """The text on one line without control and direction characters, which would disturb its neighbours."""
    kept = "".join(" " if char.isspace() else char for char in text if char.isspace() or _is_plain(char))
    return " ".join(kept.split())


def _is_plain(char: str) -> bool:
    return unicodedata.category(char)[0] != "C"


Kind = TypeVar("Kind", bound=BaseModel)
Line = Annotated[str, AfterValidator(one_line)]
Amount = Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False)]


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Done(Strict):
    """A command that the screen has carried out, or could not: then `problem` says why."""

    id: str = Field(max_length=40)
    problem: Annotated[Line, Field(max_length=120)] = ""


class Report(Strict):
    """One heartbeat. Milliseconds are of the last ticks; None where the browser cannot tell."""

    id: str = Field(pattern=ID)
    name: Annotated[Line, Field(max_length=NAME_LONGEST)] = ""
    kiosk: bool = False
    board: str = Field(default="", pattern=BOARD)
    query: Annotated[Line, Field(max_length=MAX_QUERY)] = ""
    build: str = Field(default="", pattern=BOARD)
    width: int = Field(default=0, ge=0, le=100_000)
    height: int = Field(default=0, ge=0, le=100_000)
    ratio: float = Field(default=1.0, gt=0, le=16, allow_inf_nan=False)
    hidden: bool = False
    frame_age_s: Amount | None = None
    paint_ms: Amount | None = None
    paint_worst_ms: Amount | None = None
    heap_mb: Amount | None = None
    up_s: Amount = 0.0
    errors: int = Field(default=0, ge=0, le=1_000_000_000)
    last_error: Annotated[Line, Field(max_length=200)] = ""
    done: tuple[Done, ...] = Field(default=(), max_length=20, strict=False)
    bye: bool = False

    @property
    def key(self) -> str:
        """The screen's public name: its id stays between it and the server, so that nobody else can report for it."""
        return key_of(self.id)


class Order(Strict):
    """What a desk wants a screen to do."""

    kind: Literal["show", "reload", "message", "clear"]
    board: str = Field(default="", pattern=BOARD)
    query: str = Field(default="", max_length=MAX_QUERY)
    text: Annotated[Line, Field(max_length=MESSAGE_LONGEST)] = ""
    seconds: int = Field(default=60, ge=5, le=LONGEST_MESSAGE_S)
    severity: Literal["info", "warning", "critical"] = "info"


class Command(BaseModel):
    """An order on its way to one screen. It is carried out once, or never after `expires_at`."""

    model_config = ConfigDict(frozen=True)

    id: str
    order: Order
    given_at: datetime
    expires_at: datetime
    sent_at: datetime | None = None
    done_at: datetime | None = None
    problem: str = ""

    def state(self, now: datetime) -> Literal["waiting", "sent", "done", "failed", "expired"]:
        if self.done_at is not None:
            return "failed" if self.problem else "done"
        if now >= self.expires_at:
            return "expired"
        return "sent" if self.sent_at is not None else "waiting"


class Screen(BaseModel):
    """What is kept of one screen. `heaps` are megabytes, about one a minute, oldest first."""

    model_config = ConfigDict(frozen=True)

    key: str
    report: Report
    first_at: datetime
    heard_at: datetime
    heaps: tuple[float, ...] = ()
    heap_at: datetime | None = None
    hidden_at: datetime | None = None  # since when its page is in the background; None when it is seen

    @property
    def name(self) -> str:
        """What it calls itself, else the first letters of its key."""
        return self.report.name or self.key[:4].upper()

    @property
    def is_wall(self) -> bool:
        """Whether somebody relies on it; the others are people who look."""
        return self.report.kiosk or bool(self.report.name)


def key_of(screen_id: str) -> str:
    return blake2b(screen_id.encode(), digest_size=6).hexdigest()


def read_report(body: Any) -> Report:
    """A heartbeat as it came over the network. Raises BadRequestError with one line."""
    return _read(Report, body, "heartbeat")


def read_order(body: Any) -> Order:
    """A desk's order as it came over the network. Raises BadRequestError with one line."""
    order = _read(Order, body, "command")
    if order.kind == "message" and not order.text:
        raise BadRequestError("a message needs a text")
    if order.kind == "show" and not order.board:
        raise BadRequestError("show needs a board")
    return order


def _read(kind: type[Kind], body: Any, subject: str) -> Kind:
    if not isinstance(body, dict):
        raise BadRequestError(f"a {subject} is a JSON object")
    try:
        return kind.model_validate(body)
    except ValidationError as problem:
        first = problem.errors(include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])[:80]
        raise BadRequestError(f"{subject}: {place}: {first['msg']}") from problem
