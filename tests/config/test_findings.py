"""What is found fills the gaps of what the file says, and never more than that."""

from typing import Any

import genai_prices
import pytest

from tenbin.config.digest import digest
from tenbin.config.findings import (
    DEFAULT_MODELS,
    EMBEDDED_MODEL,
    OLLAMA_CONTEXT,
    Findings,
    FoundKey,
    FoundModel,
    FoundServer,
    build,
    found_keys,
)
from tenbin.config.load import parse
from tenbin.config.model import Config
from tenbin.config.quirks import PROFILES

OLLAMA = FoundServer(
    "ollama",
    "http://127.0.0.1:11434",
    (FoundModel("nomic-embed-text", 2048, chat=False), FoundModel("qwen3:8b", 262_144), FoundModel("tiny", 2048)),
)
ANTHROPIC = FoundKey("anthropic", "ANTHROPIC_API_KEY")
OPENAI = FoundKey("openai", "OPENAI_API_KEY")
ENVIRON = {"ANTHROPIC_API_KEY": " secret-a\n", "OPENAI_API_KEY": "secret-o"}


def built(text: str = "", **found: Any) -> Config:
    return build(parse(text, environ=ENVIRON), Findings(**found), ENVIRON)


def test_keys_are_found_by_the_names_that_providers_use() -> None:
    found, missing = found_keys({"GOOGLE_API_KEY": "x", "OPENAI_API_KEY": "  ", "ANTHROPIC_API_KEY": "tb-local"})
    assert found == (FoundKey("gemini", "GOOGLE_API_KEY"),)
    assert {"OPENAI_API_KEY", "ANTHROPIC_API_KEY"} <= set(missing), "blank, and Tenbin's own word for no key"


def test_a_key_for_a_server_of_this_machine_says_not_where_it_is() -> None:
    assert found_keys({"LITELLM_API_KEY": "x"})[0] == ()


def test_with_nothing_at_all_the_embedded_model_answers() -> None:
    config = built(embedded=True)
    assert config.default == [f"local/{EMBEDDED_MODEL}"]
    assert config.models == {EMBEDDED_MODEL: [f"local/{EMBEDDED_MODEL}"]}
    assert config.providers["local"].free


def test_with_nothing_and_no_embedded_model_nobody_answers() -> None:
    config = built()
    assert (config.default, config.providers) == ([], {})


@pytest.mark.parametrize("found", [{"keys": (ANTHROPIC,)}, {"servers": (OLLAMA,)}])
def test_the_embedded_model_stays_out_when_there_is_anything_else(found: dict) -> None:
    config = built(embedded=True, **found)
    assert "local" not in config.providers
    assert not any("local/" in target for target in config.default)


def test_the_embedded_model_comes_where_it_is_asked_for_or_named() -> None:
    assert "local" in built("local_model: true", embedded=True, keys=(ANTHROPIC,)).providers
    assert "local" in built(f"fallback: [local/{EMBEDDED_MODEL}]", embedded=True, keys=(ANTHROPIC,)).providers
    assert "local" not in built("local_model: false", embedded=True).providers


def test_the_default_chain_goes_from_capable_to_small() -> None:
    config = built(keys=(OPENAI, ANTHROPIC), servers=(OLLAMA,))
    assert config.default == [
        f"anthropic/{DEFAULT_MODELS['anthropic']}",
        f"openai/{DEFAULT_MODELS['openai']}",
        "ollama/qwen3:8b",
    ]


def test_a_servers_models_can_be_asked_for_by_name_and_their_context_is_known() -> None:
    config = built(servers=(OLLAMA,))
    assert config.models["tiny"] == ["ollama/tiny"]
    assert config.providers["ollama"].models["tiny"].context == 2048
    assert config.providers["ollama"].models["qwen3:8b"].context == OLLAMA_CONTEXT
    assert config.providers["ollama"].free


def test_what_the_file_says_wins() -> None:
    text = """
providers:
  anthropic: {api_key: mine}
  ollama: {models: {tiny: {context: 512}}}
models: {tiny: [anthropic/x]}
default: [anthropic/y]
"""
    config = built(text, keys=(ANTHROPIC,), servers=(OLLAMA,))
    assert config.providers["anthropic"].api_key == "mine"
    assert config.providers["ollama"].models["tiny"].context == 512
    assert config.models["tiny"] == ["anthropic/x"]
    assert config.default == ["anthropic/y"]


def test_a_server_elsewhere_is_another_server() -> None:
    config = built("providers: {ollama: {base_url: 'http://10.0.0.9:11434'}}", servers=(OLLAMA,))
    assert config.providers["ollama"].models == {}


def test_a_found_key_goes_to_its_own_provider_only() -> None:
    text = "providers: {mirror: {profile: openai, base_url: 'https://mirror.test/v1'}, second: {profile: openai}}"
    config = built(text, keys=(OPENAI,))
    assert config.providers["mirror"].api_key is None
    assert config.providers["second"].api_key == "secret-o"
    assert config.providers["openai"].api_key == "secret-o"


def test_a_key_is_taken_without_blanks_around_it() -> None:
    assert built(keys=(ANTHROPIC,)).providers["anthropic"].api_key == "secret-a"


def test_without_discovery_only_the_file_counts() -> None:
    config = built("discover: false\nproviders: {openai: {}}", keys=(ANTHROPIC,), servers=(OLLAMA,), embedded=True)
    assert set(config.providers) == {"openai"}
    assert config.providers["openai"].api_key is None
    assert config.default == []


def test_a_local_server_that_a_chain_names_is_there_even_before_it_is_started() -> None:
    assert "ollama" in built("default: [ollama/qwen3:8b]").providers


def test_the_default_models_are_known_to_the_price_library() -> None:
    """A name that nobody sells would make the default chain fail."""
    for profile, model in DEFAULT_MODELS.items():
        assert profile in PROFILES
        if profile != "openrouter":  # its automatic choice has no price of its own
            provider = "google" if profile == "gemini" else profile
            price = genai_prices.calc_price(
                genai_prices.Usage(input_tokens=1000, output_tokens=1000), model, provider_id=provider
            )
            assert price.total_price > 0


def test_the_digest_tells_configurations_apart_but_not_by_their_secrets() -> None:
    text = (
        "providers: {{openai: {{api_key: {key}, headers: {{h: {key}}}}}}}\nmaster_key: {key}\ndefault: [openai/{model}]"
    )

    def hashed(key: str, model: str) -> str:
        return digest(parse(text.format(key=key, model=model), environ={}))

    assert hashed("a" * 20, "x") == hashed("b" * 20, "x")
    assert hashed("a" * 20, "x") != hashed("a" * 20, "y")
    assert digest(built(keys=(ANTHROPIC,))) != digest(built(keys=(OPENAI,)))
