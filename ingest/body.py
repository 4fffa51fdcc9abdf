"""Takes the body of a request apart: gzip with a limit, then one JSON value an event."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from core.errors import BadRequestError
from ingest.incoming import Refusal

LONGEST_LINE = 64 * 1024  # bytes of one event; a longer one is no event
KEPT_OF_LONGER = 1024
GZIP = 16 + zlib.MAX_WBITS


class TooLargeError(BadRequestError):
    """A request that is larger than the limits allow. Becomes HTTP 413."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a request: the line or place it stands on, from 1; its text; its JSON value or why it has none."""

    line: int
    text: str
    value: object = None
    refusal: Refusal | None = None


def unpack(body: bytes, encoding: str, most: int) -> bytes:
    """The body as it was before it was packed. Raises TooLargeError beyond `most` bytes, or BadRequestError."""
    if encoding in ("", "identity"):
        plain = body
    elif encoding == "gzip":
        plain = _gunzip(body, most)
    else:
        raise BadRequestError(f"Content-Encoding {encoding[:40]!r} is not known: send gzip, or none")
    if len(plain) > most:
        raise TooLargeError(_too_large(most))
    return plain


def _gunzip(body: bytes, most: int) -> bytes:
    """All members of a gzip body, never more than a little beyond `most` bytes of them in memory."""
    parts, room = [], most + 1
    while body:
        member = zlib.decompressobj(GZIP)
        try:
            part = member.decompress(body, room)
        except zlib.error as problem:
            raise BadRequestError("the body is not gzip as Content-Encoding says") from problem
        parts.append(part)
        room -= len(part)
        if room <= 0:
            raise TooLargeError(_too_large(most))
        if not member.eof:
            raise BadRequestError("the gzip body ends in the middle")
        body = member.unused_data
    return b"".join(parts)


def _too_large(most: int) -> str:
    return f"the body has more than {most:,} bytes when unpacked: send fewer events at once"


def read_entries(body: bytes, most: int) -> list[Entry]:
    """The events of a JSON array, or of lines with one JSON object each; blank lines do not count.

    A broken line is an entry with its refusal, a broken array is no array: raises BadRequestError. More than `most`
    events raise TooLargeError.
    """
    text = body.removeprefix(b"\xef\xbb\xbf")
    entries = _of_array(text) if text.lstrip().startswith(b"[") else _of_lines(text)
    found: list[Entry] = []
    for entry in entries:
        if len(found) == most:
            raise TooLargeError(f"more than {most:,} events in one request: send them in several")
        found.append(entry)
    if not found:
        raise BadRequestError("no events in the body: send a JSON array, or one JSON object a line")
    return found


def _of_array(text: bytes) -> Iterator[Entry]:
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError as problem:
        raise BadRequestError(f"the body begins like a JSON array and is none: {problem}") from problem
    for place, value in enumerate(values, start=1):
        line = orjson.dumps(value)
        if len(line) > LONGEST_LINE:
            yield _too_long(place, line)
        else:
            yield Entry(place, line.decode(), value)


def _of_lines(text: bytes) -> Iterator[Entry]:
    for place, raw in enumerate(text.split(b"\n"), start=1):
        line = raw.strip()
        if not line:
            continue
        if len(line) > LONGEST_LINE:
            yield _too_long(place, line)
            continue
        try:
            yield Entry(place, line.decode(), orjson.loads(line))
        except (orjson.JSONDecodeError, UnicodeDecodeError) as problem:
            words = problem.msg if isinstance(problem, json.JSONDecodeError) else "it is not UTF-8"
            yield Entry(place, line.decode(errors="replace"), None, Refusal("bad_json", f"this is not JSON: {words}"))


def _too_long(place: int, line: bytes) -> Entry:
    refusal = Refusal("too_long", f"an event of {len(line):,} bytes; {LONGEST_LINE:,} are the most")
    return Entry(place, line[:KEPT_OF_LONGER].decode(errors="replace"), None, refusal)
