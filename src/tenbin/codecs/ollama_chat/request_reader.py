"""Stage 2, a request in Ollama's own words is read. No path serves it to clients; it proves what the writer wrote."""

from typing import Any

import msgspec

from tenbin.codecs.ollama_chat import wire
from tenbin.codecs.splice import check_utf8, unreadable
from tenbin.core.ask import Head, Need
from tenbin.core.budget import PLAIN, Dearness
from tenbin.core.conversation import (
    Conversation,
    Image,
    OutputFormat,
    Part,
    Sampling,
    Text,
    Thinking,
    Thought,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)


class _HeadMessage(msgspec.Struct):
    images: list[str] | None = None


class _Head(msgspec.Struct):
    model: str
    stream: bool | None = None
    options: wire.Options | None = None
    tools: list[Any] | None = None
    format: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    messages: list[_HeadMessage] = []


_head_decoder = msgspec.json.Decoder(_Head)
_request_decoder = msgspec.json.Decoder(wire.Request)


def read_head(body: bytes) -> Head:
    """What every request is judged by. Raises Unreadable."""
    check_utf8(body)
    try:
        head = _head_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise unreadable(error) from error
    needs: set[Need] = set()
    if head.tools:
        needs.add("tools")
    if any(message.images for message in head.messages):
        needs.add("images")
    if head.format is not msgspec.UNSET and bytes(head.format)[:1] == b"{":
        needs.add("json_schema")
    images = sum([len(message.images) for message in head.messages if message.images])
    return Head(
        model=head.model,
        stream=head.stream is not False,
        max_tokens=_limit(head.options),
        needs=frozenset(needs),
        dear=Dearness(images=images) if images > 1 else PLAIN,
    )


def _limit(options: wire.Options | None) -> int | None:
    """The longest answer; nought and below stand for no limit (Ollama's runner)."""
    limit = options.num_predict if options is not None else None
    return limit if limit is not None and limit > 0 else None


def read(body: bytes) -> Conversation:
    """The whole request. Raises Unreadable."""
    check_utf8(body)
    try:
        request = _request_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise unreadable(error) from error
    options = request.options or wire.Options()
    messages = list(request.messages)
    system: list[Part] = []
    while messages and messages[0].role == "system":
        system.append(Text(text=messages.pop(0).content or ""))
    return Conversation(
        model=request.model,
        stream=request.stream is not False,
        system=tuple(system),
        turns=_turns(messages),
        tools=tuple(_tool(tool.function) for tool in request.tools or ()),
        max_tokens=_limit(options),
        stop=tuple(options.stop or ()),
        sampling=Sampling(
            temperature=options.temperature,
            top_p=options.top_p,
            top_k=options.top_k,
            seed=options.seed,
            presence_penalty=options.presence_penalty,
            frequency_penalty=options.frequency_penalty,
            logprobs=request.logprobs,
            top_logprobs=request.top_logprobs,
        ),
        thought=_thought(request.think),
        output_format=_output_format(request.format),
    )


def _tool(function: wire.ToolFunction) -> Tool:
    return Tool(name=function.name, description=function.description, schema=function.parameters)


def _thought(think: bool | str | None) -> Thought | None:
    if think is None:
        return None
    if isinstance(think, str):
        return Thought(mode="on", effort=think)
    return Thought(mode="on" if think else "off")


def _output_format(value: msgspec.Raw | msgspec.UnsetType) -> OutputFormat | None:
    if value is msgspec.UNSET or bytes(value) in (b"null", b'""'):
        return None
    if bytes(value)[:1] == b'"':
        return OutputFormat(mode="json_object")
    return OutputFormat(mode="json_schema", schema=value)


def _turns(messages: list[wire.Message]) -> tuple[Turn, ...]:
    """Tool messages become results in a user turn, together with the user message after them.

    A call without an id gets ``call_<n>``, counted over the conversation; a result without one answers the oldest
    open call of its tool.
    """
    turns: list[Turn] = []
    pending: list[Part] = []
    open_calls: list[tuple[str, str]] = []
    counted = 0
    for message in messages:
        if message.role == "tool":
            call_id = message.tool_call_id or _oldest(open_calls, message.tool_name)
            open_calls = [call for call in open_calls if call[0] != call_id]
            content = (Text(text=message.content),) if message.content else ()
            pending.append(ToolResult(call_id=call_id, content=content))
        elif message.role == "assistant":
            _close(turns, pending)
            parts: list[Part] = [Thinking(text=message.thinking)] if message.thinking else []
            if message.content:
                parts.append(Text(text=message.content))
            for call in message.tool_calls or ():
                call_id = call.id or f"call_{counted}"
                counted += 1
                open_calls.append((call_id, call.function.name))
                arguments = bytes(call.function.arguments).decode()
                parts.append(ToolCall(id=call_id, name=call.function.name, arguments=arguments))
            turns.append(Turn(role="assistant", parts=tuple(parts)))
        else:
            if message.content:
                pending.append(Text(text=message.content))
            pending += [Image(data=data) for data in message.images or ()]
            turns.append(Turn(role="system" if message.role == "system" else "user", parts=tuple(pending)))
            pending.clear()
    _close(turns, pending)
    return tuple(turns)


def _close(turns: list[Turn], pending: list[Part]) -> None:
    if pending:
        turns.append(Turn(role="user", parts=tuple(pending)))
        pending.clear()


def _oldest(open_calls: list[tuple[str, str]], name: str | None) -> str:
    for call_id, called in open_calls:
        if name is None or called == name:
            return call_id
    return ""
