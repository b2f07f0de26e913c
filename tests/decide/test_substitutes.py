"""What stands in for a model is cheaper, or weaker for the same, and reads the prompt."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.money import pico_per_token
from tenbin.core.price import Price, Rates
from tenbin.core.target import Target
from tenbin.decide.abilities import Abilities, shipped
from tenbin.decide.substitutes import BYTES_PER_TOKEN, Substitutes, substitutes
from tests.decide.plans import NOW_MS, target

ABLE = {"p/weak": 0.0, "p/middle": 1.5, "p/strong": 3.0, "p/unpriced": 0.5}
USD = {"p/weak": 1, "p/middle": 3, "p/strong": 5}


def _rates(usd: float) -> Rates:
    given, produced = (pico_per_token(Decimal(str(value))) for value in (usd, 5 * usd))
    return Rates(given, given, given, given, produced, produced, given, produced, 0, 0)


def price(provider: str, model: str, at_ms: int) -> Price | None:
    """``weak`` costs five times as much in prompts above 100,000 tokens, as Haiku 5.5 does."""
    usd = USD.get(f"{provider}/{model}")
    if usd is None:
        return None
    steps = ((0, _rates(usd)), (100_000, _rates(5 * usd))) if model == "weak" else ((0, _rates(usd)),)
    return Price(label="test", steps=steps)


def made(*stages: dict[str, str], priced: bool = True, ables: dict[str, float] | None = None) -> Substitutes:
    abilities = Abilities(shipped(), {**ABLE, **(ables or {})})
    found = substitutes(tuple(tuple(one.items()) for one in stages), abilities, price if priced else None, NOW_MS)
    assert found is not None
    return found


MAPS = made({"*strong*": "p/middle"}, {"p/mid*": "p/weak", "*": "p/weak"})


def test_patterns_name_targets_and_models_by_stages() -> None:
    assert [list(MAPS.of(stage, "p/strong", "strong")) for stage in (0, 1)] == [["p/middle"], ["p/weak"]]
    assert [list(MAPS.of(stage, "p/middle", "middle")) for stage in (0, 1)] == [[], ["p/weak", "p/weak"]]
    assert substitutes((), Abilities(shipped(), {}), None, 0) is None
    assert substitutes(((),), Abilities(shipped(), {}), None, 0) is None


def test_only_what_is_weaker_and_cheaper() -> None:
    weak, middle, strong, unpriced = (target(name) for name in ABLE)
    assert MAPS.lower(weak, strong, 0)
    assert MAPS.lower(middle, strong, 0)
    assert not MAPS.lower(strong, middle, 0)
    assert not MAPS.lower(middle, middle, 0)
    assert not MAPS.lower(unpriced, strong, 0), "nobody knows whether it is cheaper"
    assert MAPS.lower(weak, unpriced, 0)
    assert not MAPS.lower(middle, unpriced, 0), "nobody knows whether it is cheaper, and it is abler"
    assert made({"*": "p/weak"}, ables={"p/weak": 4.0}).lower(weak, strong, 0), "a better answer for less does no harm"
    assert made({"*": "p/weak"}, priced=False).lower(unpriced, strong, 0), "without prices abilities decide"


def test_a_price_that_rises_with_the_prompt_is_seen() -> None:
    weak, middle = target("p/weak"), target("p/middle")
    assert MAPS.lower(weak, middle, 99_000 * BYTES_PER_TOKEN)
    assert not MAPS.lower(weak, middle, 101_000 * BYTES_PER_TOKEN)


def test_a_prompt_that_does_not_fit_keeps_its_model() -> None:
    small = Target(provider="p", model="weak", dialects=("anthropic",), context=1_000)
    assert MAPS.lower(small, target("p/strong"), 1_000 * BYTES_PER_TOKEN)
    assert not MAPS.lower(small, target("p/strong"), 1_001 * BYTES_PER_TOKEN)


@given(st.sampled_from(sorted(ABLE)), st.sampled_from(sorted(ABLE)), st.integers(0, 1_000_000))
def test_nothing_stands_in_for_one_another_both_ways(one: str, other: str, body: int) -> None:
    """Unless both are the same in all that counts, which no two of these are."""
    assert not (MAPS.lower(target(one), target(other), body) and MAPS.lower(target(other), target(one), body))
