"""Formulas over metrics: `paid_gmv / orders_paid`. Read safely, computed exactly, None where there is no number."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

WINDOW_MINUTES = "window_minutes"  # the builtin: how long the asked stretch of time is
BUILTINS = frozenset({WINDOW_MINUTES})
MAX_LENGTH = 200

_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class FormulaError(ValueError):
    """A formula that says something other than + - * / ( ), numbers and names."""


@dataclass(frozen=True)
class Formula:
    """A parsed formula. `names` are the metrics and builtins it needs; `text` is its one normal spelling."""

    text: str
    names: tuple[str, ...]
    tree: ast.expr

    def compute(self, values: Mapping[str, Fraction | None]) -> Fraction | None:
        """The exact result; None when a name has no number or a divisor is zero."""
        return _compute(self.tree, values)

    @property
    def is_sum(self) -> bool:
        """Whether only + and - join plain names: then the parts of a day add up to the day."""
        allowed = (ast.Name, ast.BinOp, ast.Add, ast.Sub, ast.Load)
        return all(isinstance(node, allowed) for node in ast.walk(self.tree)) and not BUILTINS & set(self.names)


def parse_formula(text: str) -> Formula:
    """Read a formula. Raises FormulaError naming the part that is not allowed."""
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"longer than {MAX_LENGTH} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        raise FormulaError("not readable as a formula") from problem
    _allow(tree)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if not names - BUILTINS:
        raise FormulaError("names no metric")
    return Formula(ast.unparse(tree), tuple(sorted(names)), tree)


def _allow(node: ast.expr) -> None:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        _allow(node.left)
        _allow(node.right)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        _allow(node.operand)
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return
    elif not isinstance(node, ast.Name):
        raise FormulaError(f"{ast.unparse(node)!r} is not allowed: only + - * / ( ), numbers and metrics")


def _compute(node: ast.expr, values: Mapping[str, Fraction | None]) -> Fraction | None:
    if isinstance(node, ast.Name):
        return values.get(node.id)
    if isinstance(node, ast.Constant):
        return Fraction(str(node.value))
    if isinstance(node, ast.UnaryOp):
        inner = _compute(node.operand, values)
        return None if inner is None else -inner
    assert isinstance(node, ast.BinOp)
    left, right = _compute(node.left, values), _compute(node.right, values)
    if left is None or right is None or (isinstance(node.op, ast.Div) and right == 0):
        return None
    return _OPERATORS[type(node.op)](left, right)
