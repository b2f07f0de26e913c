"""A conversation in which another model of the same provider stands in for a while goes on without a refusal."""

import json
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained, events
from tests.real.books import House, serving

MEANT, STAND_IN = "claude-opus-5-5", "claude-haiku-5-5"


@pytest.fixture
def house(simulator: RunningSimulator, tmp_path: Path) -> Iterator[House]:
    chain = {"chain": [f"anthropic/{MEANT}", f"anthropic/{STAND_IN}"]}
    with serving(chained(simulator.url, models=chain, retries={"per_target": 0}), tmp_path) as running:
        yield running


def content_of(response: httpx2.Response, stream: bool) -> list[dict[str, Any]]:
    """The answer's blocks, as a client keeps them."""
    assert response.status_code == 200, response.text
    if not stream:
        blocks: list[dict[str, Any]] = response.json()["content"]
        return blocks
    blocks = []
    for event in events(response):
        if event["type"] == "content_block_start":
            blocks.append(event["content_block"])
        elif event["type"] == "content_block_delta":
            delta = event["delta"]
            for field in ("text", "thinking", "signature"):
                if field in delta:
                    blocks[event["index"]][field] = blocks[event["index"]].get(field, "") + delta[field]
    return blocks


@pytest.mark.parametrize("stream", [False, True])
def test_thinking_goes_to_its_own_model_alone(house: House, simulator: RunningSimulator, stream: bool) -> None:
    """The simulator refuses a signature that is not the model's own, as Anthropic does."""
    caller = Caller(house.url)
    messages: list[dict[str, Any]] = []
    answered: list[str] = []
    for well in (True, False, False, True, True):
        messages.append({"role": "user", "content": "And then?"})
        simulator.script(MEANT, {"thinking": "Hm, well.", "text": "So."} if well else {"status": 529})
        if not well:
            simulator.script(STAND_IN, {"thinking": "Let me see.", "text": "Then."})
        body = {"model": "chain", "max_tokens": 9_000, "messages": messages, "thinking": {"type": "adaptive"}}
        response = caller.http.post("/v1/messages", json=body | {"stream": stream})
        content = content_of(response, stream)
        assert [block["type"] for block in content] == ["thinking", "text"]
        answered.append(response.headers["x-tenbin-model"])
        messages.append({"role": "assistant", "content": content})
    caller.http.close()
    assert answered == [MEANT, STAND_IN, STAND_IN, MEANT, MEANT]
    sent = [entry["body"] for entry in simulator.requests() if entry["status"] == 200]
    kept = [
        [b["thinking"] for m in one["messages"][1::2] for b in m["content"] if b["type"] == "thinking"] for one in sent
    ]
    hm, see = "Hm, well.", "Let me see."
    assert kept == [[], [], [see], [hm], [hm, hm]]


CLAUDES = ["claude-opus-5-5", "claude-haiku-4-5", "claude-sonnet-5-5", "claude-opus-4-1", "claude-sonnet-4-6"]
OTHERS = ["gpt-5", "gpt-4o"]
RECORDED = Path(__file__).parents[1] / "golden" / "anthropic" / "claude_code_requests.json"


@pytest.mark.parametrize("stream", [False, True])
def test_claude_code_wanders_between_models_and_is_never_refused(
    simulator: RunningSimulator, tmp_path: Path, stream: bool
) -> None:
    """Every pair of models in turn, each turn's answer fed back, its betas sent along; half the turns call a tool."""
    names = {model: f"anthropic/{model}" for model in CLAUDES} | {model: f"openai/{model}" for model in OTHERS}
    chains = {f"to-{model}": ["dead/x", target] for model, target in names.items()}
    recorded = json.loads(RECORDED.read_bytes())["main"]
    order = [model for pair in permutations(names, 2) for model in pair]
    tool = {"name": "Read", "input": {"file_path": "a"}}
    with serving(chained(simulator.url, models=chains, retries={"per_target": 0}), tmp_path) as running:
        caller = Caller(running.url)
        messages = list(recorded["body"]["messages"])
        for number, model in enumerate(order):
            simulator.script(model, {"thinking": f"Hm {number}.", **({"tools": [tool]} if number % 4 < 2 else {})})
            body = recorded["body"] | {"model": f"to-{model}", "messages": messages, "stream": stream}
            beta = {"anthropic-beta": recorded["headers"]["anthropic-beta"]}
            response = caller.http.post("/v1/messages", json=body, headers=beta)
            assert response.headers["x-tenbin-model"] == model
            content = content_of(response, stream)
            calls = [block["id"] for block in content if block["type"] == "tool_use"]
            results = [{"type": "tool_result", "tool_use_id": one, "content": "ok"} for one in calls]
            messages.append({"role": "assistant", "content": content})
            messages.append({"role": "user", "content": results or "And then?"})
            messages.append({"role": "system", "content": "Note.", "output_config": {"effort": "high"}})
        caller.http.close()
    assert {entry["status"] for entry in simulator.requests()} == {200}
    assert sum("tool_result" in str(message["content"]) for message in messages) == len(order) // 2
