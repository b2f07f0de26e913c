"""Stage 2, what is wrong with a field of a Messages request, said with its path."""

import re

import msgspec

from tenbin.codecs.splice import unreadable
from tenbin.core.problems import Unreadable, invalid

_MISSING = re.compile(r"Object missing required field `([^`]+)`")
_EXPECTED = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
_WORDS = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}


def expect(path: str, what: str, fix: str) -> Unreadable:
    """An Unreadable for the field at ``path``: what is wrong, and the fix, each without a full stop."""
    return Unreadable(invalid(f"{path}: {what}. {fix}.", param=path))


def wrong(error: Exception, path: str) -> Unreadable:
    """An Unreadable from msgspec's own error, for a value that stands at ``path`` (empty: the whole body)."""
    if not isinstance(error, msgspec.ValidationError):
        return unreadable(error)
    said, _, place = str(error).partition(" - at `")
    deeper = place.rstrip("`").removeprefix("$")
    full = (path + deeper).removeprefix(".")
    missing = _MISSING.match(said)
    if missing is not None:
        full = f"{full}.{missing.group(1)}".removeprefix(".")
        return expect(full, "is missing", "Add this field")
    expected = _EXPECTED.match(said)
    if expected is not None:
        wanted = " or ".join(_WORDS.get(word, word) for word in expected.group(1).split(" | ") if word != "null")
        return expect(
            full or "The request body", f"must be {wanted}, not {_WORDS.get(expected.group(2), 'that')}", "Change it"
        )
    return expect(full or "The request body", said[:1].lower() + said[1:], "Change it")
