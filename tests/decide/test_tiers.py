"""The tiers that are made up from what is offered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.features import TIERS
from tenbin.decide.abilities import Abilities, shipped
from tenbin.decide.tiers import Offered, default_tiers

ABILITIES = Abilities(shipped())
ANTHROPIC = Offered("anthropic", "anthropic")


def tiers(*offered: Offered) -> dict[str, list[str]]:
    return {tier: list(targets) for tier, targets in default_tiers(offered, ABILITIES).items()}


def test_local_models_then_haiku_then_sonnet_then_opus() -> None:
    assert tiers(ANTHROPIC, Offered("ollama", "ollama", ("qwen3-coder:30b",))) == {
        "low": ["ollama/qwen3-coder:30b", "anthropic/claude-haiku-5-5"],
        "medium": ["anthropic/claude-haiku-5-5", "anthropic/claude-sonnet-5-5"],
        "high": ["anthropic/claude-sonnet-5-5", "anthropic/claude-opus-5-5"],
        "highest": ["anthropic/claude-opus-5-5"],
    }


@pytest.mark.parametrize("profile", ["anthropic", "openai", "gemini", "deepseek", "openrouter"])
def test_each_provider_alone_fills_all_tiers(profile: str) -> None:
    made = tiers(Offered("p", profile))
    assert all(made.values())
    strengths = [max(ABILITIES.ability(target).value for target in made[tier]) for tier in TIERS]
    assert strengths == sorted(strengths)


def test_a_model_sold_twice_is_taken_from_its_maker() -> None:
    made = tiers(Offered("a-reseller", "openrouter"), ANTHROPIC)
    assert made == tiers(ANTHROPIC)


def test_a_provider_of_no_known_kind_offers_what_it_lists() -> None:
    made = tiers(Offered("x", None, ("foo-opus-1", "foo-8b")))
    assert made["low"] == ["x/foo-8b"]
    assert made["highest"] == ["x/foo-opus-1"]


def test_a_toy_stands_in_a_tier_only_alone() -> None:
    toy = Offered("local", "llamacpp", ("SmolLM2-135M",))
    assert all(targets == ["local/SmolLM2-135M"] for targets in tiers(toy).values())
    assert tiers(toy, ANTHROPIC) == tiers(ANTHROPIC)


def test_a_strong_local_model_is_low_too_since_it_costs_nothing() -> None:
    made = tiers(Offered("vllm", "vllm", ("kimi-k3",)), ANTHROPIC)
    assert "vllm/kimi-k3" in made["low"]
    assert "vllm/kimi-k3" in made["medium"]


def test_nothing_offered_gives_empty_tiers() -> None:
    assert tiers() == {tier: [] for tier in TIERS}
    assert tiers(Offered("litellm", "litellm")) == {tier: [] for tier in TIERS}


offers = st.lists(
    st.builds(
        Offered,
        st.sampled_from(["one", "two", "three"]),
        st.sampled_from(["anthropic", "openai", "ollama", "vllm", None]),
        st.lists(st.sampled_from(["foo-7b", "foo-opus", "bar", "qwen3:8b", "smollm2:135m"]), max_size=4).map(tuple),
        st.booleans(),
    ),
    max_size=4,
    unique_by=lambda one: one.provider,
)


@given(offers)
def test_whatever_is_offered_no_tier_is_empty_and_the_order_of_offers_does_not_matter(offered: list[Offered]) -> None:
    made = default_tiers(offered, ABILITIES)
    assert made == default_tiers(reversed(offered), ABILITIES)
    something = any(one.models or (one.profile in ("anthropic", "openai") and not one.local) for one in offered)
    assert all(bool(made[tier]) == something for tier in TIERS)
    for targets in made.values():
        values = [ABILITIES.ability(target).value for target in targets]
        assert values == sorted(values)
        assert len(set(targets)) == len(targets)
