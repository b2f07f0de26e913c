"""2. What of a request in Ollama's own words is looked at to weigh it."""

import msgspec

from tenbin.codecs.sampling import NOTHING, Frame, count_field, piece, sketched, value_of
from tenbin.codecs.splice import unreadable
from tenbin.codecs.trail import Said
from tenbin.core.sketch import MOST_TOOLS, Sketch, ToolCall, ToolResult


class _Function(msgspec.Struct, gc=False):
    name: msgspec.Raw = NOTHING
    arguments: msgspec.Raw = NOTHING


class _Call(msgspec.Struct, gc=False):
    id: msgspec.Raw = NOTHING
    function: _Function | None = None


class _Message(msgspec.Struct, gc=False):
    role: str = ""
    content: str | None = None
    images: list[msgspec.Raw] | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: msgspec.Raw = NOTHING
    tool_name: msgspec.Raw = NOTHING


class _Named(msgspec.Struct, gc=False):
    name: str = ""


class _Tool(msgspec.Struct, gc=False):
    function: _Named | None = None


class _Options(msgspec.Struct, gc=False):
    num_predict: msgspec.Raw = NOTHING


class _Fields(msgspec.Struct, gc=False, kw_only=True):
    think: msgspec.Raw = NOTHING
    format: msgspec.Raw = NOTHING
    options: msgspec.Raw = NOTHING


class _Request(_Fields, gc=False, kw_only=True):
    messages: list[_Message] = []
    tools: list[_Tool] | None = None


class _LooseRequest(_Fields, gc=False, kw_only=True):
    """For a request of a shape unknown here: what of it can be read is read, piece by piece."""

    messages: msgspec.Raw = NOTHING
    tools: msgspec.Raw = NOTHING


_decoder = msgspec.json.Decoder(_Request)
_loose_decoder = msgspec.json.Decoder(_LooseRequest)
_raws_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_message_decoder = msgspec.json.Decoder(_Message)
_tool_decoder = msgspec.json.Decoder(_Tool)
_options_decoder = msgspec.json.Decoder(_Options)


def read_sketch(body: bytes) -> Sketch:
    """The sketch of a request. Raises Unreadable for what is no JSON object; of any other, what can be read."""
    try:
        request = _decoder.decode(body)
    except msgspec.ValidationError:
        request = _loosely(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise unreadable(error, body) from error
    options, think, asked = piece(_options_decoder, request.options, _Options()), value_of(request.think), None
    frame = Frame(max_tokens=count_field(options.num_predict))
    frame.tools = tuple([tool.function.name for tool in (request.tools or ())[:MOST_TOOLS] if tool.function])
    if isinstance(think, str):
        frame.effort, frame.thinking = think[:20], "adaptive"
    elif isinstance(think, bool):
        frame.thinking = "adaptive" if think else "off"
    asked = value_of(request.format)
    if isinstance(asked, dict):
        frame.structured, frame.schema = True, asked
    said: list[Said] = []
    leading = True
    for message in request.messages:
        leading = leading and message.role == "system"
        if leading and message.content:
            frame.system.append(message.content)
        said.append(_said(message, frame))
    return sketched(body, said, frame)


def _said(message: _Message, frame: Frame) -> Said:
    words = (message.content,) if message.content else ()
    images = len(message.images or ())
    frame.data_bytes += sum([len(memoryview(image)) for image in message.images or ()])
    match message.role:
        case "tool":
            # Ollama's own clients name the tool, not the call.
            of = message.tool_call_id if message.tool_call_id is not NOTHING else message.tool_name
            return Said("tool", (), 1, 0, images, (), (ToolResult(of, message.content or ""),))
        case "assistant":
            calls = [_called(call.id, call.function) for call in message.tool_calls or () if call.function is not None]
            return Said("assistant", words, calls=calls)
        case "system":
            return Said("system", words)
    return Said("user", words, images=images)


def _called(identity: msgspec.Raw, function: _Function) -> ToolCall:
    return ToolCall(identity if identity is not NOTHING else function.name, function.name, function.arguments)


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
