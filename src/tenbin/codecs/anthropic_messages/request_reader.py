"""Stage 2, a Messages request is read whole, to be said in another dialect. Mistakes are named by their path.

Not carried over: what speaks to Anthropic alone (safeguards, context_management, containers, the billing
pseudo-header), and Claude Code's placeholder tool, which is never to be called.
"""

from typing import Any, TypeVar

import msgspec

from tenbin.codecs.anthropic_messages import head_reader
from tenbin.codecs.anthropic_messages.content_reader import read_content, read_texts, ttl
from tenbin.codecs.anthropic_messages.typed import expect, wrong
from tenbin.codecs.splice import unreadable
from tenbin.core.conversation import (
    Conversation,
    OutputFormat,
    Part,
    Role,
    Sampling,
    ServerTool,
    Text,
    Thought,
    Tool,
    ToolChoice,
    Turn,
)

BILLING_HEADER = "x-anthropic-billing-header:"
"""How the pseudo-header begins that Claude Code puts before its system prompt."""

PLACEHOLDER_TOOL = "DeferredToolPlaceholder"
"""A tool that Claude Code offers only so that the list of tools is not empty."""

_NULL = msgspec.Raw(b"null")
_T = TypeVar("_T")


class _Message(msgspec.Struct):
    role: str
    content: msgspec.Raw
    output_config: dict[str, Any] | None = None


class _Tool(msgspec.Struct):
    name: str | None = None
    type: str | None = None
    description: str | None = None
    input_schema: msgspec.Raw = _NULL
    strict: bool | None = None
    defer_loading: bool | None = None
    cache_control: dict[str, Any] | None = None


class _ToolChoice(msgspec.Struct):
    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class _Thinking(msgspec.Struct):
    type: str
    budget_tokens: int | None = None
    display: str | None = None


class _Format(msgspec.Struct):
    type: str
    schema: msgspec.Raw = _NULL


class _OutputConfig(msgspec.Struct):
    effort: str | None = None
    format: _Format | None = None


class _Request(msgspec.Struct):
    model: str
    messages: list[msgspec.Raw]
    max_tokens: int | None = None
    stream: bool | None = None
    system: msgspec.Raw = _NULL
    tools: list[msgspec.Raw] | None = None
    tool_choice: _ToolChoice | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    thinking: _Thinking | None = None
    output_config: _OutputConfig | None = None
    output_format: _Format | None = None
    metadata: msgspec.Raw = _NULL
    service_tier: str | None = None


_request_decoder = msgspec.json.Decoder(_Request)
_message_decoder = msgspec.json.Decoder(_Message)
_tool_decoder = msgspec.json.Decoder(_Tool)
_any_decoder = msgspec.json.Decoder()


def read(body: bytes) -> Conversation:
    """The whole request, of which only the head knows whether it must have max_tokens.

    Raises Unreadable, naming the field and the fix.
    """
    head_reader.read_head(body, "count_tokens")
    try:
        return _read(_request_decoder.decode(body))
    except msgspec.ValidationError as error:
        raise wrong(error, "") from error
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise unreadable(error, body) from error


def _read(request: _Request) -> Conversation:
    if not request.messages:
        raise expect("messages", "holds no message", "Send at least one user message")
    tools, server_tools = _tools(request.tools or [])
    choice, parallel = _tool_choice(request.tool_choice)
    user = head_reader.user_of(bytes(request.metadata))
    return Conversation(
        model=request.model,
        stream=bool(request.stream),
        system=_system(request.system),
        turns=tuple(_turn(raw, f"messages[{index}]") for index, raw in enumerate(request.messages)),
        tools=tools,
        server_tools=server_tools,
        tool_choice=choice,
        parallel_tool_calls=parallel,
        max_tokens=request.max_tokens,
        stop=tuple(request.stop_sequences or ()),
        sampling=Sampling(temperature=request.temperature, top_p=request.top_p, top_k=request.top_k),
        thought=_thought(request.thinking, request.output_config),
        output_format=_output_format(request),
        user=user,
        session=head_reader.session_of(user),
        service_tier=request.service_tier,
    )


def without_billing_header(text: str) -> str | None:
    """A system text without the pseudo-header's line; None when nothing else stands in it."""
    if not text.startswith(BILLING_HEADER):
        return text
    return text.partition("\n")[2].strip("\n") or None


def _system(raw: msgspec.Raw) -> tuple[Part, ...]:
    if bytes(raw) == b"null":
        return ()
    kept: list[Part] = []
    for part in read_texts(bytes(raw), "system"):
        text = without_billing_header(part.text)
        if text is not None:
            kept.append(part if text is part.text else Text(text=text, cache=part.cache))
    return tuple(kept)


_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}


def _turn(raw: msgspec.Raw, path: str) -> Turn:
    message = _decode(_message_decoder, raw, path)
    role = _ROLES.get(message.role)
    if role is None:
        raise expect(f"{path}.role", f"is {message.role!r}", 'Use "user", "assistant" or "system"')
    content = bytes(message.content)
    parts = read_content(content, f"{path}.content", role)
    effort = (message.output_config or {}).get("effort")
    return Turn(role=role, parts=parts, effort=effort if isinstance(effort, str) else None)


def _tools(raws: list[msgspec.Raw]) -> tuple[tuple[Tool, ...], tuple[ServerTool, ...]]:
    tools: list[Tool] = []
    server_tools: list[ServerTool] = []
    for index, raw in enumerate(raws):
        path = f"tools[{index}]"
        tool = _decode(_tool_decoder, raw, path)
        if tool.type not in (None, "custom"):
            # A tool in Anthropic's own words, run by the provider (web search) or known to the model (bash, editor).
            server_tools.append(ServerTool(dialect="anthropic", kind=tool.type, value=_any_decoder.decode(raw)))
            continue
        if not tool.name:
            raise expect(f"{path}.name", "is missing", "Give the tool a name")
        if tool.name == PLACEHOLDER_TOOL:
            continue
        schema = tool.input_schema
        if bytes(schema)[:1] != b"{":
            raise expect(f"{path}.input_schema", "must be a JSON Schema object", "Describe the tool's arguments")
        tools.append(
            Tool(
                name=tool.name,
                description=tool.description,
                schema=msgspec.Raw(bytes(schema)),
                strict=tool.strict,
                deferred=bool(tool.defer_loading),
                cache=ttl(tool.cache_control),
            )
        )
    return tuple(tools), tuple(server_tools)


def _tool_choice(choice: _ToolChoice | None) -> tuple[ToolChoice | None, bool | None]:
    if choice is None:
        return None, None
    parallel = None if choice.disable_parallel_tool_use is None else not choice.disable_parallel_tool_use
    if choice.type == "tool" and not choice.name:
        raise expect("tool_choice.name", "is missing", "Name the tool that must be called")
    match choice.type:
        case "auto" | "any" | "none" | "tool":
            name = choice.name if choice.type == "tool" else None
            return ToolChoice(mode=choice.type, name=name), parallel
        case _:
            raise expect("tool_choice.type", f"is {choice.type!r}", 'Use "auto", "any", "tool" or "none"')


def _thought(thinking: _Thinking | None, config: _OutputConfig | None) -> Thought | None:
    effort = config.effort if config is not None else None
    if thinking is None:
        # An effort alone asks for no thinking block, but other dialects know effort only as one of thinking.
        return None if effort is None else Thought(mode="adaptive", effort=effort, show=False)
    show = thinking.display != "omitted"
    match thinking.type:
        case "disabled":
            return Thought(mode="off", effort=effort)
        case "enabled":
            if thinking.budget_tokens is None or thinking.budget_tokens < 1:
                raise expect("thinking.budget_tokens", "must be a positive number", "Set it below max_tokens")
            return Thought(mode="on", budget=thinking.budget_tokens, effort=effort, show=show)
        case "adaptive":
            return Thought(mode="adaptive", effort=effort, show=show)
        case _:
            raise expect("thinking.type", f"is {thinking.type!r}", 'Use "adaptive", "enabled" or "disabled"')


def _output_format(request: _Request) -> OutputFormat | None:
    """``output_config.format``, or ``output_format`` as its beta had it."""
    format_ = request.output_config.format if request.output_config is not None else None
    path = "output_config.format"
    if format_ is None:
        format_, path = request.output_format, "output_format"
    if format_ is None:
        return None
    if format_.type != "json_schema":
        raise expect(f"{path}.type", f"is {format_.type!r}", 'Use "json_schema"')
    if bytes(format_.schema)[:1] != b"{":
        raise expect(f"{path}.schema", "must be a JSON Schema object", "Describe the answer")
    return OutputFormat(mode="json_schema", schema=msgspec.Raw(bytes(format_.schema)), strict=True)


def _decode(decoder: msgspec.json.Decoder[_T], raw: msgspec.Raw, path: str) -> _T:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise wrong(error, path) from error
