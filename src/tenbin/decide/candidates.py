"""Which targets may answer: from the model name that the client asked for to an ordered chain.

Order of the rules: a configured name; an explicit ``provider/model`` (or ``provider,model``); the provider of the
name's family; the nearest configured model of the same maker; the default chain; another maker's. Then what the request
needs is held against what each target can do.
"""

from typing import NamedTuple

import msgspec

from tenbin.core.ask import Head
from tenbin.core.target import Target
from tenbin.core.weighing import Weighing
from tenbin.decide.names import map_name
from tenbin.decide.policy import Policy
from tenbin.decide.substitutes import Substitutes


class Chain(NamedTuple):
    """Targets in the order in which they are tried."""

    route: str
    """Which rule chose them."""
    targets: tuple[Target, ...]
    rejected: tuple[tuple[str, str], ...] = ()
    """(target, reason) of those left out."""
    tagged: bool = False
    """A model tag in the prompt was followed: it is taken out of the body."""
    name: str = ""
    """The configured name whose chain it is; empty for another one."""
    weighing: Weighing | None = None
    """How the targets were chosen, where they were weighed."""
    spared: tuple[Target, ...] = ()
    """Whom cheaper ones stand in for while a budget lands: they answer what those cannot."""


def resolve(model: str, policy: Policy, body_bytes: int = 0) -> Chain:
    """The chain for a model name; empty when the policy has nothing at all to offer. Raises Unreadable for what the
    caller's key may not use: whoever is tried, by whatever way, has come through here or through a restricted Routing.
    ``body_bytes``: the request's length, where cheaper models may have to stand in.
    """
    access = policy.access
    if access is not None:
        access.check_name(model)
    chain = _resolved(model, policy)
    if access is not None:
        kept, rejected = access.divided(model, chain.targets)
        chain = chain._replace(targets=kept, rejected=rejected)
    return chain if policy.substitutes is None else _landed(chain, policy, policy.substitutes, body_bytes)


def _landed(chain: Chain, policy: Policy, substitutes: Substitutes, body_bytes: int) -> Chain:
    """The chain with what stands in for it, stage by stage: for the configured name as a whole, then for each target.
    What one stage has made is only ever lowered by the next.
    """
    name, targets = chain.name, chain.targets
    for stage in range(len(substitutes.stages)):
        for other_name in substitutes.of(stage, name) if name and targets else ():
            other = _standing_in(other_name, policy)
            if other.targets and substitutes.lower(other.targets[0], targets[0], body_bytes):
                first = targets[0]
                name = other.name
                targets = tuple(one for one in other.targets if substitutes.lower(one, first, body_bytes))
                break
        targets = tuple(_lowered(one, stage, policy, substitutes, body_bytes) for one in targets)
    targets = tuple({one.name: one for one in targets}.values())
    if [one.name for one in targets] == [one.name for one in chain.targets]:
        return chain
    return chain._replace(name=name, route=f"landing {chain.route}", targets=targets, spared=chain.targets)


def lowered(target: Target, policy: Policy, substitutes: Substitutes, body_bytes: int) -> Target:
    """What stands in for one target; itself where nothing does."""
    for stage in range(len(substitutes.stages)):
        target = _lowered(target, stage, policy, substitutes, body_bytes)
    return target


def _lowered(target: Target, stage: int, policy: Policy, substitutes: Substitutes, body_bytes: int) -> Target:
    for name in substitutes.of(stage, target.name, target.model):
        others = _standing_in(name, policy).targets
        if others and substitutes.lower(others[0], target, body_bytes):
            return msgspec.structs.replace(others[0], stand_in=True)
    return target


def _standing_in(name: str, policy: Policy) -> Chain:
    """The chain of a name that stands in, as far as the caller's key may use it; empty for what nobody here serves."""
    served = name in policy.chains or any(
        name.partition(separator)[0] in policy.providers and name.partition(separator)[2] for separator in "/,"
    )
    if not served and not any(name.startswith(prefix) for prefix, _ in policy.families):
        return Chain("none", ())
    chain = _resolved(name, policy)
    if policy.access is None:
        return chain
    return chain._replace(targets=tuple(one for one in chain.targets if policy.access.permits(one)))


def _resolved(model: str, policy: Policy) -> Chain:
    chain = policy.chains.get(model)
    if chain is not None:
        return Chain(f"model:{model}", _with_fallback(chain, policy), name=model)
    for separator in "/,":
        provider, found, rest = model.partition(separator)
        if found and rest and provider in policy.providers:
            return Chain("provider", _with_fallback((_complete(provider, rest, policy),), policy))
    for prefix, provider in policy.families:
        if model.startswith(prefix) and provider in policy.providers:
            return Chain(f"family:{prefix}", _with_fallback((_complete(provider, model, policy),), policy))
    return _mapped(model, policy, same_maker=True) or (
        Chain("default", _with_fallback(policy.default, policy))
        if policy.default
        else _mapped(model, policy, same_maker=False) or Chain("default", _with_fallback((), policy))
    )


def _mapped(model: str, policy: Policy, *, same_maker: bool) -> Chain | None:
    """The chain of the configured target that is nearest to a name that nobody serves; None when there is none. A
    default chain is somebody's own word for such names, so that only the maker's own models come before it.
    """
    available = dict(policy.facts)
    for chain in (*policy.chains.values(), policy.default, policy.fallback):
        for target in chain:
            available.setdefault(target.name, target)
    if policy.access is not None:
        available = {name: target for name, target in available.items() if policy.access.permits(target)}
    nearest = map_name(model, available, same_maker=same_maker)
    if nearest is None:
        return None
    target = msgspec.structs.replace(available[nearest.target], stand_in=False)
    return Chain(f"mapped:{model}", _with_fallback((target,), policy))


def eligible(chain: Chain, head: Head) -> Chain:
    """The chain without the targets that lack what the request needs; each rejection has its reason."""
    if not head.needs:
        return chain
    kept: list[Target] = []
    rejected: list[tuple[str, str]] = list(chain.rejected)
    for target in chain.targets:
        reason = lack(head, target)
        if reason is None:
            kept.append(target)
        else:
            rejected.append((target.name, reason))
    if not kept and chain.spared:
        return eligible(chain._replace(targets=chain.spared, spared=(), rejected=tuple(rejected)), head)
    return chain._replace(targets=tuple(kept), rejected=tuple(rejected))


def lack(head: Head, target: Target) -> str | None:
    """What the request needs and the target does not have, in words; None when it has everything."""
    quirks = target.quirks
    needs = head.needs
    if "tools" in needs and not quirks.tools:
        return "it takes no tools"
    if "forced_tool_choice" in needs and not quirks.forced_tool_choice:
        return "it does not honour a forced tool choice"
    if "prefill" in needs and not quirks.prefill:
        return "it does not go on with an answer that has been begun (a last message of the assistant's)"
    if "images" in needs and not quirks.images:
        return "it takes no images"
    if "documents" in needs and not quirks.documents:
        return "it takes no documents"
    return None


def _complete(provider: str, model: str, policy: Policy) -> Target:
    known = policy.facts.get(f"{provider}/{model}")
    if known is not None:
        return known
    target = policy.providers[provider]
    for prefix, quirks in policy.variants.get(provider, ()):
        if model.startswith(prefix):
            return msgspec.structs.replace(target, model=model, quirks=quirks)
    return msgspec.structs.replace(target, model=model)


def _with_fallback(chain: tuple[Target, ...], policy: Policy) -> tuple[Target, ...]:
    if not policy.fallback:
        return chain
    names = {target.name for target in chain}
    return chain + tuple(target for target in policy.fallback if target.name not in names)
