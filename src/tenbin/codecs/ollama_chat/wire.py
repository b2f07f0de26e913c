"""Stage 2, the words of Ollama's /api/chat as they stand on the wire: requests, answers' lines, errors.

Source: Ollama's api/types.go and server/routes.go (August 2026). Fields that Tenbin does not use are not named.
"""

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import msgspec

from tenbin.core.problems import Failure, FailureKind

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
"""A count of tokens. A figure beyond all reason is a broken answer, not a bill."""


class Function(msgspec.Struct, omit_defaults=True):
    """Which tool is called, and with what: an object (some servers in front of Ollama write a JSON string)."""

    name: str
    arguments: msgspec.Raw = msgspec.Raw(b"{}")


class ToolCall(msgspec.Struct, omit_defaults=True):
    """A call. Servers before 2025-11 give it no id."""

    function: Function
    id: str = ""


class Message(msgspec.Struct, omit_defaults=True):
    """A message of a request, or a piece of one in an answer."""

    role: str
    content: str | None = ""
    thinking: str | None = None
    images: list[str] | None = None
    """Base64, without a media type: the server looks at the bytes."""
    tool_calls: list[ToolCall] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None


class ToolFunction(msgspec.Struct, omit_defaults=True):
    """A tool on offer; ``parameters`` is a JSON Schema."""

    name: str
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw(b'{"type":"object","properties":{}}')


class Tool(msgspec.Struct):
    """Wraps a tool, as OpenAI does."""

    function: ToolFunction
    type: str = "function"


class Options(msgspec.Struct, omit_defaults=True):
    """How the model runs (``num_ctx``) and draws tokens."""

    num_ctx: int | None = None
    num_predict: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    stop: list[str] | None = None


class Request(msgspec.Struct, omit_defaults=True):
    """The body of POST /api/chat."""

    model: str
    messages: list[Message] = []
    stream: bool | None = None
    """Absent means true, against the habit of all other dialects: always written."""
    tools: list[Tool] | None = None
    think: bool | str | None = None
    format: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    options: Options | None = None
    truncate: bool | None = None
    """False: answer 400 rather than drop the oldest messages. Servers before 2025-10 don't know it."""
    shift: bool | None = None
    """False: end the answer with ``length`` rather than forget the beginning while writing."""
    logprobs: bool | None = None
    top_logprobs: int | None = None


class Piece(msgspec.Struct):
    """The message in one line of an answer."""

    content: str | None = None
    thinking: str | None = None
    tool_calls: list[ToolCall] | None = None


class Line(msgspec.Struct):
    """One line of a streamed answer, or the whole of an unstreamed one."""

    model: str = ""
    created_at: str = ""
    message: Piece | None = None
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: Count | None = None
    """Prompt tokens, cached ones included; servers before 2025-09 left out the cached ones, or the whole field."""
    eval_count: Count | None = None
    logprobs: list[Any] | None = None
    error: Any = None
    status: Any = None


_CONTEXT_WORDS = ("context length", "context size", "context window")

_KINDS: dict[int, FailureKind] = {
    401: "unauthenticated",
    402: "unpaid",
    403: "unauthenticated",
    404: "not_found",
    408: "timeout",
    413: "too_large",
    429: "rate_limited",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}


def failure(
    error: Any, status: int | None, *, headers: Sequence[tuple[bytes, bytes]] = (), body: bytes = b""
) -> Failure:
    """What an ``error`` value means. Without a status (in the middle of a stream) it is the server's own fault.

    Ollama has no machine-readable codes. A prompt that does not fit is known by the two sentences that it has for
    it ("the input length exceeds the context length", "the prompt is longer than the context length ..."): the one
    place where words are looked at, since the caller must be told to shorten the conversation.
    """
    if isinstance(error, dict):
        error = error.get("message", "")
    said = str(error).strip()[:2000]
    if status is not None and 400 <= status < 500 and any(words in said for words in _CONTEXT_WORDS):
        kind: FailureKind = "context_exceeded"
    elif status is None or status >= 500:
        kind = _KINDS.get(status or 500, "server_error")
    else:
        kind = _KINDS.get(status, "refused")
    return Failure(
        kind=kind,
        message=said or f"Ollama answered with status {status} and no message.",
        status=status,
        retry_after_ms=_retry_after_ms(headers),
        body=body,
        headers=tuple(headers),
    )


def _retry_after_ms(headers: Sequence[tuple[bytes, bytes]]) -> int | None:
    for name, value in headers:
        if name.lower() == b"retry-after" and value.strip().isdigit():
            return int(value) * 1000
    return None
