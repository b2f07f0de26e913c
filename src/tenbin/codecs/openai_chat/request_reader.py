"""Stage 2, a Chat Completions request is read: its head alone for every request, all of it only to translate."""

from typing import Any

import msgspec

from tenbin.codecs.escapes import unescaped, whole_number
from tenbin.codecs.openai_chat import message_reader
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
from tenbin.core.ask import Head, Need
from tenbin.core.budget import PLAIN, Dearness
from tenbin.core.conversation import (
    Conversation,
    OutputFormat,
    Sampling,
    ServerTool,
    Thought,
    Tool,
    ToolChoice,
)
from tenbin.core.problems import Unreadable, invalid

DIALECT = "openai_chat"


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


_ABSENT = msgspec.Raw(b"null")


class _HeadMessage(msgspec.Struct, gc=False):
    content: msgspec.Raw = msgspec.Raw(b"null")
    audio: msgspec.Raw = _ABSENT


class _Head(msgspec.Struct):
    model: str
    messages: list[_HeadMessage]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    tools: msgspec.Raw = _ABSENT
    functions: msgspec.Raw = _ABSENT
    tool_choice: msgspec.Raw = _ABSENT
    function_call: msgspec.Raw = _ABSENT
    response_format: msgspec.Raw = _ABSENT
    web_search_options: msgspec.Raw = _ABSENT
    prompt_cache_key: str | None = None
    session_id: str | None = None
    metadata: msgspec.Raw = _ABSENT
    user: str | None = None
    n: msgspec.Raw = _ABSENT
    service_tier: msgspec.Raw = _ABSENT
    plugins: msgspec.Raw = _ABSENT
    n_predict: msgspec.Raw = _ABSENT
    num_predict: msgspec.Raw = _ABSENT
    max_new_tokens: msgspec.Raw = _ABSENT
    max_output_tokens: msgspec.Raw = _ABSENT

    @property
    def is_plain(self) -> bool:
        """Nothing in it makes an answer dearer than its length tells (its messages and tools left aside)."""
        ordinary = self.n is self.service_tier is self.plugins is _ABSENT
        return (
            ordinary and self.n_predict is self.num_predict is self.max_new_tokens is self.max_output_tokens is _ABSENT
        )

    @property
    def output(self) -> int | None:
        """The longest answer by names that single servers heed before the dialect's own; None: no limit."""
        given = [self.n_predict, self.num_predict, self.max_new_tokens, self.max_output_tokens]
        limits = [limit for raw in given if (limit := whole_number(bytes(raw))) is not None]
        if any(limit <= 0 for limit in limits):
            return None
        return min(max(limits, default=0), MOST_TOKENS)


class _EmbeddingHead(msgspec.Struct):
    model: str
    input: msgspec.Raw


class _Function(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw(b"null")
    strict: bool | None = None


class _Tool(msgspec.Struct):
    type: str = "function"
    function: _Function | None = None
    cache_control: dict[str, Any] | None = None


class _JsonSchema(msgspec.Struct):
    name: str = "output"
    schema: msgspec.Raw = msgspec.Raw(b"null")
    strict: bool | None = None


class _ResponseFormat(msgspec.Struct):
    type: str
    json_schema: _JsonSchema | None = None


class _Request(msgspec.Struct):
    model: str
    messages: list[Any]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    tools: list[msgspec.Raw] | None = None
    functions: list[_Function] | None = None
    tool_choice: str | dict[str, Any] | None = None
    function_call: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: _ResponseFormat | None = None
    stop: str | list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    reasoning_effort: str | None = None
    reasoning: dict[str, Any] | None = None
    thinking: dict[str, Any] | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    web_search_options: dict[str, Any] | None = None
    n: int | None = None
    audio: Any = None
    modalities: list[str] | None = None
    service_tier: str | None = None
    user: str | None = None
    prompt_cache_key: str | None = None
    session_id: str | None = None
    metadata: dict[str, Any] | None = None


_head_decoder = msgspec.json.Decoder(_Head)
_embedding_decoder = msgspec.json.Decoder(_EmbeddingHead)
_request_decoder = msgspec.json.Decoder(_Request)
_tool_decoder = msgspec.json.Decoder(_Tool)
_object_decoder = msgspec.json.Decoder(dict[str, Any])

_NO_NEEDS: frozenset[Need] = frozenset()
_SESSION_KEYS = ("session_id", "conversation_id", "thread_id")


def read_head(body: bytes) -> Head:
    """What every request is judged by. Raises Unreadable."""
    head = decode(_head_decoder, body)
    _require_model(head.model)
    limit, other = head.max_completion_tokens, head.max_tokens
    _require_tokens(limit, "max_completion_tokens")
    if other is not None:
        _require_tokens(other, "max_tokens")
        # Of both, which counts is the provider's choice: what it may cost is the larger one's.
        limit = other if limit is None or other > limit else limit
    stream = head.stream is True
    asked = head.stream_options is not None and head.stream_options.include_usage is True
    metadata = b"" if head.metadata is _ABSENT else bytes(head.metadata)
    needs, refers = _needs(head)
    dear = PLAIN if head.is_plain and not refers and "web_search" not in needs else _dear(head, needs, refers)
    return Head(
        model=head.model,
        stream=stream,
        max_tokens=limit,
        stream_usage=asked or not stream,
        needs=needs,
        dear=dear,
        session=head.prompt_cache_key
        or head.session_id
        or (_session_in(_object_decoder.decode(metadata)) if metadata[:1] == b"{" else None)
        or head.user
        or None,
    )


def _dear(head: _Head, needs: frozenset[Need], refers: bool) -> Dearness:
    routers_own = head.plugins is not _ABSENT and b'"web"' in unescaped(bytes(head.plugins))  # OpenRouter's
    searches, output = "web_search" in needs or routers_own, head.output
    if head.n is head.service_tier is _ABSENT and not (searches or refers) and output == 0:
        return PLAIN
    return dearness(bytes(head.n), bytes(head.service_tier), searches=searches, refers=refers, output=output)


def read_embedding_head(body: bytes) -> Head:
    """What an embeddings request is judged by: it must name a model and an input. Raises Unreadable."""
    head = decode(_embedding_decoder, body)
    _require_model(head.model)
    if bytes(head.input)[:1] not in (b'"', b"["):
        raise fault("input", "must be a string, a list of strings, or a list of tokens.")
    return Head(model=head.model)


def _require_model(model: str) -> None:
    if not model:
        raise fault("model", "is empty. Name a model.")


def _require_tokens(limit: int | None, where: str) -> None:
    if limit is not None and not 1 <= limit <= MOST_TOKENS:
        raise fault(where, f"must be from 1 to {MOST_TOKENS} tokens.")


def _session_in(metadata: dict[str, Any]) -> str | None:
    return next((value for key in _SESSION_KEYS if isinstance(value := metadata.get(key), str) and value), None)


def _needs(head: _Head) -> tuple[frozenset[Need], bool]:
    """What it needs, and whether it refers to a spoken answer, of which its id alone may be sent."""
    needs, refers = set[Need](), False
    choices = head.tool_choice is head.function_call is head.response_format is _ABSENT
    if not (choices and head.tools is head.functions is head.web_search_options is _ABSENT):
        _add_needs_of_fields(head, needs)
    for message in head.messages:
        content = bytes(message.content)
        if content[:1] == b"[":
            content = unescaped(content)
            # A key in quotes can't stand inside a message's own text, where quotes are escaped.
            if b'"image_url"' in content:
                needs.add("images")
            if b'"file_data"' in content or b'"file_id"' in content:
                needs.add("documents")
        if message.audio is not _ABSENT and bytes(message.audio)[:1] == b"{":
            refers = True
    return frozenset(needs) if needs else _NO_NEEDS, refers


def _add_needs_of_fields(head: _Head, needs: set[Need]) -> None:
    tools = unescaped(bytes(head.tools))
    if len(tools) > 4 or len(bytes(head.functions)) > 4:  # more than null, [] or [ ]
        needs.add("tools")
    if any(_forces(choice) for choice in (bytes(head.tool_choice), bytes(head.function_call))):
        needs.add("forced_tool_choice")
    if b'"json_schema"' in bytes(head.response_format):
        needs.add("json_schema")
    if bytes(head.web_search_options)[:1] == b"{" or b'"web_search' in tools:
        needs.add("web_search")


def _forces(choice: bytes) -> bool:
    if choice[:1] == b'"':
        return choice == b'"required"'
    return choice[:1] == b"{" and (b'"allowed_tools"' not in choice or b'"required"' in choice)


def read(body: bytes) -> Conversation:
    """The whole request. Raises Unreadable, also for what can't be carried to another dialect: several choices
    (``n``) and spoken answers.
    """
    request = decode(_request_decoder, body)
    _require_model(request.model)
    _refuse_untranslatable(request)
    limit = request.max_completion_tokens if request.max_completion_tokens is not None else request.max_tokens
    _require_tokens(limit, "max_tokens" if request.max_completion_tokens is None else "max_completion_tokens")
    messages = objects(request.messages, "messages")
    system, turns = message_reader.read(messages)
    tools, server_tools = _tools(request)
    choice, tools = _tool_choice(request, tools)
    stream = request.stream is True
    asked = request.stream_options is not None and request.stream_options.include_usage is True
    stop = request.stop
    return Conversation(
        model=request.model,
        stream=stream,
        system=system,
        turns=turns,
        tools=tools,
        server_tools=server_tools,
        tool_choice=choice,
        parallel_tool_calls=request.parallel_tool_calls,
        max_tokens=limit,
        stop=(stop,) if isinstance(stop, str) else tuple(stop or ()),
        sampling=Sampling(
            temperature=request.temperature,
            top_p=request.top_p,
            top_k=request.top_k,
            seed=request.seed,
            presence_penalty=request.presence_penalty,
            frequency_penalty=request.frequency_penalty,
            logprobs=request.logprobs,
            top_logprobs=request.top_logprobs,
        ),
        thought=_thought(request),
        output_format=_output_format(request.response_format),
        user=request.user,
        session=request.prompt_cache_key or request.session_id or _session_in(request.metadata or {}),
        stream_usage=asked or not stream,
        service_tier=request.service_tier,
    )


def _refuse_untranslatable(request: _Request) -> None:
    if request.n is not None and request.n != 1:
        raise Unreadable(
            invalid(
                "n: several choices in one answer can't be had from this model's provider. Leave `n` out and send "
                "one request for each choice.",
                param="n",
            )
        )
    if request.audio is not None or "audio" in (request.modalities or ()):
        raise Unreadable(
            invalid(
                "modalities: this model's provider gives no spoken answers here. Ask for text only.",
                param="modalities",
            )
        )


def _tools(request: _Request) -> tuple[tuple[Tool, ...], tuple[ServerTool, ...]]:
    tools: list[Tool] = []
    server_tools: list[ServerTool] = []
    for index, raw in enumerate(request.tools or ()):
        where = f"tools[{index}]"
        try:
            tool = _tool_decoder.decode(raw)
        except msgspec.ValidationError as error:
            raise fault(where, f"is not a tool: {error}.") from error
        if tool.type != "function":
            server_tools.append(ServerTool(dialect=DIALECT, kind=tool.type, value=msgspec.json.decode(raw)))
            continue
        if tool.function is None:
            raise fault(f"{where}.function", "is missing. Give the function's name, description and parameters.")
        tools.append(_tool(tool.function, message_reader.cache_life({"cache_control": tool.cache_control})))
    tools += [_tool(function, None) for function in request.functions or ()]
    if request.web_search_options is not None:
        server_tools.append(ServerTool(dialect=DIALECT, kind="web_search", value=request.web_search_options))
    return tuple(tools), tuple(server_tools)


def _tool(function: _Function, cache: message_reader.CacheLife) -> Tool:
    parameters = function.parameters
    if bytes(parameters) == b"null":
        return Tool(name=function.name, description=function.description, strict=function.strict, cache=cache)
    return Tool(
        name=function.name, description=function.description, schema=parameters, strict=function.strict, cache=cache
    )


def _tool_choice(request: _Request, tools: tuple[Tool, ...]) -> tuple[ToolChoice | None, tuple[Tool, ...]]:
    """The choice, and the tools that it leaves: ``allowed_tools`` is a shorter list of tools."""
    choice = request.tool_choice if request.tool_choice is not None else request.function_call
    if choice is None:
        return None, tools
    if isinstance(choice, str):
        if choice == "auto":
            return ToolChoice(mode="auto"), tools
        if choice == "none":
            return ToolChoice(mode="none"), tools
        if choice == "required":
            return ToolChoice(mode="any"), tools
        raise fault("tool_choice", "must be auto, none, required, or an object that names a function.")
    if choice.get("type") == "allowed_tools":
        allowed = get(choice, "allowed_tools", dict, "tool_choice")
        where = "tool_choice.allowed_tools"
        names = {
            get(optional(entry, "function", dict, where) or entry, "name", str, f"{where}.tools[{index}]")
            for index, entry in enumerate(objects(get(allowed, "tools", list, where), f"{where}.tools"))
        }
        left = tuple(tool for tool in tools if tool.name in names)
        return ToolChoice(mode="any" if allowed.get("mode") == "required" else "auto"), left
    function = optional(choice, "function", dict, "tool_choice") or choice
    return ToolChoice(mode="tool", name=get(function, "name", str, "tool_choice.function")), tools


def _thought(request: _Request) -> Thought | None:
    """What the client asks of thinking, in any of the forms that OpenAI-compatible services have."""
    if request.reasoning is not None:
        asked = request.reasoning
        show = asked.get("exclude") is not True
        budget = optional(asked, "max_tokens", int, "reasoning")
        effort = optional(asked, "effort", str, "reasoning")
        if asked.get("enabled") is False or effort == "none":
            return Thought(mode="off")
        if budget is not None:
            return Thought(mode="on", budget=budget, effort=effort, show=show)
        return Thought(mode="adaptive", effort=effort, show=show)
    if request.thinking is not None:
        mode = request.thinking.get("type")
        if mode == "disabled":
            return Thought(mode="off")
        budget = optional(request.thinking, "budget_tokens", int, "thinking")
        on = mode == "enabled"
        return Thought(mode="on" if on else "adaptive", budget=budget, effort=request.reasoning_effort)
    if request.reasoning_effort is not None:
        return thought_from_effort(request.reasoning_effort)
    switch = (request.chat_template_kwargs or {}).get("enable_thinking")
    return Thought(mode="on" if switch else "off") if isinstance(switch, bool) else None


def _output_format(asked: _ResponseFormat | None) -> OutputFormat | None:
    if asked is None or asked.type == "text":
        return None
    if asked.type == "json_object":
        return OutputFormat(mode="json_object")
    if asked.type != "json_schema":
        raise fault("response_format.type", "must be text, json_object or json_schema.")
    schema = asked.json_schema
    if schema is None or bytes(schema.schema) == b"null":
        raise fault("response_format.json_schema.schema", "is missing. Give the JSON Schema of the answer.")
    return OutputFormat(mode="json_schema", name=schema.name, schema=schema.schema, strict=schema.strict)
