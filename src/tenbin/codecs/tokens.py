"""Stage 2, counting tokens where no provider does: count_tokens, prompts that must fit, answers that broke off.

Every figure from here is an estimate and is marked as one by whoever uses it: no provider's own tokenizer is public
but OpenAI's, and none says exactly how it frames messages and tools.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, module_from_spec

import msgspec

from tenbin.core.conversation import Conversation, Document, Image, Opaque, Part, Text, Thinking, ToolCall, ToolResult

ENCODING = "cl100k_base"
"""Of the encodings at hand the one that takes least memory (33 MB, loaded in 3 ms with the first count; o200k_base
takes 68 MB). It splits a little finer than the newest ones, as Claude's does: the estimate errs on the safe side."""

REQUEST_TOKENS = 3
"""Framing of a request: every reply is primed with three tokens (OpenAI cookbook, "How to count tokens")."""
MESSAGE_TOKENS = 4
"""Framing of a message: three tokens and its role (same source)."""
TOOL_TOKENS = 7
"""Framing of a tool beside its name, description and schema (same source, ``func_init``)."""
TOOLS_TOKENS = 12
"""Framing of all tools together (same source, ``func_end``)."""

IMAGE_PIXELS_PER_TOKEN = 750
"""Tokens of an image are width x height / 750 (Anthropic, "Vision")."""
IMAGE_EDGE = 1568
"""An image is scaled down to at most so many pixels on its longer edge first (same source)."""
IMAGE_TOKENS = 1600
"""An image of unknown size: about what the largest one costs (same source)."""
PAGE_TOKENS = 2250
"""A page of a PDF: the middle of 1,500 to 3,000 (Anthropic, "PDF support")."""
PAGE_BYTES = 65_536
"""Bytes of a page in a PDF whose pages can't be counted."""

_PDF_PAGE = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")


@cache
def _compiled() -> ModuleSpec:
    """The tokenizer's compiled module.

    Only that is loaded: the package around it builds a table of all tokens in Python (0.4 s, 68 MB) that counting does
    not need.
    """
    package = find_spec("bpe_openai")
    if package is None or package.submodule_search_locations is None:
        raise ImportError("bpe-openai is not installed; Tenbin cannot count tokens without it")
    spec = PathFinder.find_spec("bpe_openai._bindings", list(package.submodule_search_locations))
    if spec is None or spec.loader is None:
        raise ImportError("bpe-openai has no compiled module for this machine; Tenbin cannot count tokens without it")
    return spec


@cache
def _counter() -> Callable[[str], int]:
    """The tokenizer's own counting function."""
    spec = _compiled()
    bindings = module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(bindings)
    count: Callable[[str], int] = bindings.tokenizer_for_encoding(ENCODING).count
    return count


def tables_file() -> str | None:
    """The file out of which the tokenizer has built its tables (15 MB of it have been read); None before it has."""
    return _compiled().origin if _counter.cache_info().currsize else None


def count_text(text: str) -> int:
    """Tokens of a text: an estimate for any model but OpenAI's of 2023. About 15 ms per million characters."""
    if not text:
        return 0
    try:
        return _counter()(text)
    except UnicodeEncodeError:  # half of a surrogate pair, which no tokenizer takes
        return _counter()(text.encode("utf-8", "replace").decode())


def rough_tokens(byte_length: int) -> int:
    """Tokens of so many bytes of JSON or English, at four bytes each, without looking at them: for the hot path."""
    return (byte_length + 3) // 4


def count_conversation(conversation: Conversation) -> int:
    """Prompt tokens of a whole request, an estimate: text, tools, images, documents and framing."""
    total = REQUEST_TOKENS + _count_parts(conversation.system)
    if conversation.system:
        total += MESSAGE_TOKENS
    for turn in conversation.turns:
        total += MESSAGE_TOKENS + _count_parts(turn.parts)
    for tool in conversation.tools:
        total += TOOL_TOKENS + count_text(tool.name) + count_text(tool.description or "")
        total += count_text(_text_of(bytes(tool.schema)))
    for server_tool in conversation.server_tools:
        total += TOOL_TOKENS + count_text(_text_of(msgspec.json.encode(server_tool.value)))
    if conversation.tools or conversation.server_tools:
        total += TOOLS_TOKENS
    if conversation.output_format is not None and conversation.output_format.schema is not None:
        total += count_text(_text_of(bytes(conversation.output_format.schema)))
    return total


def _count_parts(parts: Iterable[Part]) -> int:
    return sum(_count_part(part) for part in parts)


def _count_part(part: Part) -> int:
    match part:
        case Text():
            return count_text(part.text)
        case Thinking():
            return count_text(part.text)
        case ToolCall():
            return count_text(part.name) + count_text(part.arguments) + MESSAGE_TOKENS
        case ToolResult():
            return MESSAGE_TOKENS + _count_parts(part.content)
        case Image():
            return image_tokens(part.data)
        case Document():
            return document_tokens(part)
        case Opaque():
            return count_text(_text_of(msgspec.json.encode(part.value)))
        case _:
            return count_text(part.tool_name)


def image_tokens(data: str | None) -> int:
    """Tokens of a base64 image by its size in pixels; one by URL, or of an unknown format, counts as a large one."""
    size = None if data is None else image_size(_decode(data))
    if size is None:
        return IMAGE_TOKENS
    width, height = size
    longer = max(width, height)
    if longer > IMAGE_EDGE:
        width, height = width * IMAGE_EDGE // longer, height * IMAGE_EDGE // longer
    return min(max(width * height // IMAGE_PIXELS_PER_TOKEN, 1), IMAGE_TOKENS)


def document_tokens(document: Document) -> int:
    """Tokens of a document: its text, or its pages at PAGE_TOKENS each; by URL, one page."""
    title = count_text(document.title or "")
    if document.text is not None:
        return title + count_text(document.text)
    if document.data is None:
        return title + PAGE_TOKENS
    data = _decode(document.data)
    pages = len(_PDF_PAGE.findall(data)) or -(-len(data) // PAGE_BYTES)
    return title + max(pages, 1) * PAGE_TOKENS


def image_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, from the head of a PNG, GIF, WebP or JPEG file; None for anything else."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    if data[:4] == b"GIF8" and len(data) >= 10:
        return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP" and len(data) >= 30:
        return _webp_size(data)
    if data[:2] == b"\xff\xd8":
        return _jpeg_size(data)
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    """The three forms of the WebP container: lossy, lossless, extended (RFC 9649)."""
    kind = data[12:16]
    if kind == b"VP8 ":
        return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """From the first start-of-frame marker (ITU T.81, B.2.2)."""
    position = 2
    while position + 9 <= len(data):
        if data[position] != 0xFF:
            return None
        marker = data[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[position + 7 : position + 9]), int.from_bytes(data[position + 5 : position + 7])
        position += 2 + int.from_bytes(data[position + 2 : position + 4])
    return None


def _decode(data: str) -> bytes:
    try:
        return base64.b64decode(data + "=" * (-len(data) % 4))
    except (binascii.Error, ValueError):
        return b""


def _text_of(data: bytes) -> str:
    return data.decode("utf-8", "replace")
