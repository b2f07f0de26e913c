"""4. The policy in force for a key that may not use every model: whoever decides under it sees the others nowhere, be
it to weigh, to climb, to fall back on, to hedge with or to ask for an opinion. Pure; made once for each set of rules.
"""

import hashlib
from collections.abc import Iterable

import msgspec

from tenbin.core.account import Account
from tenbin.core.problems import Problem, Unreadable
from tenbin.core.target import Target
from tenbin.decide.access import Access, access
from tenbin.decide.caching.policy import CachePolicy
from tenbin.decide.candidates import resolve
from tenbin.decide.choice import weighs
from tenbin.decide.ladder import Cascades, Ladder
from tenbin.decide.overrides import NONE, wanted
from tenbin.decide.policy import Policy
from tenbin.decide.routing import Names, Routing


class _Both(Names, frozen=True):
    """Names that are in two lists."""

    rules: Access | None = None

    def __contains__(self, name: object) -> bool:
        permitted = self.rules is None or (isinstance(name, str) and self.rules.permits_name(name))
        return permitted and super().__contains__(name)


def restricted(policy: Policy, account: Account) -> Policy:
    """The policy for a key with ``models``, ``targets`` or ``tiers`` of its own, or with a plan that has only some."""
    rules = access(account.models, account.targets, account.tiers, tiered(policy, account.tiers), account.plan_targets)
    aliases = {}
    for alias in policy.aliases:
        if rules.permits_name(alias):
            meant = wanted(alias, NONE, policy)
            assert not isinstance(meant, Problem)
            aliases[alias] = meant.name
    rules = msgspec.structs.replace(rules, granted=frozenset(aliases.values()))
    return msgspec.structs.replace(
        policy,
        access=rules,
        aliases=aliases,
        fallback=_kept(policy.fallback, rules),
        routing=_routing(policy.routing, rules) if policy.routing is not None else None,
        cascades=_cascades(policy.cascades, rules) if policy.cascades is not None else None,
        caching=_caching(policy.caching, account) if policy.caching is not None else None,
    )


def tiered(policy: Policy, tiers: Iterable[str]) -> frozenset[str]:
    """Names (``provider/model``) of the targets in these tiers. One that stands in no tier is in none of them."""
    if policy.routing is None:
        return frozenset()
    wanted = frozenset(tiers)
    return frozenset(
        target.name for tier, targets in policy.routing.tiers.items() if tier in wanted for target in targets
    )


def listed(wanted_names: Iterable[str], policy: Policy) -> list[str]:
    """Those of the names by which a request under this policy would find somebody to answer it."""
    return [name for name in wanted_names if policy.access is None or _leads(name, policy)]


def _leads(name: str, policy: Policy) -> bool:
    meant = wanted(name, NONE, policy)
    if isinstance(meant, Problem):
        return False
    if weighs(meant.name, policy):
        return True
    try:
        return bool(resolve(meant.name, policy).targets)
    except Unreadable:
        return False


def _kept(targets: tuple[Target, ...], rules: Access) -> tuple[Target, ...]:
    return tuple(target for target in targets if rules.permits(target))


def _allowed(target: Target | None, rules: Access) -> Target | None:
    return target if target is not None and rules.permits(target) else None


def _routing(routing: Routing, rules: Access) -> Routing | None:
    """None when nobody is left to weigh: then nothing is weighed."""
    candidates = _kept(routing.candidates, rules)
    if not candidates:
        return None
    categories = {word: left for word, own in routing.categories.items() if (left := _kept(own, rules))}
    return msgspec.structs.replace(
        routing,
        requested=_Both(routing.requested.exact, routing.requested.pattern, rules),
        tiers={tier: _kept(own, rules) for tier, own in routing.tiers.items()},
        candidates=candidates,
        categories=categories,
        rules=tuple(msgspec.structs.replace(rule, use=_kept(rule.use, rules)) for rule in routing.rules),
        judge=_allowed(routing.judge, rules),
    )


def _cascades(cascades: Cascades, rules: Access) -> Cascades:
    ladders = {name: left for name, ladder in cascades.ladders.items() if (left := _ladder(ladder, rules)) is not None}
    return msgspec.structs.replace(cascades, ladders=ladders)


def _ladder(ladder: Ladder, rules: Access) -> Ladder | None:
    """None when fewer than two rungs are left: there is nothing to climb."""
    rungs = tuple(
        msgspec.structs.replace(one, judge=_allowed(one.judge, rules))
        for one in ladder.rungs
        if rules.permits(one.target)
    )
    return msgspec.structs.replace(ladder, rungs=rungs) if len(rungs) > 1 else None


def _caching(caching: CachePolicy, account: Account) -> CachePolicy:
    """Answers are shared only with keys of the same rules: others' may come from a model that is not for this one."""
    told = msgspec.json.encode((caching.epoch, account.models, account.targets, account.tiers, account.plan_targets))
    return msgspec.structs.replace(caching, epoch=hashlib.sha256(told).hexdigest()[:16])
