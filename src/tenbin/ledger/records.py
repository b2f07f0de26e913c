"""7. What the journal holds: framed records. A frame that is torn or damaged is recognised, and the next one found.

A frame is: magic (2 bytes), kind (1), length of the payload (4), CRC-32 of kind and payload (4), payload (MessagePack).
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import msgspec

from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.usage import NOTHING, Usage

MAGIC = b"\xa5\x5a"
HEADER = struct.Struct("<2sBII")
HEADER_BYTES = HEADER.size
PAYLOAD_LIMIT = 64 * 1024 * 1024
"""No record is longer than this, in bytes; a greater length is damage."""

LARGEST = 2**63 - 1
"""The largest integer that the database can hold."""

OPENED, PROGRESS, SETTLED, CARRIED = 1, 2, 3, 4
"""Kinds. CARRIED has no payload: all that was in flight when its segment began stands before it."""


class Opened(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Written before each call to a provider: enough to settle the request if nothing more is ever heard of it.

    Fields are only ever added, at the end and with a default: a journal may be read by a newer Tenbin.
    """

    request_id: str
    arrived_at_ms: int
    key_id: str
    dialect: str
    operation: str
    path: str
    requested_model: str
    stream: bool
    route: str
    policy: str
    session: str | None
    client: str
    number: int
    """The attempt's, from 1."""
    provider: str
    model: str
    target_dialect: str
    started_at_ms: int
    input_tokens: int
    """Tenbin's estimate of the prompt."""
    attempts: tuple[Attempt, ...] = ()
    """Those that ended before this one began."""


class Progress(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """How far the answer to an attempt has come."""

    request_id: str
    number: int
    output_bytes: int
    """Of the answer's words so far, UTF-8; for an estimate of its tokens."""
    usage: Usage = NOTHING
    """What the provider has stated so far."""


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One frame, and where the next one begins in the data."""

    kind: int
    payload: bytes
    end: int


class RequestId(msgspec.Struct, frozen=True):
    """A receipt of which only this is read."""

    request_id: str


_encode_into = msgspec.msgpack.Encoder().encode_into
decode_opened = msgspec.msgpack.Decoder(Opened).decode
decode_progress = msgspec.msgpack.Decoder(Progress).decode
decode_receipt = msgspec.msgpack.Decoder(Receipt).decode
decode_request_id = msgspec.msgpack.Decoder(RequestId).decode


def frame(kind: int, record: Opened | Progress | Receipt | None) -> bytearray:
    """A record, framed. Never raises: what can't be written as it is, is written as nearly as it can be."""
    data = bytearray(HEADER_BYTES)
    if record is not None:
        try:
            _encode_into(record, data, HEADER_BYTES)
        except (OverflowError, TypeError, ValueError):
            _encode_into(writable(record), data, HEADER_BYTES)
    with memoryview(data) as view:
        payload = view[HEADER_BYTES:]
        HEADER.pack_into(data, 0, MAGIC, kind, len(payload), zlib.crc32(payload, kind))
        payload.release()
    return data


def writable(value: Any) -> Any:
    """A record in plain values that can be written: integers within 64 bits, text that is Unicode, nothing unknown.

    A provider that states 10^30 tokens, or a client that sends half a character, must not cost the receipt.
    """
    if isinstance(value, msgspec.Struct):
        fields = {name: writable(getattr(value, name)) for name in value.__struct_fields__}
        return type(value)(**fields)
    if isinstance(value, bool | float | None):
        return value
    if isinstance(value, int):
        return max(-LARGEST, min(LARGEST, value))
    if isinstance(value, list | tuple):
        return type(value)(writable(item) for item in value)
    if isinstance(value, dict):
        return {str(writable(key)): writable(item) for key, item in value.items()}
    return str(value).encode("utf-8", "replace").decode()


def reframed(kind: int, payload: bytes) -> bytes:
    """A payload that was read from a frame, framed again."""
    return HEADER.pack(MAGIC, kind, len(payload), zlib.crc32(payload, kind)) + payload


def frames(data: bytes | bytearray, start: int = 0) -> Iterator[Frame]:
    """The whole frames in the data; damaged stretches are passed over.

    What is left after the last frame's ``end`` is a frame that is not complete yet, or never will be.
    """
    position = start
    while position + HEADER_BYTES <= len(data):
        found = _frame_at(data, position)
        if found is None:
            position = data.find(MAGIC, position + 1)
            if position < 0:
                return
        else:
            yield found
            position = found.end


def _frame_at(data: bytes | bytearray, position: int) -> Frame | None:
    if position + HEADER_BYTES > len(data):
        return None
    magic, kind, length, crc = HEADER.unpack_from(data, position)
    begin = position + HEADER_BYTES
    end = begin + length
    if magic != MAGIC or length > PAYLOAD_LIMIT or end > len(data):
        return None
    payload = bytes(data[begin:end])
    if zlib.crc32(payload, kind) != crc:
        return None
    return Frame(kind, payload, end)


def plain(value: Any) -> str | None:
    """A decision trace and the like as JSON text for the database; nothing for an empty one."""
    return msgspec.json.encode(value).decode() if value else None
