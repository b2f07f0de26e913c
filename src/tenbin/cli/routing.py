"""How a configuration routes, in words: the table that `serve` and `check` show."""

from collections.abc import Sequence
from typing import Any
from unicodedata import east_asian_width

from tenbin.cli.language import say
from tenbin.core.target import Target
from tenbin.decide.policy import Policy


def routes(policy: Policy) -> list[tuple[str, tuple[str, ...]]]:
    """(what a client asks for, the targets that are tried in order), in the order of the rules."""

    def chain(targets: Sequence[Target]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(target.name for target in (*targets, *policy.fallback)))

    fallback = chain(())
    rows = [(name, chain(targets)) for name, targets in policy.chains.items()]
    rows += [(f"{name}/...", (f"{name}/...", *fallback)) for name in policy.providers]
    rows += [(f"{prefix}...", (f"{provider}/{prefix}...", *fallback)) for prefix, provider in families(policy)]
    rows.append((say("any other name", "その他の名前"), chain(policy.default)))
    return rows


def weighed(policy: Policy) -> tuple[str, tuple[str, ...]] | None:
    """(the names that are weighed, the targets among which), where there are any to choose among."""
    routing = policy.routing
    if routing is None or not routing.candidates:
        return None
    return ", ".join(routing.settings.names), tuple(target.name for target in routing.candidates)


def families(policy: Policy) -> list[tuple[str, str]]:
    """The families whose provider is there, by provider and name."""
    return sorted((pair for pair in policy.families if pair[1] in policy.providers), key=lambda pair: pair[::-1])


def table(policy: Policy) -> list[str]:
    """The routes as lines of text; a chain reads as who is tried first, then next."""
    rows, found = routes(policy), weighed(policy)
    names = [name for name, _ in rows] + ([found[0]] if found is not None else [])
    width = max(map(columns, names))
    then, nobody = say(", then ", "、次に "), say("nobody: it is refused", "なし (拒否されます)")
    lines = [f"{name}{' ' * (width - columns(name))}  -> {then.join(chain) or nobody}" for name, chain in rows]
    if found is not None:
        asked, targets = found
        among = say("weighed, the cheapest that is good enough of ", "比較して、質が足りる最安のもの: ")
        among = among if len(targets) > 1 else ""
        lines.insert(0, f"{asked}{' ' * (width - columns(asked))}  -> {among}{', '.join(targets)}")
    return lines


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: an East Asian character takes two."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


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
        "tiers": {tier: [target.name for target in targets] for tier, targets in routing.tiers.items()},
        "categories": {name: [target.name for target in targets] for name, targets in routing.categories.items()},
    }
