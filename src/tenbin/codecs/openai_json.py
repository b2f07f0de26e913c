"""Stage 2, JSON that a provider streams, decoded leniently: half an emoji (a lone surrogate) spoils no answer."""

import re
from typing import Any

import msgspec

_decoder = msgspec.json.Decoder()
_SURROGATE = re.compile(
    rb"(?<!\\)((?:\\\\)*)\\u(?:[dD][89abAB][0-9a-fA-F]{2}(?:(\\u[dD][c-fC-F][0-9a-fA-F]{2}))?|[dD][c-fC-F][0-9a-fA-F]{2})"
)


def decoded(data: bytes) -> Any:
    """The JSON value, or None for bytes that are none (and for ``null``). Bytes that are no UTF-8 are replaced."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError):
        pass
    except RecursionError:
        return None
    try:
        return _decoder.decode(_without_lone_surrogates(data))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _without_lone_surrogates(data: bytes) -> bytes:
    def mended(found: "re.Match[bytes]") -> bytes:
        return found.group(0) if found.group(2) else found.group(1) + b"\\ufffd"

    return _SURROGATE.sub(mended, data.decode("utf-8", "replace").encode())
