"""What Chat Completions refuses, in its own words; unknown fields only where the provider is strict."""

from __future__ import annotations

import re
from typing import Any

from tenbin.simulator.models import Model
from tenbin.simulator.openai_habits import Habits
from tenbin.simulator.prompt import ApiError

_FIELD_NAMES = (
    "messages model audio frequency_penalty function_call functions logit_bias logprobs "
    "max_completion_tokens "
    "max_tokens metadata modalities moderation n parallel_tool_calls prediction presence_penalty "
    "prompt_cache_key "
    "prompt_cache_options prompt_cache_retention reasoning_effort response_format safety_identifier seed "
    "service_tier "
    "stop store stream stream_options temperature tool_choice tools top_logprobs top_p user verbosity "
    "web_search_options"
)
_FIELDS = frozenset(_FIELD_NAMES.split())
_MESSAGE_FIELD_NAMES = "role content name tool_calls tool_call_id refusal audio function_call annotations"
_MESSAGE_FIELDS = frozenset(_MESSAGE_FIELD_NAMES.split())
_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_PART_FIELDS = {
    "text": {"type", "text", "prompt_cache_breakpoint"},
    "image_url": {"type", "image_url", "prompt_cache_breakpoint"},
    "input_audio": {"type", "input_audio", "prompt_cache_breakpoint"},
    "file": {"type", "file", "prompt_cache_breakpoint"},
    "refusal": {"type", "refusal"},
}
_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")


def bad(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """Return an invalid_request_error."""
    return ApiError(400, message, "invalid_request_error", code, param)


def check(body: dict[str, Any], model: Model, habits: Habits) -> None:
    """Raise ApiError 400 if the provider would refuse the body."""
    if not isinstance(body.get("messages"), list):
        raise bad("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    if not body["messages"]:
        raise bad(
            "Invalid 'messages': empty array. Expected an array with minimum length 1.",
            "messages",
            "empty_array",
        )
    if habits.strict:
        _unknown(body, _FIELDS, "")
        _reasoning(body, model)
        _of_model(body, model)
    _of_provider(body, habits)
    for index, message in enumerate(body["messages"]):
        _message(message, f"messages[{index}]", habits)
    _tool_order(body["messages"])
    _tools(body, habits)
    if body.get("stream_options") is not None and not body.get("stream"):
        raise bad("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")


def _unknown(given: dict[str, Any], known: frozenset[str] | set[str], where: str) -> None:
    for name in given:
        if name not in known:
            path = f"{where}.{name}" if where else name
            raise bad(f"Unknown parameter: '{path}'.", path, "unknown_parameter")


def _reasoning(body: dict[str, Any], model: Model) -> None:
    if not model.reasoning:
        return
    if body.get("max_tokens") is not None:
        raise bad(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            "max_tokens",
            "unsupported_parameter",
        )
    for name, usual in (("temperature", 1), ("top_p", 1), ("presence_penalty", 0), ("frequency_penalty", 0)):
        if body.get(name) not in (None, usual):
            raise bad(
                f"Unsupported value: '{name}' does not support {body[name]} with this model. Only the "
                f"default ({usual}) value "
                "is supported.",
                name,
                "unsupported_value",
            )


def _of_model(body: dict[str, Any], model: Model) -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        if (body.get(name) or 0) > model.max_output:
            raise bad(
                f"{name} is too large: {body[name]}. This model supports at most {model.max_output} completion tokens.",
                name,
                "invalid_value",
            )
    effort = body.get("reasoning_effort")
    if effort is not None and model.efforts == ():
        raise bad("Unrecognized request argument supplied: reasoning_effort", "reasoning_effort")
    if effort is not None and model.efforts is not None and effort not in model.efforts:
        raise bad(
            f"Unsupported value: 'reasoning_effort' does not support '{effort}' with this model. Supported values are: "
            f"{', '.join(map(repr, model.efforts))}.",
            "reasoning_effort",
            "unsupported_value",
        )
    if model.serial_only and body.get("parallel_tool_calls") is not None:
        raise bad(
            "Unsupported parameter: 'parallel_tool_calls' is not supported with this model.",
            "parallel_tool_calls",
            "unsupported_parameter",
        )


def _of_provider(body: dict[str, Any], habits: Habits) -> None:
    if not habits.schemas and (body.get("response_format") or {}).get("type") == "json_schema":
        raise bad("This response_format type is unavailable now", "response_format")
    behind = False
    for index, message in enumerate(body["messages"]):
        role = message.get("role") if isinstance(message, dict) else None
        if role == "developer" and not habits.developer:
            raise bad(f"messages[{index}].role: unknown variant `developer`", f"messages[{index}].role")
        if role == "system" and behind and not habits.middle_system:
            raise bad("System message must be at the beginning.", f"messages[{index}].role")
        behind = behind or role != "system"


def _message(message: Any, where: str, habits: Habits) -> None:
    if not isinstance(message, dict):
        raise bad(f"Invalid type for '{where}': expected an object.", where, "invalid_type")
    if message.get("role") not in _ROLES:
        raise bad(
            f"Invalid value: '{message.get('role')}'. Supported values are: {', '.join(map(repr, _ROLES))}.",
            f"{where}.role",
            "invalid_value",
        )
    if habits.strict:
        _unknown(message, _MESSAGE_FIELDS, where)
    content = message.get("content")
    if content is None and not (message["role"] == "assistant" and (message.get("tool_calls") or "refusal" in message)):
        raise bad("Invalid value for 'content': expected a string, got null.", f"{where}.content")
    if content is not None and not isinstance(content, (str, list)):
        raise bad(
            f"Invalid type for '{where}.content': expected a string or an array.",
            f"{where}.content",
            "invalid_type",
        )
    for position, part in enumerate(content if isinstance(content, list) else []):
        kind = part.get("type") if isinstance(part, dict) else None
        allowed = {"text"} if message["role"] in ("tool", "system", "developer") else set(_PART_FIELDS)
        if kind not in allowed:
            raise bad(
                f"Invalid value: '{kind}'. Supported values are: {', '.join(map(repr, sorted(allowed)))}.",
                f"{where}.content[{position}].type",
                "invalid_value",
            )
        if habits.strict:
            _unknown(part, _PART_FIELDS[kind], f"{where}.content[{position}]")
    for position, call in enumerate(message.get("tool_calls") or []):
        place = f"{where}.tool_calls[{position}]"
        identifier = call.get("id", "")
        if habits.strict and len(identifier) > 40:
            raise bad(
                f"Invalid '{place}.id': string too long. Expected a string with maximum length 40, but got "
                "a string with "
                f"length {len(identifier)} instead.",
                f"{place}.id",
                "string_above_max_length",
            )
        if not isinstance(call.get("function", {}).get("arguments"), str):
            raise bad(f"Invalid type for '{place}.function.arguments': expected a string.", place, "invalid_type")


def _tool_order(messages: list[dict[str, Any]]) -> None:
    """Every tool message answers a call of the assistant message before it, and every call is answered."""
    waiting: list[str] = []
    open_calls = False
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            if not open_calls:
                raise bad(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding "
                    "message with "
                    "'tool_calls'.",
                    f"messages.[{index}].role",
                )
            if message.get("tool_call_id") not in waiting:
                raise bad(
                    f"Invalid parameter: 'tool_call_id' of '{message.get('tool_call_id')}' not found in "
                    "'tool_calls' "
                    "of previous message.",
                    f"messages.[{index}].tool_call_id",
                )
            waiting.remove(message["tool_call_id"])
            continue
        _unanswered(waiting, index)
        waiting = [call["id"] for call in message.get("tool_calls") or []]
        open_calls = bool(waiting)
    _unanswered(waiting, len(messages))


def _unanswered(waiting: list[str], index: int) -> None:
    if waiting:
        raise bad(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            "'tool_call_id'. "
            f"The following tool_call_ids did not have response messages: {', '.join(waiting)}",
            f"messages.[{index}].role",
        )


def _tools(body: dict[str, Any], habits: Habits) -> None:
    names = []
    for index, tool in enumerate(body.get("tools") or []):
        function = tool.get(tool.get("type", "function"))
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(name, str):
            raise bad(
                f"Missing required parameter: 'tools[{index}].function.name'.",
                f"tools[{index}].function.name",
            )
        if habits.strict and not _NAME.match(name):
            raise bad(
                f"Invalid 'tools[{index}].function.name': string does not match pattern. Expected a string "
                "that matches the "
                f"pattern '{_NAME.pattern}'.",
                f"tools[{index}].function.name",
                "invalid_value",
            )
        names.append(name)
    choice = body.get("tool_choice")
    if choice is not None and habits.strict and not body.get("tools") and choice != "none":
        raise bad(
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
            "tool_choice",
        )
    if isinstance(choice, dict) and choice.get("type") == "function":
        name = choice.get("function", {}).get("name")
        if name not in names:
            raise bad(f"Invalid value for 'tool_choice': '{name}' is not one of the tools.", "tool_choice")
