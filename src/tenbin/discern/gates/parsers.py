"""7. Real parsers, one for each language of code blocks; those of SQL, JavaScript and shell come with `tenbin[gates]`.

All are bounded by the size and nesting of what they read, and none runs what it reads. That of shell is a program of
its own, which may die without harm; grammars in C inside this process could not (docs/gates.md).
"""

import ast
import re
import subprocess
import tomllib
import warnings
from collections.abc import Callable
from functools import cache
from importlib import metadata
from typing import Any

import yaml

from tenbin.discern.gates.json_text import decoded

MOST_CODE = 32_768
"""Characters of a code block that is parsed."""
MOST_SQL = 8_192
"""The parser of SQL is written in Python, and slower."""
MOST_JAVASCRIPT = 16_384
"""The parser of JavaScript too; what is wrong may be read three times: as a module, as a script, with JSX."""
MOST_SHELL = 16_384
SHELL_SECONDS = 1.0
"""Longest time for the parser of shell. It takes some 4 ms."""
DEEPEST_CODE = 32
"""Brackets within each other in code that is parsed: parsers of expressions may look at nested ones again and again."""
MOST_DOTS = 200
"""Dots on one line of TOML."""

INSTALL = "its parser is not installed: pip install 'tenbin[gates]'"


class SyntaxFault(Exception):
    """It does not parse; the message says where."""


class NotParsed(Exception):
    """Nothing can be said of it; the message says why."""


LANGUAGES = {
    "python": "python", "py": "python", "python3": "python",
    "json": "json", "yaml": "yaml", "yml": "yaml", "toml": "toml",
    "sql": "sql", "mysql": "sql", "postgresql": "sql", "postgres": "sql", "sqlite": "sql",
    "javascript": "javascript", "js": "javascript", "mjs": "javascript", "cjs": "javascript", "jsx": "javascript",
    "bash": "shell", "sh": "shell", "shell": "shell", "ksh": "shell",
}  # fmt: skip
"""A code block's tag -> the language."""


def parse(language: str, text: str) -> None:
    """Parse code of one of LANGUAGES. Raises SyntaxFault where it is none, NotParsed where that cannot be told."""
    if len(text) > MOST_CODE:
        raise NotParsed("too long to parse")
    if "\0" in text:
        raise SyntaxFault("it holds a NUL")
    if nesting(text) > DEEPEST_CODE:
        raise NotParsed("nested too deep to parse")
    try:
        _PARSERS[language](text)
    except RecursionError:
        raise NotParsed("nested too deep to parse") from None


def nesting(text: str) -> int:
    """How deep brackets stand within each other, wherever they stand: an upper bound."""
    deepest = now = 0
    for letter in text:
        if letter in "([{":
            now += 1
            deepest = max(deepest, now)
        elif letter in ")]}":
            now = max(0, now - 1)
    return deepest


def _python(text: str) -> None:
    if re.match(r"\s*>>> ", text):
        raise NotParsed("a session, not a program")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # An odd escape is no fault; with warnings as errors it would be one.
            ast.parse(text.expandtabs(8) if "\t" in text else text)
    except SyntaxError as error:
        raise SyntaxFault(f"line {error.lineno}: {error.msg}") from None
    except (ValueError, MemoryError) as error:
        raise NotParsed(f"the parser gave up: {type(error).__name__}") from None


def _json(text: str) -> None:
    try:
        decoded(text)
    except ValueError as error:
        if re.search(r"(?m)^\s*(?://|/\*|\.\.\.)|\.\.\.\s*[}\]]", text):
            raise NotParsed("JSON with comments or left-out parts") from None
        raise SyntaxFault(str(error)[:120]) from None


def _yaml(text: str) -> None:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        # Events only: aliases are never followed, so that a few lines cannot become a million.
        for _ in yaml.parse(text, Loader=loader):
            pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise SyntaxFault(f"line {mark.line + 1 if mark else '?'}: {error.problem}") from None
    except yaml.YAMLError as error:
        raise SyntaxFault(str(error).partition("\n")[0][:120]) from None


def _toml(text: str) -> None:
    if any(line.count(".") > MOST_DOTS for line in text.splitlines()):
        raise NotParsed("nested too deep to parse")  # Its parser walks a dotted key again for each of its parts.
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SyntaxFault(str(error)[:120]) from None


_STATEMENT = re.compile(
    r"(?is)(?:\s|--[^\n]*\n|/\*.{0,2000}?\*/)*+(?:\(|(?:select|insert|update|delete|create|alter|drop|with|merge|truncate|"
    r"explain|begin|commit|rollback|grant|revoke|set|use|show|describe|values|replace)\b)"
)


def _sql(text: str) -> None:
    if len(text) > MOST_SQL:
        raise NotParsed("too long to parse")
    if nesting(text) > 12 or text.lower().count("case") > 40:
        raise NotParsed("nested too deep to parse")
    try:
        import sqlglot
        from sqlglot import exp
        from sqlglot.errors import SqlglotError
    except ImportError:
        raise NotParsed(INSTALL) from None
    if not _STATEMENT.match(text):
        raise SyntaxFault(f"it begins with no statement: {text.strip()[:30]!r}")
    dialects = ("", "mysql", "postgres", "sqlite", "tsql")
    fault = ""
    for dialect in dialects:
        try:
            statements = sqlglot.parse(text, dialect=dialect)
        except SqlglotError as error:
            fault = fault or str(error).partition("\n")[0]
            continue
        if any(isinstance(each, exp.Command) for each in statements):
            raise NotParsed("a statement that its parser does not look into")
        return
    raise SyntaxFault(re.sub(r"\x1b\[\d*m", "", fault)[:120])


_LEFT_OUT = re.compile(r"(?m)^[ \t]*\.\.\.[ \t]*;?[ \t]*$|[{(\[,][ \t]*\.\.\.[ \t]*[})\],]|…")
"""Where a person would write the rest."""


def _javascript(text: str) -> None:
    if len(text) > MOST_JAVASCRIPT:
        raise NotParsed("too long to parse")
    try:
        import esprima
    except ImportError:
        raise NotParsed(INSTALL) from None
    ways: list[tuple[Callable[..., Any], dict[str, bool]]] = [(esprima.parseModule, {}), (esprima.parseScript, {})]
    if "<" in text:
        ways.append((esprima.parseModule, {"jsx": True}))
    fault = ""
    for parser, options in ways:
        try:
            parser(text, options)
            return
        except esprima.Error as error:
            fault = fault or str(error)
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
            raise NotParsed(f"the parser gave up: {type(error).__name__}") from None
    if "resource limit" in fault:
        raise NotParsed("nested too deep to parse")
    if "Illegal return" in fault or _LEFT_OUT.search(text):
        raise NotParsed("a part of a program")
    raise SyntaxFault(fault[:120])


_SESSION = re.compile(r"\s*[$%>] ")
_PLACEHOLDER = re.compile(r"<[A-Za-z][A-Za-z0-9_ ./|-]{0,40}>|\[[a-z][a-z0-9_ -]{0,40}\.\.\.\]")
"""What a person is to put in, as in `git clone <repository>`: shell reads it as redirections."""


@cache
def _shfmt() -> str | None:
    """The program, as the package installed it: no other one that may lie on the path."""
    try:
        found = metadata.files("shfmt-py") or []
    except metadata.PackageNotFoundError:
        return None
    return next((str(file.locate()) for file in found if file.name in ("shfmt", "shfmt.exe")), None)


def _shell(text: str) -> None:
    if len(text) > MOST_SHELL:
        raise NotParsed("too long to parse")
    if _SESSION.match(text):
        raise NotParsed("a session, not a program")
    program = _shfmt()
    if program is None:
        raise NotParsed(INSTALL)
    try:
        # Named a language, it reads no file at all. It sees nothing of this process' environment.
        ran = subprocess.run(
            [program, "-ln=bash"],
            input=text.encode("utf-8", "replace"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=SHELL_SECONDS,
            check=False,
            env={"GOMAXPROCS": "1", "GOMEMLIMIT": "128MiB"},
            cwd="/",
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotParsed(f"the parser gave up: {type(error).__name__}") from None
    if ran.returncode == 0:
        return
    said = ran.stderr.decode("utf-8", "replace").partition("\n")[0]
    if ran.returncode != 1 or not said.startswith("<standard input>:"):
        raise NotParsed("the parser gave up")
    if _PLACEHOLDER.search(text):
        raise NotParsed("it has places to fill in")
    raise SyntaxFault(f"line {said.removeprefix('<standard input>:')}"[:120])


_PARSERS: dict[str, Callable[[str], None]] = {
    "python": _python,
    "json": _json,
    "yaml": _yaml,
    "toml": _toml,
    "sql": _sql,
    "javascript": _javascript,
    "shell": _shell,
}
