"""Patches: whatever two values are, the patch from one to the other gives exactly the other."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest

from layouts.patch import apply_patch, build_patch
from tests.layouts.random_json import random_pair


def text(value: Any) -> bytes:
    """Equal texts are equal values: 1, 1.0 and true differ, and so do orders of keys."""
    return orjson.dumps(value)


@pytest.mark.parametrize("seed", range(400))
def test_patched_is_the_new_value_to_the_character(seed: int) -> None:
    old, new = random_pair(random.Random(seed))
    before = text(old)
    patch = orjson.loads(orjson.dumps(build_patch(old, new)))
    assert text(apply_patch(old, patch)) == text(new)
    assert text(old) == before, "the value that is kept was changed"
    assert len(text(patch)) <= len(text({"r": new})), "the whole would have been shorter"


@pytest.mark.parametrize(
    ("old", "new", "patch"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}, {}),
        ({"a": 1}, {"a": True}, {"r": {"a": True}}),
        ({"long": "x" * 40, "b": 2}, {"long": "x" * 40, "b": None}, {"k": {"b": {"r": None}}}),
        ({"long": "x" * 40, "b": 2}, {"long": "x" * 40}, {"d": ["b"]}),
        ({"long": "x" * 40}, {"long": "x" * 40, "b": []}, {"k": {"b": {"r": []}}}),
        (["x" * 60, 1], ["x" * 60, 2], {"i": {"1": {"r": 2}}}),
        ([*range(100, 150)], [*range(101, 151)], {"h": 1, "t": [150]}),
        ([*range(100, 150)], [*range(100, 151)], {"t": [150]}),
        ([*range(100, 150)], [*range(100, 140)], {"n": 40}),
        (None, 0, {"r": 0}),
        ([], [None], {"r": [None]}),
        (1.0, 1, {"r": 1}),
    ],
)
def test_a_patch_says_what_changed_and_no_more(old: Any, new: Any, patch: Any) -> None:
    assert build_patch(old, new) == patch
    assert text(apply_patch(old, build_patch(old, new))) == text(new)


def test_keys_in_another_order_are_sent_whole() -> None:
    old, new = {"a": "x" * 50, "b": 1}, {"b": 1, "a": "x" * 50}
    assert list(apply_patch(old, build_patch(old, new))) == ["b", "a"]


@pytest.mark.parametrize("other", [None, 3, "text", [], {}])
def test_a_patch_for_another_value_is_refused(other: Any) -> None:
    patch = build_patch(
        {"long": "x" * 40, "gone": 1, "in": {"b": [*range(50)]}}, {"long": "x" * 40, "in": {"b": [*range(49), 7]}}
    )
    with pytest.raises((KeyError, IndexError, TypeError, AttributeError)):
        apply_patch(other, patch)
