"""4. Which cheaper model stands in for another while a budget is nearly spent. Pure.

A substitute is never dearer than what it stands in for, whatever the configuration says; nor abler, where it costs as
much or nobody knows the prices.
"""

from collections.abc import Iterator

import msgspec

from tenbin.core.facts import PriceOf
from tenbin.core.price import Price
from tenbin.core.target import Target
from tenbin.decide.abilities import Abilities
from tenbin.decide.routing import Names, names

BYTES_PER_TOKEN = 4
"""Of a request's body, to see whether a prompt fits a smaller context window, and at which step of a price it is."""


class Substitutes(msgspec.Struct, frozen=True, kw_only=True):
    """The maps of all stages that are reached, the first stage's first: each lowers what the one before has made."""

    stages: tuple[tuple[tuple[Names, str], ...], ...]
    abilities: Abilities
    price: PriceOf | None = None
    """None where no prices are known: then only abilities count."""
    now_ms: int = 0
    """UTC ms of the prices that are compared."""

    def of(self, stage: int, *named: str) -> Iterator[str]:
        """Names that may stand in at a stage for what bears one of these names."""
        for pattern, name in self.stages[stage]:
            if any(one in pattern for one in named):
                yield name

    def lower(self, one: Target, other: Target, body_bytes: int) -> bool:
        """Whether ``one`` may stand in for ``other``: it reads the prompt, and is cheaper, or weaker for the same."""
        if one.name == other.name:
            return False
        weaker = self._able(one) < self._able(other)
        tokens = body_bytes // BYTES_PER_TOKEN
        row = self.abilities.row(one.name)
        context = one.context or (row.context if row is not None else None)
        if context is not None and tokens > context:
            return False
        if self.price is None:
            return weaker
        cost = _cost(self.price(one.provider, one.model, self.now_ms), tokens)
        before = _cost(self.price(other.provider, other.model, self.now_ms), tokens)
        if cost is None:
            return before is None and weaker
        return weaker if before is None or cost == before else cost < before

    def _able(self, target: Target) -> float:
        return self.abilities.ability(target.name).value


def substitutes(
    stages: tuple[tuple[tuple[str, str], ...], ...], abilities: Abilities, price: PriceOf | None, now_ms: int
) -> Substitutes | None:
    """Take the maps in; None where there are none."""
    made = tuple(tuple((names([pattern]), name) for pattern, name in stage) for stage in stages if stage)
    return Substitutes(stages=made, abilities=abilities, price=price, now_ms=now_ms) if made else None


def _cost(price: Price | None, tokens: int) -> float | None:
    """Three tokens of input for one of output, in this length of prompt; None where nobody knows."""
    if price is None:
        return None
    rates = price.rates(tokens)
    if rates.input is None or rates.output is None:
        return None
    return (3 * rates.input + rates.output) / 4
