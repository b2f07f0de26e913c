"""6. An answer as the cache keeps it: its deltas, from which any dialect can be written, and where it came from."""

from collections.abc import Sequence

import msgspec

from tenbin.core.answer import AnswerFinished, AnswerStarted, Delta, Ping, TextDelta, ThinkingDelta
from tenbin.core.money import NanoUSD
from tenbin.core.target import DialectName
from tenbin.decide.caching.ttl import Freshness

VERSION = 1
"""Of the form in which entries are written down; others are passed over."""

FIXED_BYTES = 600
"""What an entry takes in memory beside its texts, roughly."""

ID_CHARACTERS = 32
"""Of an entry's id: 128 bits of an HMAC, in hex."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One kept answer. Fields are only ever added, at the end and with a default."""

    version: int = VERSION
    id: str
    scope: str
    """``key:NAME``, ``team:NAME`` or ``everyone``."""
    model: str
    """The name that was asked for."""
    target: str
    """``provider/model`` that answered."""
    dialect: DialectName
    """Of ``raw``."""
    streamed: bool
    """Whether ``raw`` is a stream."""
    created_ms: int
    """UTC."""
    expires_ms: int
    """UTC."""
    freshness: Freshness
    task: str
    """Task type, where it was told; empty else."""
    tags: tuple[str, ...]
    cost_nano: NanoUSD | None
    """What the request cost that it comes from; None where nobody knows."""
    total_ms: float
    """How long that took."""
    source: str
    """Id of that request."""
    deltas: bytes
    """The answer (``packed``)."""
    raw: bytes = b""
    """The answer as its provider wrote it, where the client was given it unchanged; empty else."""
    question: str = ""
    """The last words of the user, where it may be found by meaning; empty else."""
    partition: str = ""
    """HMAC of all that must be equal beside them; empty else."""
    fixed_life: bool = False
    """A rule says how long it lives: no hit changes that."""

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return FIXED_BYTES + len(self.deltas) + len(self.raw) + 3 * len(self.question)


_encode = msgspec.msgpack.Encoder().encode
_entry_decoder = msgspec.msgpack.Decoder(Entry)
_deltas_decoder = msgspec.msgpack.Decoder(list[Delta])


class Unusable(Exception):
    """What a store gave back is no entry of this version."""


def written(entry: Entry) -> bytes:
    """An entry as stores keep it."""
    return _encode(entry)


def read(data: bytes) -> Entry:
    """An entry out of a store. Raises Unusable."""
    try:
        entry = _entry_decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise Unusable(str(error)) from error
    if entry.version != VERSION:
        raise Unusable(f"version {entry.version}")
    return entry


def packed(deltas: Sequence[Delta]) -> bytes:
    """An answer's deltas as bytes, pings left out, the words of a block joined as far as they stand side by side."""
    joined: list[Delta] = []
    for delta in deltas:
        last = joined[-1] if joined else None
        if isinstance(delta, TextDelta) and isinstance(last, TextDelta) and last.index == delta.index:
            joined[-1] = TextDelta(delta.index, last.text + delta.text)
        elif isinstance(delta, ThinkingDelta) and isinstance(last, ThinkingDelta) and last.index == delta.index:
            joined[-1] = ThinkingDelta(delta.index, last.text + delta.text)
        elif not isinstance(delta, Ping):
            joined.append(delta)
    return _encode(joined)


def unpacked(data: bytes) -> list[Delta]:
    """The deltas again. Raises Unusable."""
    try:
        return _deltas_decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise Unusable(str(error)) from error


def words(deltas: Sequence[Delta]) -> str:
    """All that the answer says in words."""
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


def is_whole(deltas: Sequence[Delta]) -> bool:
    """Whether it begins and ends as an answer does."""
    return bool(deltas) and isinstance(deltas[0], AnswerStarted) and isinstance(deltas[-1], AnswerFinished)
