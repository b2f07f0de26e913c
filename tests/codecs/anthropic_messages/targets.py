"""Targets and short cuts that the tests of this dialect share."""

import json
from pathlib import Path
from typing import Any

from tenbin.config.quirks import resolve
from tenbin.core.target import Target

GOLDEN = Path(__file__).parents[2] / "golden" / "anthropic"


def claude(model: str = "claude-haiku-5-5", **quirks: Any) -> Target:
    """A model at Anthropic itself."""
    return Target(
        provider="anthropic", model=model, dialects=("anthropic",), quirks=resolve("anthropic", quirks, model)
    )


def local(**quirks: Any) -> Target:
    """A model of a llama.cpp server, which speaks the dialect but is not Anthropic."""
    return Target(
        provider="llamacpp", model="small", dialects=("openai_chat", "anthropic"), quirks=resolve("llamacpp", quirks)
    )


def golden(name: str) -> bytes:
    """A recorded answer."""
    return (GOLDEN / name).read_bytes()


def body(**fields: Any) -> bytes:
    """A request with these fields beside the necessary ones; None leaves one out."""
    whole = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}], **fields}
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()
