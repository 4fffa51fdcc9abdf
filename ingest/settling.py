"""Tries refused events again: those that fit now go in once, and their letters are settled."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from uuid import uuid4

import orjson

from core.clock import Clock
from core.errors import UnknownNameError
from ingest.incoming import EventCheck, Incoming
from ingest.receiver import ORIGIN, Receiver
from ingest.spool import Part
from ingest.writer import Writer
from queries.client import ClickHouse
from queries.dead_letters import (
    SETTLED,
    LetterGroup,
    letter_words,
    open_groups,
    open_letters,
    settled_rows,
)

AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of letters: now in, in already, still refused (by reason); letters of files are left alone."""

    accepted: int
    duplicate: int
    refused: dict[str, int]
    of_files: int


def list_letters(clickhouse: ClickHouse, source: str = "", reason: str = "") -> tuple[LetterGroup, ...]:
    """Open letters in groups. Raises UnknownNameError for a source or reason that no letter has."""
    sources, reasons = letter_words(clickhouse)
    for subject, name, known in (("source", source, sources), ("reason", reason, reasons)):
        if name and name not in known:
            raise UnknownNameError(f"{subject} of dead letters", name, known)
    return open_groups(clickhouse, source, reason)


def retry_letters(
    clickhouse: ClickHouse, receiver: Receiver, check: EventCheck, clock: Clock, source: str = "", reason: str = ""
) -> Retried:
    """Check open letters of the endpoint again and take in those that are fine now.

    Safe to repeat and to break off: events go in by their id once, and a letter is settled after its event is on disk.
    Raises UnknownNameError, or what `Receiver.receive` raises.
    """
    of_files = sum(group.count for group in list_letters(clickhouse, source, reason) if group.origin != ORIGIN)
    counts: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    letters = open_letters(clickhouse, ORIGIN, source, reason)
    for begin in range(0, len(letters), AT_ONCE):
        fine: dict[str, list[tuple[str, Incoming]]] = {}
        for letter in letters[begin : begin + AT_ONCE]:
            try:
                found = check.check(orjson.loads(letter.content), letter.source, clock.now())
            except json.JSONDecodeError:
                refused["bad_json"] += 1
                continue
            if isinstance(found, Incoming):
                fine.setdefault(letter.source, []).append((letter.letter_id, found))
            else:
                refused[found.reason] += 1
        verdicts: list[tuple[str, str]] = []
        for sender, pairs in fine.items():
            taken = receiver.receive(sender, [event for _, event in pairs])
            words = ["accepted" if is_new else "duplicate" for is_new in taken]
            verdicts += zip((name for name, _ in pairs), words, strict=True)
        counts.update(word for _, word in verdicts)
        if verdicts:
            Writer(clickhouse).insert(Part(SETTLED, f"{SETTLED}:{uuid4().hex}", settled_rows(verdicts)))
    return Retried(counts["accepted"], counts["duplicate"], dict(refused), of_files)
