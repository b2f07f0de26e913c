"""What single models of the Messages API refuse that others take: thinking, efforts, system messages, later tools."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from tenbin.simulator.anthropic_prompt import blocks_of
from tenbin.simulator.models import Model
from tenbin.simulator.prompt import ApiError

_SIGNING_KEY = b"the provider simulator signs thinking"
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_KINDS = ("enabled", "disabled", "adaptive", "between_tools")


def bad(message: str) -> ApiError:
    """Return an invalid_request_error."""
    return ApiError(400, message, "invalid_request_error")


def sign(model: str, thinking: str) -> str:
    """Return the signature under which `model` gives out a thinking text."""
    digest = hmac.new(_SIGNING_KEY, f"{model}\n{thinking}".encode("utf-8", "surrogatepass"), sha256)
    return b64encode(b"simulator:" + digest.digest() * 4).decode()


def check(body: dict[str, Any], model: Model) -> None:
    """Raise ApiError 400 if this model would refuse the body."""
    for problem in _CHECKS:
        problem(body, model)


def _thinking(body: dict[str, Any], model: Model) -> None:
    thinking = body.get("thinking")
    if thinking is None:
        return
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if kind not in _KINDS:
        raise bad(f"thinking: Input tag '{kind}' does not match any of the expected tags")
    if kind == "adaptive" and kind not in model.thinking:
        raise bad("adaptive thinking is not supported on this model")
    if kind not in model.thinking:
        remedy = (
            '"thinking.type.between_tools"'
            if "between_tools" in model.thinking and kind == "disabled"
            else '"thinking.type.adaptive" and "output_config.effort"'
        )
        raise bad(f'"thinking.type.{kind}" is not supported for this model. Use {remedy} to control thinking behavior.')
    if kind in ("disabled", "between_tools") and not model.thinking_off_effort:
        effort = (body.get("output_config") or {}).get("effort")
        if effort in ("xhigh", "max"):
            raise bad(f'"thinking.type.{kind}" is not supported at effort "{effort}" on this model.')
    if kind == "enabled":
        budget = thinking.get("budget_tokens")
        if not isinstance(budget, int) or budget < 1024:
            raise bad("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        if "max_tokens" in body and budget >= body["max_tokens"]:
            raise bad("`max_tokens` must be greater than `thinking.budget_tokens`.")
        _loop(body)


def _loop(body: dict[str, Any]) -> None:
    """With a budget, the assistant's turn to which results are given begins with thinking."""
    spoken = [(at, message) for at, message in enumerate(body["messages"]) if message["role"] != "system"]
    loop = False
    for at, message in reversed(spoken):
        blocks = blocks_of(message["content"])
        if message["role"] == "assistant":
            if loop and blocks and blocks[0]["type"] not in ("thinking", "redacted_thinking"):
                raise bad(
                    f"messages.{at}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
                    f"`{blocks[0]['type']}`. When `thinking` is enabled, a final `assistant` message must start with a "
                    "thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks)."
                )
            return
        if not any(block["type"] == "tool_result" for block in blocks):
            return
        loop = True


def _signatures(body: dict[str, Any], model: Model) -> None:
    for index, message in enumerate(body["messages"]):
        for position, block in enumerate(blocks_of(message["content"])):
            expected = sign(model.name, block.get("thinking", "")) if block["type"] == "thinking" else None
            if expected and block.get("signature") != expected:
                raise bad(f"messages.{index}.content.{position}: Invalid `signature` in `thinking` block")


def _context_management(body: dict[str, Any], model: Model) -> None:
    edits = (body.get("context_management") or {}).get("edits") or []
    clears = [edit for edit in edits if str(edit.get("type", "")).startswith("clear_thinking")]
    if clears and (body.get("thinking") or {}).get("type") not in ("enabled", "adaptive"):
        raise bad(f"`{clears[0]['type']}` strategy requires `thinking` to be enabled or adaptive")


def _effort(body: dict[str, Any], model: Model) -> None:
    config = body.get("output_config") or {}
    effort = config.get("effort")
    if effort is not None:
        if effort not in _EFFORTS:
            raise bad(f"output_config.effort: Input should be one of {', '.join(map(repr, _EFFORTS))}")
        if model.efforts == ():
            raise bad("This model does not support the effort parameter.")
        if model.efforts is not None and effort not in model.efforts:
            raise bad(f"This model does not support effort level '{effort}'. Supported levels: {list(model.efforts)}")
    if (config.get("format") or {}).get("type") == "json_schema" and not model.json_schema:
        raise bad(f"'{model.name}' does not support output format.")


def _system_messages(body: dict[str, Any], model: Model) -> None:
    for index, message in enumerate(body["messages"]):
        if message["role"] != "system":
            continue
        if not model.system_messages:
            raise bad(f"messages.{index}: role 'system' is not supported on this model")
        if message.get("output_config") is not None and not model.turn_effort:
            raise bad(f"messages.{index}.output_config: Extra inputs are not permitted")


def _later_tools(body: dict[str, Any], model: Model) -> None:
    if model.tool_references:
        return
    if any(tool.get("defer_loading") for tool in body.get("tools") or []):
        raise bad(f"'{model.name}' does not support tool search: defer_loading is not supported.")
    for index, message in enumerate(body["messages"]):
        for block in blocks_of(message["content"]):
            inner = block.get("content") if block["type"] == "tool_result" else None
            for one in (block, *(inner if isinstance(inner, list) else ())):
                if one.get("type") == "tool_reference":
                    raise bad(f"messages.{index}: `tool_reference` blocks are not supported on this model")


_CHECKS: list[Callable[[dict[str, Any], Model], None]] = [
    _thinking,
    _signatures,
    _context_management,
    _effort,
    _system_messages,
    _later_tools,
]
