"""Says what turns one JSON value into another, in as few characters as it can: a screen is sent what changed, no more.

A patch is one of

- `{"r": value}`: take this value instead,
- `{"k": {key: patch, …}, "d": [key, …]}`: an object with some keys changed or new, and some dropped,
- `{"i": {index: patch, …}, "h": n, "n": n, "t": [value, …]}`: a list whose first `h` are dropped (a window that
  moves on), which is cut to `n` then, of which some are changed, and to which `t` is appended.

Parts that say nothing are left out, `{}` changes nothing. `assets/js/28-patch.js` reads the same format.
"""

from __future__ import annotations

from typing import Any

import orjson

Patch = dict[str, Any]
MOST_MOVED = 3  # elements that a window may lose at its head between two frames
KEY_COST = 6  # characters around a key and its patch, for choosing between two ways of saying the same


def build_patch(old: Any, new: Any) -> Patch:
    """The patch from `old` to `new`: plain values as `orjson.loads` gives them, never longer than `new` whole.

    Equal means equal as JSON text, with the order of keys: `1`, `1.0` and `true` are three values.
    """
    return _patch(old, new)[0]


def apply_patch(old: Any, patch: Patch) -> Any:
    """The value that `patch` was built for. `old` is not changed; what is unchanged in it is shared.

    Raises KeyError, IndexError, TypeError or AttributeError when the patch was built for another value.
    """
    if "r" in patch:
        return patch["r"]
    if "k" in patch or "d" in patch:
        dropped = set(patch.get("d", ()))
        if missing := dropped - old.keys():
            raise KeyError(*missing)
        made = {key: value for key, value in old.items() if key not in dropped}
        for key, inner in patch.get("k", {}).items():
            made[key] = apply_patch(made.get(key), inner)
        return made
    if not patch:
        return old
    kept = list(old[patch.get("h", 0) :])[: patch.get("n")]
    for index, inner in patch.get("i", {}).items():
        kept[int(index)] = apply_patch(kept[int(index)], inner)
    return [*kept, *patch.get("t", ())]


def _patch(old: Any, new: Any) -> tuple[Patch, int]:
    """A patch and how many characters it takes."""
    before, text = orjson.dumps(old), orjson.dumps(new)
    if before == text:
        return {}, 2
    whole: tuple[Patch, int] = {"r": new}, len(text) + KEY_COST
    if isinstance(old, dict) and isinstance(new, dict) and old and new:
        return min(_of_objects(old, new) or whole, whole, key=lambda way: way[1])
    if isinstance(old, list) and isinstance(new, list) and old and new:
        moves = range(min(MOST_MOVED + 1, len(old)))
        return min((whole, *(_of_lists(old, new, moved) for moved in _worth(old, new, moves))), key=lambda way: way[1])
    return whole


def _of_objects(old: dict[str, Any], new: dict[str, Any]) -> tuple[Patch, int] | None:
    """None when the keys' order could not be kept: new keys come last."""
    dropped = [key for key in old if key not in new]
    if [key for key in (*old, *(key for key in new if key not in old)) if key in new] != list(new):
        return None
    changed: Patch = {}
    cost = KEY_COST + sum(len(key) + KEY_COST for key in dropped)
    for key, value in new.items():
        inner, length = _patch(old[key], value) if key in old else ({"r": value}, len(orjson.dumps(value)) + KEY_COST)
        if inner:
            changed[key] = inner
            cost += length + len(key) + KEY_COST
    return {**({"k": changed} if changed else {}), **({"d": dropped} if dropped else {})}, cost


def _worth(old: list[Any], new: list[Any], moves: range) -> tuple[int, ...]:
    """The ways of laying one list over the other that are worth a closer look: in place, and moved on."""
    best = max(moves, key=lambda moved: sum(a == b for a, b in zip(old[moved:], new, strict=False)))
    return (0, best) if best else (0,)


def _of_lists(old: list[Any], new: list[Any], moved: int) -> tuple[Patch, int]:
    kept = old[moved : moved + len(new)]
    changed: Patch = {}
    cost = 4 * KEY_COST
    for index, (before, after) in enumerate(zip(kept, new, strict=False)):
        inner, length = _patch(before, after)
        if inner:
            changed[str(index)] = inner
            cost += length + len(str(index)) + KEY_COST
    patch: Patch = {"i": changed} if changed else {}
    if moved:
        patch["h"] = moved
    if len(kept) < len(old) - moved:
        patch["n"] = len(kept)
    if tail := new[len(kept) :]:
        patch["t"] = tail
        cost += len(orjson.dumps(tail))
    return patch, cost
