"""An answer as Ollama sends it, for the tests of who reads it and who watches it."""

import json
from typing import Any

from tenbin.core.target import Target

TARGET = Target(provider="ollama", model="qwen3:8b", dialects=("ollama_chat",), context=32_768)


def lines(*objects: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in objects)


def said(**message: Any) -> dict[str, Any]:
    return {
        "model": "qwen3:8b",
        "created_at": "2026-11-21T10:00:00.123456789Z",
        "message": {"role": "assistant", "content": "", **message},
        "done": False,
    }


def done(**fields: Any) -> dict[str, Any]:
    return {**said(), "done": True, "done_reason": "stop", "prompt_eval_count": 26, "eval_count": 9, **fields}


CALL = {"function": {"index": 0, "name": "weather", "arguments": {"city": "東京"}}}
STREAM = lines(
    said(thinking="Hm"),
    said(thinking="m."),
    said(content="Let me"),
    said(content=" see 🙂"),
    said(tool_calls=[CALL, CALL]),
    done(),
)
