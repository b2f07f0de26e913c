"""The drill's requests: every dialect, streamed or not; their words say what goes wrong (docs/simulator.md)."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

LONG = " ".join(f"rule {number}: weigh what is given and write it down" for number in range(330))
"""A prompt long enough for every provider's cache."""

_TOOL = {"path": {"type": "string"}, "text": {"type": "string"}}
_SCHEMA = {"type": "object", "properties": _TOOL}

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"


@dataclass(frozen=True, slots=True)
class Planned:
    """A request, and when its client gives up."""

    number: int
    kind: str
    """What it is, for the report."""
    path: str
    body: bytes
    leave_after_bytes: int | None = None
    leave_after_s: float | None = None


def requests(count: int, seed: int) -> Iterator[Planned]:
    """So many requests, the same for the same seed."""
    chance = random.Random(seed)
    for number in range(count):
        yield _request(number, chance)


_KINDS: tuple[tuple[str, int], ...] = (
    ("messages", 20),
    ("messages, prompt cache", 10),
    ("messages, tools", 6),
    ("messages, thinking", 4),
    ("messages to another dialect", 8),
    ("chat", 14),
    ("chat to another dialect", 6),
    ("chat, several choices", 1),
    ("chat, long prompt", 3),
    ("openrouter", 5),
    ("deepseek", 3),
    ("gemini", 3),
    ("no usage ever", 2),
    ("ollama", 3),
    ("responses", 6),
    ("responses to another dialect", 3),
    ("embeddings", 5),
    ("count_tokens", 3),
    ("cascade with a judge", 3),
    ("weighed with a judge", 2),
    ("hedged", 3),
    ("response cache", 6),
)
"""What is asked, and how often."""


def _request(number: int, chance: random.Random) -> Planned:
    kind = chance.choices([name for name, _ in _KINDS], [share for _, share in _KINDS])[0]
    stream = chance.random() < 0.6
    script, leave_bytes, leave_s = _fate(number, kind, stream, chance)
    path, body = _shape(number, kind, stream, script, chance)
    return Planned(number, kind, path, json.dumps(body).encode(), leave_bytes, leave_s)


SPEEDS = (35, 60, 80, 120, 180)
"""Tokens a second that providers write, where the client leaves meanwhile."""

_Fault = Callable[[random.Random, dict[str, Any]], dict[str, Any]]

_FAULTS: tuple[tuple[float, _Fault], ...] = (
    (0.04, lambda chance, once: {"status": chance.choice((429, 500, 503, 529)), "retry_after": 0} | once),
    (0.02, lambda chance, once: {"status": chance.choice((429, 500, 503, 529)), "retry_after": 0}),
    (0.01, lambda chance, once: {"html_error": True} | once),
    (0.01, lambda chance, once: {"close_before_response": True, "reset": chance.random() < 0.5} | once),
    (0.03, lambda chance, once: {"cut_after_events": chance.randrange(0, 40), "reset": chance.random() < 0.5}),
    (0.01, lambda chance, once: {"error_event_at": chance.randrange(1, 20)}),
    (0.001, lambda chance, once: {"stall_after_events": chance.randrange(0, 12)}),
    (0.001, lambda chance, once: {"delay_ms": 40_000, "output_tokens": 40 * chance.choice(SPEEDS)}),
    (0.02, lambda chance, once: {"delay_ms": chance.randrange(50, 500)}),
    (0.01, lambda chance, once: chance.choice(({"no_usage": True}, {"late_usage": True}))),
    (0.005, lambda chance, once: {"malformed_chunk_at": chance.randrange(1, 12)}),
    (
        0.005,
        lambda chance, once: chance.choice(({"gzip": True}, {"split_bytes": 37}, {"crlf": True}, {"failed": True})),
    ),
)
"""How often what goes wrong at the provider; ``once``: only the first time. The two last but few are longer than the
gateway waits."""


def _fate(
    number: int, kind: str, stream: bool, chance: random.Random
) -> tuple[dict[str, Any], int | None, float | None]:
    """What the provider is to do, and when the client leaves: after so many bytes, or seconds."""
    output = chance.choice((1, 5, 20, 20, 60, 60, 200, 600))
    script: dict[str, Any] = {"output_tokens": output}
    if kind == "messages, tools":
        script = {"tool": "write", "input": {"path": f"file{number}", "text": "word " * chance.randrange(1, 80)}}
    elif kind == "messages, thinking":
        script["thinking"] = "so " * chance.randrange(2, 60)
    if kind in ("response cache", "count_tokens"):
        return {}, None, None
    draw = chance.random()
    if draw < 0.03 and stream:
        return script | {"tick_ms": chance.choice((2, 5, 10))}, chance.randrange(200, 20_000), None
    if draw < 0.04:
        seconds = output / chance.choice(SPEEDS)
        leave = chance.uniform(0.02, 0.4) if stream else chance.uniform(0.05, 1) * max(seconds, 0.02)
        return script | {"delay_ms": seconds * 1000 + 1}, None, leave
    draw = chance.random()
    for share, fault in _FAULTS:
        if draw < share:
            return script | fault(chance, {"fail_times": 1, "key": str(number)}), None, None
        draw -= share
    return script, None, None


def _shape(
    number: int, kind: str, stream: bool, script: dict[str, Any], chance: random.Random
) -> tuple[str, dict[str, Any]]:
    """Path and body."""
    words = " ".join(f"word{chance.randrange(1000)}" for _ in range(chance.choice((3, 10, 40, 120))))
    text = f"Request {number}: {words}" + (f"\nsimulate: {json.dumps(script)}" if script else "")
    if kind == "embeddings":
        return "/v1/embeddings", {"model": "embedder", "input": [words, text]}
    if kind.startswith("responses"):
        asked: dict[str, Any] = {"model": "reasoning" if kind == "responses" else "haiku", "input": text}
        if chance.random() < 0.3:
            asked["instructions"] = LONG
        return RESPONSES, {**asked, "stream": stream, "store": False}
    if kind.startswith("messages") or kind == "count_tokens":
        return _messages(kind, text, stream, chance)
    return _chat(kind, text, stream, chance)


def _messages(kind: str, text: str, stream: bool, chance: random.Random) -> tuple[str, dict[str, Any]]:
    model = chance.choice(("anthropic", "anthropic", "haiku"))
    if kind == "messages to another dialect":
        model = chance.choice(("openai", "reasoning", "gemini", "deepseek", "openrouter", "ollama"))
    content: Any = text
    body: dict[str, Any] = {"model": model, "max_tokens": 4096, "messages": [{"role": "user", "content": content}]}
    if kind == "count_tokens":
        return f"{MESSAGES}/count_tokens", {name: body[name] for name in ("model", "messages")}
    if kind == "messages, tools":
        body["tools"] = [{"name": "write", "description": "Write a file.", "input_schema": _SCHEMA}]
    if kind == "messages, thinking":
        body["thinking"] = {"type": "enabled", "budget_tokens": 1024}
        body["model"] = "anthropic"
    if kind == "messages, prompt cache":
        mark: dict[str, Any] = {"type": "ephemeral"}
        if chance.random() < 0.3:
            mark["ttl"] = "1h"
        system = f"Book {chance.randrange(300)}. {LONG}"
        body["system"] = [{"type": "text", "text": system, "cache_control": mark}]
    return MESSAGES, {**body, "stream": stream}


def _chat(kind: str, text: str, stream: bool, chance: random.Random) -> tuple[str, dict[str, Any]]:
    names = {
        "chat": "openai",
        "chat to another dialect": chance.choice(("anthropic", "haiku", "ollama")),
        "no usage ever": "messy",
        "cascade with a judge": "cascade",
        "weighed with a judge": "auto",
        "response cache": "cached",
        "chat, several choices": "openai",
        "chat, long prompt": "openai",
    }
    messages = [{"role": "user", "content": text}]
    if kind == "chat, long prompt":
        messages.insert(0, {"role": "system", "content": f"Book {chance.randrange(300)}. {LONG}"})
    if kind == "response cache":
        messages = [{"role": "user", "content": f"What is the capital of country {chance.randrange(2_000)}?"}]
    body: dict[str, Any] = {"model": names.get(kind, kind), "messages": messages}
    if kind == "chat, several choices":
        body["n"] = 3
    if stream:
        body["stream"] = True
        if chance.random() < 0.5:
            body["stream_options"] = {"include_usage": True}
    return CHAT, body
