"""How a configuration routes, in words: the table that `serve` and `check` show."""

from collections.abc import Sequence
from typing import Any
from unicodedata import east_asian_width

import msgspec

from tenbin.cli.language import say
from tenbin.config.routing import When
from tenbin.core.facts import PriceOf
from tenbin.core.target import Target
from tenbin.decide.policy import Policy
from tenbin.decide.routing import Routing, RuleInForce

ANYTHING = "\x01"
"""Stands for a name that nobody has configured."""

Row = tuple[str, str]
"""What is asked for, and what becomes of it."""


def rows(policy: Policy) -> list[Row]:
    """What nothing can reach is not shown: where every other name is weighed, that is the last row."""

    def chain(targets: Sequence[Target]) -> str:
        return _then(tuple(target.name for target in (*targets, *policy.fallback)))

    routing = policy.routing
    scales = weighed(routing) if routing is not None else []
    reached = routing.requested if routing is not None else ()
    fallback = tuple(target.name for target in policy.fallback)
    told = [(name, chain(targets)) for name, targets in policy.chains.items()]
    told += [(f"{name}/...", _then((f"{name}/...", *fallback))) for name in policy.providers]
    told += [(name, say(f"{meant} (alias)", f"{meant} (別名)")) for name, meant in policy.aliases.items()]
    if ANYTHING in reached:
        return told + scales
    for prefix, provider in families(policy):
        if prefix + ANYTHING not in reached:
            told.append((f"{prefix}...", _then((f"{provider}/{prefix}...", *fallback))))
    return [*scales, *told, (say("any other name", "その他の名前"), chain(policy.default))]


def _then(names: Sequence[str]) -> str:
    """A chain, as who is tried first, then next."""
    chain = tuple(dict.fromkeys(names))
    return say(", then ", "、次に ").join(chain) or say("nobody: it is refused", "なし (拒否されます)")


def weighed(routing: Routing) -> list[Row]:
    """The names that are weighed: for whom a rule names somebody, which categories have targets of their own, and among
    whom all others are weighed.
    """
    if not routing.requested:
        return []
    told = [(f"  {rule.name}", _rule(rule)) for rule in routing.rules]
    for category, targets in routing.categories.items():
        told.append((f"  {category}", _then([target.name for target in targets])))
    names = [target.name for target in routing.candidates]
    among = say("weighed, the cheapest that is good enough of ", "比較して、質が足りる最安のもの: ")
    rest = (among if len(names) > 1 else "") + (", ".join(names) or say("nobody", "なし"))
    asked = ", ".join(routing.settings.names)
    if not told:
        return [(asked, rest)]
    if "default" not in routing.categories:
        told.append((say("  all others", "  その他"), rest))
    return [(asked, say("the first that holds:", "該当する最初のもの:")), *told]


def _rule(rule: RuleInForce) -> str:
    """What a rule says, and for whom."""
    said = [_then([target.name for target in rule.use])] if rule.use else []
    settings = rule.rule
    if settings.among:
        said.append(say("only ", "限定: ") + ", ".join(settings.among))
    if settings.without:
        said.append(say("never ", "除外: ") + ", ".join(settings.without))
    if settings.regions:
        said.append(say("in ", "地域: ") + ", ".join(settings.regions))
    for field in ("floor", "mode", "speed"):
        value = getattr(settings, field)
        if value is not None:
            said.append(f"{field} {value}")
    conditions = []
    for field in When.__struct_fields__:
        value = getattr(settings.when, field)
        if value is not None and value != []:
            conditions.append(f"{field} {', '.join(value) if isinstance(value, list) else value}")
    whom = "; ".join(conditions) or say("always", "常に")
    return say(f"{'; '.join(said) or 'nothing'} (when {whom})", f"{'; '.join(said) or 'なし'} (条件: {whom})")


def families(policy: Policy) -> list[tuple[str, str]]:
    """The families whose provider is there, by provider and name."""
    return sorted((pair for pair in policy.families if pair[1] in policy.providers), key=lambda pair: pair[::-1])


def table(policy: Policy) -> list[str]:
    """The routes as lines of text."""
    told = rows(policy)
    width = max(columns(name) for name, _ in told)
    return [f"{name}{' ' * (width - columns(name))}  -> {what}" for name, what in told]


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: an East Asian character takes two."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def unpriced(policy: Policy, price: PriceOf, now_ms: int) -> list[str]:
    """Those among whom requests are weighed whose price nobody knows: they are chosen only when nobody else is left."""
    routing = policy.routing
    if routing is None or not routing.requested:
        return []
    return [one.name for one in routing.candidates if price(one.provider, one.model, now_ms) is None]


def plain(policy: Policy) -> dict[str, Any]:
    """The same for programs."""
    return {
        "policy": policy.hash,
        "models": {name: [target.name for target in chain] for name, chain in policy.chains.items()},
        "families": dict(families(policy)),
        "providers": {name: list(target.dialects) for name, target in policy.providers.items()},
        "default": [target.name for target in policy.default],
        "fallback": [target.name for target in policy.fallback],
        "aliases": dict(policy.aliases),
        "weighed": _plain_routing(policy),
    }


def _plain_routing(policy: Policy) -> dict[str, Any] | None:
    routing = policy.routing
    if routing is None:
        return None
    return {
        "names": list(routing.settings.names),
        "mode": routing.settings.mode,
        "floor": routing.settings.floor,
        "tiers": {tier: [target.name for target in targets] for tier, targets in routing.tiers.items()},
        "categories": {name: [target.name for target in targets] for name, targets in routing.categories.items()},
        "rules": [{**msgspec.to_builtins(rule.rule), "name": rule.name} for rule in routing.rules],
        "router": routing.settings.router,
        "judge": routing.judge.name if routing.judge is not None else None,
    }
