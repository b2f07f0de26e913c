"""From configuration to policy: every name a chain of complete Targets."""

from tenbin.config.findings import Findings, FoundKey, build
from tenbin.config.load import parse
from tenbin.decide.candidates import resolve
from tenbin.decide.policy import Policy
from tenbin.decide.resolve import absent, policy

TEXT = """
providers:
  anthropic: {api_key: k}
  work:
    profile: anthropic
    base_url: http://127.0.0.1:1
    quirks: {stop_limit: 2}
    models:
      claude-opus-4-1: {context: 200000, max_output: 32000, quirks: {documents: false}}
  plain: {dialects: [openai_chat, anthropic], base_url: http://127.0.0.1:2}
models:
  fast: [work/claude-opus-4-1, "plain,m/1"]
default: [plain/m]
fallback: [plain/spare]
retries: {per_target: 7}
"""


def made(text: str = TEXT) -> Policy:
    return policy(parse(text, environ={}))


def test_a_chain_is_made_of_complete_targets() -> None:
    opus, plain = made().chains["fast"]
    assert (opus.name, opus.context, opus.max_output) == ("work/claude-opus-4-1", 200_000, 32_000)
    assert opus.quirks.stop_limit == 2
    assert not opus.quirks.documents
    assert opus.quirks.sampling, "what is peculiar about this model counts too"
    assert (plain.name, plain.dialects) == ("plain/m/1", ("openai_chat", "anthropic"))
    assert made().retries.per_target == 7


def test_a_family_goes_to_the_provider_of_its_own_name_first() -> None:
    assert ("claude-", "anthropic") in made().families
    renamed = TEXT.replace("  anthropic: {api_key: k}\n", "")
    assert ("claude-", "work") in policy(parse(renamed, environ={})).families


def test_longer_families_come_first() -> None:
    lengths = [len(prefix) for prefix, _ in made("providers: {openai: {}, gemini: {}}").families]
    assert lengths == sorted(lengths, reverse=True)


def test_a_model_that_is_not_listed_has_the_quirks_of_its_kind() -> None:
    old, new = (resolve(f"anthropic/{model}", made()).targets[0] for model in ("claude-opus-4-1", "claude-opus-9"))
    assert old.quirks.sampling
    assert not new.quirks.sampling
    override = TEXT.replace("{api_key: k}", "{api_key: k, quirks: {sampling: false}}")
    assert not resolve("anthropic/claude-opus-4-1", made(override)).targets[0].quirks.sampling


def test_a_claude_name_never_goes_to_the_embedded_model_when_anthropic_is_there() -> None:
    environ = {"ANTHROPIC_API_KEY": "k"}
    findings = Findings(keys=(FoundKey("anthropic", "ANTHROPIC_API_KEY"),), embedded=True)
    resolved = policy(build(parse("local_model: true", environ=environ), findings, environ))
    for name in ("claude-opus-5-5", "claude-haiku-5-5", "claude-of-tomorrow"):
        assert [target.provider for target in resolve(name, resolved).targets] == ["anthropic"]


def test_a_target_that_is_not_there_is_left_out_and_named() -> None:
    config = parse("models: {a: [local/smollm2-135m, openai/x]}\nproviders: {openai: {}}", environ={})
    assert [target.name for target in policy(config).chains["a"]] == ["openai/x"]
    assert absent(config) == ("local/smollm2-135m",)
