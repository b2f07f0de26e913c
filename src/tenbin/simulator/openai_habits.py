"""How providers that speak OpenAI's dialect differ from OpenAI: one row a provider. Seen on the wire or "
"documented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tenbin.simulator.prompt import ApiError


@dataclass(frozen=True, slots=True)
class Habits:
    """What a provider does its own way."""

    name: str
    strict: bool = False
    """Refuses unknown fields, and what reasoning models do not take."""
    needs_key: bool = True
    developer: bool = True
    """Takes messages of role `developer`."""
    middle_system: bool = True
    """Takes system messages behind others; a chat template may raise an error."""
    schemas: bool = True
    """Takes `response_format` `json_schema`."""
    reasoning_field: str | None = None
    """Field of message and delta that carries the reasoning; None hides it."""
    usage: str = "asked"
    """`asked`: in a stream only with stream_options.include_usage; `always`; `never`."""
    usage_in_last_choice: bool = False
    """The stream's usage stands in the chunk that has the finish reason, not in one of its own."""
    tool_deltas: str = "pieces"
    """`pieces`: id and name once, arguments in pieces; `whole`: one delta a call, without index; "
    "`repeated`."""
    comments: bytes = b""
    """SSE comment that the stream begins with and that fills waiting time."""
    annotations: bool = False
    nulls: bool = False
    """Writes `role: null` and `tool_calls: null` into every delta."""
    errors: str = "openai"
    call_prefix: str = "call_"
    call_suffix: str = ""


HABITS = {
    habits.name: habits
    for habits in (
        Habits("openai", strict=True, annotations=True),
        Habits("openrouter", reasoning_field="reasoning", usage="always", comments=b": OPENROUTER PROCESSING\n\n"),
        Habits(
            "deepseek",
            developer=False,
            schemas=False,
            reasoning_field="reasoning_content",
            usage="always",
            usage_in_last_choice=True,
        ),
        Habits(
            "gemini",
            tool_deltas="whole",
            usage_in_last_choice=True,
            errors="gemini",
            call_prefix="function-call-",
        ),
        Habits(
            "vllm",
            needs_key=False,
            developer=False,
            middle_system=False,
            reasoning_field="reasoning_content",
            errors="vllm",
            call_prefix="chatcmpl-tool-",
        ),
        Habits(
            "llamacpp",
            needs_key=False,
            developer=False,
            middle_system=False,
            reasoning_field="reasoning_content",
            errors="llamacpp",
            call_prefix="",
        ),
        Habits("litellm", reasoning_field="reasoning_content", errors="litellm"),
        Habits("ollama", needs_key=False, reasoning_field="reasoning", errors="ollama"),
        Habits(
            "messy",
            needs_key=False,
            usage="never",
            tool_deltas="repeated",
            nulls=True,
            call_prefix="call__0_get_it_from_the_very_long_function_name_",
            call_suffix="_and_a_tail",
        ),
    )
}
"""Provider -> habits. Without a profile in path or model name a request is served as OpenAI would."""

_TYPES = {
    400: "invalid_request_error",
    401: "invalid_request_error",
    403: "permission_denied",
    404: "invalid_request_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "server_error",
}
_GOOGLE = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def error_body(habits: Habits, error: ApiError) -> Any:
    """Return the error object as this provider writes it."""
    status, message = error.status, error.message
    kind = error.kind or _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    if habits.name == "openrouter":
        return {
            "error": {"message": message, "code": status, "metadata": {"provider_name": "Simulated"}},
            "user_id": "u",
        }
    if habits.errors == "gemini":
        return [{"error": {"code": status, "message": message, "status": _GOOGLE.get(status, "UNKNOWN")}}]
    if habits.errors == "vllm":
        name = {400: "BadRequestError", 404: "NotFoundError"}.get(status, "InternalServerError")
        return {"error": {"message": message, "type": name, "param": error.param, "code": status}}
    if habits.errors == "llamacpp":
        return {"error": {"code": status, "message": message, "type": kind, **error.extra}}
    if habits.errors == "litellm":
        return {
            "error": {
                "message": f"litellm.APIError: {message}",
                "type": kind,
                "param": None,
                "code": f"{status}",
            }
        }
    if habits.errors == "ollama":
        return {"error": {"message": message, "type": kind, "param": None, "code": None}}
    return {"error": {"message": message, "type": kind, "param": error.param, "code": error.code}}
