"""Words of the playbooks of weighing: a policy of three priced models, and what is known at noon."""

from decimal import Decimal
from typing import Any

from tenbin.config.load import parse
from tenbin.core.features import Features
from tenbin.core.money import pico_per_token
from tenbin.core.price import Price, Rates
from tenbin.core.session import Session, Warm
from tenbin.core.steps import Sensed
from tenbin.decide.policy import Policy
from tenbin.decide.resolve import policy
from tenbin.decide.weigh import Known
from tests.decide.plans import NOW_MS

SMALL, MIDDLE, LARGE = "maker/claude-small", "maker/claude-middle", "maker/claude-large"

USD = {SMALL: ("0.10", "0.50"), MIDDLE: ("2", "10"), LARGE: ("4", "20")}
"""Per million tokens: input, output."""

TEXT = """
providers:
  maker: {profile: anthropic, base_url: http://127.0.0.1:9, api_key: k}
models: {pinned: [maker/claude-large]}
routing:
  tiers: {low: [maker/claude-small], medium: [maker/claude-middle], high: [], highest: [maker/claude-large]}
  abilities: {maker/claude-small: 0, maker/claude-middle: 1.5, maker/claude-large: 3}
  aliases: {fast: maker/claude-small, thing: auto}
"""

EASY = (0.95, 0.96, 0.97, 0.98)
HARD = (0.20, 0.50, 0.80, 0.95)


def price(provider: str, model: str, at_ms: int) -> Price | None:
    """Claude's multipliers: reads a tenth, writes 1.25 and 2 times the input."""
    found = USD.get(f"{provider}/{model}")
    if found is None:
        return None
    given, produced = (pico_per_token(Decimal(value)) for value in found)
    rates = Rates(given, given // 10, given * 5 // 4, given * 2, produced, produced, given, produced, 10_000_000_000, 0)
    return Price(label=f"list {model}", steps=((0, rates),))


def a_policy(text: str = TEXT) -> Policy:
    """The policy of a configuration."""
    return policy(parse(text, environ={}))


def known(**fields: Any) -> Known:
    """What is known now."""
    return Known(**{"price": price, **fields})


def sensed(suffices: tuple[float, float, float, float] = EASY, session: Session | None = None, **fields: Any) -> Sensed:
    """What was found out about a request."""
    features = Features(**{"prompt_tokens": 1_000, "suffices": suffices, "learned": "test", **fields})
    return Sensed(features=features, session_key="local|s" if session else "", session=session)


def warm_on(target: str, tokens: int = 50_000, seconds: int = 200) -> Session:
    """A conversation that has been going on at a target for a while."""
    return Session(
        target=target,
        at_ms=NOW_MS - 100_000,
        requests=8,
        prompt_tokens=tokens,
        output_tokens=2_400,
        growth_tokens=tokens // 2,
        warm=(Warm(target=target, tokens=tokens, until_ms=NOW_MS + 1_000 * seconds, life_ms=300_000),),
    )
