"""The requests that are sent: built here, the same bytes on every run, so that two runs load a gateway alike."""

import json
from typing import Any

from benchmarks.harness.points import Dialect, Load

EXPECTED_TEXT = "The scale weighs each token once, and what it says is written down before the answer has left."
"""What the mock upstream says in every dialect (see `words` in mock_upstream.c)."""

EXPECTED_OUTPUT_TOKENS = 20

AGENT_MESSAGES = 61
AGENT_TOOLS = 15

_WORDS = [
    "gateway",
    "ledger",
    "token",
    "provider",
    "stream",
    "cache",
    "route",
    "budget",
    "request",
    "answer",
    "model",
    "header",
    "body",
    "socket",
    "buffer",
    "parser",
    "event",
    "tool",
    "result",
    "system",
    "prompt",
    "price",
    "window",
    "retry",
    "fallback",
    "limit",
    "quota",
    "journal",
    "receipt",
    "attempt",
]


def _prose(seed: int, words: int) -> str:
    """Text of `words` words that differs by `seed` and never changes between runs."""
    state, picked = seed * 2654435761 % 2**32, []
    for _ in range(words):
        state = (state * 1103515245 + 12345) % 2**31
        picked.append(_WORDS[(state >> 16) % len(_WORDS)])
    return " ".join(picked)


def _parameters(index: int) -> dict[str, Any]:
    """A tool's JSON schema, about 700 bytes."""
    names = ("path", "pattern", "limit", "encoding", "recursive")
    return {
        "type": "object",
        "properties": {
            name: {"type": "string", "description": _prose(index * 7 + place, 12)} for place, name in enumerate(names)
        },
        "required": ["path"],
        "additionalProperties": False,
    }


def small(dialect: Dialect, model: str, stream: bool) -> dict[str, Any]:
    """A short question, about 700 bytes as JSON."""
    system, question = _prose(1, 42), _prose(2, 42)
    body: dict[str, Any] = {"model": model, "max_tokens": 256, "temperature": 0.2, "stream": stream}
    if dialect == "messages":
        return {**body, "system": system, "messages": [{"role": "user", "content": question}]}
    if stream:
        body["stream_options"] = {"include_usage": True}
    roles = (("system", system), ("user", question))
    return {**body, "messages": [{"role": role, "content": content} for role, content in roles]}


def agent(dialect: Dialect, model: str) -> dict[str, Any]:
    """What a coding agent sends in mid-task: 61 messages, half of them tool results, and 15 tools; about 106 KB."""
    return _agent_messages(model) if dialect == "messages" else _agent_chat(model)


def _agent_messages(model: str) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": [{"type": "text", "text": _prose(3, 200)}]}]
    for turn in range(1, AGENT_MESSAGES):
        use_id = f"toolu_bench{(turn + 1) // 2:04d}"  # an odd turn uses a tool, the even one after it has the result
        if turn % 2:
            use = {"type": "tool_use", "id": use_id, "name": f"tool_{turn % AGENT_TOOLS}"}
            content = [{"type": "text", "text": _prose(turn, 60)}, {**use, "input": {"path": f"src/{turn}.py"}}]
            messages.append({"role": "assistant", "content": content})
        else:
            result = {"type": "tool_result", "tool_use_id": use_id, "content": _prose(turn, 280)}
            messages.append({"role": "user", "content": [result]})
    tools = [
        {"name": f"tool_{index}", "description": _prose(100 + index, 90), "input_schema": _parameters(index)}
        for index in range(AGENT_TOOLS)
    ]
    system = [{"type": "text", "text": _prose(5, 900), "cache_control": {"type": "ephemeral"}}]
    return {
        "model": model,
        "max_tokens": 4096,
        "stream": False,
        "system": system,
        "messages": messages,
        "tools": tools,
    }


def _agent_chat(model: str) -> dict[str, Any]:
    """The same conversation as `_agent_messages`, said in Chat Completions."""
    source = _agent_messages(model)
    messages: list[dict[str, Any]] = [{"role": "system", "content": source["system"][0]["text"]}]
    for message in source["messages"]:
        said: dict[str, Any] = {"role": message["role"]}
        for block in message["content"]:
            if block["type"] == "text":
                said["content"] = block["text"]
            elif block["type"] == "tool_use":
                call = {"name": block["name"], "arguments": json.dumps(block["input"])}
                said["tool_calls"] = [{"id": block["id"], "type": "function", "function": call}]
            else:
                said = {"role": "tool", "tool_call_id": block["tool_use_id"], "content": block["content"]}
        messages.append(said)
    tools = [
        {
            "type": "function",
            "function": {
                "name": tool["name"],
                "description": tool["description"],
                "parameters": tool["input_schema"],
            },
        }
        for tool in source["tools"]
    ]
    return {"model": model, "max_tokens": 4096, "stream": False, "messages": messages, "tools": tools}


def body(load: Load, dialect: Dialect, model: str) -> bytes:
    """The request of a load as the JSON a client would send."""
    asked = agent(dialect, model) if load == "agent" else small(dialect, model, stream=load in ("bulk", "ticked"))
    return json.dumps(asked, separators=(",", ":")).encode()
