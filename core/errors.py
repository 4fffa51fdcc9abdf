"""The errors Livewall raises, each carrying the next decision for who meets it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """The known names closest to a wrong one, best first; empty when nothing is near."""
    return tuple(difflib.get_close_matches(name, sorted(known), n=count, cutoff=0.55))


class LivewallError(Exception):
    """Base of all errors meant for people: the message is one line and says what to do next.

    `retryable` tells the three seams (tick, dispatch, callback boundary) whether trying again can help.
    """

    retryable = False


class UnknownNameError(LivewallError):
    """A name that is not in the catalogue it was looked up in. Becomes exit code 2 or HTTP 400."""

    def __init__(self, subject: str, name: str, known: Iterable[str]) -> None:
        self.subject, self.name, self.suggestions = subject, name, nearest(name, known)
        hint = f"; did you mean {' or '.join(repr(s) for s in self.suggestions)}?" if self.suggestions else ""
        super().__init__(f"unknown {subject} {name!r}{hint}")


class BadRequestError(LivewallError):
    """A request (URL, API, command line) that cannot be answered as asked. Becomes exit code 2 or HTTP 400."""


class DefinitionError(LivewallError):
    """A definition file (metric, board, rule, mapping, scenario …) that is wrong: names file, entry and problem."""

    def __init__(self, file: str, entry: str, problem: str, suggestions: tuple[str, ...] = ()) -> None:
        self.file, self.entry, self.problem, self.suggestions = file, entry, problem, suggestions
        hint = f"; did you mean {' or '.join(repr(s) for s in suggestions)}?" if suggestions else ""
        super().__init__(f"{file}: {entry}: {problem}{hint}")


class StoreBusyError(LivewallError):
    """The embedded store is held by another process."""

    retryable = True


class QueryFailedError(LivewallError):
    """A statement that ClickHouse refused or cut off. `code` is ClickHouse's error code, 0 when unknown."""

    def __init__(self, statement: str, code: int, problem: str, retryable: bool) -> None:
        self.statement, self.code = statement, code
        self.retryable = retryable
        super().__init__(f"{statement}: {problem}")
