"""Checks that an expression in a mapping is a plain ClickHouse expression over the row, and nothing more."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

from sqlglot import Dialect, exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from core.errors import nearest

# What a mapping may call. Deterministic, over the row or its window; nothing that reads files, tables or the clock.
# fmt: off
FUNCTIONS = frozenset((
    "if", "multiIf", "ifNull", "nullIf", "coalesce", "isNull", "isNotNull", "assumeNotNull", "empty", "notEmpty",
    "least", "greatest", "startsWith", "endsWith", "like", "ilike", "match", "position", "lower", "upper",
    "lowerUTF8", "upperUTF8", "trim", "trimBoth", "trimLeft", "trimRight", "concat", "substring", "substringUTF8",
    "left", "right", "length", "lengthUTF8", "replaceAll", "replaceOne", "replaceRegexpOne", "replaceRegexpAll",
    "extract", "splitByChar", "arrayElement", "leftPad", "toString", "toInt64", "toInt64OrNull", "toFloat64",
    "toFloat64OrNull", "toDecimal128", "toDecimal128OrNull", "toUInt32", "transform", "has", "round", "floor",
    "ceil", "abs", "sign", "intDiv", "modulo", "toDate", "toHour", "toMinute", "toStartOfMinute", "toStartOfHour",
    "toStartOfDay", "dateDiff", "addSeconds", "addMinutes", "addHours", "addDays", "subtractSeconds",
    "subtractMinutes", "subtractHours", "subtractDays", "toUnixTimestamp", "fromUnixTimestamp64Milli",
    "cityHash64", "hex", "row_number", "rank", "dense_rank", "count", "sum", "min", "max", "first_value",
    "last_value", "lagInFrame", "leadInFrame",
))
# fmt: on
# Words that may stand before a parenthesis without being a call.
STRUCTURE = frozenset(
    {"and", "or", "not", "in", "over", "when", "then", "else", "by", "between", "like", "ilike", "case"}
)
FORBIDDEN = (
    exp.Query,
    exp.Table,
    exp.Alias,
    exp.Command,
    exp.Placeholder,
    exp.Parameter,
    exp.Star,
    exp.DDL,
    exp.DML,
    exp.Set,
)


def find_problem(text: str, columns: Collection[str]) -> tuple[str, tuple[str, ...]] | None:
    """What is wrong with an expression over `columns`, with near names; None when it may be used."""
    try:
        tokens = Dialect.get_or_raise("clickhouse").tokenize(text)
        tree = parse_one(text, read="clickhouse")
    except SqlglotError as wrong:
        return f"is not an expression: {str(wrong).splitlines()[0][:120]}", ()
    if any(token.token_type in (TokenType.L_BRACE, TokenType.SEMICOLON) or token.comments for token in tokens):
        return "holds a brace, a semicolon or a comment", ()
    if any(True for _ in tree.find_all(*FORBIDDEN)):
        return "may not read tables, name things, run statements or take parameters", ()
    for name in _called(tokens):
        if name.lower() not in STRUCTURE and name not in FUNCTIONS:
            return f"calls {name}, which mappings may not use", nearest(name, FUNCTIONS)
    for column in tree.find_all(exp.Column):
        if column.table or column.name not in columns:
            return f"names {column.sql()}, which is no column here", nearest(column.name, columns)
    return None


def _called(tokens: list[Token]) -> list[str]:
    """Every word that stands right before an opening parenthesis."""
    return [
        token.text
        for token, after in pairwise(tokens)
        if after.token_type == TokenType.L_PAREN and token.text[:1].isalpha()
    ]
