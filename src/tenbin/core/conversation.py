"""A request in no dialect: what a codec reads when the target speaks another one, and what the other codec writes.

It holds all that any dialect can say of text, system, tools, tool results, images, documents, thinking and
structured output. JSON that passes through unread (schemas, tool arguments) stays raw bytes.
"""

from typing import Any, Literal, TypeAlias

import msgspec

Role: TypeAlias = Literal["user", "assistant", "system"]


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    cache: Literal["5m", "1h"] | None = None
    """A prompt-cache breakpoint after this part (Anthropic's ``cache_control``)."""


class Text(_Part, frozen=True, tag="text"):
    """Words."""

    text: str


class Image(_Part, frozen=True, tag="image"):
    """A picture, as base64 data with its media type, or as a URL."""

    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    detail: str | None = None


class Document(_Part, frozen=True, tag="document"):
    """A document (PDF or plain text), as base64 data, plain text, or a URL."""

    media_type: str = "application/pdf"
    data: str | None = None
    text: str | None = None
    url: str | None = None
    title: str | None = None


class Thinking(_Part, frozen=True, tag="thinking"):
    """What a model thought. Kept only for the model that wrote it; a signature is never forged.

    ``signature`` and ``redacted`` may bear a mark that names the model (``tenbin.codecs.thinking``).
    """

    text: str = ""
    signature: str | None = None
    redacted: str | None = None
    """Opaque data of a redacted block, or a Responses item's ``encrypted_content``."""
    id: str | None = None
    """The Responses reasoning item's id."""


class ToolCall(_Part, frozen=True, tag="tool_call"):
    """The model's wish to call a tool. ``arguments`` is the JSON object as text, exactly as produced."""

    id: str
    name: str
    arguments: str = "{}"


class ToolReference(_Part, frozen=True, tag="tool_reference"):
    """Inside a tool result: a deferred tool that was found and is now offered."""

    tool_name: str


class ToolResult(_Part, frozen=True, tag="tool_result"):
    """What a tool gave back."""

    call_id: str
    content: "tuple[Text | Image | Document | ToolReference | Opaque, ...]" = ()
    is_error: bool = False


class Opaque(_Part, frozen=True, tag="opaque"):
    """A block of a kind that Tenbin does not model, as decoded JSON; no other dialect can be given it."""

    dialect: str
    kind: str
    value: Any


Part: TypeAlias = Text | Image | Document | Thinking | ToolCall | ToolResult | ToolReference | Opaque


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One message. ``system`` turns may stand in the middle of a conversation."""

    role: Role
    parts: tuple[Part, ...]
    effort: str | None = None
    """Effort asked for from this turn on (a system message's own ``output_config``)."""


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool that the client runs."""

    name: str
    description: str | None = None
    schema: msgspec.Raw = msgspec.Raw(b'{"type":"object","properties":{}}')
    """JSON Schema of its arguments, as the client wrote it."""
    strict: bool | None = None
    deferred: bool = False
    """Not to be shown to the model until a tool search has found it (Anthropic's ``defer_loading``)."""
    cache: Literal["5m", "1h"] | None = None


class ServerTool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool that the provider runs (web search ...), in the words of its own dialect."""

    dialect: str
    kind: str
    value: Any


class ToolChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Whether and which tool must be called."""

    mode: Literal["auto", "none", "any", "tool"] = "auto"
    name: str | None = None
    """With mode ``tool``: which."""


class Thought(msgspec.Struct, frozen=True, kw_only=True):
    """How much thinking is asked for."""

    mode: Literal["off", "on", "adaptive"]
    budget: int | None = None
    """Most thinking tokens."""
    effort: str | None = None
    """``minimal``, ``low``, ``medium``, ``high``, ``xhigh``, ``max`` ... as the client wrote it."""
    show: bool = True
    """False when the client asked that thinking be left out of the answer."""


class OutputFormat(msgspec.Struct, frozen=True, kw_only=True):
    """Structured output: any JSON object, or JSON that fits a schema."""

    mode: Literal["json_object", "json_schema"]
    name: str = "output"
    schema: msgspec.Raw | None = None
    strict: bool | None = None


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """How tokens are drawn; a field that is None was not set by the client."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A whole request to generate an answer, in no dialect."""

    model: str
    stream: bool = False
    system: tuple[Part, ...] = ()
    turns: tuple[Turn, ...] = ()
    tools: tuple[Tool, ...] = ()
    server_tools: tuple[ServerTool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    sampling: Sampling = Sampling()
    thought: Thought | None = None
    output_format: OutputFormat | None = None
    user: str | None = None
    """An id of the end user, as the client gave it."""
    session: str | None = None
    """An id of the conversation, as the client gave it (for a provider's cache key)."""
    stream_usage: bool = True
    """The client of a stream wants the usage (an OpenAI Chat client has to ask for it)."""
    service_tier: str | None = None
