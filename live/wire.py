"""Snapshots as bytes for other processes, and back: plain JSON, read field by field, never code."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date, datetime, time
from typing import Any, TypeVar

import orjson

from live.health import Beat
from live.store import Key
from metrics.ask import Ask, Facts, Filters, Latest, Question
from metrics.calendar import Span
from metrics.reading import Answer, Findings, Listing, Reading, Row
from metrics.scope import Scope
from metrics.snapshot import AlertView, Snapshot, TileReadings, Watermark

T = TypeVar("T")

FORMAT = 2  # another number is another language: processes of two never read each other
MOST = 32 * 1024 * 1024  # bytes of one unpacked message; a full wall is well below one
LEVEL = 1  # a tenth of the size for a millisecond; more effort gains little


class WireError(ValueError):
    """Bytes that are no message of ours, or one of another version."""


def pack_key(key: Key) -> bytes:
    """A (board, scope) as canonical JSON: equal keys are equal bytes."""
    return orjson.dumps([key[0], _scope(key[1])])


def unpack_key(data: bytes) -> Key:
    """Raises WireError."""
    return _read(data, lambda told: (_text(told[0]), _scope_of(told[1])))


def pack_snapshot(snapshot: Snapshot) -> bytes:
    """Everything of a snapshot. Values of rows may be numbers, texts, moments, days, None, lists and maps of them."""
    told = {
        "scope": _scope(snapshot.scope),
        "version": snapshot.version,
        "as_of": snapshot.as_of,
        "live": snapshot.live,
        "tiles": [_tile(tile) for tile in snapshot.tiles.values()],
        "watermarks": [_plain(mark) for mark in snapshot.watermarks],
        "alerts": [_plain(alert) for alert in snapshot.alerts],
        "engine_ms": snapshot.engine_ms,
        "complete": snapshot.complete,
        "heard": snapshot.heard,
        "mute": snapshot.mute,
    }
    return zlib.compress(orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY), LEVEL)


def unpack_snapshot(data: bytes) -> Snapshot:
    """The snapshot again, equal to the one that was packed. Raises WireError."""
    return _read(_inflate(data), _snapshot_of)


def pack_news(
    beat: Beat | None,
    watermarks: tuple[Watermark, ...],
    alerts: tuple[AlertView, ...],
    members: Mapping[str, frozenset[str]],
) -> bytes:
    """What a leader tells beside snapshots: its last tick, how far the ledgers are, the alerts, the known codes."""
    told = {
        "beat": _plain(beat) if beat else None,
        "watermarks": [_plain(mark) for mark in watermarks],
        "alerts": [_plain(alert) for alert in alerts],
        "members": {dimension: sorted(codes) for dimension, codes in members.items()},
    }
    return zlib.compress(orjson.dumps(told), LEVEL)


News = tuple[Beat | None, tuple[Watermark, ...], tuple[AlertView, ...], dict[str, frozenset[str]]]


def unpack_news(data: bytes) -> News:
    """What `pack_news` was given. Raises WireError."""

    def news_of(told: Any) -> News:
        beat = told["beat"]
        return (
            Beat(**{**_named(Beat, beat), "at": _moment(beat["at"])}) if beat else None,
            tuple(_watermark_of(mark) for mark in told["watermarks"]),
            tuple(_alert_of(alert) for alert in told["alerts"]),
            {_text(name): frozenset(map(_text, codes)) for name, codes in told["members"].items()},
        )

    return _read(_inflate(data), news_of)


def _inflate(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(data, MOST)
    except zlib.error as problem:
        raise WireError(f"not one of our messages: {problem}") from problem
    if not unpacker.eof:
        raise WireError("a message that is cut off or too large")
    return plain


def _read(data: bytes, build: Callable[[Any], T]) -> T:
    try:
        return build(orjson.loads(data))
    except (orjson.JSONDecodeError, ValueError, KeyError, TypeError, IndexError, AttributeError) as problem:
        raise WireError(f"not one of our messages: {type(problem).__name__}: {problem}") from problem


def _plain(value: Any) -> dict[str, Any]:
    """A flat dataclass as a mapping."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _named(kind: type, told: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a flat dataclass; one that is missing or unknown is a message of another version."""
    wanted = {field.name for field in fields(kind)}
    if set(told) != wanted:
        raise WireError(f"{kind.__name__} has other fields: a process of another version leads")
    return dict(told)


def _scope(scope: Scope) -> list[Any]:
    return [scope.day, scope.at, scope.filters, scope.step, scope.focus]


def _scope_of(told: Any) -> Scope:
    day, at, filters, step, focus = told
    return Scope(
        date.fromisoformat(day) if day else None,
        time.fromisoformat(at) if at else None,
        _filters_of(filters),
        _text(step) if step is not None else None,
        _text(focus) if focus is not None else None,
    )


def _filters_of(told: Any) -> Filters:
    return tuple((_text(dimension), tuple(map(_text, codes))) for dimension, codes in told)


def _tile(tile: TileReadings) -> dict[str, Any]:
    return {
        "key": tile.key,
        "version": tile.version,
        "answers": {role: _answer(answer) for role, answer in tile.answers.items()},
        "as_of": tile.as_of,
        "error": tile.error,
    }


def _answer(answer: Answer) -> dict[str, Any]:
    told: dict[str, Any] = {"as_of": answer.as_of, "engine_ms": answer.engine_ms, "error": answer.error}
    if isinstance(answer, Reading):
        rows: list[Any] = [[row.keys, row.bucket, row.values] for row in answer.rows]
        told |= {"kind": "reading", "sources": answer.sources}
    else:
        rows = [{name: _tagged(value) for name, value in row.items()} for row in answer.rows]
        told |= {"kind": "listing" if isinstance(answer, Listing) else "findings"}
    return {**told, "ask": _question(answer.ask), "rows": rows}


def _question(question: Question) -> dict[str, Any]:
    told = _plain(question)
    if isinstance(question, Ask):
        told["spans"] = [[name, span.start, span.end] for name, span in question.spans]
    elif isinstance(question, Latest):
        told["span"] = [question.span.start, question.span.end]
    return told


def _tagged(value: object) -> object:
    """A value of a row. JSON knows no moments, days and tuples: those carry their kind, and so do maps."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, datetime):
        return {"moment": value}
    if isinstance(value, date):
        return {"day": value}
    if isinstance(value, list | tuple):
        return {"list" if isinstance(value, list) else "tuple": [_tagged(part) for part in value]}
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return {"map": {name: _tagged(part) for name, part in value.items()}}
    raise TypeError(f"a row carries {type(value).__name__}, which other processes cannot be told")


def _value_of(told: Any) -> object:
    if not isinstance(told, dict):
        return told
    ((kind, value),) = told.items()
    if kind == "moment":
        return datetime.fromisoformat(value)
    if kind == "day":
        return date.fromisoformat(value)
    if kind == "map":
        return {name: _value_of(part) for name, part in value.items()}
    parts = [_value_of(part) for part in value]
    if kind not in ("list", "tuple"):
        raise WireError(f"a value of kind {kind!r}")
    return parts if kind == "list" else tuple(parts)


def _snapshot_of(told: Any) -> Snapshot:
    tiles = [_tile_of(tile) for tile in told["tiles"]]
    return Snapshot(
        scope=_scope_of(told["scope"]),
        version=_text(told["version"]),
        as_of=_moment(told["as_of"]),
        live=bool(told["live"]),
        tiles={tile.key: tile for tile in tiles},
        watermarks=tuple(_watermark_of(mark) for mark in told["watermarks"]),
        alerts=tuple(_alert_of(alert) for alert in told["alerts"]),
        engine_ms=float(told["engine_ms"]),
        complete=bool(told["complete"]),
        heard=_moment(told["heard"]) if told["heard"] else None,
        mute=bool(told["mute"]),
    )


def _tile_of(told: Any) -> TileReadings:
    answers = {_text(role): _answer_of(answer) for role, answer in told["answers"].items()}
    as_of = _moment(told["as_of"]) if told["as_of"] else None
    return TileReadings(_text(told["key"]), int(told["version"]), answers, as_of, told["error"])


def _answer_of(told: Any) -> Answer:
    as_of, engine_ms, error = _moment(told["as_of"]), float(told["engine_ms"]), told["error"]
    if told["kind"] == "reading":
        rows = tuple(Row(tuple(keys), bucket, values) for keys, bucket, values in told["rows"])
        return Reading(_ask_of(told["ask"]), rows, as_of, engine_ms, error, tuple(told["sources"]))
    listed = tuple({name: _value_of(value) for name, value in row.items()} for row in told["rows"])
    question = told["ask"]
    filters = _filters_of(question["filters"])
    if told["kind"] == "listing":
        start, end = question["span"]
        latest = {"kinds": tuple(question["kinds"]), "span": Span(_moment(start), _moment(end)), "filters": filters}
        return Listing(Latest(**{**_named(Latest, question), **latest}), listed, as_of, engine_ms, error)
    return Findings(Facts(**{**_named(Facts, question), "filters": filters}), listed, as_of, engine_ms, error)


def _ask_of(told: Any) -> Ask:
    return Ask(
        **{
            **_named(Ask, told),
            "metrics": tuple(told["metrics"]),
            "spans": tuple((name, Span(_moment(start), _moment(end))) for name, start, end in told["spans"]),
            "by": tuple(told["by"]),
            "filters": _filters_of(told["filters"]),
        }
    )


def _watermark_of(told: Any) -> Watermark:
    reached = told["reached"]
    return Watermark(**{**_named(Watermark, told), "reached": _moment(reached) if reached else None})


def _alert_of(told: Any) -> AlertView:
    moments = {name: _moment(told[name]) if told[name] else None for name in ("since", "evaluated_at")}
    return AlertView(**{**_named(AlertView, told), **moments})


def _moment(told: Any) -> datetime:
    moment = datetime.fromisoformat(_text(told))
    if moment.tzinfo is None:
        raise WireError("a moment without a zone")
    return moment


def _text(told: Any) -> str:
    if not isinstance(told, str):
        raise WireError(f"a text was expected, not {type(told).__name__}")
    return told
