"""Stage 1, letters that a request writes as escapes: JSON's ``\\u0077`` is a ``w``, which no search for bytes finds.

No program writes letters so; a person may, whose images or searches are then not to be overlooked.
"""

import re

import msgspec

_LETTER = re.compile(rb"\\u00[4-7]")

_any_decoder = msgspec.json.Decoder()


def escaped_letters(body: bytes) -> int:
    """How many letters of ASCII (and a few signs) are written as escapes."""
    return len(_LETTER.findall(body)) if b"\\u00" in body else 0


def unescaped(raw: bytes) -> bytes:
    """A JSON value whose letters are written as themselves; the same bytes where they are, or where it is no JSON."""
    if b"\\u00" not in raw or _LETTER.search(raw) is None:
        return raw
    try:
        return msgspec.json.encode(_any_decoder.decode(raw))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return raw


def whole_number(raw: bytes) -> int | None:
    """A number as a lenient server reads it, rounded up: also ``2.0``, ``1e2`` or ``"3"``; None where it is none."""
    try:
        value = _any_decoder.decode(raw)
        number = float(value) if type(value) in (int, float, str) else None
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError, OverflowError):
        return None
    if number is None or number != number:
        return None
    return int(-(-min(max(number, -1e15), 1e15) // 1))


def word(raw: bytes) -> str:
    """A text; empty where it is none."""
    try:
        value = _any_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ""
    return value if isinstance(value, str) else ""
