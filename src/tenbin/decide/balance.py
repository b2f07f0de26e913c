"""8. How a caller's fullest budget is told to its client: in words, and in the headers that Claude Code reads.

The headers are those of the gateway contract that comes with Claude Code (GET /protocol of ``claude gateway``, section
"Usage-limit headers"); docs/landing.md says what it was seen to make of them.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from tenbin.core.budget import FOREVER_MS, Level
from tenbin.core.money import usd_decimal
from tenbin.core.problems import Problem

Headers = tuple[tuple[bytes, bytes], ...]

UNIFIED = b"anthropic-ratelimit-unified-"
THRESHOLDS = (0.95, 0.75)
"""Shares past which the client warns; the contract's."""
BRIEFLY_MS = 5_000
"""When to ask again where only calls under way have taken what was left."""

_THE = {"hour": "this hour's", "day": "today's", "week": "this week's", "month": "this month's", "total": "the whole"}
_PERIODS = {"hour": b"daily", "day": b"daily", "week": b"weekly", "month": b"monthly", "total": b"monthly"}
"""The contract knows no hours."""


def fullest(levels: Sequence[Level]) -> Level | None:
    """Of the hard budgets the one that is spent most; None where there is none. Calls under way do not count: what is
    told is to be true when they have ended.
    """
    hard = [level for level in levels if level.claim.hard]
    return max(hard, key=spent_share) if hard else None


def spent_share(level: Level) -> float:
    """Settled, of the limit."""
    return level.spent / level.claim.limit if level.claim.limit > 0 else 1.0


def standing_headers(level: Level) -> Headers:
    """How much of a budget is used, on an answer that was given."""
    used = min(spent_share(level), 0.99)
    return _standing(b"%.2f" % used, next((one for one in THRESHOLDS if used > one), None), level.claim.ends_at_ms)


@lru_cache(maxsize=1_024)
def _standing(used: bytes, passed: float | None, ends_at_ms: int) -> Headers:
    status = b"allowed" if passed is None else b"allowed_warning"
    headers = [
        (UNIFIED + b"status", status),
        (UNIFIED + b"representative-claim", b"overage"),
        (UNIFIED + b"overage-status", status),
        (UNIFIED + b"overage-utilization", used),
    ]
    if passed is not None:
        headers.append((UNIFIED + b"overage-surpassed-threshold", b"%.2f" % passed))
    return (*headers, *_resets(ends_at_ms))


def spent_headers(level: Level) -> Headers:
    """The same on a refusal. Without a claim and a status of its own: with them the client would write a line in place
    of the refusal's own words.
    """
    return (
        (UNIFIED + b"status", b"rejected"),
        (UNIFIED + b"overage-utilization", b"1"),
        (UNIFIED + b"overage-surpassed-threshold", b"1"),
        (UNIFIED + b"overage-period", _PERIODS[level.claim.window]),
        (UNIFIED + b"overage-disabled-reason", b"org_spend_cap_reached"),
        *(
            (((UNIFIED + b"overage-scope"), b"group_pool"),)
            if not level.claim.whose.startswith(("key:", "user:"))
            else ()
        ),
        *_resets(level.claim.ends_at_ms),
    )


def balances(told: Headers, headers: Sequence[tuple[bytes, bytes]], *, failed: bool = False) -> Headers:
    """What is told of a budget beside a provider's own ``headers``: nothing where those of a subscription say that less
    is left of it than of the budget, since then they are what the client must go by; nothing on an error either.
    """
    own = [(name, value) for name, value in headers if name.startswith(UNIFIED)]
    if not own and not failed:
        return told
    ours = max((_number(value) for name, value in told if name == UNIFIED + b"overage-utilization"), default=-1.0)
    theirs = max((_number(value) for name, value in own if name.endswith(b"-utilization")), default=0.0)
    if failed or theirs > ours or any(value == b"rejected" for _, value in own):
        return tuple(header for header in told if not header[0].startswith(UNIFIED))
    return told


def _number(value: bytes) -> float:
    try:
        return float(value)
    except ValueError:
        return 0.0


def _resets(ends_at_ms: int) -> Headers:
    if ends_at_ms >= FOREVER_MS:
        return ()
    at = b"%d" % (ends_at_ms // 1_000)
    return (UNIFIED + b"reset", at), (UNIFIED + b"overage-reset", at)


def in_words(level: Level) -> str:
    """Whose budget it is, and how much of it is spent."""
    claim = level.claim
    kind, _, name = claim.whose.partition(":")
    whose = "for everybody" if kind in ("", "global") else f"of {kind} {name}"
    spent, limit = usd_decimal(level.spent), usd_decimal(claim.limit)
    return f"{_THE[claim.window]} budget {whose}: ${_short(spent)} of ${_short(limit)} spent"


def until_in_words(level: Level) -> str:
    """When the budget begins anew."""
    claim = level.claim
    if claim.ends_at_ms >= FOREVER_MS:
        return "it never begins anew"
    zone = UTC if claim.zone == "UTC" else ZoneInfo(claim.zone)
    return f"resets {datetime.fromtimestamp(claim.ends_at_ms / 1_000, zone):%Y-%m-%d %H:%M} {claim.zone}"


def _short(usd: str) -> str:
    """Cents where that says it; more digits for what is less than a cent."""
    amount = float(usd)
    return f"{amount:.2f}" if amount >= 0.01 or amount == 0 else usd


def refusal(level: Level, now_ms: int, *, what: str, anthropic: bool, brief: bool = False) -> Problem:
    """A request that is not carried out because of a budget. ``what``: what is not done, as a sentence without its
    stop. ``brief``: calls under way have taken what was left, and may give it back.
    """
    forever = level.claim.ends_at_ms >= FOREVER_MS
    waits = BRIEFLY_MS if brief else None if forever else max(level.claim.ends_at_ms - now_ms, 1_000)
    if brief:
        message = f"{what}: calls under way have taken what is left of {in_words(level)}. Try again in a moment."
        return Problem(
            status=429,
            code="rate_limit_error",
            message=_sentence(message),
            retry_after_ms=waits,
            should_retry=True,
            reason="over_budget",
        )
    message = f"{what}: {in_words(level)} · {until_in_words(level)} · whoever runs the gateway can raise the budget"
    return Problem(
        status=429,
        code="billing_error",
        message=_sentence(message),
        retry_after_ms=waits,
        should_retry=False,
        reason="over_budget",
        headers=spent_headers(level) if anthropic else (),
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
