"""The id of a build: a digest of all that a served page and its frames are made of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

import orjson
from dash.development.base_component import Component
from plotly.utils import PlotlyJSONEncoder

from layouts.board import Board

ROOT = Path(__file__).resolve().parent.parent
# Whatever a room holds counts, code and data: fonts and maps are loaded by pages, and two processes whose questions or
# alerts differ are of two builds for each other as well.
ROOMS = ("alerts", "app", "assets", "callbacks", "core", "ingest", "layouts", "live", "locales", "metrics", "queries")
SERVED = ("dash", "plotly")  # packages whose scripts pages load


def build_id(page: Component, boards: Mapping[str, Board], root: Path = ROOT) -> str:
    """A screen that meets another id reloads itself, and processes of another id are no peers.

    `page` is the page as it starts, without an id in it: what settings and the store's profile put there counts. The
    same files, versions, boards and page give the same id in every process. Takes some 40 ms: 7 MB are read.
    """
    digest = hashlib.blake2b(digest_size=6)
    for part in _parts(page, boards, root):
        digest.update(b"%d\x1f" % len(part))  # so that no byte can move from one part to the next unseen
        digest.update(part)
    return digest.hexdigest()


def _parts(page: Component, boards: Mapping[str, Board], root: Path) -> Iterator[bytes]:
    for room in ROOMS:
        for path in sorted((root / room).rglob("*")):
            if path.is_file() and not _is_left_by_tools(path.relative_to(root)):
                yield path.relative_to(root).as_posix().encode()
                yield path.read_bytes()
    for name in SERVED:
        yield f"{name}=={version(name)}".encode()
    for key, board in sorted(boards.items()):
        yield key.encode()
        yield orjson.dumps(board.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
    yield PlotlyJSONEncoder(sort_keys=True).encode(page).encode()


def _is_left_by_tools(path: Path) -> bool:
    """Compiled files and hidden ones: they come and go while nothing changes."""
    return path.suffix == ".pyc" or any(part.startswith(".") or part == "__pycache__" for part in path.parts)
