"""Stage 2, a Responses request is read: its head alone for every request, all of it only to translate."""

from typing import Any

import msgspec

from tenbin.codecs.escapes import unescaped
from tenbin.codecs.openai_fields import (
    MOST_TOKENS,
    dearness,
    decode,
    fault,
    get,
    objects,
    optional,
    thought_from_effort,
)
from tenbin.codecs.openai_responses import item_reader
from tenbin.core.ask import Head, Need
from tenbin.core.budget import PLAIN
from tenbin.core.conversation import (
    Conversation,
    OutputFormat,
    Sampling,
    ServerTool,
    Text,
    Thought,
    Tool,
    ToolChoice,
    Turn,
)

DIALECT = "openai_responses"


_ABSENT = msgspec.Raw(b"null")


class _Head(msgspec.Struct):
    model: str
    input: msgspec.Raw = msgspec.Raw(b"null")
    prompt: msgspec.Raw = msgspec.Raw(b"null")
    stream: bool | None = None
    max_output_tokens: int | None = None
    tools: msgspec.Raw = msgspec.Raw(b"null")
    tool_choice: msgspec.Raw = msgspec.Raw(b"null")
    text: msgspec.Raw = msgspec.Raw(b"null")
    prompt_cache_key: str | None = None
    conversation: str | dict[str, Any] | None = None
    previous_response_id: str | None = None
    metadata: msgspec.Raw = msgspec.Raw(b"null")
    user: str | None = None
    service_tier: msgspec.Raw = _ABSENT
    background: msgspec.Raw = _ABSENT


class _Tool(msgspec.Struct):
    type: str
    name: str | None = None
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw(b"null")
    strict: bool | None = None
    defer_loading: bool | None = None


class _Format(msgspec.Struct):
    type: str = "text"
    name: str = "output"
    schema: msgspec.Raw = msgspec.Raw(b"null")
    strict: bool | None = None


class _TextConfig(msgspec.Struct):
    format: _Format | None = None


class _Reasoning(msgspec.Struct):
    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None


class _Request(msgspec.Struct):
    model: str
    input: str | list[Any] | None = None
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: int | None = None
    tools: list[msgspec.Raw] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    text: _TextConfig | None = None
    reasoning: _Reasoning | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    include: list[str] | None = None
    service_tier: str | None = None
    user: str | None = None
    prompt_cache_key: str | None = None
    metadata: dict[str, Any] | None = None
    previous_response_id: str | None = None
    conversation: Any = None
    prompt: Any = None
    background: bool | None = None


_head_decoder = msgspec.json.Decoder(_Head)
_request_decoder = msgspec.json.Decoder(_Request)
_tool_decoder = msgspec.json.Decoder(_Tool)
_object_decoder = msgspec.json.Decoder(dict[str, Any])

AT_ONCE = "is not taken: answers are made and metered at once. Leave it out."

_RUN_THERE = (
    b'"web_search',
    b'"file_search"',
    b'"code_interpreter"',
    b'"mcp"',
    b'"image_generation"',
    b'"tool_search"',
)
"""Kinds of tools that OpenAI runs while it answers."""
_STORED = (b'"item_reference"', b'"image_generation_call"', b'"computer_screenshot"')
"""Kinds of items that may be no more than the id of what lies at OpenAI."""

_SESSION_KEYS = ("session_id", "conversation_id", "thread_id")


def read_head(body: bytes) -> Head:
    """What every request is judged by. Raises Unreadable."""
    head = decode(_head_decoder, body)
    _require_model(head.model)
    start = bytes(head.input)[:1]
    if start not in (b'"', b"[", b"n"):
        raise fault("input", "must be a string or a list of items.")
    continued = head.previous_response_id or head.conversation or bytes(head.prompt)[:1] == b"{"
    if start == b"n" and not continued:
        raise fault("input", "is missing. Give a string or a list of items.")
    _require_tokens(head.max_output_tokens)
    if head.background is not _ABSENT and bytes(head.background) not in (b"false", b"null"):
        # It would be paid for and never be metered: what it used is told to who comes back for it.
        raise fault("background", AT_ONCE)
    conversation = head.conversation
    if isinstance(conversation, dict):
        conversation = conversation.get("id") if isinstance(conversation.get("id"), str) else None
    metadata = bytes(head.metadata)
    tools, items, dear = unescaped(bytes(head.tools)), unescaped(bytes(head.input)), PLAIN
    refers = bool(continued) or any(kind in items for kind in _STORED)
    hosted = len(tools) > 4 and any(kind in tools for kind in _RUN_THERE)
    if refers or hosted or head.service_tier is not _ABSENT:
        dear = dearness(b"", bytes(head.service_tier), searches=hosted, refers=refers)
    return Head(
        model=head.model,
        stream=head.stream is True,
        max_tokens=head.max_output_tokens,
        needs=_needs(head, tools, items),
        dear=dear,
        session=head.prompt_cache_key
        or conversation
        or (_session_in(_object_decoder.decode(metadata)) if metadata[:1] == b"{" else None)
        or head.user
        or None,
    )


def _require_model(model: str) -> None:
    if not model:
        raise fault("model", "is empty. Name a model.")


def _require_tokens(limit: int | None) -> None:
    if limit is not None and not 1 <= limit <= MOST_TOKENS:
        raise fault("max_output_tokens", f"must be from 1 to {MOST_TOKENS} tokens.")


def _session_in(metadata: dict[str, Any]) -> str | None:
    return next((value for key in _SESSION_KEYS if isinstance(value := metadata.get(key), str) and value), None)


def _needs(head: _Head, tools: bytes, items: bytes) -> frozenset[Need]:
    needs: set[Need] = set()
    choice = bytes(head.tool_choice)
    if len(tools) > 4:  # more than null, [] or [ ]
        needs.add("tools")
    if choice == b'"required"' or (
        choice[:1] == b"{" and (b'"allowed_tools"' not in choice or b'"required"' in choice)
    ):
        needs.add("forced_tool_choice")
    if b'"json_schema"' in bytes(head.text):
        needs.add("json_schema")
    if b'"web_search' in tools:
        needs.add("web_search")
    # A type in quotes can't stand inside an item's own text, where quotes are escaped.
    if b'"input_image"' in items:
        needs.add("images")
    if b'"input_file"' in items:
        needs.add("documents")
    return frozenset(needs)


def read(body: bytes) -> Conversation:
    """The whole request. Raises Unreadable, also for what another provider can't know: answers, conversations and
    prompts that lie at OpenAI.
    """
    request = decode(_request_decoder, body)
    _require_model(request.model)
    _require_tokens(request.max_output_tokens)
    _refuse_stored(request)
    system, turns = item_reader.read(request.input) if not isinstance(request.input, str) else ((), ())
    if isinstance(request.input, str):
        turns = (Turn(role="user", parts=(Text(text=request.input),)),)
    if request.instructions:
        system = (Text(text=request.instructions), *system)
    tools, server_tools = _tools(request.tools or [])
    choice, tools = _tool_choice(request.tool_choice, tools)
    wants_logprobs = "message.output_text.logprobs" in (request.include or ())
    return Conversation(
        model=request.model,
        stream=request.stream is True,
        system=system,
        turns=turns,
        tools=tools,
        server_tools=server_tools,
        tool_choice=choice,
        parallel_tool_calls=request.parallel_tool_calls,
        max_tokens=request.max_output_tokens,
        sampling=Sampling(
            temperature=request.temperature,
            top_p=request.top_p,
            logprobs=True if wants_logprobs or request.top_logprobs else None,
            top_logprobs=request.top_logprobs,
        ),
        thought=_thought(request.reasoning),
        output_format=_output_format(request.text.format if request.text is not None else None),
        user=request.user,
        session=request.prompt_cache_key or _session_in(request.metadata or {}),
        service_tier=request.service_tier,
    )


def _refuse_stored(request: _Request) -> None:
    for field, value, what in (
        ("previous_response_id", request.previous_response_id, "an earlier answer that is stored at its provider"),
        ("conversation", request.conversation, "a conversation that is stored at its provider"),
        ("prompt", request.prompt, "a prompt that is stored at its provider"),
    ):
        if value is not None:
            raise fault(
                field,
                f"refers to {what}, which this model's provider can't see. Send the whole conversation in `input` "
                "(with store: false).",
            )
    if request.background:
        raise fault("background", AT_ONCE)
    if request.input is None:
        raise fault("input", "is missing. Give a string or a list of items.")


def _tools(raws: list[msgspec.Raw]) -> tuple[tuple[Tool, ...], tuple[ServerTool, ...]]:
    tools: list[Tool] = []
    server_tools: list[ServerTool] = []
    for index, raw in enumerate(raws):
        where = f"tools[{index}]"
        try:
            tool = _tool_decoder.decode(raw)
        except msgspec.ValidationError as error:
            raise fault(where, f"is not a tool: {error}.") from error
        if tool.type != "function":
            server_tools.append(ServerTool(dialect=DIALECT, kind=tool.type, value=msgspec.json.decode(raw)))
            continue
        if not tool.name:
            raise fault(f"{where}.name", "is missing. Name the function (name, description and parameters stand flat).")
        read_tool = Tool(
            name=tool.name,
            description=tool.description,
            strict=tool.strict,
            deferred=tool.defer_loading is True,
        )
        if bytes(tool.parameters) != b"null":
            read_tool = msgspec.structs.replace(read_tool, schema=tool.parameters)
        tools.append(read_tool)
    return tuple(tools), tuple(server_tools)


def _tool_choice(
    choice: str | dict[str, Any] | None, tools: tuple[Tool, ...]
) -> tuple[ToolChoice | None, tuple[Tool, ...]]:
    """The choice, and the tools that it leaves: ``allowed_tools`` is a shorter list of tools."""
    if choice is None:
        return None, tools
    if choice == "auto":
        return ToolChoice(mode="auto"), tools
    if choice == "none":
        return ToolChoice(mode="none"), tools
    if choice == "required":
        return ToolChoice(mode="any"), tools
    if isinstance(choice, str):
        raise fault("tool_choice", "must be auto, none, required, or an object that names a function.")
    kind = get(choice, "type", str, "tool_choice")
    if kind == "function":
        return ToolChoice(mode="tool", name=get(choice, "name", str, "tool_choice")), tools
    if kind == "allowed_tools":
        allowed = objects(get(choice, "tools", list, "tool_choice"), "tool_choice.tools")
        names = {optional(entry, "name", str, "tool_choice.tools") for entry in allowed}
        left = tuple(tool for tool in tools if tool.name in names)
        return ToolChoice(mode="any" if choice.get("mode") == "required" else "auto"), left
    raise fault("tool_choice", f"of type {kind} can't be had from this model's provider. Use auto or name a function.")


def _thought(asked: _Reasoning | None) -> Thought | None:
    """Thinking is shown only to a client that asks for a summary of it."""
    if asked is None:
        return None
    show = (asked.summary or asked.generate_summary) is not None
    return thought_from_effort(asked.effort, show=show) or (Thought(mode="adaptive") if show else None)


def _output_format(asked: _Format | None) -> OutputFormat | None:
    if asked is None or asked.type == "text":
        return None
    if asked.type == "json_object":
        return OutputFormat(mode="json_object")
    if asked.type != "json_schema":
        raise fault("text.format.type", "must be text, json_object or json_schema.")
    if bytes(asked.schema) == b"null":
        raise fault("text.format.schema", "is missing. Give the JSON Schema of the answer.")
    return OutputFormat(mode="json_schema", name=asked.name, schema=asked.schema, strict=asked.strict)
