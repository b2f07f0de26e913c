"""Stage 2, lowering what a request asks for: shared by the dialects' own modules of this name.

A limit is never raised. What is lowered counts for every reader of the body, also for one that takes the first of two
fields with one name, or a server's own name for the limit.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from tenbin.codecs import splice

Changes = dict[str, bytes | None]

SCALE = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""Efforts, the least first."""
LANDING = ("low", "medium", "high")
"""The efforts that nearly every model takes that takes any: a lowered one is one of them."""
LEAST_BUDGET = 1_024
"""Thinking tokens: Anthropic takes no budget below."""
_SHARE = 0.8
"""Of the output limit that thinking may take at most (OpenRouter's share for a high effort): the rest is the answer."""

_any_decoder = msgspec.json.Decoder()


def alone(body: bytes, ending: bytes, *others: bytes) -> bool:
    """Whether only one key can end with ``ending``, and none with the others: then a small enough limit that a decoder
    found is the only one that there is. False in doubt.
    """
    first = body.find(ending)
    if first < 0 or body.find(ending, first + 1) >= 0 or any(other in body for other in others):
        return False
    return b"\\" not in body or b"\\u" not in body  # else a key may be hidden behind an escape


def lower(given: object, most: str) -> str | None:
    """The effort to ask for in place of a higher one; None where what is given may stay."""
    if not isinstance(given, str) or given not in SCALE or SCALE.index(given) <= SCALE.index(most):
        return None
    place = SCALE.index(most)
    landing = next((effort for effort in reversed(LANDING) if SCALE.index(effort) <= place), LANDING[0])
    return landing if SCALE.index(landing) < SCALE.index(given) else None


def known(effort: str | None) -> str | None:
    """The effort itself. Raises ValueError for a word that is none."""
    if effort is not None and effort not in SCALE:
        raise ValueError(f"{effort!r} is no effort: use one of {', '.join(SCALE)}.")
    return effort


def most_budget(limit: int) -> int | None:
    """Most tokens of thinking under an output limit; None where not even the least budget is below it."""
    return None if limit <= LEAST_BUDGET else max(int(limit * _SHARE), LEAST_BUDGET)


def least(values: Sequence[int | None]) -> int | None:
    """The smallest limit; None where there is none."""
    given = [value for value in values if value is not None]
    return min(given) if given else None


def with_effort(raw: msgspec.Raw | bytes | None, most: str) -> bytes | None:
    """An object that holds ``effort``, with a lower one; None where it may stay as it is."""
    value = bytes(raw) if raw is not None else b""
    landing = lower(value_of(value, "effort"), most)
    return None if landing is None else splice.splice(value, {"effort": msgspec.json.encode(landing)})


def value_of(raw: msgspec.Raw | bytes | None, field: str) -> Any:
    """A field of an object; None where it is not there, or the object none."""
    value = decoded(raw)
    return value.get(field) if isinstance(value, dict) else None


def decoded(raw: msgspec.Raw | bytes | None) -> Any:
    """The value; None for one that is not there, and for what the provider will refuse anyway."""
    try:
        return _any_decoder.decode(raw) if raw is not None else None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def whole(value: object) -> int | None:
    """A whole number; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
