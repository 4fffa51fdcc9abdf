"""Looks into an operator's ClickHouse expression before it becomes part of a statement: one expression, no more."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

# An expression cannot do anything but compute from its row: no statement, no question to another table, no new names.
STATEMENTS = (exp.Query, exp.DDL, exp.DML, exp.Command, exp.Drop, exp.Alter, exp.Set, exp.Subquery, exp.Table)
ANSWERS = (exp.AggFunc, exp.Window, exp.Star)
FOREIGN = (exp.Placeholder, exp.Parameter)
READERS = {"file", "joinget"}


def find_problem(text: str) -> str:
    """What keeps a text from being one expression over a row, as one line; '' when nothing does."""
    tree, problem = _parsed(text)
    if tree is None:
        return problem
    for node in tree.walk():
        if isinstance(node, STATEMENTS):
            return "holds a statement; only an expression over the row's columns may stand here"
        if isinstance(node, ANSWERS):
            return f"{node.sql(dialect='clickhouse')[:40]} is over many rows; an expression is over one"
        if isinstance(node, FOREIGN):
            return "holds a parameter {…}; write the value itself"
        if isinstance(node, exp.Alias):
            return "names its result with AS; the field gives the name"
        if isinstance(node, exp.Anonymous) and str(node.this).casefold() in READERS:
            return f"{node.this}() reads something else than the row"
    return ""


def columns_of(text: str) -> tuple[str, ...]:
    """The columns that a sound expression names, each once; arguments of its own functions (x -> …) are none."""
    tree, _ = _parsed(text)
    if tree is None:
        return ()
    own = {
        argument.name
        for node in tree.find_all(exp.Lambda)
        for argument in node.expressions
        if isinstance(argument, exp.Expression)
    }
    names = (".".join(part.name for part in node.parts) for node in tree.find_all(exp.Column))
    return tuple(dict.fromkeys(name for name in names if name not in own))


def _parsed(text: str) -> tuple[exp.Expr | None, str]:
    if not text.strip():
        return None, "is empty"
    try:
        tokens = sqlglot.tokenize(text, read="clickhouse")
        if any(token.comments for token in tokens):
            return None, "holds a comment; write it beside the entry"
        if any(token.token_type.name == "SEMICOLON" for token in tokens):
            return None, "holds a semicolon; only one expression may stand here"
        parsed = sqlglot.parse(text, read="clickhouse")
    except SqlglotError as wrong:
        return None, f"is no ClickHouse expression: {str(wrong).splitlines()[0][:120]}"
    trees = [tree for tree in parsed if tree is not None]
    if len(trees) != 1:
        return None, "is no single expression"
    return trees[0], ""
