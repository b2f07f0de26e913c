"""A model tag that was followed leaves the request, and nothing else changes in it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.registry import dialect
from tests.codecs.recorded import names, recorded

TAG = "<TENBIN-SUBAGENT-MODEL>openai/gpt-5</TENBIN-SUBAGENT-MODEL>"
CCR = "<CCR-SUBAGENT-MODEL>openai,gpt-5</CCR-SUBAGENT-MODEL>"


def untagged(name: str, body: dict[str, Any]) -> Any:
    return msgspec.json.decode(dialect(name).without_model_tag(msgspec.json.encode(body)))


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words, "cache_control": {"type": "ephemeral"}}


def chat(*messages: tuple[str, Any], **fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": role, "content": content} for role, content in messages], **fields}


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("anthropic", chat(("user", "A"), system=f"{TAG}\nYou help."), chat(("user", "A"), system="You help.")),
        (
            "anthropic",
            chat(("user", "A"), system=[text("You are."), text(f"\n{CCR}Search.")]),
            chat(("user", "A"), system=[text("You are."), text("\nSearch.")]),
        ),
        ("anthropic", chat(("user", "A"), system=TAG), chat(("user", "A"))),
        ("anthropic", chat(("user", "A"), system=[text(TAG), text("B")]), chat(("user", "A"), system=[text("B")])),
        (
            "anthropic",
            chat(("user", [text("<system-reminder>x</system-reminder>"), text(f"{TAG}Go")])),
            chat(("user", [text("<system-reminder>x</system-reminder>"), text("Go")])),
        ),
        (
            "anthropic",
            chat(("user", f"<system-reminder>x</system-reminder>\n{TAG} Go\n")),
            chat(("user", "<system-reminder>x</system-reminder>\nGo\n")),
        ),
        (
            "openai_chat",
            chat(("system", "You are."), ("system", f"{TAG}Search."), ("user", f"{TAG}Go")),
            chat(("system", "You are."), ("system", "Search."), ("user", "Go")),
        ),
        ("ollama_chat", chat(("user", f"{TAG}Go")), chat(("user", "Go"))),
        ("openai_responses", {"model": "m", "input": f"{TAG}Go"}, {"model": "m", "input": "Go"}),
        (
            "openai_responses",
            {"input": [{"role": "user", "content": [{"type": "input_text", "text": f"{TAG}猫"}]}], "instructions": TAG},
            {"input": [{"role": "user", "content": [{"type": "input_text", "text": "猫"}]}]},
        ),
    ],
)
def test_the_tag_is_taken_out(name: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    assert untagged(name, before) == after
    assert not dialect(name).sketch(dialect(name).without_model_tag(msgspec.json.encode(before))).model_tag


@pytest.mark.parametrize(
    "body",
    [
        chat(("user", "A"), ("assistant", "B"), ("user", f"{TAG}Go")),
        chat(("user", f"See {TAG}")),
        chat(("user", [{"type": "tool_result", "tool_use_id": "t", "content": TAG}]), ("user", "A")),
        chat(("user", TAG)),  # nothing would be left to answer
        chat(("user", f"<system-reminder>{TAG}</system-reminder>Go")),
        {"messages": TAG, "system": 3},
        {"messages": [TAG, {"content": TAG}, {"role": "user"}]},
    ],
)
@pytest.mark.parametrize("name", ["anthropic", "openai_chat"])
def test_everything_else_stays(name: str, body: dict[str, Any]) -> None:
    raw = msgspec.json.encode(body)
    assert dialect(name).without_model_tag(raw) == raw


def test_a_real_sub_agents_tag_is_taken_out_of_its_bytes() -> None:
    body = recorded("sub_agent_with_tag").body
    found = dialect("anthropic").without_model_tag(body)
    assert found == body.replace(TAG.encode(), b"")


@pytest.mark.parametrize("name", [name for name in names() if name != "sub_agent_with_tag"])
def test_a_request_without_a_tag_is_the_same_object(name: str) -> None:
    body = recorded(name).body
    assert dialect("anthropic").without_model_tag(body) is body


@given(st.text(), st.text(min_size=1).filter(lambda words: words.strip()[:1] not in ("", "<", "[")))
def test_the_words_behind_the_tag_and_all_other_fields_are_untouched(other: str, words: str) -> None:
    before = chat(("system", f"{TAG}{words}"), ("user", words), other=other)
    found = untagged("openai_chat", before)
    assert found["messages"][0]["content"] == words.lstrip()
    assert found["messages"][1:] == before["messages"][1:]
    assert found["other"] == other


def test_a_tag_whose_brackets_are_escaped_is_found_too() -> None:
    """As JSON encoders write them that are made for web pages."""
    raw = msgspec.json.encode(chat(("user", f"{TAG}Go"))).replace(b"<", b"\\u003c").replace(b">", b"\\u003e")
    assert dialect("anthropic").sketch(raw).model_tag == "openai/gpt-5"
    assert msgspec.json.decode(dialect("anthropic").without_model_tag(raw)) == chat(("user", "Go"))


def test_a_system_message_that_was_only_a_tag_goes() -> None:
    assert untagged("openai_chat", chat(("system", TAG), ("user", "A"))) == chat(("user", "A"))
