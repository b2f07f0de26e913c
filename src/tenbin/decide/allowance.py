"""How much of a provider's rate limit is left, read from the headers of its answers before it has to refuse.

A pool (the models that share a limit) that has nothing left is passed over until its reset, where others can serve.
A subscription's own windows (``anthropic-ratelimit-unified-*``) are not meant: they are their user's.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime

from tenbin.core.facts import Facts
from tenbin.core.target import Target

NEARLY_EMPTY_TOKENS = 500
"""Fewer are nothing: Anthropic states tokens rounded to thousands (API reference, "Rate limits")."""
LONGEST_MS = 3_600_000
"""A reset further away is taken for this one: a header may be wrong, and a limit may be raised meanwhile."""
FAMILIES = ("opus", "sonnet", "haiku", "fable")
"""Of Anthropic's: the limits of a family's models are one pool ("Rate limits": per model class)."""

Headers = Sequence[tuple[bytes, bytes]]

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_UNITS_MS = (86_400_000, 3_600_000, 60_000, 1_000, 1)


def pool(target: str) -> str:
    """Which limit a target (``provider/model``) draws on: its own name, or ``provider/claude-family``."""
    provider, _, model = target.partition("/")
    if "claude" in model:
        for family in FAMILIES:
            if family in model:
                return f"{provider}/claude-{family}"
    return target


def empty_until(headers: Headers, now: Callable[[], int]) -> int:
    """UTC ms until which an answer's headers say that nothing is left; 0 when something is, or nothing is said.

    Read are ``anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{remaining,reset}`` (a reset is an RFC
    3339 time), ``x-ratelimit-{remaining,reset}-{requests,tokens}`` (a duration such as ``6m0s``) and
    ``x-ratelimit-{remaining,reset}`` (an epoch, in seconds or ms, or seconds). ``now`` gives UTC ms, where needed.
    """
    latest = now_ms = 0
    for name, value in headers:
        # The cheapest question first, since every answer is asked: four digits are enough of anything.
        if len(value) < 4 and b"-remaining" in name and b"ratelimit" in name and _nothing(name, value):
            now_ms = now_ms or now()
            reset = name.replace(b"-remaining", b"-reset")
            stated = next((value for name, value in headers if name == reset), b"")
            latest = max(latest, _moment(stated.decode("latin-1").strip(), headers, now_ms))
    return min(latest, now_ms + LONGEST_MS) if latest > now_ms else 0


def exhausted(target: Target, facts: Facts) -> bool:
    """Whether a target's pool is known to be empty now."""
    until = facts.exhausted.get(pool(target.name))
    return until is not None and facts.now_ms < until


def _nothing(name: bytes, value: bytes) -> bool:
    try:
        left = float(value)
    except ValueError:
        return False
    return left < (NEARLY_EMPTY_TOKENS if b"token" in name else 1)


def _moment(stated: str, headers: Headers, now_ms: int) -> int:
    """A reset as UTC ms by our own clock; 0 when it cannot be read."""
    if "T" in stated:
        try:
            reset = datetime.fromisoformat(stated)
        except ValueError:
            return 0
        if reset.tzinfo is None:
            return 0
        return now_ms + int(reset.timestamp() * 1_000) - _their_now(headers, now_ms)
    try:
        number = float(stated)
    except ValueError:
        found = _DURATION.fullmatch(stated)
        if not found or not stated:
            return 0
        return now_ms + int(sum(float(part) * unit for part, unit in zip(found.groups("0"), _UNITS_MS, strict=True)))
    if not 0 <= number < 1e15:
        return 0
    if number > 1e11:
        return int(number)
    return int(number * 1_000) if number > 1e9 else now_ms + int(number * 1_000)


def _their_now(headers: Headers, now_ms: int) -> int:
    """The provider's clock, by the answer's ``date``: two machines seldom agree."""
    for name, value in headers:
        if name == b"date":
            try:
                return int(parsedate_to_datetime(value.decode("latin-1")).timestamp() * 1_000)
            except (ValueError, OverflowError):
                break
    return now_ms


def exhausted_last(targets: tuple[Target, ...], facts: Facts) -> tuple[Target, ...]:
    """The same targets; those whose limits are known to be used up are asked only if no other serves."""
    return tuple(sorted(targets, key=lambda target: exhausted(target, facts)))
