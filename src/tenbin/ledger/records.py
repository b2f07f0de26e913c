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
_unpack_header = HEADER.unpack_from
PAYLOAD_LIMIT = 64 * 1024 * 1024
"""No record is longer than this, in bytes; a greater length is damage."""

LARGEST = 2**63 - 1
"""The largest integer that the database can hold."""

OPENED, PROGRESS, SETTLED, CARRIED = 1, 2, 3, 4
"""Kinds. CARRIED has no payload: all that was in flight when its segment began stands before it."""


class Opened(msgspec.Struct, frozen=True, array_like=True):
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
    team: str = ""
    user: str = ""
    reserved_nano: int | None = None
    """What a budget has set aside for the attempt, nano-USD; None where no budget counts it."""


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


_encode = msgspec.msgpack.Encoder().encode
decode_opened = msgspec.msgpack.Decoder(Opened).decode
decode_progress = msgspec.msgpack.Decoder(Progress).decode
decode_receipt = msgspec.msgpack.Decoder(Receipt).decode
decode_request_id = msgspec.msgpack.Decoder(RequestId).decode


def frame(kind: int, record: Opened | Progress | Receipt | None) -> bytes:
    """A record, framed. Never raises: what can't be written as it is, is written as nearly as it can be."""
    if record is None:
        return reframed(kind, b"")
    try:
        payload = _encode(record)
    except (OverflowError, TypeError, ValueError):
        payload = _encode(writable(record))
    return HEADER.pack(MAGIC, kind, len(payload), zlib.crc32(payload, kind)) + payload


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
    """A payload, framed: one that was read from a frame, for instance."""
    return HEADER.pack(MAGIC, kind, len(payload), zlib.crc32(payload, kind)) + payload


def frames(data: bytes | bytearray, start: int = 0) -> Iterator[Frame]:
    """The whole frames in the data; damaged stretches are passed over.

    What is left after the last frame's ``end`` is a frame that is not complete yet, or never will be.
    """
    position, size = start, len(data)
    while (begin := position + HEADER_BYTES) <= size:
        magic, kind, length, crc = _unpack_header(data, position)
        if magic == MAGIC and length <= PAYLOAD_LIMIT and (end := begin + length) <= size:
            payload = bytes(data[begin:end])
            if zlib.crc32(payload, kind) == crc:
                yield Frame(kind, payload, end)
                position = end
                continue
        position = data.find(MAGIC, position + 1)
        if position < 0:
            return


def plain(value: Any) -> str | None:
    """A decision trace and the like as JSON text for the database; nothing for an empty one."""
    return msgspec.json.encode(value).decode() if value else None
