"""2. What an answer says of its caller's limits, under the names that clients of the dialect read.

Of two limits of one kind (a minute's requests and a day's) the one is told of which less is left.
"""

from datetime import UTC, datetime
from functools import lru_cache

from tenbin.core.target import DialectName
from tenbin.decide.limits import Plan, Used, paced, requests_left, tokens_left

Headers = tuple[tuple[bytes, bytes], ...]

_ANTHROPIC_TOKENS = (
    b"anthropic-ratelimit-tokens-",
    b"anthropic-ratelimit-input-tokens-",
    b"anthropic-ratelimit-output-tokens-",
)
"""Prompts and answers draw on one sum, so the three say the same."""


def told(
    dialect: DialectName, plan: Plan, used: Used, now_ms: int, now_us: int, factor: float, *, counts: bool = True
) -> Headers:
    """The headers; ``counts`` False: of a request that only counts tokens. Limits that the plan lacks are not told."""
    headers: list[tuple[bytes, bytes]] = []
    anthropic = dialect == "anthropic"
    minute = plan.requests_per_minute
    limit = left = -1
    reset_ms = 0
    if minute:
        pace = paced(used.full_us if counts else used.counting_full_us, now_us, minute, plan.burst, 0)
        limit, left = plan.burst, pace.left if pace.allowed else 0
        reset_ms = max((used.full_us if counts else used.counting_full_us) - now_us, 0) // 1_000
    of_day = requests_left(plan, used, factor) if counts else None
    if of_day is not None and (left < 0 or of_day < left):
        limit, left = int(plan.requests_per_day * factor), of_day
        reset_ms = max(used.day_ends_ms - now_ms, 0)
    if limit >= 0:
        if anthropic:
            headers += _three(b"anthropic-ratelimit-requests-", limit, left, _moment(now_ms + reset_ms))
        else:
            headers += _openai(b"requests", limit, left, reset_ms)
    tokens = tokens_left(plan, used, factor) if counts else None
    if tokens is not None:
        most, tokens, reset_ms = int(plan.tokens_per_day * factor), max(tokens, 0), max(used.day_ends_ms - now_ms, 0)
        if anthropic:
            at = _moment(now_ms + reset_ms)
            for stem in _ANTHROPIC_TOKENS:
                headers += _three(stem, most, tokens, at)
        else:
            headers += _openai(b"tokens", most, tokens, reset_ms)
    return tuple(headers)


def _three(stem: bytes, limit: int, left: int, reset: bytes) -> tuple[tuple[bytes, bytes], ...]:
    return (stem + b"limit", b"%d" % limit), (stem + b"remaining", b"%d" % left), (stem + b"reset", reset)


def _openai(kind: bytes, limit: int, left: int, reset_ms: int) -> tuple[tuple[bytes, bytes], ...]:
    return (
        (b"x-ratelimit-limit-" + kind, b"%d" % limit),
        (b"x-ratelimit-remaining-" + kind, b"%d" % left),
        (b"x-ratelimit-reset-" + kind, _duration(reset_ms)),
    )


def _moment(at_ms: int) -> bytes:
    """RFC 3339, rounded up to the second."""
    return _second(-(-at_ms // 1_000))


@lru_cache(maxsize=1_024)
def _second(at: int) -> bytes:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()


def _duration(ms: int) -> bytes:
    """As OpenAI writes it: ``20ms``, ``1.5s``, ``6m0s``, ``23h59m1s``."""
    if ms < 1_000:
        return b"%dms" % ms
    if ms < 60_000:
        return f"{ms / 1_000:g}s".encode()
    minutes, seconds = divmod(-(-ms // 1_000), 60)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours}h" if hours else "").encode() + b"%dm%ds" % (minutes, seconds)
