"""The text of tenbin.yaml, read: plain values, the place where each stands, and ``${NAME}`` filled in.

YAML is composed to nodes rather than loaded, since only nodes know their line and still hold duplicate keys.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import yaml

from tenbin.config.problem import ConfigError, ConfigProblem, KeyPath, Position, written

MOST_VALUES = 100_000
"""Anchors let a short text unfold without end; no real configuration comes near this."""
MOST_LEVELS = 30

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ODD_BREAK = re.compile("[\x85\u2028\u2029]")
_TAG = "tag:yaml.org,2002:"
_REFERENCE = re.compile(r"\$\$\{|\$\{(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<default>:-[^}]*)?\})?")


class Document(msgspec.Struct):
    """What a text says, before it is known whether it makes sense."""

    source: str
    value: Any = None
    positions: dict[KeyPath, Position] = {}
    """Of every key and every list item."""
    texts: dict[KeyPath, str] = {}
    """Scalars as they are written, for values that look like a number but are meant as words."""
    filled: set[KeyPath] = set()
    """Scalars that hold a value from the environment: their type is the one that is expected there."""
    problems: list[ConfigProblem] = []
    broken: set[KeyPath] = set()
    """Where a value is missing or makes no sense, so that what follows from it need not be told."""

    def report(self, path: KeyPath, message: str, fix: str) -> None:
        """Note a mistake at the nearest place above ``path`` that stands in the text."""
        self.broken.add(path)
        place = path
        while place and place not in self.positions:
            place = place[:-1]
        self.note(path, self.positions.get(place, Position(1, 1)), message, fix)

    def note(self, path: KeyPath, position: Position, message: str, fix: str) -> None:
        """Note a mistake that leaves the value at ``path`` usable."""
        line, column = position.line, position.column
        self.problems.append(
            ConfigProblem(file=self.source, line=line, column=column, key=written(path), message=message, fix=fix)
        )

    def is_broken(self, path: KeyPath) -> bool:
        """True when a mistake is known at ``path``, above it or below it."""
        return any(path[: len(other)] == other or other[: len(path)] == path for other in self.broken)


def read(text: str, source: str, environ: Mapping[str, str] | None) -> Document:
    """Read YAML. Raises ConfigError only when the text is not YAML; all else is noted in ``problems``.

    Without ``environ`` (another program's file) ``${NAME}`` is text like any other.
    """
    try:
        _check_levels(text, source)
        root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise ConfigError(_unreadable(text, source, error)) from None
    document = Document(source)
    if root is not None:
        document.value = _Reader(document, environ, text).value(root, ())
    return document


def _check_levels(text: str, source: str) -> None:
    """Raises ConfigError for brackets in brackets without end: composing them would overrun the C library's stack."""
    level = 0
    events: Iterator[Any] = yaml.parse(text, Loader=_Loader)
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            level += 1
            if level > MOST_LEVELS:
                mark: Any = event.start_mark
                line, column = mark.line + 1, mark.column + 1
                message = f"this is nested more than {MOST_LEVELS} levels deep"
                raise ConfigError(
                    [ConfigProblem(file=source, line=line, column=column, key="", message=message, fix="Use fewer.")]
                )
        elif isinstance(event, yaml.CollectionEndEvent):
            level -= 1


class _Reader:
    """One walk over the nodes."""

    def __init__(self, document: Document, environ: Mapping[str, str] | None, text: str) -> None:
        self.document = document
        self.environ = environ
        self.odd_breaks = [found.start() for found in _ODD_BREAK.finditer(text)]
        self.values_left = MOST_VALUES

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        if path not in self.document.positions:
            self.document.positions[path] = self.position(node)
        self.values_left -= 1
        if self.values_left < 0 or len(path) > MOST_LEVELS:
            if () not in self.document.broken:
                self.document.report((), "this unfolds to too many values", "Use fewer anchors and levels.")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, number)) for number, item in enumerate(node.value)]
        return self._scalar(node, path)

    def position(self, node: yaml.Node) -> Position:
        """Where an editor shows it: YAML counts more characters as line breaks than editors do."""
        mark: Any = node.start_mark
        return Position(mark.line + 1 - bisect_left(self.odd_breaks, mark.index), mark.column + 1)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            position = self.position(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self.document.report(path, f"the key in line {position.line} is not a word", "Write `key: value`.")
                continue
            key = str(key_node.value)
            here = (*path, key)
            if key in values:
                first = self.document.positions[here].line
                message = f"this key stands here a second time; the first one is in line {first}"
                self.document.note(here, position, message, "Keep one of the two.")
                continue
            self.document.positions[here] = position
            values[key] = self.value(value_node, here)
        return values

    def _scalar(self, node: yaml.Node, path: KeyPath) -> Any:
        text = str(node.value)
        kind = node.tag.removeprefix(_TAG)
        if "${" in text and self.environ is not None:
            self.document.filled.add(path)
            return self._filled(text, path, self.environ)
        self.document.texts[path] = text
        if kind == "null":
            return None
        if kind in ("int", "float", "bool"):
            constructor = yaml.constructor.SafeConstructor()
            try:
                return getattr(constructor, f"construct_yaml_{kind}")(node)
            except (ValueError, KeyError):
                return text
        if node.tag.startswith("!"):
            self.document.report(path, f"tags such as {node.tag} mean nothing here", "Leave it out.")
        return text

    def _filled(self, text: str, path: KeyPath, environ: Mapping[str, str]) -> str:
        """Put the environment's values in place of ``${NAME}`` and ``${NAME:-default}``; ``$${`` stands for ``${``."""

        def fill(match: re.Match[str]) -> str:
            if match[0] == "$${":
                return "${"
            name, default = match["name"], match["default"]
            if name is None:
                self.document.report(
                    path,
                    "`${` must be followed by a variable's name and `}`",
                    "Write ${NAME} or ${NAME:-default}, or $${ for these two characters themselves.",
                )
                return ""
            value = environ.get(name)
            if default is not None:
                return value or default[2:]
            if value is None:
                self.document.report(
                    path,
                    f"the environment variable {name} is not set",
                    f"Run `export {name}=...` before Tenbin starts, or give a default: ${{{name}:-...}}.",
                )
                return ""
            return value

        return _REFERENCE.sub(fill, text)


def _unreadable(text: str, source: str, error: yaml.YAMLError) -> list[ConfigProblem]:
    """A text that is no YAML. Every tab that indents a line is told, as it is the usual cause; else the first error."""

    def problem(line: int, column: int, message: str, fix: str) -> ConfigProblem:
        return ConfigProblem(file=source, line=line, column=column, key="", message=message, fix=fix)

    tabs = [
        problem(number, line.index("\t") + 1, "a tab indents this line, which YAML forbids", "Use spaces.")
        for number, line in enumerate(text.splitlines(), start=1)
        if re.match(r" *\t+ *[^\s#]", line)
    ]
    if tabs:
        return tabs
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        said = getattr(error, "problem", None) or str(error)
        return [problem(mark.line + 1, mark.column + 1, f"this is not YAML: {said}", _advice(text, mark.line))]
    at = getattr(error, "position", 0)
    line = text.count("\n", 0, at) + 1
    return [problem(line, 1, f"this is not YAML: {error!s}".splitlines()[0], "Remove the character.")]


def _advice(text: str, line: int) -> str:
    lines = text.splitlines()
    here = lines[line] if line < len(lines) else ""
    if re.search(r"[\[{,]\s*[^\"'#]*:?\s*\$\{", here):
        return 'Inside brackets or braces, put it in quotes: "${NAME}".'
    if here.count(": ") > 1 and not re.search(r"[{\"']", here):
        return 'Put a value that holds ": " in quotes.'
    return "Look at this line and the one above it: indentation, quotes and brackets must match."
