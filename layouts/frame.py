"""Builds the frame: a snapshot drawn in one language as one string, the same for every screen of the scope."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

from layouts.board import Board, Tile
from layouts.drawn import DrawnTiles
from layouts.head import build_head
from layouts.patch import build_patch
from layouts.view import View, draw_tile
from locales.words import Words
from metrics.calendar import BusinessCalendar
from metrics.catalogue import Catalogue
from metrics.goals import Goal
from metrics.labels import Labels
from metrics.profile import StoreProfile
from metrics.regions import RegionSet
from metrics.scope import Dropped
from metrics.snapshot import Snapshot, TileReadings

PROMISE_S = 30.0  # freshness of tiles that show no metric
MISSED = 3  # asks that may fail before a tile counts as stale, however short the promise

log = structlog.get_logger("layouts")


@dataclass(frozen=True, slots=True)
class Stage:
    """What every frame of a store is drawn with; constant while the process lives."""

    catalogue: Catalogue
    labels: Labels
    profile: StoreProfile
    regions: RegionSet
    calendar: BusinessCalendar
    goals: Sequence[Goal]
    words: Mapping[str, Words]
    boot: str
    build: str
    drawn: DrawnTiles = field(default_factory=DrawnTiles, compare=False)


def build_frame(
    stage: Stage,
    board: Board,
    snapshot: Snapshot,
    version: str,
    locale: str,
    dropped: Sequence[Dropped],
    tick: float,
    slowed: bool = False,
) -> str:
    """The frame as JSON without the moment it is sent: `stamp` adds that, so that the string can be shared.

    `tick` in seconds is when to ask again; `slowed` when load makes that later than usual.
    """
    frame = {
        "version": version,
        "boot": version.rpartition("-")[0] or stage.boot,  # whoever asked, so that all processes build the same frame
        "build": stage.build,
        "board": board.key,
        "locale": locale,
        "tick": tick,
        "slowed": slowed,
        "live": snapshot.live,
        "as_of": iso(snapshot.as_of),
        "heard": iso(snapshot.heard) if snapshot.heard else None,
        "mute": snapshot.mute,
        "scope": snapshot.scope.to_query(),
        "complete": snapshot.complete,
        "head": build_head(stage, snapshot, locale, dropped),
        "tiles": {tile.key: _tile(stage, tile, snapshot, locale, tick) for tile in board.tiles},
    }
    return orjson.dumps(frame).decode()


def build_changes(old: str, new: str) -> str:
    """What leads from one frame to another, to be stamped like a frame; the new one itself where that is shorter.

    `from` and `as_of` name the old one together: a frame that was forgotten and built again may be of a later moment.
    """
    before, after = orjson.loads(old), orjson.loads(new)
    changes = {"from": before["version"], "as_of": before["as_of"], "patch": build_patch(before, after)}
    text = orjson.dumps(changes).decode()
    return text if len(text) < len(new) else new


def stamp(frame: str, now: datetime, **told: Any) -> str:
    """The frame as it goes out, with what is true of this answer only: the server's time, by which screens set their
    clock, and whatever else is `told`."""
    head = orjson.dumps({"now": iso(now), **told}).decode()
    return f"{head[:-1]},{frame[1:]}"


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _tile(stage: Stage, tile: Tile, snapshot: Snapshot, locale: str, tick: float) -> dict[str, Any]:
    """One tile of the frame. `asks` tells the browser that its moment is its own: that a screen has heard nothing new
    confirms a tile that asks nothing, and no other."""
    readings = snapshot.tiles.get(tile.key)
    if readings is None:
        return {**_part("loading"), "asks": False}
    return {**_draw(stage, tile, snapshot, readings, locale, tick), "asks": readings.as_of is not None}


def _draw(
    stage: Stage, tile: Tile, snapshot: Snapshot, readings: TileReadings, locale: str, tick: float
) -> dict[str, Any]:
    """What it shows, with its face as the server sees it."""
    payload = _payload(stage, tile, snapshot, readings, locale)
    as_of = readings.as_of or snapshot.heard  # a tile that asks nothing is as true as the last word of the store
    ages = snapshot.live or readings.as_of is None  # a past day shows alerts of now
    promise = freshness(stage, tile, tick) if ages else None
    if payload is None:
        return _part("error", None, as_of, promise, stage.words[locale].t("shell.face.broken"))
    nothing = bool(payload.get("waiting") or payload.get("empty"))
    if readings.error:
        return _part("error", None if nothing else payload, as_of if readings.as_of else None, promise, readings.error)
    if payload.get("waiting"):
        return _part("loading")
    if nothing:
        return _part("empty", payload, as_of, promise)
    if as_of is None:
        return _part("loading")  # nothing has been heard of the store yet
    late = promise is not None and (snapshot.as_of - as_of).total_seconds() > promise
    return _part("stale" if late else "fresh", payload, as_of, promise)


def _payload(
    stage: Stage, tile: Tile, snapshot: Snapshot, readings: TileReadings, locale: str
) -> dict[str, Any] | None:
    """What the kind draws; None when it failed, which is its own tile's trouble and nobody else's."""
    view = View(
        scope=snapshot.scope,
        locale=locale,
        words=stage.words[locale],
        catalogue=stage.catalogue,
        labels=stage.labels,
        profile=stage.profile,
        regions=stage.regions,
        calendar=stage.calendar,
        answers=readings.answers,
        alerts=snapshot.alerts,
        as_of=snapshot.as_of,
        live=snapshot.live,
        goals=stage.goals,
    )
    try:
        return stage.drawn.take(tile, view, lambda: draw_tile(tile, view))
    except Exception:
        log.exception("a tile could not be drawn", tile=tile.key, kind=tile.kind, scope=snapshot.scope.to_query())
        return None


def _part(
    face: str,
    payload: dict[str, Any] | None = None,
    as_of: datetime | None = None,
    promise: float | None = None,
    error: str | None = None,
) -> dict[str, Any]:
    """`v` is a digest of what is shown: an equal picture is not drawn again, whatever scope, boot or tick it is of."""
    drawn = orjson.dumps(payload) if payload else b""
    return {
        "v": f"{zlib.crc32(drawn):08x}" if drawn else "",
        "face": face,
        "as_of": iso(as_of) if as_of else None,
        "stale_after": promise,
        "error": error,
        "payload": orjson.Fragment(drawn) if drawn else None,
    }


def freshness(stage: Stage, tile: Tile, tick: float) -> float:
    """Seconds until a tile without news is stale: its strictest metric's promise, but never sooner than a few asks."""
    promises = [stage.catalogue.metric(metric).fresh_s for metric in tile.metrics]
    return max(min(promises, default=PROMISE_S), MISSED * max(tile.every, tick))
