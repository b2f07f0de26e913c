"""Every place that names targets is known to those who look for them."""

from tenbin.config.chains import chains
from tenbin.config.findings import named_providers
from tenbin.config.load import parse


def test_each_list_of_targets_has_its_path() -> None:
    text = """
providers: {a: {dialect: openai_chat, base_url: http://127.0.0.1:9/v1}}
models: {m: [a/1]}
default: [a/2]
fallback: [a/3]
routing:
  tiers: {high: [a/4]}
  categories: {think: [a/5]}
  rules: [{}, {use: [a/6]}]
  judge: {target: a/7}
"""
    found = {path: chain for path, chain in chains(parse(text, environ={})) if chain}
    assert found == {
        ("models", "m"): ["a/1"],
        ("default",): ["a/2"],
        ("fallback",): ["a/3"],
        ("routing", "tiers", "high"): ["a/4"],
        ("routing", "categories", "think"): ["a/5"],
        ("routing", "rules", 1, "use"): ["a/6"],
        ("routing", "judge", "target"): ["a/7"],
    }


def test_a_provider_named_only_by_a_tier_is_named() -> None:
    config = parse("discover: true\nrouting: {tiers: {low: [openai/gpt-6-luna]}}", environ={"OPENAI_API_KEY": "k"})
    assert named_providers(config) == ["openai"]
