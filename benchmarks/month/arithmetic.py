"""The usual sum for a month of 36 million tokens in and 12 million out, priced by the ledger's own function.

It is made at the prices of the models of a year ago; the same mix at today's stands beside it.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from tenbin.core.price import FREE, Price
from tenbin.core.usage import Usage
from tenbin.ledger.prices import PriceBook

INPUT, OUTPUT = 36_000_000, 12_000_000
DAILY_INPUT, DAILY_OUTPUT, DAYS = 1_800_000, 600_000, 20
MIX = (("local", 20), ("haiku", 30), ("sonnet", 35), ("opus", 15))
"""Percent of the tokens of each model."""
GENERATIONS = ("4-5", "5-5")


class Bill(NamedTuple):
    """A month's sum at one generation's prices, nano-USD."""

    generation: str
    all_opus: int
    mix: int
    parts: tuple[tuple[str, int], ...]
    """Of the mix, by model."""


def bills(at: datetime = datetime(2026, 11, 2, tzinfo=UTC)) -> list[Bill]:
    """The sums. Raises LookupError where a model's price is not known."""
    book = PriceBook({})
    book.wait()
    at_ms = int(at.timestamp() * 1_000)

    def price(name: str, generation: str) -> Price:
        if name == "local":
            return FREE
        found = book.price("anthropic", f"claude-{name}-{generation}", at_ms)
        if found is None:
            raise LookupError(f"no price is known of claude-{name}-{generation}")
        return found

    made = []
    for generation in GENERATIONS:
        parts = tuple((name, _cost(price(name, generation), share)) for name, share in MIX)
        made.append(Bill(generation, _cost(price("opus", generation), 100), sum(cost for _, cost in parts), parts))
    return made


def _cost(price: Price, percent: int) -> int:
    """So many percent of the month, as requests of 900 tokens in and 300 out: none reaches a step of a price."""
    requests = INPUT // 900 * percent // 100
    each = price.cost(Usage(input=900, output=300))
    assert each is not None
    return requests * each
