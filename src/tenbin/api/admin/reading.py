"""1. What is sent to the admin API, read: a body or a query that does not fit is told of with its field and the fix."""

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from tenbin.api.admin.operations import Nothing
from tenbin.api.admin.shapes import PATTERNS
from tenbin.config.shape import suggestion
from tenbin.core.problems import Problem, Unreadable, invalid

Shape = TypeVar("Shape", bound=msgspec.Struct)

MOST_FIELDS = 20
"""Of a query."""


def read_body(body: bytes, shape: type[Shape], named: Mapping[bytes, bytes]) -> Shape:
    """A JSON body. Raises Unreadable."""
    kind = named.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind != b"application/json":
        # Also what a web page may send without being asked for more: forms and plain text.
        raise Unreadable(invalid("content-type: send the body as application/json.", param="content-type", status=415))
    try:
        read = msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Unreadable(_unfit(str(error), shape)) from error
    json.loads(body, object_pairs_hook=_once)
    return read


def _once(members: list[tuple[str, Any]]) -> None:
    """Raises Unreadable for a key that stands twice: readers differ in which of them counts."""
    names = [name for name, _ in members]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise Unreadable(invalid(f"{twice}: it stands more than once. Send it once.", param=twice))


def no_body(body: bytes) -> None:
    """For what takes none: an empty one, or an empty object. Raises Unreadable."""
    if body.strip() not in (b"", b"{}"):
        raise Unreadable(invalid("This takes no body: leave it out.", param="body"))


def read_query(query: bytes, shape: type[Shape]) -> Shape:
    """A query string, each of its fields once. Raises Unreadable."""
    try:
        given = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise Unreadable(invalid("The query string is not percent-encoded UTF-8.", param="query")) from error
    fields: dict[str, str] = {}
    for name, value in given:
        if name in fields:
            raise Unreadable(invalid(f"{name[:80]}: given twice. Give it once.", param=name[:80]))
        fields[name] = value
    try:
        return msgspec.convert(fields, shape, strict=False)
    except msgspec.ValidationError as error:
        raise Unreadable(_unfit(str(error), shape)) from error


_UNKNOWN = re.compile(r"Object contains unknown field `(?P<field>.*?)`(?: - at `\$(?P<path>.*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<field>.*?)`(?: - at `\$(?P<path>.*)`)?", re.DOTALL)
_ELSEWHERE = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?", re.DOTALL)


def _unfit(message: str, shape: type[msgspec.Struct]) -> Problem:
    """What msgspec says, in words that name the field and the fix."""
    found = _UNKNOWN.fullmatch(message)
    if found is not None:
        field = _field(found["path"], found["field"])
        known = _fields_at(shape, found["path"] or "")
        fix = suggestion(found["field"], known) if known else "Leave it out."
        return invalid(f"{field[:80]}: this is no field here. {fix}", param=field[:80])
    found = _MISSING.fullmatch(message)
    if found is not None:
        field = _field(found["path"], found["field"])
        return invalid(f"{field}: it is missing.", param=field)
    found = _ELSEWHERE.fullmatch(message)
    assert found is not None
    field = _field(found["path"], "")
    what = found["what"]
    for pattern, meant in PATTERNS.items():
        if repr(pattern)[1:-1] in what:
            what = f"it has not the form that is needed. {meant}"
    if not field:
        return invalid(f"The body is not what is needed here: {what}.", param="body")
    return invalid(f"{field}: {what.rstrip('.')}.", param=field)


def _field(path: str | None, last: str) -> str:
    parts = [part for part in ((path or "").lstrip("."), last) if part]
    return ".".join(parts)


def _fields_at(shape: type[msgspec.Struct], path: str) -> list[str]:
    """The fields of the block at a path of names."""
    at: Any = shape
    for name in [part for part in path.split(".") if part]:
        fields = {field.encode_name: field.type for field in msgspec.structs.fields(at)}
        options = getattr(fields.get(name), "__args__", (fields.get(name),))
        at = next((one for one in options if isinstance(one, type) and issubclass(one, msgspec.Struct)), Nothing)
    return list(at.__struct_encode_fields__)
