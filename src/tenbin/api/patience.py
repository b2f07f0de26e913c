"""1. How long a client will wait for its answer, where it says so."""

from collections.abc import Mapping

LONGEST_MS = 86_400_000
"""A day: more is no limit."""


def patience_ms(headers: Mapping[bytes, bytes]) -> int | None:
    """Milliseconds from arrival, from ``x-tenbin-timeout`` or, as the official SDKs send it, ``x-stainless-timeout``
    (both in seconds); None when neither is there, or says anything that can be meant.
    """
    stated = headers.get(b"x-tenbin-timeout") or headers.get(b"x-stainless-timeout")
    if stated is None:
        return None
    try:
        ms = float(stated) * 1_000
    except ValueError:
        return None
    return int(ms) if 0 < ms < LONGEST_MS else None
