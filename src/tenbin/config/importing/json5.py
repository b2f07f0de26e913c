"""JSON as people write it in a configuration (JSON5: comments, trailing commas, bare keys, single quotes), with the
place of every key and item. The grammar is that of https://spec.json5.org.
"""

import re
from bisect import bisect_right
from typing import Any, NoReturn

from tenbin.config.document import MOST_LEVELS, Document
from tenbin.config.problem import ConfigError, ConfigProblem, KeyPath, Position

_BLANKS = re.compile(r"(?:[\s\ufeff]|//[^\n\r\u2028\u2029]*|/\*.*?\*/)*", re.DOTALL)
_NAME = re.compile(r"[^\W\d][\w$\u200c\u200d]*|\$[\w$]*")
_NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<odd>Infinity|NaN)|0[xX](?P<hex>[0-9a-fA-F]+)|(?P<plain>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))"
)
_CHUNK = {quote: re.compile(rf"[^{quote}\\\n\r]*") for quote in "\"'"}
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "0": "\0"}
_WORDS = {"true": True, "false": False, "null": None}
_MOST_DIGITS = 300
"""A longer number is none that anybody configures, and some would not fit a float."""


def read(text: str, source: str) -> Document:
    """Read JSON or JSON5. Raises ConfigError, with the place, when it is neither; ``source`` is what errors call it."""
    reader = _Reader(text, source)
    reader.document.value = reader.whole()
    return reader.document


class _Reader:
    def __init__(self, text: str, source: str) -> None:
        self.document = Document(source)
        self.text = text
        self.at = 0
        self.breaks = [found.start() for found in re.finditer("\n", text)]

    def whole(self) -> Any:
        self._blanks()
        if self.at == len(self.text):
            self._fail("the file is empty", "Name the configuration file itself.")
        value = self._value(())
        self._blanks()
        if self.at < len(self.text):
            self._fail(
                f"{self._here()} stands after the end of the configuration", "Remove it, or look for a stray `}`."
            )
        return value

    def _fail(self, message: str, fix: str) -> NoReturn:
        place = self._position()
        raise ConfigError(
            [
                ConfigProblem(
                    file=self.document.source, line=place.line, column=place.column, key="", message=message, fix=fix
                )
            ]
        )

    def _position(self) -> Position:
        line = bisect_right(self.breaks, self.at - 1) if self.at else 0
        start = self.breaks[line - 1] + 1 if line else 0
        return Position(line + 1, self.at - start + 1)

    def _here(self) -> str:
        return repr(self.text[self.at]) if self.at < len(self.text) else "the end of the file"

    def _blanks(self) -> None:
        found = _BLANKS.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _value(self, path: KeyPath) -> Any:
        self.document.positions.setdefault(path, self._position())
        if len(path) > MOST_LEVELS:
            self._fail(f"this is nested more than {MOST_LEVELS} levels deep", "Use fewer.")
        here = self.text[self.at : self.at + 1]
        if here == "{":
            return self._mapping(path)
        if here == "[":
            return self._sequence(path)
        if here and here in "\"'":
            value = self.document.texts[path] = self._string()
            return value
        return self._scalar(path)

    def _mapping(self, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        self.at += 1
        while not self._closed("}"):
            here = self._position()
            key = self._key()
            if key in values:
                first = self.document.positions[(*path, key)].line
                self.document.note(
                    (*path, key),
                    here,
                    f"this key stands here a second time; the first one is in line {first}",
                    "Keep one of the two.",
                )
            self.document.positions.setdefault((*path, key), here)
            self._blanks()
            if self.text[self.at : self.at + 1] != ":":
                self._fail(f"a `:` is needed after the key {key!r}, not {self._here()}", 'Write "key": value.')
            self.at += 1
            self._blanks()
            values[key] = self._value((*path, key))
            self._between("}")
        return values

    def _sequence(self, path: KeyPath) -> list[Any]:
        values: list[Any] = []
        self.at += 1
        while not self._closed("]"):
            values.append(self._value((*path, len(values))))
            self._between("]")
        return values

    def _closed(self, bracket: str) -> bool:
        self._blanks()
        if self.text[self.at : self.at + 1] != bracket:
            return False
        self.at += 1
        return True

    def _between(self, bracket: str) -> None:
        self._blanks()
        here = self.text[self.at : self.at + 1]
        if here == ",":
            self.at += 1
        elif here != bracket:
            self._fail(f"a `,` or `{bracket}` is needed here, not {self._here()}", "Look at the end of the line above.")

    def _key(self) -> str:
        if self.text[self.at : self.at + 1] in ('"', "'"):
            return self._string()
        found = _NAME.match(self.text, self.at)
        if found is None:
            self._fail(f"a key is needed here, not {self._here()}", 'Write "key": value.')
        self.at = found.end()
        return found[0]

    def _scalar(self, path: KeyPath) -> Any:
        number = _NUMBER.match(self.text, self.at)
        word = _NAME.match(self.text, self.at)
        if number is not None and number[0]:
            if len(number[0]) > _MOST_DIGITS:
                self._fail("this number is too long", "Write one of fewer digits.")
            self.at = number.end()
            self.document.texts[path] = number[0]
            return _number(number)
        if word is not None and word[0] in _WORDS:
            self.at = word.end()
            self.document.texts[path] = word[0]
            return _WORDS[word[0]]
        return self._fail(f"a value is needed here, not {self._here()}", "Put text in quotes.")

    def _string(self) -> str:
        quote = self.text[self.at]
        self.at += 1
        parts: list[str] = []
        while True:
            chunk = _CHUNK[quote].match(self.text, self.at)
            assert chunk is not None
            parts.append(chunk[0])
            self.at = chunk.end()
            here = self.text[self.at : self.at + 1]
            if here == quote:
                self.at += 1
                break
            if here != "\\":
                self._fail(f"this text has no closing {quote}", "Close it on the same line.")
            self.at += 1
            parts.append(self._escape())
        text = "".join(parts)
        # Two escapes may make up one character.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def _escape(self) -> str:
        here = self.text[self.at : self.at + 1]
        digits = {"u": 4, "x": 2}.get(here)
        if digits is not None:
            code = self.text[self.at + 1 : self.at + 1 + digits]
            if not re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", code):
                self._fail(f"\\{here} must be followed by {digits} hex digits", "Write the character itself.")
            self.at += 1 + digits
            return chr(int(code, 16))
        if self.text.startswith("\r\n", self.at):
            self.at += 2
            return ""
        self.at += 1
        return "" if here in ("\n", "\r", "\u2028", "\u2029") else _ESCAPES.get(here, here)


def _number(found: "re.Match[str]") -> int | float:
    sign = -1 if found["sign"] == "-" else 1
    if found["odd"]:
        return sign * float(found["odd"].lower().replace("infinity", "inf"))
    if found["hex"]:
        return sign * int(found["hex"], 16)
    plain = found["plain"]
    return sign * (int(plain) if plain.isdigit() else float(plain))
