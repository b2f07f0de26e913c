"""Stage 2, marks for the prompt cache put into a client's own bytes: where what all its conversations share ends, and
after the last turn. All other bytes stay.
"""

from typing import Literal

import msgspec

from tenbin.codecs import splice
from tenbin.codecs.anthropic_messages.content_writer import cache_control

Life = Literal["5m", "1h"]


def with_marks(body: bytes, static: Life | None, last: Life | None) -> bytes:
    """A Messages request that bears no marks, with a mark behind its system prompt (or, without one, its tools), and
    with the mark that Anthropic itself moves along with the last turn.

    A part that is not of the expected shape gets no mark: what is wrong with it is for the provider to say. Raises
    Unreadable for anything but a JSON object.
    """
    fields = splice.fields(body, checked=True)
    changes: dict[str, bytes | None] = {}
    if static is not None:
        changes.update(_static(fields, static))
    if last is not None:
        changes["cache_control"] = msgspec.json.encode(cache_control(last))
    return splice.splice(body, changes, known=fields) if changes else body


def _static(fields: dict[str, msgspec.Raw], life: Life) -> dict[str, bytes]:
    mark = cache_control(life)
    system, tools = bytes(fields.get("system", b"null")), bytes(fields.get("tools", b"null"))
    if system[:1] == b'"' and system != b'""':
        block = b'[{"type":"text","text":' + system + b',"cache_control":' + msgspec.json.encode(mark) + b"}]"
        return {"system": block}
    if system[:1] == b"[":
        marked = _last_marked(system, mark)
        return {"system": marked} if marked is not None else {}
    if tools[:1] == b"[":
        marked = _last_marked(tools, mark)
        return {"tools": marked} if marked is not None else {}
    return {}


def _last_marked(array: bytes, mark: dict[str, str]) -> bytes | None:
    items = splice.items(array)
    if not items or bytes(items[-1])[:1] != b"{":
        return None
    item = splice.splice(bytes(items[-1]), {"cache_control": msgspec.json.encode(mark)}, checked=True)
    return splice.splice_items(array, {len(items) - 1: item})
