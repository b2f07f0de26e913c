"""A Responses request made for one model goes to another: nothing that it would refuse is sent."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenbin.codecs.openai_responses import OPENAI_RESPONSES
from tenbin.config.quirks import resolve
from tenbin.core.target import Target
from tenbin.simulator.models import Catalogue
from tenbin.simulator.openai_habits import HABITS
from tenbin.simulator.responses_prompt import check, encrypt, items_of

CATALOGUE = Catalogue()
MODELS = ["gpt-4o", "gpt-4.1", "o3", "o4-mini", "gpt-5", "gpt-5.1", "gpt-5.4", "gpt-6-luna"]


def target_of(model: str, *, stand_in: bool = False) -> Target:
    quirks = resolve("openai", {}, model)
    return Target(provider="openai", model=model, dialects=("openai_responses",), quirks=quirks, stand_in=stand_in)


def sent(request: dict[str, Any], target: Target) -> dict[str, Any]:
    """What goes out, held to what the simulator refuses for this model."""
    raw = json.dumps(request).encode()
    spliced: dict[str, Any] = json.loads(OPENAI_RESPONSES.splice(raw, OPENAI_RESPONSES.read_head(raw), target))
    model = CATALOGUE.find(target.model)
    assert model is not None
    assert spliced["model"] == target.model
    check(spliced, items_of(spliced, {}, HABITS["openai"]), model)
    return spliced


def answer(target: Target, number: int, calls: bool) -> list[dict[str, Any]]:
    """What the model says, as a client gets and keeps it, and what the client says to it."""
    text = f"Hm {number}."
    items: list[dict[str, Any]] = []
    if target.quirks.efforts != ():
        encrypted = encrypt(target.model, text)
        items.append({"id": f"rs_{number}", "type": "reasoning", "summary": [], "encrypted_content": encrypted})
    said: dict[str, Any] = {"id": f"msg_{number}", "type": "message", "role": "assistant"}
    call = {"id": f"fc_{number}", "type": "function_call", "call_id": f"c{number}", "name": "f", "arguments": "{}"}
    items.append(call if calls else {**said, "content": [{"type": "output_text", "text": "Well."}]})
    head = OPENAI_RESPONSES.read_head(b'{"model":"auto","input":"a"}')
    observer = OPENAI_RESPONSES.observer(streamed=False, head=head, target=target)
    whole = {"object": "response", "status": "completed", "output": items}
    told = observer.feed(json.dumps(whole).encode()) + observer.finish()
    output = {"type": "function_call_output", "call_id": f"c{number}", "output": "ok"}
    return [*json.loads(told)["output"], output if calls else {"role": "user", "content": "And then?"}]


fields = st.fixed_dictionaries(
    {},
    optional={
        "max_output_tokens": st.sampled_from([20, 300_000]),
        "temperature": st.sampled_from([0, 1]),
        "top_p": st.sampled_from([0.5, 1]),
        "parallel_tool_calls": st.booleans(),
        "include": st.sampled_from([["reasoning.encrypted_content"], ["reasoning.encrypted_content", "x"]]),
        "reasoning": st.builds(
            dict, effort=st.sampled_from(["none", "minimal", "low", "high", "xhigh", "max"]), summary=st.just("auto")
        ),
    },
)


@settings(max_examples=200, deadline=None)
@given(
    steps=st.lists(st.tuples(st.sampled_from(MODELS), st.booleans()), min_size=2, max_size=7),
    extra=fields,
    weighed=st.booleans(),
)
def test_a_conversation_that_wanders_is_never_refused(
    steps: list[tuple[str, bool]], extra: dict[str, Any], weighed: bool
) -> None:
    items: list[dict[str, Any]] = [{"role": "user", "content": "Hello."}]
    before: dict[str, list[dict[str, Any]]] = {}
    for number, (model, calls) in enumerate(steps):
        target = target_of(model, stand_in=weighed or model != steps[0][0])
        out = sent({"model": "auto", "input": items, "store": False, **extra}, target)["input"]
        seen = before.get(model, [])
        assert out[: len(seen)] == seen, "what the model was sent before is sent again as it was"
        before[model] = out
        items = [*items, *answer(target, number, calls)]


def test_the_meant_model_gets_the_very_bytes() -> None:
    raw = b'{"model":"o3","input":[{"type":"reasoning","encrypted_content":"x"}],"temperature":0}'
    assert OPENAI_RESPONSES.splice(raw, OPENAI_RESPONSES.read_head(raw), target_of("o3")) is raw


@pytest.mark.parametrize("stand_in", [False, True])
def test_what_lost_its_reasoning_loses_its_id(stand_in: bool) -> None:
    reasoning = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": encrypt("o3", "a")}
    call = {"id": "fc_1", "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    output = {"id": "fo_1", "type": "function_call_output", "call_id": "c", "output": "ok"}
    request = {"model": "auto", "input": [reasoning, call, output]}
    kept = sent(request, target_of("o3", stand_in=stand_in))["input"]
    bare = {name: value for name, value in call.items() if name != "id"}
    assert kept == ([bare, output] if stand_in else [reasoning, call, output])
