"""Stage 2, changing single fields of a JSON object in its own bytes: all others stay as the client sent them.

That is fidelity (a provider's prompt cache, unknown fields, key order) and speed: nothing is decoded but the top
level's keys.
"""

import re
from collections.abc import Mapping

import msgspec

from tenbin.core.problems import Unreadable, invalid

_array_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_object_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_key_decoder = msgspec.json.Decoder(str)

_KEY = re.compile(rb'[ \t\n\r]*("(?:[^"\\]|\\.)*")[ \t\n\r]*:[ \t\n\r]*')
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""An escape in a JSON string; the group is set for one half of a surrogate pair that lacks the other."""
_SEPARATOR = re.compile(rb"[ \t\n\r]*([,}\]])")
_SPACE = re.compile(rb"[ \t\n\r]*")


def unreadable(error: Exception, body: bytes = b"", what: str = "The request body") -> Unreadable:
    """What to tell a caller whose JSON could not be decoded, from msgspec's or Python's own error."""
    if isinstance(error, RecursionError):
        return Unreadable(invalid(f"{what} is nested too deeply. Send a flatter JSON object."))
    if isinstance(error, UnicodeError) or "utf-8" in str(error).lower():
        return Unreadable(invalid(f"{what} is not valid UTF-8. Encode the JSON as UTF-8."))
    if isinstance(error, msgspec.ValidationError):
        return Unreadable(invalid(f"{what} must be a JSON object: {error}."))
    half = next(filter(None, (escape.group(1) for escape in _ESCAPE.finditer(body))), None)
    if half is not None:
        # msgspec calls this "truncated", which would send the caller looking in the wrong place.
        return Unreadable(
            invalid(
                f"{what} is not valid JSON: a string holds \\{half.decode()}, one half of a surrogate pair. Send whole "
                "characters: text was probably cut in the middle of one."
            )
        )
    return Unreadable(invalid(f"{what} is not valid JSON: {error}."))


def check_utf8(body: bytes) -> None:
    """Raises Unreadable when the bytes are not UTF-8: a decoder that skips over values does not look at them."""
    if body.isascii():
        return
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(
            invalid(f"The request body is not valid UTF-8 (at byte {error.start}). Encode the JSON as UTF-8.")
        ) from error


def fields(body: bytes, *, checked: bool = False) -> dict[str, msgspec.Raw]:
    """The top-level fields of a JSON object, values unread; the last one of several with the same key, as JSON
    decoders have it. ``checked``: the body is known to be UTF-8. Raises Unreadable for anything but a JSON object in
    UTF-8.
    """
    if not checked:
        check_utf8(body)
    return _fields(body)


def _fields(body: bytes) -> dict[str, msgspec.Raw]:
    try:
        return _object_decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise unreadable(error, body) from error


def splice(
    body: bytes,
    changes: Mapping[str, bytes | None],
    *,
    checked: bool = False,
    known: dict[str, msgspec.Raw] | None = None,
) -> bytes:
    """The object with some top-level fields changed: each value is raw JSON to put in, or None to delete the field.

    A field that the object lacks is appended at its end. All other bytes stay, white space and order too. Where a
    key stands several times, every one of them is changed, so that no reader sees another value than the one put in.
    ``checked``: the body is known to be UTF-8; ``known``: its fields, where they have been read already. Raises
    Unreadable for anything but a JSON object in UTF-8.
    """
    values = known if known is not None else _fields(body) if checked else fields(body)
    if not changes:
        return body
    members = _members(body, values)
    if members is None:
        return _write_anew(values, changes)
    pieces: list[bytes] = []
    position = members[0].start if members else body.index(b"{") + 1
    head = body[:position]
    remaining = dict(changes)
    for member in members:
        if member.key not in changes:
            pieces.append(body[member.start : member.end])
            continue
        value = changes[member.key]
        remaining.pop(member.key, None)
        if value is not None:
            pieces.append(body[member.start : member.value_start] + value + body[member.value_end : member.end])
    appended = [_member(key, value) for key, value in remaining.items() if value is not None]
    tail = body[members[-1].end if members else position :]
    if appended and pieces:
        # Keep the white space before the closing brace where it was: after the last member.
        last = pieces[-1]
        stripped = last.rstrip(b" \t\n\r")
        pieces[-1] = stripped
        tail = last[len(stripped) :] + tail
    return head + b",".join(pieces + appended) + tail


SMALL = 8_192
"""Bytes of a body in which `replace_model` is quicker than a walk over the fields."""
_LEADING_MODEL = re.compile(rb'[ \t\n\r]*\{[ \t\n\r]*"model"[ \t\n\r]*:[ \t\n\r]*')


def replace_model(body: bytes, old: str, new: str) -> bytes:
    """The object with its field ``model``, known to be ``old``, set to ``new``: what nearly every request needs.

    Where ``model`` is the first field and nothing else in the body could be that key too (it is written nowhere else,
    and no key can be hidden behind an escape), only its bytes are looked at; else it is a splice like any other.
    """
    found = _LEADING_MODEL.match(body)
    # In a large body the searches would take longer than the walk over its fields.
    small = len(body) <= SMALL
    plain = small and (b"\\" not in body or b"\\u" not in body)  # one byte is found ten times faster than two
    if plain and found is not None and body.count(b'"model"') == 1:
        value, start = msgspec.json.encode(old), found.end()
        if body.startswith(value, start):
            return body[:start] + msgspec.json.encode(new) + body[start + len(value) :]
    return splice(body, {"model": msgspec.json.encode(new)}, checked=True)


def items(array: bytes) -> list[msgspec.Raw]:
    """The items of a JSON array, unread. Raises Unreadable for anything else."""
    try:
        return _array_decoder.decode(array)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise unreadable(error, array, "The list") from error


def splice_items(array: bytes, changes: Mapping[int, bytes | None]) -> bytes:
    """The array with some items changed, by index: raw JSON to put in, or None to take the item out.

    All other bytes stay. Raises Unreadable for anything but a JSON array.
    """
    values = items(array)
    start = array.index(b"[") + 1
    head, tail = array[:start], array[start:]
    pieces: list[bytes] = []
    for index, value in enumerate(values):
        space = _SPACE.match(array, start)
        assert space is not None
        value_start = space.end()
        value_end = value_start + len(bytes(value))
        separator = _SEPARATOR.match(array, value_end)
        assert separator is not None
        end = separator.start(1)
        if index not in changes:
            pieces.append(array[start:end])
        else:
            changed = changes[index]
            if changed is not None:
                pieces.append(array[start:value_start] + changed + array[value_end:end])
        start = separator.end()
        tail = array[end:]
    return head + b",".join(pieces) + tail


class _Span(msgspec.Struct, frozen=True, gc=False):
    """Where one member of the object stands: from after the brace or comma before it to the one after it."""

    key: str
    start: int
    value_start: int
    value_end: int
    end: int


def _members(body: bytes, values: dict[str, msgspec.Raw]) -> list[_Span] | None:
    """The spans of all members, in order; None where a key stands several times with different values.

    The lengths of the values are known from decoding, so only keys and separators are looked at. Each value is
    compared with the decoded one: a JSON value that begins with another whole JSON value is that value (numbers are
    told by the separator after them), so the walk can't go astray.
    """
    spans: list[_Span] = []
    start = body.index(b"{") + 1
    while True:
        found = _KEY.match(body, start)
        if found is None:
            return spans
        quoted = found.group(1)
        key = _key_decoder.decode(quoted) if b"\\" in quoted else quoted[1:-1].decode()
        value_start = found.end()
        value = bytes(values[key])
        value_end = value_start + len(value)
        separator = _SEPARATOR.match(body, value_end)
        if separator is None or not body.startswith(value, value_start):
            return None
        spans.append(_Span(key, start, value_start, value_end, separator.start(1)))
        start = separator.end()
        if separator.group(1) == b"}":
            return spans


def _member(key: str, value: bytes) -> bytes:
    return msgspec.json.encode(key) + b":" + value


def _write_anew(values: dict[str, msgspec.Raw], changes: Mapping[str, bytes | None]) -> bytes:
    merged: dict[str, bytes | None] = {key: bytes(value) for key, value in values.items()}
    merged.update(changes)
    return b"{" + b",".join(_member(key, value) for key, value in merged.items() if value is not None) + b"}"
