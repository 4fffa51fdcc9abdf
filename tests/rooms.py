"""The rules by which each kind of line has its room, read from the syntax tree; test_rooms.py applies them."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

ROOMS = ("app", "callbacks", "layouts", "live", "alerts", "ingest", "queries", "metrics", "locales", "core")

OLDEST = (3, 11)  # the oldest Python that the project promises

Finding = tuple[int, str]
Find = Callable[[ast.Module, str], Iterator[Finding]]

SQL = re.compile(
    r"\bSELECT\s|\bINSERT\s+INTO\b|\bTRUNCATE\s+TABLE\b|\b(?:CREATE|DROP|ALTER)\s+(?:TABLE|VIEW|MATERIALIZED|DATABASE)\b"
    r"|(?i:^\s*select\s[\s\S]*\bfrom\b|^\s*insert\s+into\b)"
)
SQL_PIECE = re.compile(r"\b(?:SELECT|FROM|WHERE|AND|OR|IN|HAVING|BETWEEN|LIMIT|VALUES|PREWHERE)\b|'$|^'")
# What carries a stranger's text: in SQL it may only stand behind `bind(...)`.
STRANGERS = frozenset({"scope", "request", "filters", "filter", "codes", "code", "search", "args", "url", "spelling"})
HAN = re.compile(r"[\u3400-\u9fff\uff01-\uff5e\u3001-\u3011]")
VAGUE = re.compile(r"(?:^|_)(?:utils?|helpers?|managers?|misc|stuff)(?:_|$)")
CLOCK_CALLS = {
    *(f"datetime.{name}" for name in ("now", "utcnow", "today")),
    "date.today",
    *(f"time.{name}" for name in ("time", "time_ns", "monotonic", "monotonic_ns", "sleep", "localtime", "gmtime")),
    *(f"time.{name}" for name in ("perf_counter", "perf_counter_ns", "process_time")),
}
WIRING = {"Input", "Output", "State", "callback", "clientside_callback"}
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv"}
DURATIONS = {"time.perf_counter", "time.perf_counter_ns"}


@dataclass(frozen=True)
class Rule:
    """A kind of line, the paths it may stand in (prefixes), and how to find it."""

    says: str
    find: Find
    home: tuple[str, ...] = ()
    within: tuple[str, ...] = ROOMS

    def covers(self, path: PurePosixPath) -> bool:
        text = path.as_posix()
        return any(text.startswith(f"{room}/") for room in self.within) and not any(map(text.startswith, self.home))


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a name or attribute; only the last two parts, so that `datetime.datetime.now` is `datetime.now`."""
    if isinstance(node, ast.Attribute):
        before = dotted(node.value).rsplit(".", 1)[-1]
        return f"{before}.{node.attr}" if before else node.attr
    return node.id if isinstance(node, ast.Name) else ""


def imports(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Every import with the full name of what it brings: `from dash import html` is `dash.html`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def docstrings(tree: ast.Module) -> set[int]:
    """Ids of the constants that are docstrings."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                found.add(id(first.value))
    return found


def texts(tree: ast.Module) -> Iterator[ast.Constant]:
    """String constants that are not docstrings."""
    skip = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skip:
            yield node


def says_sql(tree: ast.Module, _: str) -> Iterator[Finding]:
    for node in texts(tree):
        if SQL.search(str(node.value)):
            yield node.lineno, f"SQL: {str(node.value).strip()[:50]!r}"


def pastes_into_sql(tree: ast.Module, _: str) -> Iterator[Finding]:
    """A stranger's text inside an f-string of SQL, or SQL put together with % or format()."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and any(
            isinstance(part, ast.Constant) and SQL_PIECE.search(str(part.value)) for part in node.values
        ):
            for part in node.values:
                if isinstance(part, ast.FormattedValue) and (names := strangers(part.value)):
                    yield part.lineno, f"{', '.join(sorted(names))} is part of the SQL text; bind it"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and pastes_value(node):
            yield node.lineno, "SQL put together with %"
        elif isinstance(node, ast.Call) and dotted(node.func).endswith("format") and is_sql_text(receiver(node)):
            yield node.lineno, "SQL put together with format()"


def pastes_value(text: ast.BinOp) -> bool:
    return is_sql_text(text.left) and not is_constant(text.right)


def is_constant(node: ast.AST) -> bool:
    """Whether a value is a constant of the file (`FIRST_LINES`), which cannot come from a request."""
    return isinstance(node, ast.Constant) or dotted(node).isupper()


def receiver(call: ast.Call) -> ast.AST:
    """What a method is called on; the function itself for a plain call."""
    return call.func.value if isinstance(call.func, ast.Attribute) else call.func


def is_sql_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(SQL_PIECE.search(node.value))


def strangers(node: ast.AST) -> set[str]:
    """Names of `STRANGERS` that reach the text: those inside `bind(...)` or `len(...)` do not."""
    if isinstance(node, ast.Call) and dotted(node.func).rsplit(".", 1)[-1] in ("bind", "len"):
        return set()
    own = {node.id} if isinstance(node, ast.Name) else {node.attr} if isinstance(node, ast.Attribute) else set()
    return (own & STRANGERS) | {name for child in ast.iter_child_nodes(node) for name in strangers(child)}


def brings(*modules: str) -> Find:
    """Finds imports of these modules or of anything in them."""

    def find(tree: ast.Module, _: str) -> Iterator[Finding]:
        for node, name in imports(tree):
            if any(name == module or name.startswith(f"{module}.") for module in modules):
                yield node.lineno, f"imports {name}"

    return find


def brings_at_start(module: str) -> Find:
    """Finds imports that run when the file is imported; those inside functions and TYPE_CHECKING do not."""

    def visit(body: list[ast.stmt]) -> Iterator[Finding]:
        for node in body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield from brings(module)(ast.Module([node], []), "")
            elif isinstance(node, ast.If) and dotted(node.test).endswith("TYPE_CHECKING"):
                yield from visit(node.orelse)
            elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for block in ("body", "orelse", "finalbody"):
                    yield from visit(getattr(node, block, []))
                for handler in getattr(node, "handlers", []):
                    yield from visit(handler.body)

    return lambda tree, _: visit(tree.body)


def names_of(module: str, tree: ast.Module) -> dict[str, str]:
    """Local name -> name in `module` of everything imported from it, aliases too."""
    return {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == module
        for alias in node.names
    }


def wires(tree: ast.Module, _: str) -> Iterator[Finding]:
    for statement, name in imports(tree):
        if name.startswith("dash.") and name.rsplit(".", 1)[-1] in WIRING:
            yield statement.lineno, f"imports {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func) in {f"dash.{name}" for name in WIRING} | {"app.callback"}:
            yield node.lineno, f"{dotted(node.func)}(...)"


def reads_environment(tree: ast.Module, source: str) -> Iterator[Finding]:
    own = names_of("os", tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            name = dotted(node)
            if f"os.{own.get(name)}" in ENVIRONMENT or name in ENVIRONMENT:
                yield node.lineno, f"reads {name}"


def asks_time(allowed: frozenset[str] = frozenset()) -> Find:
    """Finds uses of the machine's clock, called or handed on, and whatever names it goes by."""

    def find(tree: ast.Module, _: str) -> Iterator[Finding]:
        own = {local: f"time.{name}" for local, name in names_of("time", tree).items()}
        own |= {local: name for local, name in names_of("datetime", tree).items() if local != name}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load):
                name = dotted(node)
                head, _, tail = name.partition(".")
                name = own.get(name) or (f"{own[head]}.{tail}" if head in own else name)
                if name in CLOCK_CALLS - allowed:
                    yield node.lineno, f"uses {name}"

    return find


def writes_chinese(tree: ast.Module, _: str) -> Iterator[Finding]:
    """Chinese in strings; a field's `description=` is documentation, as a docstring is, and may name a term."""
    spoken = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.keyword) and n.arg == "description"}
    for node in texts(tree):
        if id(node) not in spoken and HAN.search(str(node.value)):
            yield node.lineno, f"Chinese words: {str(node.value)[:30]!r}"


def lacks_opening(tree: ast.Module, _: str) -> Iterator[Finding]:
    """A file that has code opens with a docstring whose first line is the beginning of a sentence."""
    if not tree.body:
        return
    words = ast.get_docstring(tree) or ""
    if tree.body[0].lineno != 1 or not words:
        yield 1, "does not open with a sentence that says what the file is for"
    elif not (words[0].isupper() or words[0] == "`") or words.split("\n\n")[0][-1] not in ".:;?":
        yield 1, "its first paragraph is not a sentence (capital letter, full stop)"


def leaves_promises(_: ast.Module, source: str) -> Iterator[Finding]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and re.search(r"\b(?:TODO|FIXME|XXX|HACK)\b", token.string):
            yield token.start[0], f"leaves {token.string[:40]!r}"


RULES = (
    Rule("SQL stands in queries/", says_sql, home=("queries/",)),
    Rule("no stranger's text is part of SQL", pastes_into_sql, within=("queries",)),
    Rule(
        "Dash is known to layouts/, callbacks/ and app/",
        brings("dash", "dash_bootstrap_components"),
        home=("layouts/", "callbacks/", "app/"),
    ),
    Rule(
        "components are drawn in layouts/",
        brings("dash.html", "dash.dcc", "dash_bootstrap_components"),
        home=("layouts/",),
    ),
    Rule("wiring stands in callbacks/", wires, home=("callbacks/",)),
    Rule(
        "the tick draws plain dicts", brings("plotly.graph_objects", "plotly.graph_objs", "plotly.express", "plotly.io")
    ),
    Rule("the environment is read in app/settings.py", reads_environment, home=("app/settings.py",)),
    Rule("the machine's clock is read in core/clock.py", asks_time(frozenset(DURATIONS)), within=("queries",)),
    Rule("the machine's clock is read in core/clock.py", asks_time(), home=("core/clock.py", "queries/")),
    # ¥1.24亿 is written where numbers are formatted, and nowhere else.
    Rule("Chinese words stand in locales/ and in definitions", writes_chinese, home=("locales/", "metrics/formats.py")),
    Rule("a file opens with what it is for", lacks_opening),
    Rule(
        "chdb is imported late, because a fork after it hangs",
        brings_at_start("chdb"),
        within=(*ROOMS, "tests", "bench"),
    ),
    Rule("clickhouse_connect is imported late, with chdb behind it", brings_at_start("clickhouse_connect")),
    Rule("a comment promises nothing", leaves_promises),
)


def offences(path: PurePosixPath, source: str, rules: tuple[Rule, ...] = RULES) -> list[str]:
    """`path:line: rule (what was found)` for every line that is not in its room."""
    try:
        tree = ast.parse(source, filename=path.as_posix(), feature_version=OLDEST)
    except SyntaxError as problem:
        return [f"{path}:{problem.lineno}: Python {'.'.join(map(str, OLDEST))} cannot read it ({problem.msg})"]
    return [
        f"{path}:{line}: {rule.says} ({what})"
        for rule in rules
        if rule.covers(path)
        for line, what in rule.find(tree, source)
    ]
