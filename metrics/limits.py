"""Narrows a question to what the asker may see. The last gate before ClickHouse: nothing goes round it."""

from __future__ import annotations

from dataclasses import replace

from core.errors import BadRequestError
from metrics.ask import Facts, Filters, Question

NOBODY = "\x00"  # a code that no event carries: the answer of a question wholly outside one's rights is empty


def narrow_question(question: Question, limits: Filters) -> Question:
    """The question with `limits` added. A filter on a limited dimension is cut down to what is allowed.

    Raises BadRequestError for facts about the whole store, which no filter narrows.
    """
    if not limits:
        return question
    if isinstance(question, Facts):
        raise BadRequestError("data health is about the whole store: this screen is narrowed to a part of it")
    wanted = dict(question.filters)
    for dimension, allowed in limits:
        asked = wanted.get(dimension)
        kept = tuple(code for code in asked if code in allowed) if asked else allowed
        wanted[dimension] = kept or (NOBODY,)
    return replace(question, filters=tuple(sorted(wanted.items())))
