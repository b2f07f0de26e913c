"""5. What is said of a call that is not made: which budget has no room, how full it is, until when, and what to do."""

from datetime import datetime
from zoneinfo import ZoneInfo

from tenbin.core.ask import Caller
from tenbin.core.budget import Claim, Denied, SpendingUnavailable
from tenbin.core.money import format_usd
from tenbin.core.problems import BUDGETS_UNREACHABLE, NO_PRICE, Failure
from tenbin.core.target import Target
from tenbin.decide.balance import spent_headers

WAIT_MS = 2_000
"""Until a call under way may have ended."""
UNREACHABLE_MS = 5_000
"""Until a store may be there again."""


def named(claim: Claim, caller: Caller) -> str:
    """A budget in words: ``the budget of $5.00 a day of the team search``."""
    kind, _, name = claim.whose.partition(":")
    if kind == "key" and caller.name:
        name = caller.name
    whose = f" of the {kind} {name}" if name else ""
    window = "" if claim.window == "total" else f" {'an' if claim.window == 'hour' else 'a'} {claim.window}"
    return f"budget of {format_usd(claim.limit)}{window}{whose}"


def no_room(denied: Denied, target: str, caller: Caller, *, anthropic: bool = False) -> Failure:
    """There is no room; to Anthropic's clients it is said in headers as well."""
    claim, spent, reserved = denied.level
    passing = spent + denied.asked <= claim.limit
    aside = f", {format_usd(reserved)} set aside for calls under way" if reserved else ""
    until = ""
    if claim.window != "total":
        at = datetime.fromtimestamp(claim.ends_at_ms / 1_000, ZoneInfo(claim.zone))
        until = f" until {at:%Y-%m-%d %H:%M} {claim.zone}"
    advice = (
        "It may do once they have ended." if passing else "Ask for a shorter answer or a cheaper model, or raise it."
    )
    return Failure(
        kind="over_budget",
        message=f"The {named(claim, caller)} has no room for this call to {target}, which may cost up to "
        f"{format_usd(denied.asked)}: {format_usd(spent)} is spent{aside}{until}. {advice}",
        should_retry=True if passing else None,
        retry_after_ms=WAIT_MS if passing else None,
        headers=spent_headers(denied.level) if anthropic and not passing else (),
    )


def no_price(claim: Claim, target: Target, caller: Caller) -> Failure:
    """Nothing bounds what the call may cost."""
    return Failure(
        kind="over_budget",
        code=NO_PRICE,
        message=f"Nobody knows what {target.name} may cost, and the {named(claim, caller)} is hard. Set its price "
        f"under providers.{target.provider}.models, mark the provider `free`, or make the budget soft.",
    )


def unreachable(why: SpendingUnavailable) -> Failure:
    """What is spent cannot be known just now."""
    return Failure(
        kind="over_budget",
        code=BUDGETS_UNREACHABLE,
        message=f"Budgets cannot be checked just now, so nothing is spent: {why}.",
        should_retry=True,
        retry_after_ms=UNREACHABLE_MS,
    )
