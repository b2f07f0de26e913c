"""2. What a caller is told whose plan has no room: which limit it is, how large, and when there is room again."""

from collections.abc import Iterable
from datetime import UTC, datetime

from tenbin.core.problems import Problem
from tenbin.decide.limits import Entry, Plan

PATIENT_MS = 60_000
"""Clients are asked to try again by themselves where the wait is no longer than this."""


def used_up(found: Entry, plan: Plan, factor: float) -> Problem:
    """429 ``rate_limit_error``: the limit that has no room, and when it has."""
    patient = found.wait_ms <= PATIENT_MS
    wait = f"Try again in {-(-found.wait_ms // 1_000)} s."
    if found.limit == "requests_per_minute":
        words = f"{plan.requests_per_minute} requests a minute are allowed. {wait}"
    elif found.limit == "concurrent_streams":
        words = f"{plan.concurrent_streams} streamed answers at a time are allowed, and so many are under way. {wait}"
    else:
        day = int(plan.requests_per_day * factor), int(plan.tokens_per_day * factor)
        what = f"{day[0]} requests" if found.limit == "requests_per_day" else f"{day[1]} tokens"
        spent = "are used up" if found.limit == "requests_per_day" else "leave no room for this request"
        ends = datetime.fromtimestamp(found.used.day_ends_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M UTC")
        words = f"the day's {what} {spent}. The next day begins at {ends} (midnight in {plan.zone})."
    return Problem(
        status=429,
        code="rate_limit_error",
        message=f"Limit {found.limit} of the plan {plan.name!r}: {words}",
        retry_after_ms=found.wait_ms,
        should_retry=patient and found.limit not in ("requests_per_day", "tokens_per_day"),
        reason="rate_limited",
    )


def too_long(tokens: int, plan: Plan) -> Problem:
    """400, in the words by which Claude Code knows to compact the conversation."""
    return Problem(
        status=400,
        code="invalid_request_error",
        message=f"prompt is too long: {tokens} tokens > {plan.input_tokens} maximum (limit input_tokens of the plan "
        f"{plan.name!r}). Send less, or ask whoever runs the gateway for a larger plan.",
        param="messages",
        should_retry=False,
        reason="context_exceeded",
    )


def no_such_plan(name: str, plans: Iterable[str]) -> Problem:
    """403: without knowing what a key may do, nothing is done for it."""
    return Problem(
        status=403,
        code="permission_error",
        message=f"This key has the plan {name[:100]!r}, which is not defined here (there are {', '.join(plans)}). "
        "Whoever runs the gateway can add it under plans.named, or give the key another plan.",
        param="authorization",
        should_retry=False,
    )


def not_known(why: str) -> Problem:
    """503: what is used of the day cannot be told, so nobody knows whether there is room."""
    return Problem(
        status=503,
        code="api_error",
        message=f"What this key has used of its plan cannot be told just now: {why}. Try again in a moment.",
        fault="gateway",
        retry_after_ms=1_000,
        should_retry=True,
        reason="server_error",
    )
