"""Stage 2, what OpenAI's two dialects share of reading a request: typed look-ups that name the field at fault."""

import binascii
import re
from base64 import b64decode
from typing import Any, TypeVar

import msgspec

from tenbin.codecs.escapes import whole_number, word
from tenbin.codecs.splice import check_utf8, unreadable
from tenbin.core.budget import UNSTATED_SEARCHES, Dearness
from tenbin.core.conversation import Document, Image, Thought
from tenbin.core.problems import Unreadable, invalid

T = TypeVar("T")

MOST_TOKENS = 10_000_000
"""Of a limit that a client sets: beyond all models, and what it may cost still fits a 64-bit integer."""

_LOCATION = re.compile(r"(.*?)(?: - at `\$\.?(.*)`)?$", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`")
_DATA_URI = re.compile(r"data:([^;,]*)((?:;[^;,]*)*?)(;base64)?,(.*)", re.DOTALL)

_JSON_NAMES = {dict: "an object", list: "a list", str: "a string", bool: "true or false", int: "a whole number"}


def decode(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
    """The body as the decoder's type. Raises Unreadable that names the field, what is wrong with it and the fix."""
    check_utf8(body)
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _invalid_field(error) from error
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise unreadable(error) from error


def _invalid_field(error: msgspec.ValidationError) -> Unreadable:
    found = _LOCATION.match(str(error))
    what, where = (found.group(1), found.group(2) or "") if found is not None else (str(error), "")
    missing = _MISSING.match(what)
    if missing is not None:
        where = f"{where}.{missing.group(1)}" if where else missing.group(1)
        return fault(where, "is missing. Add it.")
    if not where:
        return unreadable(error)
    return fault(where, f"has the wrong type: {what[0].lower()}{what[1:]}.")


def fault(where: str, what: str) -> Unreadable:
    """The error for one field: ``where`` is its path, ``what`` goes on with the sentence that the path begins."""
    return Unreadable(invalid(f"{where} {what}", param=where))


def get(value: dict[str, Any], key: str, kind: type[T], where: str) -> T:
    """A field that must be there and of this type. Raises Unreadable."""
    found = optional(value, key, kind, where)
    if found is None:
        raise fault(f"{where}.{key}" if where else key, f"is missing. Give {_JSON_NAMES.get(kind, kind.__name__)}.")
    return found


def optional(value: dict[str, Any], key: str, kind: type[T], where: str) -> T | None:
    """A field that may be absent or null, else must be of this type. Raises Unreadable."""
    found = value.get(key)
    if found is None:
        return None
    if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
        path = f"{where}.{key}" if where else key
        raise fault(path, f"has the wrong type. Give {_JSON_NAMES.get(kind, kind.__name__)}.")
    return found


def objects(value: list[Any], where: str) -> list[dict[str, Any]]:
    """A list all of whose entries must be objects. Raises Unreadable."""
    for index, entry in enumerate(value):
        if not isinstance(entry, dict):
            raise fault(f"{where}[{index}]", "must be an object.")
    return value


def image(url: str, detail: str | None, where: str) -> Image:
    """A picture from a ``data:`` URI or a web address. Raises Unreadable."""
    if not url.startswith("data:"):
        if not url.startswith(("http://", "https://")):
            raise fault(where, "must be an http(s) address or a data URI such as data:image/png;base64,....")
        return Image(url=url, detail=detail)
    media_type, data = data_uri(url, where)
    return Image(media_type=media_type or "image/png", data=data, detail=detail)


def document(file_data: str, title: str | None, where: str) -> Document:
    """A file's content: a ``data:`` URI, or bare base64 as some clients send it. Raises Unreadable."""
    media_type, data = ("", file_data)
    if file_data.startswith("data:"):
        media_type, data = data_uri(file_data, where)
    elif file_data.startswith(("http://", "https://")):
        return Document(url=file_data, title=title)
    if not media_type:
        media_type = "text/plain" if title is not None and title.endswith((".txt", ".md")) else "application/pdf"
    if media_type.startswith("text/"):
        return Document(media_type=media_type, text=plain_text(data, where), title=title)
    return Document(media_type=media_type, data=data, title=title)


def plain_text(data: str, where: str) -> str:
    """Base64 as the text that it holds. Raises Unreadable."""
    try:
        return b64decode(data).decode()
    except (binascii.Error, ValueError) as error:
        raise fault(where, "holds base64 that is not UTF-8 text, though its media type says so.") from error


def data_uri(uri: str, where: str) -> tuple[str, str]:
    """Media type and base64 data of a ``data:`` URI. Raises Unreadable."""
    found = _DATA_URI.fullmatch(uri)
    if found is None or not found.group(3):
        raise fault(where, "is not a base64 data URI. Write data:<media type>;base64,<data>.")
    return found.group(1), found.group(4)


def thought_from_effort(effort: str | None, *, show: bool = True) -> Thought | None:
    """OpenAI's effort as core says it: ``none`` is off, anything else lets the model judge how long to think."""
    if effort is None:
        return None
    if effort == "none":
        return Thought(mode="off")
    return Thought(mode="adaptive", effort=effort, show=show)


MOST_CHOICES = 100_000
"""More are refused by everybody."""


def dearness(n: bytes, tier: bytes, *, searches: bool, refers: bool = False, output: int | None = 0) -> Dearness:
    """What makes an answer dear: several choices (``n``), a service tier (raw JSON values), the provider's own tools,
    what it refers to, a length under another name.
    """
    choices = min(whole_number(n) or 1, MOST_CHOICES) if n else 1
    named = word(tier)
    tiers = () if named in ("", "auto", "default", "standard_only") else (named[:40],)
    return Dearness(max(choices, 1), tiers, UNSTATED_SEARCHES if searches else 0, refers, 0, output)
