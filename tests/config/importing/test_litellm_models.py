"""LiteLLM's deployments: who answers each, under which name, with which key and price."""

from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from tenbin.config.importing.litellm import read
from tenbin.config.importing.report import Imported
from tenbin.config.load import parse
from tenbin.config.model import Config
from tenbin.config.provider import complete


def imported(*params: dict[str, Any], names: Sequence[str] = "abcdef", **options: bool) -> Imported:
    """One deployment for each, under the names ``a``, ``b`` ..."""
    rows = [{"model_name": name, "litellm_params": each} for name, each in zip(names, params, strict=False)]
    return read(yaml.safe_dump({"model_list": rows}), "config.yaml", **options)


def config_of(found: Imported) -> Config:
    return parse(found.text, environ=dict.fromkeys(found.variables, "https://host.example/v1"))


def told(found: Imported, kind: str) -> list[str]:
    return [key for note in found.notes if note.kind == kind for key in note.keys]


@pytest.mark.parametrize(
    ("params", "target", "profile", "base_url", "variables"),
    [
        ({"model": "gpt-5"}, "openai/gpt-5", "openai", "https://api.openai.com/v1", ("OPENAI_API_KEY",)),
        (
            {"model": "openai/responses/gpt-5"},
            "openai/gpt-5",
            "openai",
            "https://api.openai.com/v1",
            ("OPENAI_API_KEY",),
        ),
        (
            {"model": "claude-opus-5-5"},
            "anthropic/claude-opus-5-5",
            "anthropic",
            "https://api.anthropic.com",
            ("ANTHROPIC_API_KEY",),
        ),
        ({"model": "gemini/gemini-3.8-pro"}, "gemini/gemini-3.8-pro", "gemini", None, ("GEMINI_API_KEY",)),
        (
            {"model": "openrouter/anthropic/claude-x"},
            "openrouter/anthropic/claude-x",
            "openrouter",
            None,
            ("OPENROUTER_API_KEY",),
        ),
        ({"model": "deepseek/deepseek-chat"}, "deepseek/deepseek-chat", "deepseek", None, ("DEEPSEEK_API_KEY",)),
        ({"model": "groq/llama-3"}, "groq/llama-3", None, "https://api.groq.com/openai/v1", ("GROQ_API_KEY",)),
        ({"model": "ollama/qwen3:8b"}, "ollama/qwen3:8b", "ollama", "http://127.0.0.1:11434", ()),
        (
            {"model": "ollama_chat/q", "api_base": "http://10.0.0.7:9000/"},
            "ollama/q",
            "ollama",
            "http://10.0.0.7:9000",
            (),
        ),
        (
            {"model": "hosted_vllm/q", "api_base": "http://10.0.0.7:8000/v1"},
            "vllm/q",
            "vllm",
            "http://10.0.0.7:8000/v1",
            (),
        ),
        (
            {"model": "lm_studio/q"},
            "lm_studio/q",
            None,
            "https://host.example/v1",
            ("LM_STUDIO_API_BASE",),
        ),
        (
            {"model": "anthropic/claude-x", "api_base": "https://a.example", "api_key": "os.environ/KEY"},
            "anthropic-compatible/claude-x",
            None,
            "https://a.example",
            ("KEY",),
        ),
        (
            {"model": "azure/mine", "api_base": "os.environ/BASE", "api_key": "os.environ/KEY"},
            "azure/mine",
            "openai",
            "https://host.example/v1/openai/v1",
            ("BASE", "KEY"),
        ),
        (
            {"model": "azure/mine", "api_base": "https://gateway.example/openai/deployments/mine"},
            "azure/mine",
            "openai",
            "https://gateway.example/openai/v1",
            ("AZURE_API_KEY",),
        ),
        (
            {"model": "azure_ai/claude-opus-4-1", "api_base": "https://mine.services.ai.azure.com/anthropic"},
            "azure_ai/claude-opus-4-1",
            None,
            "https://mine.services.ai.azure.com/anthropic",
            ("AZURE_AI_API_KEY",),
        ),
        (
            {
                "model": "whatever",
                "custom_llm_provider": "openai",
                "api_base": "https://a.example/v1",
                "api_key": "none",
            },
            "openai-compatible/whatever",
            None,
            "https://a.example/v1",
            (),
        ),
        (
            {"model": "litellm_proxy/their-name", "api_base": "https://a.example", "api_key": "os.environ/KEY"},
            "litellm_proxy/their-name",
            "litellm",
            "https://a.example",
            ("KEY",),
        ),
    ],
)
def test_who_answers(
    params: dict[str, Any], target: str, profile: str | None, base_url: str | None, variables: tuple[str, ...]
) -> None:
    found = imported(params)
    config = config_of(found)
    assert config.models == {"a": [target]}
    [(name, provider)] = config.providers.items()
    resolved = complete(name, provider)
    assert resolved.profile == profile
    assert base_url is None or resolved.base_url == base_url
    assert found.variables == variables


@pytest.mark.parametrize(
    "model",
    ["bedrock/claude", "vertex_ai/gemini", "azure_ai/mistral", "sagemaker/x", "command-r", "text-completion-openai/x"],
)
def test_what_tenbin_does_not_speak_to_is_told(model: str) -> None:
    found = imported({"model": model}, {"model": "gpt-5"})
    assert list(config_of(found).models) == ["b"]
    assert told(found, "lost") == ["model_list[0].litellm_params.model"]


def test_what_is_no_chat_is_told() -> None:
    rows = [
        {"model_name": "a", "litellm_params": {"model": "openai/dall-e-3"}, "model_info": {"mode": "image_generation"}}
    ]
    found = read(yaml.safe_dump({"model_list": rows}), "config.yaml")
    assert told(found, "lost") == ["model_list[0].model_info.mode"]


class TestProviders:
    def test_the_same_address_and_key_are_one(self) -> None:
        found = imported(*[{"model": f"gpt-{each}", "api_key": "os.environ/KEY"} for each in (4, 5)])
        assert list(config_of(found).providers) == ["openai"]

    def test_another_key_is_another_one(self) -> None:
        found = imported(*[{"model": "gpt-5", "api_key": f"os.environ/{each}"} for each in ("A", "B")], names="aa")
        config = config_of(found)
        assert list(config.providers) == ["openai", "openai-2"]
        assert config.models == {"a": ["openai/gpt-5", "openai-2/gpt-5"]}
        assert told(found, "changed") == ["model_list[1].model_name"]

    def test_each_organization_is_one(self) -> None:
        found = imported({"model": "gpt-5", "organization": ["org-1", "org-2"]})
        headers = [provider.headers for provider in config_of(found).providers.values()]
        assert headers == [{"OpenAI-Organization": "org-1"}, {"OpenAI-Organization": "org-2"}]

    def test_the_order_that_is_asked_for(self) -> None:
        found = imported({"model": "gpt-4", "order": 2}, {"model": "gpt-5", "order": 1}, names="aa")
        assert config_of(found).models == {"a": ["openai/gpt-5", "openai/gpt-4"]}

    def test_a_key_is_never_sent_to_another_host_than_its_own(self) -> None:
        found = imported({"model": "openai/x", "api_base": "https://a.example/v1"})
        [provider] = config_of(found).providers.values()
        assert provider.api_key is None
        assert told(found, "changed") == ["model_list[0].litellm_params.api_key"]

    def test_a_placeholder_becomes_a_variable(self) -> None:
        found = imported({"model": "azure/x", "api_base": "<your-azure-endpoint>", "api_key": "<your-azure-api-key>"})
        assert found.variables == ("AZURE_API_BASE", "AZURE_API_KEY")

    def test_a_key_in_plain_text(self) -> None:
        params = {
            "model": "gpt-5",
            "api_key": "sk-in-plain-text",
            "extra_headers": {"x-auth": "secret-too", "x-team": "a"},
        }
        kept, left = imported(params), imported(params, keep_secrets=False)
        assert kept.holds_secrets
        assert config_of(kept).providers["openai"].headers == {"x-auth": "secret-too", "x-team": "a"}
        assert left.variables == ("OPENAI_API_KEY", "OPENAI_X_AUTH_API_KEY")
        assert "plain-text" not in left.text
        assert len(told(kept, "secret")) == len(told(left, "secret")) == 2


class TestWildcards:
    def test_of_a_provider(self) -> None:
        found = imported(
            {"model": "anthropic/*"}, {"model": "claude-x", "api_key": "os.environ/K"}, names=["anthropic/*", "a"]
        )
        config = config_of(found)
        assert list(config.providers) == ["anthropic", "anthropic-2"]
        assert config.models == {"a": ["anthropic-2/claude-x"]}
        assert told(found, "needless") == ["model_list[0].model_name"]

    def test_under_another_name(self) -> None:
        found = imported({"model": "groq/*"}, names=["mine/*"])
        assert list(config_of(found).providers) == ["mine"]

    def test_of_a_family(self) -> None:
        found = imported({"model": "anthropic/claude-*"}, names=["claude-*"])
        assert told(found, "needless") == ["model_list[0].model_name"]

    def test_of_everything(self) -> None:
        assert config_of(imported({"model": "*"}, names=["*"])).discover is True
        assert told(imported({"model": "openai/*"}, names=["*"]), "changed") == ["model_list[0].model_name"]


class TestFacts:
    def facts(self, params: dict[str, Any], info: dict[str, Any]) -> Any:
        row = {"model_name": "a", "litellm_params": {"model": "gpt-5", **params}, "model_info": info}
        found = read(yaml.safe_dump({"model_list": [row]}), "config.yaml")
        return config_of(found).providers["openai"].models.get("gpt-5"), found

    def test_prices_per_token_become_prices_per_million(self) -> None:
        info = {"input_cost_per_token": "3e-06", "output_cost_per_token": 0.000015, "cache_read_input_token_cost": 3e-7}
        facts, _ = self.facts({"cache_creation_input_token_cost": 3.75e-06}, info)
        price = facts.price
        assert (price.input, price.output, price.cache_read, price.cache_write_5m) == (3.0, 15.0, 0.3, 3.75)

    def test_half_a_price_is_none(self) -> None:
        facts, found = self.facts({"input_cost_per_token": 0.1}, {})
        assert facts is None
        assert told(found, "lost") == ["model_list[0].litellm_params.input_cost_per_token"]

    def test_limits(self) -> None:
        facts, _ = self.facts({}, {"max_input_tokens": 200_000, "max_output_tokens": 8_192, "max_tokens": 7})
        assert (facts.context, facts.max_output) == (200_000, 8_192)
