"""Reads a Chat Completions request into a Prompt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tenbin.simulator import tokens
from tenbin.simulator.exchange import encode
from tenbin.simulator.models import Model
from tenbin.simulator.prompt import Block, Prompt, Turn


def read(body: dict[str, Any], model: Model, headers: dict[str, str]) -> Prompt:
    """Return the Prompt of a checked body."""
    tools = [tool[tool.get("type", "function")] for tool in body.get("tools") or []]
    wanted = body.get("response_format") or {}
    choice = body.get("tool_choice") or "auto"
    stops = body.get("stop") or ()
    effort = body.get("reasoning_effort") or (body.get("reasoning") or {}).get("effort")
    switched = (body.get("thinking") or {}).get("type") == "enabled"
    return Prompt(
        model=model,
        model_name=str(body["model"]),
        blocks=[*map(tool_block, tools), *_message_blocks(body["messages"])],
        turns=[Turn(_role(message), text_of(message.get("content"))) for message in body["messages"]],
        tools={tool["name"]: tool.get("parameters", {}) for tool in tools},
        choice=f"tool:{choice['function']['name']}"
        if isinstance(choice, dict) and "function" in choice
        else str(choice),
        schema=wanted["json_schema"].get("schema", {}) if wanted.get("type") == "json_schema" else None,
        json_mode=wanted.get("type") == "json_object",
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        stops=(stops,) if isinstance(stops, str) else tuple(stops),
        thinking=switched or (effort != "none" and (model.reasoning or bool(effort))),
        stream=bool(body.get("stream")),
        headers=headers,
    )


def tool_block(tool: dict[str, Any]) -> Block:
    """Return the block of one offered function."""
    schema = encode(tool["parameters"]).decode() if tool.get("parameters") is not None else ""
    words = (tool["name"], str(tool.get("description") or ""), schema)
    return Block("tools", encode(tool).decode(), tokens.TOOL_OVERHEAD + sum(map(tokens.count, words)))


def _role(message: dict[str, Any]) -> str:
    return str(message["role"])


def text_of(content: Any) -> str:
    """Return the text in a content field."""
    if isinstance(content, list):
        return "\n".join(
            part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    return content or ""


def _message_blocks(messages: list[dict[str, Any]]) -> Iterator[Block]:
    for message in messages:
        section = "system" if message["role"] in ("system", "developer") else "messages"
        cost = tokens.MESSAGE_OVERHEAD + content_tokens(message.get("content"))
        for call in message.get("tool_calls") or []:
            cost += tokens.count(call["function"]["name"]) + tokens.count(call["function"]["arguments"])
        cost += tokens.count(message.get("reasoning_content") or message.get("reasoning") or "")
        yield Block(section, encode(message).decode(), cost)


def content_tokens(content: Any) -> int:
    """Return the tokens of a content field."""
    if content is None or isinstance(content, str):
        return tokens.count(content or "")
    return sum(_part_tokens(part) for part in content)


def _part_tokens(part: dict[str, Any]) -> int:
    if isinstance(part.get("text"), str):
        return tokens.count(part["text"])
    image = part.get("image_url")
    url = image.get("url", "") if isinstance(image, dict) else str(image or "")
    return tokens.image_tokens(url.partition("base64,")[2]) if image else tokens.IMAGE_TOKENS
