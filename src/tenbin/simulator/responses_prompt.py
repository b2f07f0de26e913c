"""Reads a Responses request into a Prompt, and refuses what the API refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tenbin.simulator import tokens
from tenbin.simulator.exchange import encode
from tenbin.simulator.models import Model
from tenbin.simulator.openai_checks import bad
from tenbin.simulator.openai_habits import Habits
from tenbin.simulator.openai_prompt import content_tokens, text_of, tool_block
from tenbin.simulator.prompt import Block, Prompt, Turn

_FIELD_NAMES = (
    "access_programs background background_options context_management conversation include input "
    "instructions "
    "max_output_tokens max_tool_calls metadata model moderation parallel_tool_calls previous_response_id "
    "prompt "
    "prompt_cache_key prompt_cache_options prompt_cache_retention reasoning safety_identifier service_tier "
    "store "
    "stream stream_options temperature text tool_choice tools top_logprobs top_p truncation user"
)
_FIELDS = frozenset(_FIELD_NAMES.split())
_OUTPUTS = {"function_call_output": "function_call", "custom_tool_call_output": "custom_tool_call"}
_PARTS = ("input_text", "input_image", "input_file", "output_text", "refusal", "text", "summary_text", "reasoning_text")


def items_of(body: dict[str, Any], stored: Mapping[str, Any], habits: Habits) -> list[dict[str, Any]]:
    """Return all input items, those of `previous_response_id` first. Raises ApiError 400."""
    if habits.strict:
        for name in body:
            if name not in _FIELDS:
                raise bad(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
    given = body.get("input")
    if given is None and not body.get("previous_response_id"):
        raise bad("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    if not isinstance(given or [], (str, list)):
        raise bad("Invalid type for 'input': expected a string or an array.", "input", "invalid_type")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else list(given or [])
    previous = body.get("previous_response_id")
    if previous:
        if previous not in stored:
            message = f"Previous response with id '{previous}' not found."
            raise bad(message, "previous_response_id", "previous_response_not_found")
        items = [*stored[previous]["items"], *items]
    _check(items)
    return items


def _check(items: list[Any]) -> None:
    called: dict[str, set[str]] = {}
    answered: set[str] = set()
    for index, item in enumerate(items):
        where = f"input[{index}]"
        if not isinstance(item, dict):
            raise bad(f"Invalid type for '{where}': expected an object.", where, "invalid_type")
        kind = item.get("type", "message")
        if kind == "message":
            _check_message(item, where)
        elif kind in _OUTPUTS.values():
            called.setdefault(kind, set()).add(item.get("call_id", ""))
        elif kind in _OUTPUTS:
            name = item.get("call_id", "")
            if name not in called.get(_OUTPUTS[kind], set()):
                raise bad(f"No tool call found for function call output with call_id {name}.", "input")
            answered.add(name)
    open_calls = sorted({name for names in called.values() for name in names} - answered)
    if open_calls:
        raise bad(f"No tool output found for function call {open_calls[0]}.", "input")


def _check_message(item: dict[str, Any], where: str) -> None:
    if item.get("role") not in ("user", "assistant", "system", "developer"):
        message = (
            f"Invalid value: '{item.get('role')}'. Supported values are: 'assistant', 'system', 'developer', 'user'."
        )
        raise bad(message, f"{where}.role", "invalid_value")
    if not isinstance(item.get("content"), (str, list)):
        raise bad(f"Missing required parameter: '{where}.content'.", f"{where}.content", "missing_required_parameter")
    for position, part in enumerate(item["content"] if isinstance(item["content"], list) else []):
        kind = part.get("type") if isinstance(part, dict) else None
        wrong_side = kind == ("output_text" if item["role"] != "assistant" else "input_text")
        if kind not in _PARTS or wrong_side:
            message = f"Invalid value: '{kind}'. Supported values are: {', '.join(map(repr, _PARTS))}."
            raise bad(message, f"{where}.content[{position}].type", "invalid_value")


_ENCRYPTED = "gAAAAsimulated"


def encrypt(model: str, text: str) -> str:
    """Return what `model` gives out as the encrypted content of its reasoning."""
    return f"{_ENCRYPTED}{model.encode().hex()}.{text.encode().hex()}"


def check(body: dict[str, Any], items: list[dict[str, Any]], model: Model) -> None:
    """Raise ApiError 400 for what this model refuses."""
    for item in items:
        content = item.get("encrypted_content") if item.get("type") == "reasoning" else None
        if content is not None and not content.startswith(encrypt(model.name, "")):
            raise bad(
                f"The encrypted content {content[:4]}...{content[-4:]} could not be verified.",
                code="invalid_encrypted_content",
            )
    included = body.get("include") or []
    if "reasoning.encrypted_content" in included and model.efforts == ():
        raise bad("Encrypted content is not supported with this model.", "include")
    for name, usual in (("temperature", 1), ("top_p", 1)):
        if model.reasoning and body.get(name) not in (None, usual):
            raise bad(f"Unsupported parameter: '{name}' is not supported with this model.", name)
    if (body.get("max_output_tokens") or 0) > model.max_output:
        raise bad(
            f"max_output_tokens is too large: {body['max_output_tokens']}. This model supports at most "
            f"{model.max_output} completion tokens.",
            "max_output_tokens",
        )
    if model.serial_only and body.get("parallel_tool_calls") is not None:
        raise bad("Unsupported parameter: 'parallel_tool_calls' is not supported with this model.")
    reasoning = body.get("reasoning")
    if reasoning is not None and model.efforts == ():
        raise bad("Unsupported parameter: 'reasoning.effort' is not supported with this model.", "reasoning")
    effort = (reasoning or {}).get("effort")
    if effort is not None and model.efforts is not None and effort not in model.efforts:
        raise bad(f"Unsupported value: '{effort}' is not supported with this model.", "reasoning.effort")


def read(body: dict[str, Any], items: list[dict[str, Any]], model: Model, headers: dict[str, str]) -> Prompt:
    """Return the Prompt of checked items."""
    tools = [tool for tool in body.get("tools") or [] if "name" in tool]
    wanted = (body.get("text") or {}).get("format") or {}
    choice = body.get("tool_choice") or "auto"
    instructions = body.get("instructions")
    blocks = [*map(tool_block, tools)]
    if instructions:
        blocks.append(Block("system", instructions, tokens.MESSAGE_OVERHEAD + tokens.count(instructions)))
    effort = (body.get("reasoning") or {}).get("effort")
    return Prompt(
        model=model,
        model_name=str(body["model"]),
        blocks=[*blocks, *map(_item_block, items)],
        turns=[_turn(item) for item in items],
        tools={tool["name"]: tool.get("parameters") or {} for tool in tools},
        choice=f"tool:{choice['name']}" if isinstance(choice, dict) and "name" in choice else str(choice),
        schema=wanted.get("schema", {}) if wanted.get("type") == "json_schema" else None,
        json_mode=wanted.get("type") == "json_object",
        max_tokens=body.get("max_output_tokens"),
        thinking=(model.reasoning or bool(effort)) and effort != "none",
        stream=bool(body.get("stream")),
        headers=headers,
    )


def _turn(item: dict[str, Any]) -> Turn:
    kind = item.get("type", "message")
    if kind == "message":
        return Turn(item["role"], text_of(item["content"]))
    return Turn("tool" if kind in _OUTPUTS else "assistant", "")


def _item_block(item: dict[str, Any]) -> Block:
    kind = item.get("type", "message")
    section = "system" if item.get("role") in ("system", "developer") else "messages"
    cost = tokens.MESSAGE_OVERHEAD
    if kind == "message":
        cost += content_tokens(item["content"])
    elif kind in _OUTPUTS:
        cost += content_tokens(item.get("output"))
    elif kind == "function_call":
        cost += tokens.count(item.get("name", "")) + tokens.count(item.get("arguments", ""))
    else:
        cost += content_tokens(item.get("summary") or [])
    # An item's own id is not part of the prompt: the same words sent back without it hit the same cache.
    kept = {name: value for name, value in item.items() if name not in ("id", "status")}
    return Block(section, encode(kept).decode(), cost)
