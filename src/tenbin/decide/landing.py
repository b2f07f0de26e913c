"""1. A soft landing: how full the budgets of a caller are, which stage that is, and what the stages reached so far do.

Pure: the levels, the time and the settings are given. What a stage does only adds to what those before it do, so that
a fuller window never undoes anything. docs/landing.md tells it to people.
"""

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

import msgspec

from tenbin.config.experiments import Exploration
from tenbin.config.landing import LandingConfig, LandingPause, LandingStage
from tenbin.core.ask import Ask
from tenbin.core.budget import FOREVER_MS, Level
from tenbin.core.facts import PriceOf
from tenbin.core.features import TIERS
from tenbin.core.landing import NO_EFFECTS, Effects
from tenbin.core.price import Price, Rates
from tenbin.core.problems import Problem
from tenbin.core.target import Target
from tenbin.decide.abilities import Abilities, shipped
from tenbin.decide.candidates import eligible, lowered, resolve
from tenbin.decide.choice import weighs
from tenbin.decide.ladder import Ladder
from tenbin.decide.overrides import NONE, wanted
from tenbin.decide.policy import Policy
from tenbin.decide.routing import Routing
from tenbin.decide.substitutes import substitutes

EFFORTS = ("minimal", "low", "medium", "high")
WEEK_MS = 7 * 86_400_000
"""Budgets of shorter windows have no pace: a day's work is not spread over its night."""


class Reached(NamedTuple):
    """How far a caller's landing has come."""

    stage: int
    """How many stages are reached; 0: none."""
    level: Level | None
    """The fullest budget; None where none counts the caller."""
    stopping: Level | None
    """The hard budget because of which no new turn is begun; None where there is none."""


def reached(settings: LandingConfig, levels: Sequence[Level], now_ms: int) -> Reached:
    """Which stage the fullest of a caller's budgets has come to."""
    if not levels:
        return Reached(0, None, None)
    fullest, share = levels[0], levels[0].share
    for level in levels[1:]:
        if (more := level.share) > share:
            fullest, share = level, more
    if share < settings.stop_at and not (settings.stages and share >= settings.stages[0].at):
        return Reached(0, fullest, None)
    stage = 0
    for number, one in enumerate(settings.stages, start=1):
        if any(_holds(one, level, now_ms) for level in levels):
            stage = number
    full = [level for level in levels if level.claim.hard and level.share >= settings.stop_at]
    # The one that begins anew last says how long to wait.
    stopping = max(full, key=lambda level: (level.claim.ends_at_ms, level.share)) if full else None
    return Reached(stage, fullest, stopping)


def _holds(stage: LandingStage, level: Level, now_ms: int) -> bool:
    return level.share >= stage.at and (stage.pace is None or pace(level, now_ms) >= stage.pace)


def pace(level: Level, now_ms: int) -> float:
    """How many times faster than its window passes a budget is spent; 0 for windows shorter than a week or endless."""
    claim = level.claim
    length = claim.ends_at_ms - claim.starts_at_ms
    if claim.ends_at_ms >= FOREVER_MS or length < WEEK_MS - 7_200_000:  # clocks are set forward by up to two hours
        return 0.0
    passed = min(max((now_ms - claim.starts_at_ms) / length, 1 / length), 1.0)
    return level.share / passed


def inside(settings: LandingConfig, stage: int) -> int:
    """Up to which of the reached stages turns are changed that had begun before."""
    return max((number for number in range(1, stage + 1) if settings.stages[number - 1].inside_turns), default=0)


def effects(stages: Sequence[LandingStage], stage: int, turn_stage: int) -> Effects:
    """What is done at ``stage`` to a request whose turn has come to ``turn_stage``."""
    now, turn = stages[:stage], stages[:turn_stage]
    if not now and not turn:
        return NO_EFFECTS
    floors = [one.floor for one in turn if one.floor is not None]
    tiers = [one.tier for one in turn if one.tier is not None]
    efforts = [one.effort for one in turn if one.effort is not None]
    lengths = [one.max_tokens for one in now if one.max_tokens is not None]
    return Effects(
        substitutes=tuple(tuple(one.models.items()) for one in turn if one.models),
        floor=min(floors, default=None),
        tier=min(tiers, key=TIERS.index, default=None),
        effort=min(efforts, key=EFFORTS.index, default=None),
        max_tokens=min(lengths, default=None),
        relaxed_cache=any(one.cache for one in now),
        no_background=any(one.background for one in now),
        user_limits=min((one.user_limits for one in now), default=1.0),
    )


# -- what waits


def paused(stages: Iterable[LandingStage], ask: Ask) -> bool:
    """Whether one of these stages lets this request wait."""
    return any(_names(stage.pause, ask) for stage in stages)


def _names(pause: LandingPause, ask: Ask) -> bool:
    if not pause.anything:
        return False
    caller = ask.caller
    tags = caller.account.tags if caller.account is not None else ()
    return (
        _any(pause.keys, (caller.key_id, caller.name))
        or _any(pause.tags, tags)
        or _any(pause.names, (ask.head.model,))
        or _any(pause.paths, (ask.path,))
        or _any(pause.clients, (ask.client,))
    )


def _any(patterns: Sequence[str], words: Iterable[str]) -> bool:
    return any(fnmatchcase(word, pattern.replace("[", "[[]")) for pattern in patterns for word in words if word)


def costs_nothing(ask: Ask, policy: Policy, price: PriceOf | None) -> bool:
    """Whether everybody who may answer a request under a policy is known to be free, so that no budget need stop it."""
    if price is None or ask.steered:
        return False
    named = wanted(ask.head.model, NONE, policy)
    if isinstance(named, Problem):
        return False
    routing = policy.routing
    if routing is not None and weighs(named.name, policy):
        if routing.categories or any(rule.use for rule in routing.rules):
            return False
        targets = routing.cheap(routing.candidates) + policy.fallback
    else:
        targets = eligible(resolve(named.name, policy, len(ask.body)), ask.head).targets
    return bool(targets) and all(_is_free(price(one.provider, one.model, ask.arrived_at_ms)) for one in targets)


def _is_free(price: Price | None) -> bool:
    return price is not None and all(
        not rate for _, rates in price.steps for rate in (getattr(rates, name) for name in Rates.__struct_fields__)
    )


# -- the policy


def landed(policy: Policy, done: Effects, price: PriceOf | None, now_ms: int) -> Policy:
    """The policy under these effects. ``price``: what models cost, None where nobody knows."""
    abilities = _abilities(policy)
    maps = substitutes(done.substitutes, abilities, price, now_ms)

    def spares(target: Target) -> bool:
        return maps is not None and lowered(target, policy, maps, 0) is not target

    caching = policy.caching
    if caching is not None and (done.relaxed_cache or done.degrades):
        caching = msgspec.structs.replace(caching, relaxed=done.relaxed_cache, keeps=not done.degrades)
    cascades = policy.cascades
    if cascades is not None and maps is not None:
        ladders = {name: kept for name, one in cascades.ladders.items() if (kept := _ladder(one, spares)) is not None}
        cascades = msgspec.structs.replace(cascades, ladders=ladders)
    return msgspec.structs.replace(
        policy,
        substitutes=maps,
        routing=_routing(policy.routing, done, spares) if policy.routing is not None else None,
        cascades=cascades,
        caching=caching,
        hedging=None if done.no_background else policy.hedging,
    )


def _abilities(policy: Policy) -> Abilities:
    if policy.routing is not None:
        return policy.routing.abilities
    return policy.cascades.abilities if policy.cascades is not None else Abilities(shipped(), {})


def _routing(routing: Routing, done: Effects, spares: Callable[[Target], bool]) -> Routing:
    settings = routing.settings
    if done.no_background and settings.exploration.share:
        settings = msgspec.structs.replace(settings, exploration=Exploration())
    return msgspec.structs.replace(
        routing,
        settings=settings,
        most_floor=done.floor,
        spared=_spared(routing, done, spares),
    )


def _spared(routing: Routing, done: Effects, spares: Callable[[Target], bool]) -> frozenset[str]:
    spared = set[str]()
    if done.tier is not None:
        allowed = {one.name for tier in TIERS[: TIERS.index(done.tier) + 1] for one in routing.tiers.get(tier, ())}
        spared = {one.name for own in routing.tiers.values() for one in own} - allowed
    named = (routing.candidates, *routing.categories.values(), *(rule.use for rule in routing.rules))
    return frozenset(spared | {one.name for own in named for one in own if spares(one)})


def _ladder(ladder: Ladder, spares: Callable[[Target], bool]) -> Ladder | None:
    """Without the rungs for which something stands in; None where fewer than two are left: nothing is climbed then."""
    rungs = tuple(one for one in ladder.rungs if not spares(one.target))
    return msgspec.structs.replace(ladder, rungs=rungs) if len(rungs) > 1 else None
