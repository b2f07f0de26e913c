"""A request made for one Claude goes to another: nothing that it would refuse is sent, and nothing else changes."""

import json
from copy import deepcopy
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenbin.codecs.anthropic_messages import ANTHROPIC
from tenbin.core.target import Target
from tenbin.decide.candidates import lack
from tenbin.simulator.anthropic_checks import check
from tenbin.simulator.anthropic_model_checks import sign
from tenbin.simulator.models import Catalogue
from tests.codecs.anthropic_messages.targets import GOLDEN, body, claude, local

MODELS = [
    "claude-opus-5-5",
    "claude-sonnet-5-5",
    "claude-haiku-5-5",
    "claude-fable-5-1",
    "claude-fable-5",
    "claude-opus-5",
    "claude-sonnet-5",
    "claude-opus-4-8",
    "claude-opus-4-7",
    "claude-opus-4-6",
    "claude-sonnet-4-6",
    "claude-opus-4-5",
    "claude-sonnet-4-5-20250929",
    "claude-haiku-4-5",
    "claude-opus-4-1-20250805",
    "claude-sonnet-4-20250514",
    "claude-3-5-haiku-20241022",
]
CATALOGUE = Catalogue()
CLAUDE_CODE: dict[str, Any] = json.loads((GOLDEN / "claude_code_requests.json").read_bytes())


def stand_in(model: str) -> Target:
    return msgspec.structs.replace(claude(model), stand_in=True)


def sent(request: dict[str, Any], target: Target) -> dict[str, Any]:
    """What goes out, held to what the simulator refuses for this model."""
    raw = json.dumps(request).encode()
    spliced: dict[str, Any] = json.loads(ANTHROPIC.splice(raw, ANTHROPIC.read_head(raw), target))
    model = CATALOGUE.find(target.model)
    assert model is not None
    assert spliced["model"] == target.model
    check(deepcopy(spliced), model, "2023-06-01")
    return spliced


# -- real requests


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", CLAUDE_CODE)
def test_every_request_of_claude_code_is_taken_by_every_model(name: str, model: str) -> None:
    request = CLAUDE_CODE[name]["body"]
    for target in (claude(model), stand_in(model)):
        if request["model"] != model:
            sent(request, target)


@pytest.mark.parametrize("name", CLAUDE_CODE)
def test_the_meant_model_gets_the_very_bytes(name: str) -> None:
    raw = json.dumps(CLAUDE_CODE[name]["body"], ensure_ascii=False).encode()
    assert ANTHROPIC.splice(raw, ANTHROPIC.read_head(raw), claude(CLAUDE_CODE[name]["body"]["model"])) is raw


@pytest.mark.parametrize("model", ["claude-opus-5", "claude-haiku-5-5", "claude-fable-5-1"])
def test_a_model_that_takes_it_all_gets_all_but_the_name(model: str) -> None:
    raw = json.dumps(CLAUDE_CODE["tool_loop"]["body"], ensure_ascii=False).encode()
    spliced = ANTHROPIC.splice(raw, ANTHROPIC.read_head(raw), stand_in(model))
    assert spliced == raw.replace(b'"claude-opus-5-5"', b'"%s"' % model.encode(), 1)


# -- conversations that wander

WORDS = {"type": "text", "text": "Well."}


def answer(target: Target, number: int, thinks: bool, calls: bool) -> list[dict[str, Any]]:
    """What the model says, as the client gets and keeps it."""
    thought = f"Hm {number}."
    blocks: list[dict[str, Any]] = []
    if thinks:
        blocks.append({"type": "thinking", "thinking": thought, "signature": sign(target.model, thought)})
    if calls:
        blocks.append({"type": "tool_use", "id": f"toolu_{number}", "name": "Read", "input": {}})
    else:
        blocks.append(WORDS)
    whole = {"type": "message", "role": "assistant", "content": blocks, "stop_reason": "end_turn"}
    head = ANTHROPIC.read_head(body())
    observer = ANTHROPIC.observer(streamed=False, head=head, target=target)
    told = observer.feed(json.dumps(whole).encode()) + observer.finish()
    content: list[dict[str, Any]] = json.loads(told)["content"]
    return content


thinkings = st.sampled_from(
    [
        None,
        {"type": "adaptive"},
        {"type": "adaptive", "display": "updates"},
        {"type": "enabled", "budget_tokens": 1_024},
        {"type": "enabled", "budget_tokens": 31_999, "display": "omitted"},
        {"type": "disabled"},
        {"type": "between_tools"},
    ]
)
configs: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    st.sampled_from([{}, *({"effort": effort} for effort in ("low", "medium", "high", "xhigh", "max"))]),
)
steps = st.lists(
    st.tuples(st.sampled_from(MODELS), st.booleans(), st.booleans(), st.integers(0, 3), thinkings, configs),
    min_size=2,
    max_size=8,
)
fields = st.fixed_dictionaries(
    {"max_tokens": st.sampled_from([900, 1_025, 8_000, 128_000])},
    optional={
        "temperature": st.sampled_from([0, 0.5, 1]),
        "top_p": st.sampled_from([0.9, 1]),
        "top_k": st.just(5),
        "context_management": st.just(
            {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}, {"type": "clear_tool_uses_20250919"}]}
        ),
        "system": st.sampled_from(["Be brief.", [{"type": "text", "text": "Be brief."}], []]),
        "tools": st.just(
            [
                {"name": "Read", "input_schema": {"type": "object"}},
                {"name": "ToolSearch", "input_schema": {"type": "object"}},
                {"name": "Later", "input_schema": {"type": "object"}, "defer_loading": True},
            ]
        ),
        "tool_choice": st.sampled_from([{"type": "auto"}, {"type": "any"}]),
        "format": st.just({"type": "json_schema", "schema": {"type": "object"}}),
    },
)


def said_between(kind: int, number: int) -> list[dict[str, Any]]:
    """Messages of the role system that a client puts behind its own."""
    effort: dict[str, Any] = {"role": "system", "content": [], "output_config": {"effort": "low"}}
    note: dict[str, Any] = {"role": "system", "content": [{"type": "text", "text": f"Note {number}."}]}
    return [[], [note], [{**note, "output_config": {"effort": "high"}}], [effort]][kind]


@settings(max_examples=300, deadline=None)
@given(steps=steps, extra=fields, weighed=st.booleans())
def test_a_conversation_that_wanders_is_never_refused(
    steps: list[tuple[str, bool, bool, int, Any, dict[str, Any]]], extra: dict[str, Any], weighed: bool
) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Hello."}]
    before: dict[str, list[dict[str, Any]]] = {}
    for number, (model, thinks, calls, between, thinking, config) in enumerate(steps):
        # Without weighing, the first one is the model that was meant and the others stand in for it.
        meant = not weighed and model == steps[0][0]
        target = claude(model) if meant else stand_in(model)
        shaped = {name: value for name, value in extra.items() if name != "format"}
        config = {**config, **({"format": extra["format"]} if "format" in extra else {})}
        request = {"model": "auto", "messages": messages, **shaped}
        request |= {"thinking": thinking} if thinking else {}
        request |= {"output_config": config} if config else {}
        if "tools" not in request:
            request.pop("tool_choice", None)
        if lack(ANTHROPIC.read_head(json.dumps(request).encode()), target) is not None:
            request.pop("tool_choice")
        out = sent(request, target)["messages"]
        seen = before.get(model, [])
        assert out[: len(seen)] == seen, "what the model was sent before is sent again as it was"
        before[model] = out
        messages = [*messages, {"role": "assistant", "content": answer(target, number, thinks, calls)}]
        reference = [{"type": "tool_reference", "tool_name": "Later"}]
        result = {"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": reference if between else "ok"}
        messages.append({"role": "user", "content": [result] if calls else "And then?"})
        messages += said_between(between, number)


# -- rule by rule


def changed(model: str, **asked: Any) -> dict[str, Any]:
    """The fields that go to another model than the one that was asked for."""
    out = sent(json.loads(body(model="auto", max_tokens=9_000)) | asked, claude(model))
    return {name: value for name, value in out.items() if name in asked or name in ("thinking", "output_config")}


ADAPTIVE = {"type": "adaptive", "display": "updates"}
OFF, BETWEEN = {"type": "disabled"}, {"type": "between_tools"}
BUDGET = {"type": "enabled", "budget_tokens": 16_000, "display": "omitted"}


@pytest.mark.parametrize(
    ("model", "thinking", "effort", "expected", "left"),
    [
        ("claude-opus-4-1", ADAPTIVE, "high", {"type": "enabled", "budget_tokens": 8_999}, None),
        ("claude-opus-4-5", ADAPTIVE, "max", {"type": "enabled", "budget_tokens": 8_999}, "high"),
        ("claude-haiku-4-5", ADAPTIVE, "low", {"type": "enabled", "budget_tokens": 2_048}, None),
        ("claude-sonnet-4-6", ADAPTIVE, "xhigh", ADAPTIVE, "high"),
        ("claude-sonnet-4-6", BUDGET | {"budget_tokens": 4_000}, None, BUDGET | {"budget_tokens": 4_000}, None),
        ("claude-opus-4-7", BUDGET, None, {"type": "adaptive", "display": "omitted"}, "high"),
        ("claude-opus-5-5", OFF, None, None, "low"),
        ("claude-opus-5-5", OFF, "max", None, "max"),
        ("claude-sonnet-5-5", OFF, "max", BETWEEN, "high"),
        ("claude-haiku-5-5", BETWEEN, "low", OFF, "low"),
        ("claude-3-5-sonnet", ADAPTIVE, "low", None, None),
    ],
)
def test_thinking_and_effort_become_the_nearest(
    model: str, thinking: Any, effort: str | None, expected: Any, left: str | None
) -> None:
    asked = {"thinking": thinking} | ({"output_config": {"effort": effort}} if effort else {})
    out = changed(model, **asked)
    assert out.get("thinking") == expected
    assert out.get("output_config") == ({"effort": left} if left else None)


def test_sampling_goes_where_it_is_refused_and_nowhere_else() -> None:
    sampling = {"temperature": 0.2, "top_p": 1, "top_k": 5}
    assert changed("claude-opus-4-7", **sampling) == {"top_p": 1}
    assert changed("claude-sonnet-4-5", **sampling) == {"temperature": 0.2, "top_k": 5}


def test_a_longer_answer_than_there_is_is_not_asked_for() -> None:
    assert changed("claude-haiku-4-5", max_tokens=128_000) == {"max_tokens": 64_000}
    assert changed("claude-opus-5", max_tokens=128_000) == {"max_tokens": 128_000}
    limited = msgspec.structs.replace(claude("claude-opus-5"), max_output=500)
    assert sent(json.loads(body(model="auto", max_tokens=900)), limited)["max_tokens"] == 500


def test_a_schema_that_cannot_be_held_to_is_put_into_words() -> None:
    config = {"format": {"type": "json_schema", "schema": {"type": "object"}}}
    for system in (None, "Be brief.", [], [{"type": "text", "text": "Be brief."}]):
        asked = {"output_config": config} | ({"system": system} if system is not None else {})
        out = changed("claude-sonnet-4-20250514", **asked)
        words = [
            block["text"] for block in sent(json.loads(body(model="auto")) | asked, claude("claude-opus-4"))["system"]
        ]
        assert "output_config" not in out
        assert words[-1].endswith('{"type": "object"}')
        assert words[:-1] == (["Be brief."] if system else [])


def test_notes_of_the_system_become_the_users_behind_the_results() -> None:
    use = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "n", "input": {}}]}
    note = {"role": "system", "content": "Note.", "output_config": {"effort": "low"}}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "x"}]}
    user = {"role": "user", "content": "hi"}
    folded = {"role": "user", "content": "<system-reminder>\nNote.\n</system-reminder>"}
    request = json.loads(body(model="auto", messages=[user, use, note, result]))
    assert sent(request, claude("claude-opus-4-7"))["messages"] == [user, use, result, folded]
    assert sent(request, claude("claude-opus-4-8"))["messages"][2] == {"role": "system", "content": "Note."}
    assert sent(request, claude("claude-opus-5"))["messages"] == [user, use, note, result]
    raw = json.dumps(request).encode()
    assert json.loads(ANTHROPIC.splice(raw, ANTHROPIC.read_head(raw), local()))["messages"][3] == folded


def test_who_copies_the_dialect_is_not_told_how_to_think() -> None:
    raw = body(model="auto", thinking=ADAPTIVE, output_config={"effort": "max"}, temperature=0.5)
    assert ANTHROPIC.splice(raw, ANTHROPIC.read_head(raw), local()) == raw.replace(b'"auto"', b'"small"')
