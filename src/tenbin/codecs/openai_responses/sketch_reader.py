"""2. What of a Responses request is looked at to weigh it: a light decode in which only what is sampled becomes text.

What the provider keeps of a conversation (``previous_response_id``) is not seen here: then the input is all there is.
"""

import msgspec

from tenbin.codecs.sampling import (
    NOTHING,
    Frame,
    count_field,
    piece,
    service_tier,
    sketched,
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
    file_data: msgspec.Raw = NOTHING


class _Item(msgspec.Struct, gc=False):
    type: str = "message"
    role: str = ""
    content: str | list[_Part] | None = None
    output: msgspec.Raw = NOTHING
    call_id: msgspec.Raw = NOTHING
    name: msgspec.Raw = NOTHING
    arguments: msgspec.Raw = NOTHING
    input: msgspec.Raw = NOTHING
    action: msgspec.Raw = NOTHING


class _Tool(msgspec.Struct, gc=False):
    type: str = ""
    name: str = ""


class _Fields(msgspec.Struct, gc=False, kw_only=True):
    instructions: msgspec.Raw = NOTHING
    max_output_tokens: msgspec.Raw = NOTHING
    reasoning: msgspec.Raw = NOTHING
    text: msgspec.Raw = NOTHING
    metadata: msgspec.Raw = NOTHING
    service_tier: msgspec.Raw = NOTHING


class _Request(_Fields, gc=False, kw_only=True):
    input: str | list[_Item] | None = None
    tools: list[_Tool] | None = None


class _LooseRequest(_Fields, gc=False, kw_only=True):
    """For a request of a shape unknown here: what of it can be read is read, piece by piece."""

    input: msgspec.Raw = NOTHING
    tools: msgspec.Raw = NOTHING


_decoder = msgspec.json.Decoder(_Request)
_loose_decoder = msgspec.json.Decoder(_LooseRequest)
_raws_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_item_decoder = msgspec.json.Decoder(_Item)
_tool_decoder = msgspec.json.Decoder(_Tool)
_parts_decoder = msgspec.json.Decoder(list[_Part])


def read_sketch(body: bytes) -> Sketch:
    """The sketch of a request. Raises Unreadable for what is no JSON object; of any other, what can be read."""
    try:
        request = _decoder.decode(body)
    except msgspec.ValidationError:
        request = _loosely(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise unreadable(error, body) from error
    frame = Frame(other_bytes=len(memoryview(request.metadata)), max_tokens=count_field(request.max_output_tokens))
    frame.tools = tuple([tool.name or tool.type for tool in (request.tools or ())[:MOST_TOOLS]])
    frame.service_tier = service_tier(request.service_tier)
    _read_reasoning(request.reasoning, frame)
    _read_format(request.text, frame)
    instructions = text_of(request.instructions)
    if instructions:
        frame.system.append(instructions)
    if isinstance(request.input, str):
        return sketched(body, [Said("user", (request.input,))], frame)
    said: list[Said] = []
    leading = True
    for item in request.input or ():
        one = _said(item, frame)
        if one is None:
            continue
        leading = leading and one.role == "system"
        if leading:
            frame.system += [text for words in one.words if (text := text_of(words))]
        said.append(one)
    return sketched(body, said, frame)


def _said(item: _Item, frame: Frame) -> Said | None:
    """An item as sampling looks at it; None for the model's thinking and for what a provider's own tools did."""
    if item.type != "message":
        if item.type.endswith("_call_output"):
            brought = ToolResult(item.call_id, item.output)
            return Said("tool", (), 1, 0, _in_output(item.output, frame), (), (brought,))
        called = _called(item)
        return None if called is None else Said("assistant", calls=(called,))
    if isinstance(item.content, str):
        words: list[Words] = [item.content] if item.content else []
        images = 0
    else:
        words, images = _parts(item.content or [], frame)
    if item.role == "assistant":
        return Said("assistant", words)
    return Said("system" if item.role in ("system", "developer") else "user", words, images=images)


def _called(item: _Item) -> ToolCall | None:
    if item.type == "function_call":
        return ToolCall(item.call_id, item.name, item.arguments)
    if item.type == "custom_tool_call":
        return ToolCall(item.call_id, item.name, item.input)
    return ToolCall(item.call_id, "local_shell", item.action) if item.type == "local_shell_call" else None


def _parts(parts: list[_Part], frame: Frame) -> tuple[list[Words], int]:
    words: list[Words] = []
    images = 0
    for part in parts:
        if part.type == "input_image":
            images += 1
            frame.data_bytes += len(memoryview(part.image_url))
        elif part.type == "input_file":
            frame.data_bytes += len(memoryview(part.file_data))
            frame.document_bytes += len(memoryview(part.file_data))
        elif part.text is not NOTHING:
            words.append(part.text)
    return words, images


def _in_output(output: msgspec.Raw, frame: Frame) -> int:
    """How many images a tool's output holds."""
    if bytes(memoryview(output)[:1]) != b"[" or b'"input_image"' not in bytes(output):
        return 0
    return _parts(piece(_parts_decoder, output, []), frame)[1]


def _read_reasoning(raw: msgspec.Raw, frame: Frame) -> None:
    reasoning = value_of(raw)
    effort = reasoning.get("effort") if isinstance(reasoning, dict) else None
    frame.effort = effort[:20] if isinstance(effort, str) else ""
    frame.thinking = thinking_by_effort(frame.effort)


def _read_format(raw: msgspec.Raw, frame: Frame) -> None:
    text = value_of(raw)
    asked = text.get("format") if isinstance(text, dict) else None
    if isinstance(asked, dict) and asked.get("type") == "json_schema":
        frame.structured = True
        frame.schema = asked.get("schema")


def _loosely(body: bytes) -> _Request:
    """The same fields, without those pieces that are of an unknown shape. Raises Unreadable."""
    try:
        loose = _loose_decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise unreadable(error, body) from error
    return _Request(
        **{name: getattr(loose, name) for name in _Fields.__struct_fields__},
        input=text_of(loose.input)
        or [piece(_item_decoder, raw, _Item()) for raw in piece(_raws_decoder, loose.input, [])],
        tools=[piece(_tool_decoder, raw, _Tool()) for raw in piece(_raws_decoder, loose.tools, [])],
    )
