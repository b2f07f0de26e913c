"""7. A weighing as it is kept: fields by their place in MessagePack, deflated with a dictionary of what most of them
hold. A fifth of its JSON, and exactly the same when it is read again.
"""

import zlib
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from tenbin.core.features import Features
from tenbin.core.session import Session, Warm
from tenbin.core.weighing import Candidate, Cost, Hearing, Opinion, Quality, Weighing

FORM = b"\x01"
"""The first byte says which form, and which dictionary, the others have. Neither ever changes: what is new is a form of
its own."""

WINDOW_BITS, MEMORY_LEVEL = 13, 6
"""Of the deflation: the dictionary and a weighing fit in 8 KB, and a small window is quickly made."""

_PARTS: dict[type[msgspec.Struct], dict[str, type[msgspec.Struct]]] = {
    Weighing: {
        "features": Features,
        "session": Session,
        "opinion": Opinion,
        "hearing": Hearing,
        "candidates": Candidate,
    },
    Session: {"warm": Warm},
    Candidate: {"cost": Cost, "quality": Quality},
}
"""Fields that hold structs, or tuples of them. One that is not named here is kept as a map: longer, and as good."""

_MANY = frozenset({"candidates", "warm"})
"""Of those: tuples."""

_PLACES = {kind: tuple(kind.__struct_fields__.index(name) for name in named) for kind, named in _PARTS.items()}

_encode = msgspec.msgpack.Encoder().encode


class UnknownForm(ValueError):
    """The weighing was kept by a newer Tenbin."""


def packed(weighing: Weighing) -> bytes:
    """The compact form. Raises what msgspec does for a number of more than 64 bits or text that is no Unicode."""
    deflate = _deflation().copy()
    return FORM + deflate.compress(_encode(_by_place(weighing))) + deflate.flush()


def unpacked(data: bytes) -> Weighing:
    """The weighing of a compact form. Raises UnknownForm, zlib.error, msgspec.DecodeError, msgspec.ValidationError."""
    if data[:1] != FORM:
        raise UnknownForm(f"a weighing of form {data[0] if data else 'none'}: it was kept by a newer Tenbin")
    inflate = zlib.decompressobj(-WINDOW_BITS, dictionary())
    values = msgspec.msgpack.decode(inflate.decompress(data[1:]) + inflate.flush())
    return msgspec.convert(_by_name(Weighing, values), Weighing)


@cache
def dictionary() -> bytes:
    """What most weighings hold; see FORM."""
    return files("tenbin.ledger").joinpath("weighing_dictionary.txt").read_bytes()


@cache
def _deflation() -> "zlib._Compress":
    """One that has read the dictionary and nothing else, to be copied: that spares reading it each time."""
    return zlib.compressobj(6, zlib.DEFLATED, -WINDOW_BITS, MEMORY_LEVEL, zlib.Z_DEFAULT_STRATEGY, dictionary())


def _by_place(value: msgspec.Struct) -> list[Any]:
    values = list(msgspec.structs.astuple(value))
    for place in _PLACES.get(type(value), ()):
        part = values[place]
        if type(part) is tuple:
            values[place] = [_by_place(one) for one in part]
        elif part is not None:
            values[place] = _by_place(part)
    return values


def _by_name(kind: type[msgspec.Struct], values: list[Any]) -> dict[str, Any]:
    """Fields that were added since have their defaults."""
    found = dict(zip(kind.__struct_fields__, values, strict=False))
    for name, part in _PARTS.get(kind, {}).items():
        held = found.get(name)
        if not held:
            continue
        found[name] = [_by_name(part, one) for one in held] if name in _MANY else _by_name(part, held)
    return found
