"""Words of the tests of true cost: turns of a conversation, what is warm of it, and the real price table."""

from typing import Any

from hypothesis import strategies as st

from tenbin.core.features import TASK_TYPES, Features
from tenbin.core.price import Price, Rates
from tenbin.core.session import Session, Warm
from tenbin.core.weighing import Cost
from tenbin.decide.cache_rules import NEVER, CacheRules, find
from tenbin.decide.cost import marginal
from tenbin.decide.expectation import Tokens
from tenbin.decide.rest import Prospect
from tenbin.ledger.prices import PriceBook
from tests.ledger.making import NOON_MS

BOOK = PriceBook({})
"""One for all tests of a process: it reads the price library in a child process, once."""

OPUS, HAIKU, SONNET = "anthropic/claude-opus-5-5", "anthropic/claude-haiku-5-5", "anthropic/claude-sonnet-5-5"
FABLE, LUNA, GPT = "anthropic/claude-fable-5-1", "openai/gpt-6-luna", "openai/gpt-6.1-sol"
TARGETS = [OPUS, HAIKU, SONNET, FABLE, LUNA, GPT, "openai/gpt-5-mini", "gemini/gemini-3.8-flash"]

CENT = 10_000_000
NOTHING_TO_SAY = Tokens(0, 0, 0)


def price_of(target: str) -> Price:
    provider, _, model = target.partition("/")
    price = BOOK.price(provider, model, NOON_MS)
    assert price is not None, target
    return price


def rules_of(target: str) -> CacheRules:
    provider, _, model = target.partition("/")
    return find(provider, model)


def a_turn(prompt_tokens: int, **changes: Any) -> Features:
    """A coding agent's turn, its prompt marked for caching."""
    values: dict[str, Any] = {"agent": True, "tools": 20, "cache_marks": 3, "turn": 3, "task": "code_generation"}
    return Features(prompt_tokens=prompt_tokens, **{**values, **changes})


def warm_on(target: str, tokens: int, left_ms: int = 240_000, **changes: Any) -> Session:
    """A conversation of twenty answers on a target where so many tokens are warm."""
    warm = Warm(target=target, tokens=tokens, until_ms=NOON_MS + left_ms, life_ms=300_000)
    values: dict[str, Any] = {
        "target": target,
        "at_ms": NOON_MS - 60_000,
        "requests": 20,
        "prompt_tokens": tokens,
        "output_tokens": 10_000,
        "growth_tokens": 32_000,
        "warm": (warm,),
    }
    return Session(**{**values, **changes})


def cost_of(
    target: str, features: Features, session: Session | None = None, tokens: Tokens = NOTHING_TO_SAY, **more: Any
) -> Cost:
    cost = marginal(price_of(target), features, session, target, rules_of(target), tokens, NOON_MS, **more)
    assert cost is not None
    return cost


def prospect(target: str, tokens: Tokens = NOTHING_TO_SAY, **more: Any) -> Prospect:
    return Prospect(target, price_of(target), rules_of(target), tokens, **more)


rate = st.integers(min_value=0, max_value=50_000_000)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    """Any price whose reads cost no more than plain input, and that; with up to two steps, dearer each."""
    read = draw(rate)
    plain = read + draw(rate)
    write = plain + draw(rate)
    output, search, once = draw(rate), draw(st.one_of(st.none(), rate)), draw(rate)
    steps = [0, *sorted(draw(st.sets(st.integers(1_000, 300_000), max_size=2)))]
    return Price(
        label="drawn",
        steps=tuple(
            (
                start,
                Rates(
                    input=plain * n,
                    cache_read=read * n,
                    cache_write_5m=write * n,
                    cache_write_1h=2 * write * n,
                    output=output * n,
                    reasoning=output * n,
                    audio_input=plain * n,
                    audio_output=output * n,
                    web_search=search,
                    per_request=once,
                ),
            )
            for n, start in enumerate(steps, 1)
        ),
    )


tokens = st.builds(Tokens, st.integers(0, 20_000), st.integers(0, 40_000), st.integers(0, 20_000))
rules = st.sampled_from([NEVER, *(rules_of(target) for target in TARGETS), find("ollama", "llama3.3")])
features = st.builds(
    Features,
    category=st.sampled_from(["default", "web_search", "background", "think"]),
    prompt_tokens=st.integers(0, 400_000),
    max_tokens=st.one_of(st.none(), st.integers(1, 64_000)),
    effort=st.sampled_from(["", "low", "high", "max"]),
    task=st.sampled_from(TASK_TYPES),
    turn=st.integers(1, 50),
    agent=st.booleans(),
    compaction=st.booleans(),
    cache_marks=st.integers(0, 4),
    cache_1h=st.booleans(),
)
warm = st.builds(
    Warm,
    target=st.sampled_from(TARGETS),
    tokens=st.integers(0, 400_000),
    until_ms=st.integers(NOON_MS - 3_600_000, NOON_MS + 3_600_000),
    life_ms=st.sampled_from([300_000, 3_600_000]),
    effort=st.sampled_from([None, "", "high"]),
)
sessions = st.builds(
    Session,
    target=st.sampled_from(["", *TARGETS]),
    at_ms=st.just(NOON_MS - 60_000),
    requests=st.integers(0, 500),
    prompt_tokens=st.integers(0, 400_000),
    output_tokens=st.integers(0, 500_000),
    growth_tokens=st.integers(0, 1_000_000),
    switches=st.integers(0, 20),
    warm=st.lists(warm, max_size=4, unique_by=lambda w: w.target).map(tuple),
)
