"""LiteLLM's configuration in Tenbin's words: its names, fallbacks and limits; what has no counterpart is told."""

from typing import Any

import pytest
import yaml

from tenbin.config.findings import Findings, build
from tenbin.config.importing.litellm import read
from tenbin.config.importing.report import Imported, Note
from tenbin.config.load import parse
from tenbin.config.model import Config
from tenbin.config.problem import ConfigError, ConfigProblem
from tenbin.decide.candidates import resolve
from tenbin.decide.resolve import policy
from tests.config.importing.examples import LITELLM

KEY = "0123456789abcdefghij"


def imported(document: str | dict[str, Any], **options: bool) -> Imported:
    return read(document if isinstance(document, str) else yaml.safe_dump(document), "config.yaml", **options)


def config_of(document: str | dict[str, Any]) -> Config:
    found = imported(document)
    return parse(found.text, environ=dict.fromkeys(found.variables, KEY))


def chain(document: str | dict[str, Any], name: str) -> list[str]:
    """The targets that are tried for a name."""
    resolved = policy(build(config_of(document), Findings(), {}))
    return [target.name for target in resolve(resolved.aliases.get(name, name), resolved).targets]


def note(found: Imported, key: str, kind: str = "lost") -> Note:
    notes = [note for note in found.notes if key in note.keys and note.kind == kind]
    assert len(notes) == 1, "\n".join(map(str, found.notes))
    return notes[0]


def problem(document: str | dict[str, Any]) -> ConfigProblem:
    with pytest.raises(ConfigError) as caught:
        imported(document)
    assert len(caught.value.problems) == 1, str(caught.value)
    return caught.value.problems[0]


def models(*names: str, **settings: Any) -> dict[str, Any]:
    """A name for each word: ``a`` is answered by openai/a."""
    rows = [{"model_name": name, "litellm_params": {"model": f"openai/{name}"}} for name in names]
    return {"model_list": rows, "litellm_settings": settings}


class TestTheDocumentedExample:
    def test_names_go_where_they_went(self) -> None:
        assert chain(LITELLM, "gpt-4o") == ["azure/gpt-4o-eu", "azure-2/gpt-4o-ca", "anthropic-2/claude-opus-5-5"]
        assert chain(LITELLM, "small") == [
            "openai/gpt-3.5-turbo",
            "groq/llama-3.3-70b-versatile",
            "anthropic/claude-haiku-5-5",
            "anthropic-2/claude-opus-5-5",
        ]
        assert chain(LITELLM, "vllm-models") == ["openai-compatible/facebook/opt-125m", "ollama/mistral"]
        assert chain(LITELLM, "embeddings") == ["openai-2/text-embedding-ada-002"], "vectors of two models differ"

    def test_an_alias_goes_where_its_name_goes(self) -> None:
        assert chain(LITELLM, "gpt-4") == chain(LITELLM, "gpt-4o")
        assert chain(LITELLM, "gpt-3.5") == chain(LITELLM, "small")

    def test_a_wildcards_models_are_asked_for_by_their_provider(self) -> None:
        assert chain(LITELLM, "anthropic/claude-sonnet-5-5") == ["anthropic/claude-sonnet-5-5"]

    def test_the_default_fallbacks_step_in_where_a_name_has_none_of_its_own(self) -> None:
        assert chain(LITELLM, "fast") == ["groq/llama-3.3-70b-versatile", "ollama/mistral"]
        assert chain(LITELLM, "never heard of") == ["ollama/mistral"]

    def test_its_limits(self) -> None:
        config = config_of(LITELLM)
        assert config.retries.per_target == 2, "router_settings count before litellm_settings"
        assert config.timeouts.first_byte == config.timeouts.idle == 10
        assert (config.cooldown.after_failures, config.cooldown.seconds) == (4, 30)
        assert config.master_key == KEY
        assert config.discover is False

    @pytest.mark.parametrize(
        "key",
        [
            "litellm_settings.cache",
            "litellm_settings.cache_params",
            "litellm_settings.max_budget",
            "litellm_settings.budget_duration",
            "litellm_settings.content_policy_fallbacks",
            "litellm_settings.success_callback",
            "router_settings.routing_strategy",
            "general_settings.alerting",
            "environment_variables.AZURE_KEY",
            "model_list[0].litellm_params.rpm",
            "model_list[2].litellm_params.model",
            "model_list[4].litellm_params.temperature",
            'model_list[4].litellm_params.extra_headers["AI-Resource Group"]',
            "model_list[10].model_name",
        ],
    )
    def test_what_is_not_carried_over_is_told_with_what_to_do(self, key: str) -> None:
        assert note(imported(LITELLM), key).fix

    @pytest.mark.parametrize(
        "key", ["litellm_settings.drop_params", "general_settings.database_url", "environment_variables.REDIS_HOST"]
    )
    def test_or_that_it_is_not_needed(self, key: str) -> None:
        assert note(imported(LITELLM), key, "needless").message

    def test_no_value_of_a_secret_is_told(self) -> None:
        found = imported(LITELLM)
        assert "in-plain-text" not in found.text
        assert "in-plain-text" not in str(found.notes)


class TestFallbacks:
    def test_are_followed_further_and_each_target_is_tried_once(self) -> None:
        document = models("a", "b", "c", fallbacks=[{"a": ["b"]}, {"b": ["c", "a"]}, {"c": ["a"]}])
        assert chain(document, "a") == ["openai/a", "openai/b", "openai/c"]
        assert chain(document, "b") == ["openai/b", "openai/c", "openai/a"]

    def test_for_every_name(self) -> None:
        document = models("a", "b", "c", fallbacks=[{"*": ["c"]}, {"a": ["b"]}])
        assert chain(document, "a") == ["openai/a", "openai/b"]
        assert chain(document, "b") == ["openai/b", "openai/c"]

    def test_by_the_identity_of_a_deployment(self) -> None:
        document = models("a", "b", fallbacks=[{"a": ["the-second"]}])
        document["model_list"][1]["model_info"] = {"id": "the-second"}
        assert chain(document, "a") == ["openai/a", "openai/b"]

    def test_to_a_name_that_is_not_there(self) -> None:
        found = imported(models("a", fallbacks=[{"a": ["gone"]}]))
        assert "gone is not a name" in note(found, "litellm_settings.fallbacks[0].a[0]").message

    def test_with_parameters_of_its_own(self) -> None:
        found = imported(models("a", "b", fallbacks=[{"a": [{"model": "b", "messages": []}]}]))
        assert note(found, "litellm_settings.fallbacks[0].a[0]").fix

    def test_router_settings_count_before_litellm_settings(self) -> None:
        document = models("a", "b", "c", fallbacks=[{"a": ["b"]}])
        document["router_settings"] = {"fallbacks": [{"a": ["c"]}]}
        assert chain(document, "a") == ["openai/a", "openai/c"]


class TestSettings:
    def test_no_cooldowns(self) -> None:
        assert config_of(models("a", disable_cooldowns=True)).cooldown.seconds == 0

    def test_the_largest_request(self) -> None:
        document = {**models("a"), "general_settings": {"max_request_size_mb": 32}}
        assert config_of(document).limits.body_bytes == 32 * 1024 * 1024

    def test_the_model_that_answers_when_none_is_named(self) -> None:
        document = {**models("a", "b"), "general_settings": {"completion_model": "b"}}
        assert chain(document, "anything") == ["openai/b"]

    def test_a_master_key_that_is_too_short(self) -> None:
        found = imported({**models("a"), "general_settings": {"master_key": "sk-1234"}})
        assert "at least 16 characters" in note(found, "general_settings.master_key").message

    def test_a_master_key_in_plain_text(self) -> None:
        document = {**models("a"), "general_settings": {"master_key": f"sk-{KEY}"}}
        assert config_of(document).master_key == f"sk-{KEY}"
        found = imported(document, keep_secrets=False)
        assert "${TENBIN_MASTER_KEY}" in found.text
        assert KEY not in found.text

    def test_a_master_key_among_the_other_settings(self) -> None:
        assert config_of(models("a", master_key="os.environ/LITELLM_MASTER_KEY")).master_key == KEY

    def test_a_file_without_models(self) -> None:
        document = {"litellm_settings": {"num_retries": 1, "cache": True}}
        assert config_of(document).retries.per_target == 1
        assert "database" in note(imported(document), "model_list").message

    def test_yaml_that_refers_to_itself(self) -> None:
        text = """
shared: &shared {api_key: os.environ/KEY_A, api_base: "https://a.example/v1"}
model_list:
  - model_name: a
    litellm_params: {<<: *shared, model: openai/a}
  - model_name: b
    litellm_params: {<<: [*shared], model: openai/b, api_key: os.environ/KEY_B}
"""
        providers = config_of(text).providers
        assert [provider.base_url for provider in providers.values()] == ["https://a.example/v1"] * 2
        assert imported(text).variables == ("KEY_A", "KEY_B")


class TestMistakes:
    @pytest.mark.parametrize(
        ("text", "key", "message"),
        [
            ("", "", "the file is empty"),
            ("[a", "", "this is not YAML"),
            ("- a", "", "must be a block of keys, not a list"),
            ("a: 1", "", "there is no model_list"),
            ("model_list: 7", "model_list", "must be a list, not the number 7"),
            ("model_list: [a]", "model_list[0]", "must be a block of keys, not text"),
            ("model_list: [{model_name: a}]", "model_list[0].litellm_params.model", "no model"),
            ("model_list: [{litellm_params: {model: gpt-5}}]", "model_list[0].model_name", "no model_name"),
            ("model_list: []\nrouter_settings: {num_retries: many}", "router_settings.num_retries", "must be a number"),
            ("model_list: []\nlitellm_settings: {fallbacks: [a]}", "litellm_settings.fallbacks[0]", "a block of keys"),
            ("model_list: []\nmodel_list: []", "model_list", "a second time"),
        ],
    )
    def test_a_document_that_makes_no_sense(self, text: str, key: str, message: str) -> None:
        found = problem(text)
        assert found.key == key
        assert message in found.message
        assert found.fix

    def test_an_address_that_is_none(self) -> None:
        row = {"model_name": "a", "litellm_params": {"model": "openai/a", "api_base": "a.example"}}
        assert problem({"model_list": [row]}).key == "model_list[0].litellm_params.api_base"

    def test_an_alias_of_nothing(self) -> None:
        document = {**models("a"), "router_settings": {"model_group_alias": {"b": ["a"]}}}
        assert problem(document).key == "router_settings.model_group_alias.b"
        document["router_settings"] = {"model_group_alias": {"b": "gone"}}
        assert note(imported(document), "router_settings.model_group_alias.b").fix
