"""A chat request made for one model goes to another: nothing that it would refuse is sent, and nothing else changes."""

import json
from copy import deepcopy
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenbin.codecs.openai_chat import OPENAI_CHAT
from tenbin.config.quirks import resolve
from tenbin.core.target import Target
from tenbin.decide.candidates import lack
from tenbin.simulator.models import Catalogue, Model
from tenbin.simulator.openai_checks import check
from tenbin.simulator.openai_habits import HABITS

CATALOGUE = Catalogue()
TARGETS = [
    ("openai", "gpt-4o"),
    ("openai", "gpt-4.1-mini"),
    ("openai", "o3"),
    ("openai", "o4-mini"),
    ("openai", "gpt-5"),
    ("openai", "gpt-5.1"),
    ("openai", "gpt-5.4"),
    ("openai", "gpt-6-luna"),
    ("deepseek", "deepseek-v4-flash"),
    ("openrouter", "qwen/qwen3.8-flash"),
    ("gemini", "gemini-3.8-flash"),
    ("vllm", "qwen3"),
    ("llamacpp", "small"),
]


def target_of(profile: str, model: str, *, stand_in: bool = False) -> Target:
    quirks = resolve(profile, {}, model)
    return Target(provider=profile, model=model, dialects=("openai_chat",), quirks=quirks, stand_in=stand_in)


def sent(request: dict[str, Any], target: Target) -> dict[str, Any]:
    """What goes out, held to what the simulator refuses for this provider and model."""
    raw = json.dumps(request).encode()
    spliced: dict[str, Any] = json.loads(OPENAI_CHAT.splice(raw, OPENAI_CHAT.read_head(raw), target))
    assert spliced["model"] == target.model
    check(deepcopy(spliced), CATALOGUE.find(target.model) or Model(target.model), HABITS[target.provider])
    return spliced


def answer(profile: str, number: int, calls: bool) -> list[dict[str, Any]]:
    """What a provider says, as a client keeps it, and what the client says to it."""
    field = HABITS[profile].reasoning_field
    message: dict[str, Any] = {"role": "assistant", "content": None if calls else "Well."}
    if field is not None:
        message[field] = "Hm."
    if not calls:
        return [message, {"role": "user", "content": [{"type": "text", "text": "And then?"}]}]
    call_id = f"call_{number}" + "x" * (60 if profile in ("gemini", "vllm") else 0)
    function = {"name": "f", "arguments": "{}"}
    message["tool_calls"] = [{"id": call_id, "type": "function", "function": function}]
    return [message, {"role": "tool", "tool_call_id": call_id, "content": "ok"}]


steps = st.lists(st.tuples(st.sampled_from(TARGETS), st.booleans(), st.booleans()), min_size=2, max_size=7)
fields = st.fixed_dictionaries(
    {},
    optional={
        "max_tokens": st.sampled_from([10, 200_000]),
        "max_completion_tokens": st.sampled_from([10, 200_000]),
        "temperature": st.sampled_from([0, 1]),
        "presence_penalty": st.sampled_from([0, 0.5]),
        "reasoning_effort": st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max"]),
        "parallel_tool_calls": st.booleans(),
        "top_k": st.just(3),
        "chat_template_kwargs": st.just({"enable_thinking": False}),
        "stream": st.booleans(),
        "response_format": st.just({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}),
    },
)


@settings(max_examples=200, deadline=None)
@given(steps=steps, extra=fields, role=st.sampled_from(["system", "developer", None]))
def test_a_conversation_that_wanders_is_never_refused(
    steps: list[tuple[tuple[str, str], bool, bool]], extra: dict[str, Any], role: str | None
) -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    messages: list[dict[str, Any]] = [{"role": role, "content": "Be brief."}] if role else []
    cached = {"type": "text", "text": "Hello.", "cache_control": {"type": "ephemeral"}}
    messages.append({"role": "user", "content": [cached]})
    before: dict[str, list[dict[str, Any]]] = {}
    for number, ((profile, model), calls, noted) in enumerate(steps):
        target = target_of(profile, model, stand_in=number > 0)
        request = {"model": "auto", "messages": messages, "tools": tools, **extra}
        assert lack(OPENAI_CHAT.read_head(json.dumps(request).encode()), target) is None
        out = sent(request, target)["messages"]
        seen = before.get(target.name, [])
        assert out[: len(seen)] == seen, "what the model was sent before is sent again as it was"
        before[target.name] = out
        messages = [*messages, *answer(profile, number, calls)]
        if noted:
            messages.append({"role": role or "system", "content": f"Note {number}."})


def changed(profile: str, model: str, **asked: Any) -> dict[str, Any]:
    request = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], **asked}
    out = sent(request, target_of(profile, model))
    return {name: value for name, value in out.items() if request.get(name, 0) != value and name != "model"}


@pytest.mark.parametrize(
    ("profile", "model", "asked", "expected"),
    [
        ("openai", "gpt-5", {"max_tokens": 9}, {"max_completion_tokens": 9}),
        ("openai", "gpt-4o", {"max_completion_tokens": 9}, {}),
        ("openai", "gpt-4o", {"max_completion_tokens": 99_999}, {"max_completion_tokens": 16_384}),
        ("deepseek", "deepseek-chat", {"max_completion_tokens": 9}, {"max_tokens": 9}),
        ("openai", "gpt-5.1", {"reasoning_effort": "max"}, {"reasoning_effort": "high"}),
        ("openai", "o3", {"reasoning_effort": "none"}, {"reasoning_effort": "low"}),
        ("openai", "gpt-5", {"temperature": 1, "top_p": 0.5}, {}),
        ("vllm", "qwen3", {"temperature": 0.5, "top_k": 3, "reasoning_effort": "high"}, {}),
    ],
)
def test_only_what_must_be_is_changed(profile: str, model: str, asked: Any, expected: Any) -> None:
    assert changed(profile, model, **asked) == expected


def test_the_meant_model_gets_the_very_bytes() -> None:
    raw = b'{"model":"o3","messages":[{"role":"user","content":"hi"}],"temperature":0,"parallel_tool_calls":false}'
    assert OPENAI_CHAT.splice(raw, OPENAI_CHAT.read_head(raw), target_of("openai", "o3")) is raw


@pytest.mark.parametrize("role", ["system", "developer", None])
def test_a_schema_that_cannot_be_held_to_is_put_into_words(role: str | None) -> None:
    asked = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
    lead = [{"role": role, "content": "Be brief."}] if role else []
    request = {"model": "auto", "messages": [*lead, {"role": "user", "content": "hi"}], "response_format": asked}
    out = sent(request, target_of("deepseek", "deepseek-chat"))
    assert out["response_format"] == {"type": "json_object"}
    first, user = out["messages"]
    assert first["role"] == "system"
    assert first["content"].startswith("Be brief.\n\n" if role else "Answer with one JSON object")
    assert first["content"].endswith('{"type":"object"}')
    assert user == {"role": "user", "content": "hi"}


def test_embeddings_pass() -> None:
    raw = b'{"model":"auto","input":"a"}'
    head = msgspec.structs.replace(OPENAI_CHAT.read_head(b'{"model":"auto","messages":[]}'), model="auto")
    spliced = OPENAI_CHAT.splice(raw, head, target_of("openai", "text-embedding-3-small"))
    assert spliced == raw.replace(b"auto", b"text-embedding-3-small")
