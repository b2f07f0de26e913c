"""A block of the file that is imported: its keys are taken one by one with their types; what nobody took is told."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tenbin.config.document import Document
from tenbin.config.problem import KeyPath
from tenbin.config.shape import described


class Words(NamedTuple):
    """A text and where it stands."""

    path: KeyPath
    text: str


class Number(NamedTuple):
    """A number and where it stands."""

    path: KeyPath
    value: float


class Entry:
    """A block of keys. A value of the wrong type is noted in the document and counts as absent; so does null."""

    def __init__(self, document: Document, path: KeyPath, value: dict[str, Any]) -> None:
        self.document = document
        self.path = path
        self._value = value
        self._taken: set[str] = set()

    def keys(self) -> list[str]:
        """All keys, taken or not."""
        return list(self._value)

    def has(self, *names: str) -> bool:
        """One of these keys stands here, whatever its value."""
        return any(name in self._value for name in names)

    def take(self, *names: str) -> tuple[KeyPath, Any] | None:
        """Path and value of the first of these keys that is there; all of them count as taken."""
        self._taken.update(names)
        for name in names:
            if self._value.get(name) is not None:
                return (*self.path, name), self._value[name]
        return None

    def text(self, *names: str) -> Words | None:
        """A text, or a number that was meant as one."""
        found = self.take(*names)
        return _text(self.document, *found) if found is not None else None

    def number(self, *names: str) -> Number | None:
        """A number that is finite, also one in quotes."""
        found = self.take(*names)
        if found is None:
            return None
        path, value = found
        if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[\d.]+([eE][+-]?\d+)?\s*", value):
            with contextlib.suppress(ValueError):
                value = float(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.document.report(path, f"this must be a number, not {described(value)}", "Write a number.")
            return None
        if abs(value) > MOST or value != value:
            self.document.report(path, "this number is out of all bounds", "Write a smaller one.")
            return None
        return Number(path, float(value))

    def flag(self, *names: str) -> tuple[KeyPath, bool] | None:
        """True or false."""
        found = self.take(*names)
        if found is None:
            return None
        if not isinstance(found[1], bool):
            self.document.report(
                found[0], f"this must be true or false, not {described(found[1])}", "Write true or false."
            )
            return None
        return found

    def block(self, *names: str) -> "Entry | None":
        """A block of keys below this one."""
        found = self.take(*names)
        return block(self.document, *found) if found is not None else None

    def rows(self, *names: str) -> "list[Entry]":
        """The blocks of a list."""
        return [row for path, value in self.items(*names) if (row := block(self.document, path, value)) is not None]

    def texts(self, *names: str) -> list[Words]:
        """The texts of a list; a single text is a list of one."""
        found = self.take(*names)
        if found is not None and isinstance(found[1], str):
            return [Words(*found)]
        words = [_text(self.document, path, value) for path, value in self.items(*names)]
        return [each for each in words if each is not None]

    def items(self, *names: str) -> list[tuple[KeyPath, Any]]:
        """The items of a list, of any type; nulls are left out."""
        found = self.take(*names)
        if found is None:
            return []
        path, value = found
        if not isinstance(value, list):
            self.document.report(path, f"this must be a list, not {described(value)}", "Write [first, second].")
            return []
        return [((*path, number), item) for number, item in enumerate(value) if item is not None]

    def rest(self) -> Iterator[tuple[KeyPath, Any]]:
        """What was not taken and says something."""
        for name, value in self._value.items():
            if name not in self._taken and value is not None and value not in ("", [], {}):
                yield (*self.path, name), value


MOST = 1e15
"""No figure of a configuration comes near it."""


def block(document: Document, path: KeyPath, value: Any) -> Entry | None:
    """A value as a block of keys; anything else is noted as a mistake."""
    if isinstance(value, dict):
        return Entry(document, path, value)
    document.report(
        path, f"this must be a block of keys, not {described(value)}", "Look at the other program's examples."
    )
    return None


def _text(document: Document, path: KeyPath, value: Any) -> Words | None:
    if isinstance(value, str):
        return Words(path, value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Words(path, document.texts.get(path, str(value)))
    document.report(path, f"this must be text, not {described(value)}", "Put it in quotes.")
    return None
