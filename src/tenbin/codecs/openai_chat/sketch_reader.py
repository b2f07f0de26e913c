"""2. What of a Chat Completions request is looked at to weigh it: a light decode; only what is sampled becomes text."""

import msgspec

from tenbin.codecs.sampling import (
    NOTHING,
    Frame,
    count_field,
    mark,
    piece,
    service_tier,
    sketched,
    text_field,
    text_of,
    thinking_by_effort,
    value_of,
)
from tenbin.codecs.splice import unreadable
from tenbin.codecs.trail import Said, Words
from tenbin.core.sketch import MOST_TOOLS, Sketch, ToolCall, ToolResult


class _Part(msgspec.Struct, gc=False):
    type: str = ""
    text: msgspec.Raw = NOTHING
    image_url: msgspec.Raw = NOTHING
    file: msgspec.Raw = NOTHING
    input_audio: msgspec.Raw = NOTHING
    cache_control: msgspec.Raw = NOTHING


class _Function(msgspec.Struct, gc=False):
    name: msgspec.Raw = NOTHING
    arguments: msgspec.Raw = NOTHING


class _Custom(msgspec.Struct, gc=False):
    name: msgspec.Raw = NOTHING
    input: msgspec.Raw = NOTHING


class _Call(msgspec.Struct, gc=False):
    id: msgspec.Raw = NOTHING
    function: _Function | None = None
    custom: _Custom | None = None


class _Message(msgspec.Struct, gc=False):
    role: str = ""
    content: str | list[_Part] | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: msgspec.Raw = NOTHING


class _Named(msgspec.Struct, gc=False):
    name: str = ""


class _Tool(msgspec.Struct, gc=False):
    function: _Named | None = None
    name: str = ""
    type: str = ""


class _Fields(msgspec.Struct, gc=False, kw_only=True):
    max_tokens: msgspec.Raw = NOTHING
    max_completion_tokens: msgspec.Raw = NOTHING
    reasoning_effort: msgspec.Raw = NOTHING
    reasoning: msgspec.Raw = NOTHING
    thinking: msgspec.Raw = NOTHING
    response_format: msgspec.Raw = NOTHING
    metadata: msgspec.Raw = NOTHING
    service_tier: msgspec.Raw = NOTHING


class _Request(_Fields, gc=False, kw_only=True):
    messages: list[_Message] = []
    tools: list[_Tool] | None = None
    functions: list[_Named] | None = None


class _LooseRequest(_Fields, gc=False, kw_only=True):
    """For a request of a shape unknown here: what of it can be read is read, piece by piece."""

    messages: msgspec.Raw = NOTHING
    tools: msgspec.Raw = NOTHING


_decoder = msgspec.json.Decoder(_Request)
_loose_decoder = msgspec.json.Decoder(_LooseRequest)
_raws_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_message_decoder = msgspec.json.Decoder(_Message)
_tool_decoder = msgspec.json.Decoder(_Tool)


def read_sketch(body: bytes) -> Sketch:
    """The sketch of a request. Raises Unreadable for what is no JSON object; of any other, what can be read."""
    try:
        request = _decoder.decode(body)
    except msgspec.ValidationError:
        request = _loosely(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise unreadable(error, body) from error
    frame = Frame(other_bytes=len(memoryview(request.metadata)))
    limit = count_field(request.max_completion_tokens)
    frame.max_tokens = limit if limit is not None else count_field(request.max_tokens)
    frame.tools = _tools(request)
    frame.service_tier = service_tier(request.service_tier)
    _read_thinking(request, frame)
    _read_format(request.response_format, frame)
    said: list[Said] = []
    leading = True
    for message in request.messages:
        leading = leading and message.role in ("system", "developer")
        one = _said(message, frame)
        if leading:
            frame.system += [text for words in one.words if (text := text_of(words))]
        said.append(one)
    return sketched(body, said, frame)


def _said(message: _Message, frame: Frame) -> Said:
    """A message as sampling looks at it; what it holds beside words is counted in the frame."""
    role, content = message.role, message.content
    words: list[Words] = []
    images = 0
    if isinstance(content, str):
        if content:
            words.append(content)
    else:
        for part in content or ():
            if part.type == "image_url":
                images += 1
                frame.data_bytes += len(memoryview(part.image_url))
            elif part.type in ("file", "input_audio"):
                size = len(memoryview(part.file if part.type == "file" else part.input_audio))
                frame.data_bytes += size
                frame.document_bytes += size
            elif part.text is not NOTHING:
                words.append(part.text)
            if part.cache_control is not NOTHING:
                mark(part.cache_control, frame)
    if role == "tool" or role == "function":
        brought = ToolResult(message.tool_call_id, "\n".join(map(text_of, words)) if len(words) != 1 else words[0])
        return Said("tool", (), 1, 0, images, (), (brought,))
    if role == "assistant":
        return Said("assistant", words, 0, 0, images, [_called(call) for call in message.tool_calls or ()])
    return Said("system" if role in ("system", "developer") else "user", words, images=images)


def _called(call: _Call) -> ToolCall:
    if call.function is None:
        custom = call.custom or _Custom()
        return ToolCall(call.id, custom.name, custom.input)
    return ToolCall(call.id, call.function.name, call.function.arguments)


def _tools(request: _Request) -> tuple[str, ...]:
    named = [
        tool.function.name if tool.function is not None else tool.name or tool.type
        for tool in (request.tools or ())[:MOST_TOOLS]
    ]
    return (*named, *[function.name for function in (request.functions or ())[:MOST_TOOLS]])


def _read_thinking(request: _Fields, frame: Frame) -> None:
    """An effort (OpenAI), ``reasoning: {effort | max_tokens | enabled}`` (OpenRouter), ``thinking: {type}``."""
    reasoning, thinking = value_of(request.reasoning), value_of(request.thinking)
    frame.effort = text_field(request.reasoning_effort)
    if isinstance(reasoning, dict):
        effort = reasoning.get("effort")
        frame.effort = frame.effort or (effort[:20] if isinstance(effort, str) else "")
        if reasoning.get("enabled") is False:
            frame.thinking = "off"
        elif reasoning.get("max_tokens"):
            frame.thinking = "budget"
        elif reasoning.get("enabled") is True:
            frame.thinking = "adaptive"
    if isinstance(thinking, dict) and isinstance(thinking.get("type"), str):
        frame.thinking = "off" if thinking["type"] == "disabled" else "adaptive"
    frame.thinking = frame.thinking or thinking_by_effort(frame.effort)


def _read_format(raw: msgspec.Raw, frame: Frame) -> None:
    value = value_of(raw)
    if isinstance(value, dict) and value.get("type") == "json_schema":
        frame.structured = True
        wrapped = value.get("json_schema")
        frame.schema = wrapped.get("schema") if isinstance(wrapped, dict) else None


def _loosely(body: bytes) -> _Request:
    """The same fields, without those pieces that are of an unknown shape. Raises Unreadable."""
    try:
        loose = _loose_decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise unreadable(error, body) from error
    return _Request(
        **{name: getattr(loose, name) for name in _Fields.__struct_fields__},
        messages=[piece(_message_decoder, raw, _Message()) for raw in piece(_raws_decoder, loose.messages, [])],
        tools=[piece(_tool_decoder, raw, _Tool()) for raw in piece(_raws_decoder, loose.tools, [])],
    )
