"""Values as frames are made of, and small or large changes of them, from a seed."""

from __future__ import annotations

import copy
import random
from typing import Any

LEAVES = (None, True, False, 0, 1, -1, 1.0, 0.5, 12345678.9, "", "¥1.24亿", "a", 'q"\\', "x" * 30)


def random_value(dice: random.Random, depth: int = 4) -> Any:
    kind = dice.random() if depth else 0.0
    if kind < 0.4:
        return dice.choice(LEAVES)
    if kind < 0.7:
        return [random_value(dice, depth - 1) for _ in range(dice.choice((0, 1, 3, 12)))]
    return {
        dice.choice("abcdefgh0") * dice.randint(1, 2): random_value(dice, depth - 1) for _ in range(dice.randint(0, 6))
    }


def random_pair(dice: random.Random) -> tuple[Any, Any]:
    """An old and a new value: mostly the old one with a few changes, sometimes another one altogether."""
    old = random_value(dice, 5)
    if dice.random() < 0.1:
        return old, random_value(dice, 5)
    new = copy.deepcopy(old)
    for _ in range(dice.randint(0, 4)):
        new = changed(new, dice)
    return old, new


def changed(value: Any, dice: random.Random) -> Any:
    """The value with one change somewhere in it."""
    if isinstance(value, dict) and value:
        key = dice.choice(sorted(value))
        match dice.randint(0, 5):
            case 0:
                del value[key]
            case 1:
                value[dice.choice("abcxyz")] = random_value(dice, 2)
            case 2:
                return dict(sorted(value.items()))
            case _:
                value[key] = changed(value[key], dice)
        return value
    if isinstance(value, list) and value:
        match dice.randint(0, 5):
            case 0:
                return [*value[1:], random_value(dice, 1)]
            case 1:
                return value[: dice.randint(0, len(value))]
            case 2:
                return [*value, random_value(dice, 1), None]
            case 3:
                return value[dice.randint(0, 3) :]
            case _:
                at = dice.randrange(len(value))
                value[at] = changed(value[at], dice)
        return value
    return random_value(dice, 2)
