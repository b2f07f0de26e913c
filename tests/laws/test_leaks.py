"""What belongs to one provider never reaches another: marks, pseudo-headers, local paths, signatures, hidden tools."""

import json
from typing import Any

import pytest

from tenbin.codecs.registry import dialect
from tenbin.core.target import DialectName, Quirks
from tests.laws.answers import DIALECTS, target_of

OTHERS = tuple(name for name in DIALECTS if name != "anthropic")

REQUEST: dict[str, Any] = {
    "model": "claude-opus-5-5",
    "max_tokens": 32000,
    "stream": True,
    "system": [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.330.abc; cc_entrypoint=cli; cch=01234;"},
        {"type": "text", "text": "You are careful.", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "And brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
    ],
    "messages": [
        {"role": "user", "content": "What can you see?"},
        {
            "role": "system",
            "content": [{"type": "text", "text": "It is Saturday."}],
            "output_config": {"effort": "low"},
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "private musing", "signature": "c2lnbmF0dXJlLW9mLWNsYXVkZQ=="},
                {"type": "redacted_thinking", "data": "cmVkYWN0ZWQtYnktY2xhdWRl"},
                {"type": "tool_use", "id": "toolu_1", "name": "ToolSearch", "input": {"query": "camera"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "content": [{"type": "tool_reference", "tool_name": "Camera"}],
                    "cache_control": {"type": "ephemeral"},
                },
                {"type": "text", "text": "Look!", "cache_control": {"type": "ephemeral"}},
            ],
        },
    ],
    "tools": [
        {"name": "ToolSearch", "description": "finds tools", "input_schema": {"type": "object", "properties": {}}},
        {"name": "Camera", "description": "looks", "input_schema": {"type": "object"}, "defer_loading": True},
        {"name": "Hidden", "description": "unfound", "input_schema": {"type": "object"}, "defer_loading": True},
        {"name": "DeferredToolPlaceholder", "description": "never call", "input_schema": {"type": "object"}},
    ],
    "thinking": {"type": "adaptive", "display": "omitted"},
    "output_config": {"effort": "high"},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "metadata": {"user_id": json.dumps({"device_id": "device-7f", "account_uuid": "account-3c", "session_id": "s-1"})},
    "safeguards": [{"type": "dangerous_tool_use", "cwd": "/srv/secret-project", "home": "/srv"}],
    "diagnostics": {"previous_message_id": "msg_previous"},
}

SECRETS = (
    "x-anthropic-billing-header",
    "cc_version",
    "safeguards",
    "dangerous_tool_use",
    "secret-project",
    "cache_control",
    "ephemeral",
    "defer_loading",
    "tool_reference",
    "Hidden",
    "DeferredToolPlaceholder",
    "c2lnbmF0dXJlLW9mLWNsYXVkZQ",
    "cmVkYWN0ZWQtYnktY2xhdWRl",
    "private musing",
    "context_management",
    "clear_thinking",
    "device-7f",
    "account-3c",
    "diagnostics",
)

KEPT = ("You are careful.", "And brief.", "What can you see?", "It is Saturday.", "Look!", "Camera", "ToolSearch")


def written(name: DialectName, quirks: Quirks | None = None) -> str:
    conversation = dialect("anthropic").read(json.dumps(REQUEST).encode())
    target = target_of(name, context=1_000_000, quirks=quirks or Quirks())
    return dialect(name).write(conversation, target).decode()


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("name", OTHERS)
def test_what_is_anthropics_own_stays_there(name: DialectName, secret: str) -> None:
    assert secret not in written(name)


@pytest.mark.parametrize("name", OTHERS)
def test_what_the_model_needs_to_know_is_still_said(name: DialectName) -> None:
    body = written(name)
    for words in KEPT:
        assert words in body


@pytest.mark.parametrize("name", OTHERS)
def test_the_answer_is_not_asked_for_in_anthropics_words(name: DialectName) -> None:
    body = json.loads(written(name))
    assert not {"thinking", "metadata", "output_config", "betas", "system"} & set(body)


def test_a_body_spliced_for_another_server_of_anthropics_dialect_keeps_no_safeguards() -> None:
    codec = dialect("anthropic")
    body = json.dumps(REQUEST).encode()
    elsewhere = codec.splice(body, codec.read_head(body), target_of("anthropic", quirks=Quirks(safeguards=False)))
    for secret in ("safeguards", "secret-project", "cc_version"):
        assert secret not in elsewhere.decode()
    at_anthropic = codec.splice(body, codec.read_head(body), target_of("anthropic", quirks=Quirks(safeguards=True)))
    assert json.loads(at_anthropic)["safeguards"] == REQUEST["safeguards"]
    assert "cc_version" in at_anthropic.decode()


REASONING: dict[str, Any] = {
    "model": "gpt-6-sol",
    "store": False,
    "prompt_cache_key": "conversation-9b",
    "safety_identifier": "person-4d",
    "include": ["reasoning.encrypted_content"],
    "input": [
        {"type": "message", "role": "user", "content": "What can you see?"},
        {
            "type": "reasoning",
            "id": "rs_0badcafe",
            "summary": [{"type": "summary_text", "text": "private musing"}],
            "encrypted_content": "gAAAAencrypted-by-openai",
        },
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Nothing."}]},
        {"type": "message", "role": "user", "content": "Look again!"},
    ],
}


@pytest.mark.parametrize("name", [name for name in DIALECTS if name != "openai_responses"])
def test_what_is_openais_own_stays_there(name: DialectName) -> None:
    conversation = dialect("openai_responses").read(json.dumps(REASONING).encode())
    body = dialect(name).write(conversation, target_of(name, context=1_000_000)).decode()
    for secret in (
        "gAAAAencrypted",
        "rs_0badcafe",
        "private musing",
        "conversation-9b",
        "person-4d",
        "encrypted_content",
    ):
        assert secret not in body
    for words in ("What can you see?", "Nothing.", "Look again!"):
        assert words in body
