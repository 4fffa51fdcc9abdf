"""Narrows a question to what the asker may see. The last gate before ClickHouse: nothing goes round it."""

from __future__ import annotations

from dataclasses import replace

from metrics.ask import Filters, Question

NOBODY = "\x00"  # a code that no event carries: the answer of a question wholly outside one's rights is empty


def narrow_question(question: Question, limits: Filters) -> Question:
    """The question with `limits` added. A filter on a limited dimension is cut down to what is allowed.

    Facts are about the whole store and cannot be cut down: with a filter they are answered with nothing.
    """
    if not limits:
        return question
    wanted = dict(question.filters)
    for dimension, allowed in limits:
        asked = wanted.get(dimension)
        kept = tuple(code for code in asked if code in allowed) if asked else allowed
        wanted[dimension] = kept or (NOBODY,)
    return replace(question, filters=tuple(sorted(wanted.items())))
