"""6. How well each target is, kept while the gateway runs: what decide.health folds, bounded in number."""

from collections.abc import Callable
from typing import TypeAlias

from tenbin.config.model import Cooldown
from tenbin.core.facts import TargetHealth
from tenbin.core.problems import Failure
from tenbin.core.target import Target
from tenbin.decide.allowance import Headers, empty_until, pool
from tenbin.decide.health import WELL, fold, probing

Now: TypeAlias = Callable[[], int]
"""UTC ms; asked only where it matters, which is seldom."""
MOST_UNWELL = 2_000
"""Targets whose failures are remembered. Clients may name any model of a provider: past this the oldest goes."""


def begun(health: dict[str, TargetHealth], name: str, now_ms: Now) -> None:
    """A call begins; behind a cooldown it is the one that finds out whether the target is well again."""
    known = health.get(name)
    if known is not None and known.closed_until_ms:
        health[name] = probing(known, now_ms())


def ended(health: dict[str, TargetHealth], name: str, failure: Failure | None, now_ms: Now, cooldown: Cooldown) -> None:
    """A call that reached for its provider has ended; ``failure`` is None when it was answered."""
    if failure is None:
        health.pop(name, None)
        return
    before = health.get(name)
    after = fold(before or WELL, failure, now_ms(), cooldown)
    if after == WELL:
        health.pop(name, None)
        return
    if before is None and len(health) >= MOST_UNWELL:
        del health[next(iter(health))]
    health[name] = after


def heard(exhausted: dict[str, int], target: Target, headers: Headers, now_ms: Now) -> None:
    """An answer's headers have come: what they say of the provider's rate limit holds until the next."""
    until = empty_until(headers, now_ms)
    if not until and not exhausted:
        return
    name = pool(target.name)
    exhausted.pop(name, None)
    if until:
        exhausted[name] = until
        if len(exhausted) > MOST_UNWELL:
            del exhausted[next(iter(exhausted))]
