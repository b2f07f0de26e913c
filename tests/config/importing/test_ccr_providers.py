"""claude-code-router's Providers: known by their URL, with what their transformers did, and their keys told."""

import json
from typing import Any

import pytest

from tenbin.config.importing.ccr import read
from tenbin.config.importing.report import Imported, Note
from tenbin.config.load import parse
from tenbin.config.model import ProviderConfig
from tenbin.config.problem import ConfigError
from tenbin.config.provider import complete
from tenbin.core.target import Quirks


def imported(*rows: dict[str, Any], **options: bool) -> Imported:
    return read(json.dumps({"Providers": rows}), "config.json", **options)


def row(url: str = "https://a.example/v1/chat/completions", *uses: Any, **more: Any) -> dict[str, Any]:
    written = {"name": "a", "api_base_url": url, "api_key": "$A_KEY", "models": ["m", "n"], **more}
    return {**written, "transformer": {"use": list(uses)}} if uses else written


def providers(found: Imported) -> dict[str, ProviderConfig]:
    return parse(found.text, environ=dict.fromkeys(found.variables, "key")).providers


def only(found: Imported) -> ProviderConfig:
    [provider] = providers(found).values()
    return provider


def kinds(found: Imported) -> dict[str, str]:
    return {key: note.kind for note in found.notes for key in note.keys}


@pytest.mark.parametrize(
    ("url", "profile", "dialects", "base_url"),
    [
        ("https://api.anthropic.com/v1/messages", "anthropic", ("anthropic",), "https://api.anthropic.com"),
        (
            "https://openrouter.ai/api/v1/chat/completions",
            "openrouter",
            ("openai_chat", "anthropic"),
            "https://openrouter.ai/api/v1",
        ),
        ("https://api.deepseek.com/v1/chat/completions", "deepseek", ("openai_chat",), "https://api.deepseek.com"),
        ("https://api.deepseek.com/anthropic/v1/messages", None, ("anthropic",), "https://api.deepseek.com/anthropic"),
        ("https://api.openai.com/v1", "openai", ("openai_chat", "openai_responses"), "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/responses", "openai", ("openai_responses",), "https://api.openai.com/v1"),
        (
            "https://generativelanguage.googleapis.com/v1beta/models/",
            "gemini",
            ("openai_chat",),
            "https://generativelanguage.googleapis.com/v1beta/openai",
        ),
        ("http://10.0.0.7:11434/v1/chat/completions", "ollama", ("ollama_chat",), "http://10.0.0.7:11434"),
        (
            "https://mine.openai.azure.com/",
            "openai",
            ("openai_chat", "openai_responses"),
            "https://mine.openai.azure.com/openai/v1",
        ),
        (
            "https://mine.services.ai.azure.com/anthropic/v1/messages",
            None,
            ("anthropic",),
            "https://mine.services.ai.azure.com/anthropic",
        ),
        ("https://a.example/v1/chat/completions", None, ("openai_chat",), "https://a.example/v1"),
        ("https://a.example/api/", None, ("openai_chat",), "https://a.example/api"),
        ("https://a.example/v1/responses", None, ("openai_responses",), "https://a.example/v1"),
        ("https://a.example/v1/messages", None, ("anthropic",), "https://a.example"),
    ],
)
def test_a_url_says_who_it_is(url: str, profile: str | None, dialects: tuple[str, ...], base_url: str) -> None:
    found = complete("a", only(imported(row(url))))
    assert (found.profile, found.dialects, found.base_url) == (profile, dialects, base_url)


def test_what_the_anthropic_transformer_means() -> None:
    assert complete("a", only(imported(row("https://a.example/", "Anthropic")))).dialects == ("anthropic",)


def test_a_provider_with_a_profiles_name_that_is_somebody_else_is_plain() -> None:
    found = imported(row(name="openai"), row("https://b.example/v1/messages", name="anthropic"))
    for name, provider in providers(found).items():
        plain = Quirks()
        assert complete(name, provider).target("m").quirks == plain, name


def test_names_that_tenbin_cannot_have() -> None:
    found = imported(row(name="my own/one"), row(name="my own one"), row(name="local"), row(name="Big"))
    assert list(providers(found)) == ["my-own-one", "my-own-one-2", "local-server", "Big"]
    told = {key: kind for key, kind in kinds(found).items() if key != "Router"}
    assert told == {f"Providers[{number}].name": "changed" for number in range(4)}


class TestTransformers:
    def test_maxtoken(self) -> None:
        provider = only(imported(row("https://a.example/v1", ["maxtoken", {"max_tokens": 16384}])))
        assert {name: facts.max_output for name, facts in provider.models.items()} == {"m": 16384, "n": 16384}

    def test_maxtoken_of_one_model(self) -> None:
        transformer = {"use": [["maxtoken", {"max_tokens": 9}]], "n": {"use": [["maxtoken", {"max_tokens": 7}]]}}
        provider = only(imported(row(transformer=transformer)))
        assert {name: facts.max_output for name, facts in provider.models.items()} == {"m": 9, "n": 7}

    def test_quirks_of_a_provider_and_of_a_model(self) -> None:
        transformer = {"use": ["maxcompletiontokens", "cleancache"], "n": {"use": ["reasoning"]}}
        found = complete("a", only(imported(row(transformer=transformer))))
        assert found.target("m").quirks.max_tokens_field == "max_completion_tokens"
        assert found.target("m").quirks.reasoning_request == "none"
        assert found.target("n").quirks.reasoning_request == "thinking"

    def test_cleancache_where_marks_are_taken(self) -> None:
        url = "https://openrouter.ai/api/v1/chat/completions"
        found = complete("a", only(imported(row(url, "openrouter", "cleancache"))))
        assert not found.target("m").quirks.cache_control

    @pytest.mark.parametrize(
        ("use", "kind"),
        [
            ("openrouter", "needless"),
            ("streamoptions", "needless"),
            ("deepseek", "changed"),
            ("tooluse", "lost"),
            ("enhancetool", "lost"),
            ("my-own-plugin", "lost"),
            (["openrouter", {"provider": {"only": ["x"]}}], "lost"),
            (["sampling", {"temperature": 0.2}], "lost"),
            (["customparams", {"thinking_budget": 3}], "lost"),
        ],
    )
    def test_what_is_told_of_one(self, use: Any, kind: str) -> None:
        found = imported(row("https://a.example/v1", use))
        assert kind in [note.kind for note in found.notes if "Providers[0].transformer.use[0]" in note.keys]
        assert only(found).base_url == "https://a.example/v1"

    @pytest.mark.parametrize("use", ["gemini-cli", "qwen-cli", "vertex-gemini", "gemini"])
    def test_what_tenbin_cannot_reach_is_left_out(self, use: str) -> None:
        found = imported(row("https://a.example/v1", use))
        assert not providers(found)
        assert kinds(found)["Providers[0]"] == "lost"

    @pytest.mark.parametrize("use", [7, ["maxtoken", 7], ["maxtoken", {"max_tokens": "many"}], []])
    def test_one_that_makes_no_sense(self, use: Any) -> None:
        with pytest.raises(ConfigError) as caught:
            imported(row("https://a.example/v1", use))
        [problem] = caught.value.problems
        assert problem.key == "Providers[0].transformer.use[0]"
        assert problem.fix


class TestKeys:
    SECRET = "sk-0123456789-in-plain-text"

    def secret(self, found: Imported) -> Note:
        [note] = [note for note in found.notes if note.kind == "secret"]
        return note

    @pytest.mark.parametrize("written", ["$A_KEY", "${A_KEY}"])
    def test_a_reference_stays_one(self, written: str) -> None:
        found = imported(row(api_key=written))
        assert "api_key: ${A_KEY}\n" in found.text
        assert found.variables == ("A_KEY",)
        assert not found.holds_secrets

    def test_a_key_in_plain_text_is_carried_over_and_told(self) -> None:
        found = imported(row(name="my relay", api_key=self.SECRET))
        assert only(found).api_key == self.SECRET
        assert found.holds_secrets
        assert "MY_RELAY_API_KEY" in self.secret(found).fix
        assert self.SECRET not in str(found.notes)
        assert "${MY_RELAY_API_KEY}" in found.text.partition(self.SECRET)[0], "told above the key itself"

    def test_or_left_out_for_a_variable(self) -> None:
        found = imported(row(api_key=self.SECRET), keep_secrets=False)
        assert self.SECRET not in found.text
        assert found.variables == ("A_API_KEY",)
        assert not found.holds_secrets
        assert "export A_API_KEY=" in self.secret(found).fix

    def test_two_keys_never_share_a_variable(self) -> None:
        found = imported(row(name="a.b", api_key=self.SECRET), row(name="a-b", api_key="another"), keep_secrets=False)
        assert found.variables == ("A_B_API_KEY", "A_B_API_KEY_2")

    def test_what_looks_like_a_reference_and_is_none_stays_as_it_is(self) -> None:
        assert only(imported(row(api_key="a${1x}b$c$"))).api_key == "a${1x}b$c$"

    @pytest.mark.parametrize("key", ["", None])
    def test_a_provider_without_a_key_stays(self, key: str | None) -> None:
        found = imported(row(api_key=key))
        assert only(found).api_key is None
        assert kinds(found)["Providers[0].api_key"] == "changed"

    def test_a_placeholder_is_no_secret(self) -> None:
        found = imported(
            row("http://localhost:11434/v1/chat/completions", api_key="ollama"), row(name="b", api_key="none")
        )
        assert not found.holds_secrets
