"""Reads a Messages request into a Prompt: cacheable blocks in the order tools, system, messages, and what "
"they cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tenbin.simulator import tokens
from tenbin.simulator.exchange import encode
from tenbin.simulator.models import Model
from tenbin.simulator.prompt import Block, Prompt, Turn


def read(body: dict[str, Any], model: Model, headers: dict[str, str]) -> Prompt:
    """Return the Prompt of a checked body."""
    blocks = [*_tool_blocks(body), *_system_blocks(body), *_message_blocks(body)]
    automatic = body.get("cache_control")
    if isinstance(automatic, dict) and blocks and blocks[-1].ttl is None:
        last = blocks[-1]
        blocks[-1] = Block(last.section, last.content, last.tokens, automatic.get("ttl", "5m"))
    choice = body.get("tool_choice") or {}
    kind = choice.get("type", "auto")
    output = body.get("output_config") or {}
    wanted = output.get("format") or body.get("output_format") or {}
    return Prompt(
        model=model,
        model_name=str(body["model"]),
        blocks=blocks,
        turns=[Turn(message["role"], _visible_text(message["content"])) for message in body["messages"]],
        tools={tool["name"]: tool.get("input_schema", {}) for tool in body.get("tools") or [] if "name" in tool},
        choice={"any": "required", "tool": f"tool:{choice.get('name')}"}.get(kind, kind),
        schema=wanted.get("schema") if wanted.get("type") == "json_schema" else None,
        max_tokens=body.get("max_tokens"),
        stops=tuple(body.get("stop_sequences") or ()),
        thinking=(body.get("thinking") or {}).get("type", "disabled") != "disabled",
        stream=bool(body.get("stream")),
        headers=headers,
    )


def blocks_of(content: Any) -> list[dict[str, Any]]:
    """Return a content field as a list of blocks; a string is one text block."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return list(content)


def _visible_text(content: Any) -> str:
    return "\n".join(block["text"] for block in blocks_of(content) if block.get("type") == "text")


def _without_mark(block: dict[str, Any]) -> str:
    return encode({key: value for key, value in block.items() if key != "cache_control"}).decode()


def _ttl(block: dict[str, Any]) -> str | None:
    mark = block.get("cache_control")
    return mark.get("ttl") or "5m" if isinstance(mark, dict) else None


def _tool_blocks(body: dict[str, Any]) -> Iterator[Block]:
    for tool in body.get("tools") or []:
        if tool.get("defer_loading"):
            continue  # not in the prompt until a tool_reference brings it in
        yield Block("tools", _without_mark(tool), _tool_tokens(tool), _ttl(tool))


def _tool_tokens(tool: dict[str, Any]) -> int:
    schema = encode(tool["input_schema"]).decode() if "input_schema" in tool else ""
    words = (str(tool.get("name", "")), str(tool.get("description") or ""), schema)
    return tokens.TOOL_OVERHEAD + sum(tokens.count(word) for word in words)


def _system_blocks(body: dict[str, Any]) -> Iterator[Block]:
    overhead = tokens.MESSAGE_OVERHEAD
    for block in blocks_of(body.get("system") or []):
        yield Block("system", _without_mark(block), overhead + block_tokens(block), _ttl(block))
        overhead = 0


def _message_blocks(body: dict[str, Any]) -> Iterator[Block]:
    for message in body["messages"]:
        overhead = tokens.MESSAGE_OVERHEAD
        for block in blocks_of(message["content"]):
            content = message["role"] + _without_mark(block)
            yield Block("messages", content, overhead + block_tokens(block), _ttl(block))
            overhead = 0


def block_tokens(block: dict[str, Any]) -> int:
    """Return the tokens of one content block."""
    kind = block.get("type")
    if kind == "text":
        return tokens.count(block["text"])
    if kind == "thinking":
        return tokens.count(block.get("thinking", ""))
    if kind == "tool_use":
        return tokens.count(block["name"]) + tokens.count(encode(block["input"]).decode())
    if kind == "tool_result":
        return sum(block_tokens(part) for part in blocks_of(block.get("content") or []))
    if kind == "image":
        return tokens.image_tokens(str(block.get("source", {}).get("data", "")))
    if kind == "document":
        source = block.get("source", {})
        text = source.get("data", "") if source.get("type") == "text" else ""
        return tokens.count(text) if text else tokens.IMAGE_TOKENS
    return tokens.count(_without_mark(block))
