"""A table as plain values: columns with their kinds, rows that may be filters. `assets/js/tiles/_table.js` draws it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from layouts.view import View
from metrics.reading import Number

Payload = dict[str, Any]
KINDS = ("label", "number", "text", "change", "bar", "rate")


def column(
    key: str, label: str, kind: str, width: str, *, wide: bool = False, short: str = "", narrow: str = ""
) -> Payload:
    """One column. `width` is a CSS track (`1fr`, `9rem`); the cells of its rows under `key` are made for `kind`.

    `wide` columns are for tables that have room: a narrow one leaves them out. `short` is the label where the kind's
    style sheet has no room for the whole. `narrow` is the track in a narrow table, where it is another one.
    """
    named = {"key": key, "label": label, "kind": kind}
    return named | {"width": width, "wide": wide, "short": short, "narrow": narrow}


def number(view: View, metric: str, value: Number) -> Payload:
    """A cell of kind `number`."""
    return dict(view.write(metric, value).parts())


def label(text: str, note: str = "") -> Payload:
    """A cell of kind `label`: a name, and small words beside it."""
    return {"text": text, "note": note}


def bar(part: Number, text: str, tone: str = "") -> Payload:
    """A cell of kind `bar`: how full (None: no bar), what is written, and `warning`, `bad` or `good`."""
    return {"part": None if part is None else round(min(max(float(part), 0.0), 1.0), 4), "text": text, "tone": tone}


def table(
    columns: Sequence[Payload], rows: Sequence[Payload], dimension: str, shown: int, selected: Mapping[str, bool]
) -> Payload:
    """The whole: rows have `code` and `cells` by column key; rows without a code cannot be clicked.

    `key` tells rows apart that filter by the same code.
    """
    chosen = any(selected.values())
    return {
        "columns": list(columns),
        "rows": [{"key": row["code"]} | row | {"selected": selected.get(row["code"], False)} for row in rows],
        "dimension": dimension,
        "shown": shown,
        "any_selected": chosen,
    }
