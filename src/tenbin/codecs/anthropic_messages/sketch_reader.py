"""2. What of a Messages request is looked at to weigh it: a light decode in which only what is sampled becomes text."""

import msgspec

from tenbin.codecs.anthropic_messages.request_reader import BILLING_HEADER, without_billing_header
from tenbin.codecs.sampling import (
    NOTHING,
    Frame,
    count_field,
    mark,
    piece,
    sketched,
    text_of,
    value_of,
)
from tenbin.codecs.splice import unreadable
from tenbin.codecs.trail import Said, Speaker, Words
from tenbin.core.sketch import MOST_TOOLS, Sketch, Thinking, ToolCall, ToolResult


class _Block(msgspec.Struct, gc=False):
    type: str = ""
    text: msgspec.Raw = NOTHING
    content: msgspec.Raw = NOTHING
    source: msgspec.Raw = NOTHING
    is_error: msgspec.Raw = NOTHING
    cache_control: msgspec.Raw = NOTHING
    id: msgspec.Raw = NOTHING
    name: msgspec.Raw = NOTHING
    input: msgspec.Raw = NOTHING
    tool_use_id: msgspec.Raw = NOTHING


class _Message(msgspec.Struct, gc=False):
    role: str = ""
    content: str | list[_Block] | None = None
    output_config: msgspec.Raw = NOTHING


class _Tool(msgspec.Struct, gc=False):
    name: str = ""
    cache_control: msgspec.Raw = NOTHING


class _Fields(msgspec.Struct, gc=False, kw_only=True):
    max_tokens: msgspec.Raw = NOTHING
    thinking: msgspec.Raw = NOTHING
    metadata: msgspec.Raw = NOTHING
    safeguards: msgspec.Raw = NOTHING
    output_config: msgspec.Raw = NOTHING
    output_format: msgspec.Raw = NOTHING
    cache_control: msgspec.Raw = NOTHING


class _Request(_Fields, gc=False, kw_only=True):
    system: str | list[_Block] | None = None
    messages: list[_Message] = []
    tools: list[_Tool] | None = None


class _LooseRequest(_Fields, gc=False, kw_only=True):
    """For a request of a shape unknown here: what of it can be read is read, piece by piece."""

    system: msgspec.Raw = NOTHING
    messages: msgspec.Raw = NOTHING
    tools: msgspec.Raw = NOTHING


_decoder = msgspec.json.Decoder(_Request)
_loose_decoder = msgspec.json.Decoder(_LooseRequest)
_raws_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_message_decoder = msgspec.json.Decoder(_Message)
_tool_decoder = msgspec.json.Decoder(_Tool)
_system_decoder = msgspec.json.Decoder(str | list[_Block] | None)
_blocks_decoder = msgspec.json.Decoder(list[_Block])


def read_sketch(body: bytes) -> Sketch:
    """The sketch of a request. Raises Unreadable for what is no JSON object; of any other, what can be read."""
    try:
        request = _decoder.decode(body)
    except msgspec.ValidationError:
        request = _loosely(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise unreadable(error, body) from error
    frame = Frame(
        max_tokens=count_field(request.max_tokens),
        thinking=_thinking(request.thinking),
        other_bytes=sum(len(memoryview(raw)) for raw in (request.metadata, request.safeguards)),
    )
    _read_system(request.system, frame)
    if request.cache_control is not NOTHING:
        mark(request.cache_control, frame)
    for tool in request.tools or ():
        if tool.cache_control is not NOTHING:
            mark(tool.cache_control, frame)
    frame.tools = tuple([tool.name for tool in (request.tools or ())[:MOST_TOOLS]])
    said: list[Said] = []
    frame.effort = _read_output(request, frame)
    for message in request.messages:
        said.append(_said(message, frame))
        if message.output_config is not NOTHING:
            frame.effort = _effort(message.output_config) or frame.effort
    if frame.cache_marks:
        if request.cache_control is NOTHING:
            frame.unmarked_bytes = _behind_mark(request.messages, b"{")
        if 0 < frame.hour_marks < frame.cache_marks and b'"1h"' not in bytes(request.cache_control):
            frame.short_bytes = _behind_mark(request.messages, b'"1h"')
    return sketched(body, said, frame)


def _behind_mark(messages: list[_Message], told_by: bytes) -> int:
    """Bytes of the content behind the last block with such a mark; of all messages, where it stands before them."""
    behind = 0
    for message in reversed(messages):
        content = message.content
        if not isinstance(content, list):
            behind += len(content or "")
            continue
        for block in reversed(content):
            if block.cache_control is not NOTHING and told_by in bytes(block.cache_control):
                return behind
            behind += len(memoryview(block.text)) + len(memoryview(block.content)) + len(memoryview(block.input))
    return behind


def _said(message: _Message, frame: Frame) -> Said:
    """A message as sampling looks at it; what it holds beside words is counted in the frame."""
    role, content = message.role, message.content
    speaker: Speaker = "assistant" if role == "assistant" else "system" if role == "system" else "user"
    if isinstance(content, str):
        return Said(speaker, (content,) if content else ())
    words: list[Words] = []
    calls: list[ToolCall] = []
    brought: list[ToolResult] = []
    failed = images = 0
    for block in content or ():
        kind = block.type
        if kind == "text":
            words.append(block.text)
        elif kind == "tool_result":
            wrong = block.is_error is not NOTHING and bytes(block.is_error) == b"true"
            failed += wrong
            images += _in_result(block.content, frame)
            brought.append(ToolResult(block.tool_use_id, block.content, wrong))
        elif kind == "tool_use":
            calls.append(ToolCall(block.id, block.name, block.input))
        elif kind == "image":
            images += 1
            frame.data_bytes += len(memoryview(block.source))
        elif kind == "document":
            _document(block.source, frame)
        if block.cache_control is not NOTHING:
            mark(block.cache_control, frame)
    results = len(brought)
    if speaker == "user" and results and not words:
        return Said("tool", (), results, failed, images, (), brought)
    return Said(speaker, words, results, failed, images, calls, brought)


def _in_result(content: msgspec.Raw, frame: Frame) -> int:
    """How many images a tool's result holds."""
    if bytes(memoryview(content)[:1]) != b"[":
        return 0
    inner = bytes(content)
    if b'"image"' not in inner and b'"document"' not in inner and b'"cache_control"' not in inner:
        return 0
    images = 0
    try:
        blocks = _blocks_decoder.decode(inner)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return 0
    for block in blocks:
        if block.type == "image":
            images += 1
            frame.data_bytes += len(memoryview(block.source))
        elif block.type == "document":
            _document(block.source, frame)
        if block.cache_control is not NOTHING:
            mark(block.cache_control, frame)
    return images


def _document(source: msgspec.Raw, frame: Frame) -> None:
    """Base64 is counted apart; a document of plain text or of blocks stays part of the prompt's bytes."""
    view = memoryview(source)
    if b'"base64"' in bytes(view[:200]) or b'"base64"' in bytes(view[-200:]):
        frame.data_bytes += len(view)
        frame.document_bytes += len(view)


def _read_system(system: str | list[_Block] | None, frame: Frame) -> None:
    """The system prompt's texts. Claude Code's pseudo-header is no part of it: it differs from turn to turn."""
    blocks: list[tuple[str, msgspec.Raw]] = []
    if isinstance(system, str):
        blocks = [(system, NOTHING)]
    elif system:
        blocks = [(text_of(block.text), block.cache_control) for block in system]
    for text, cache_control in blocks:
        if text.startswith(BILLING_HEADER):
            frame.sub_agent = frame.sub_agent or "cc_is_subagent=true" in text.partition("\n")[0]
            text = without_billing_header(text) or ""
        if text:
            frame.system.append(text)
        if cache_control is not NOTHING:
            mark(cache_control, frame)


def _thinking(raw: msgspec.Raw) -> Thinking:
    value = value_of(raw)
    kind = value.get("type") if isinstance(value, dict) else None
    return "off" if kind == "disabled" else "budget" if kind == "enabled" else "adaptive" if kind else ""


def _read_output(request: _Fields, frame: Frame) -> str:
    """Fills in the answer's schema; the effort that is asked for."""
    config = value_of(request.output_config)
    asked = value_of(request.output_format)
    if isinstance(config, dict) and isinstance(config.get("format"), dict):
        asked = config["format"]
    if isinstance(asked, dict) and asked.get("type") == "json_schema":
        frame.structured = True
        frame.schema = asked.get("schema")
    return _effort(request.output_config)


def _effort(raw: msgspec.Raw) -> str:
    config = value_of(raw)
    effort = config.get("effort") if isinstance(config, dict) else None
    return effort[:20] if isinstance(effort, str) else ""


def _loosely(body: bytes) -> _Request:
    """The same fields, without those pieces that are of an unknown shape. Raises Unreadable."""
    try:
        loose = _loose_decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise unreadable(error, body) from error
    fields = {name: getattr(loose, name) for name in _Fields.__struct_fields__}
    return _Request(
        **fields,
        system=piece(_system_decoder, loose.system, None),
        messages=[piece(_message_decoder, raw, _Message()) for raw in piece(_raws_decoder, loose.messages, [])],
        tools=[piece(_tool_decoder, raw, _Tool()) for raw in piece(_raws_decoder, loose.tools, [])],
    )
