"""8. The models that a configuration could ask, with their strength and their prices: what actions choose from."""

from collections.abc import Callable

from tenbin.core.price import Price
from tenbin.decide.abilities import Abilities, shipped
from tenbin.decide.policy import Policy
from tenbin.measure.spending.actions import Offer

BATCH = "batch"
"""The service tier of batches."""


def offers(
    policy: Policy, price: Callable[[str, str, int, str | None], Price | None], now_ms: int
) -> tuple[Offer, ...]:
    """Every target that stands in a chain or a tier, once, the weakest first. ``price``: as ``PriceBook.price``."""
    routing = policy.routing
    abilities = routing.abilities if routing is not None else Abilities(shipped())
    found = {target.name: target for chain in policy.chains.values() for target in chain}
    found |= {target.name: target for target in (*policy.default, *policy.fallback, *policy.facts.values())}
    if routing is not None:
        found |= {target.name: target for target in routing.candidates}
    known = []
    for name, target in found.items():
        if not target.model:
            continue
        listed = price(target.provider, target.model, now_ms, None)
        batch = price(target.provider, target.model, now_ms, BATCH)
        cheaper = batch is not None and listed is not None and batch.steps != listed.steps
        known.append(Offer(name, abilities.ability(name).value, listed, batch if cheaper else None))
    return tuple(sorted(known, key=lambda one: (one.ability, one.target)))
