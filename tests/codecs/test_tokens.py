"""Counting tokens: real counts of text, stated formulas for the rest."""

import base64
import struct
import subprocess
import sys
import warnings
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs import tokens
from tenbin.core.conversation import Conversation, Document, Image, Text, Thinking, Tool, ToolCall, ToolResult, Turn


def _reference() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import bpe_openai
    return bpe_openai.get_encoding(tokens.ENCODING)


_REFERENCE = _reference()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@given(text=st.text())
def test_a_text_has_as_many_tokens_as_the_tokenizer_makes_of_it(text: str) -> None:
    assert tokens.count_text(text) == len(_REFERENCE.encode_ordinary(text))


def test_half_of_a_surrogate_pair_is_counted_not_refused() -> None:
    assert tokens.count_text("\ud83d") >= 1


def test_nothing_is_loaded_before_the_first_count_and_the_slow_package_never() -> None:
    program = (
        "import sys; from tenbin.codecs import tokens; assert not any('bpe' in name for name in sys.modules);"
        "print(tokens.count_text('hello world')); assert 'bpe_openai' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "2\n"


PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 750, 100) + bytes(9)
GIF = b"GIF89a" + struct.pack("<HH", 30, 50) + bytes(20)
JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + struct.pack(">HH", 75, 100) + bytes(12)
WEBP_LOSSY = b"RIFF\0\0\0\0WEBPVP8 " + bytes(10) + struct.pack("<HH", 75, 20) + bytes(4)
WEBP_EXTENDED = b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + (749).to_bytes(3, "little") + (99).to_bytes(3, "little")


@pytest.mark.parametrize(
    ("data", "size", "count"),
    [
        (PNG, (750, 100), 100),
        (GIF, (30, 50), 2),
        (JPEG, (100, 75), 10),
        (WEBP_LOSSY, (75, 20), 2),
        (WEBP_EXTENDED, (750, 100), 100),
        (b"BM not known", None, tokens.IMAGE_TOKENS),
        (b"\xff\xd8\xff", None, tokens.IMAGE_TOKENS),
    ],
)
def test_an_image_counts_by_its_pixels(data: bytes, size: tuple[int, int] | None, count: int) -> None:
    assert tokens.image_size(data) == size
    assert tokens.image_tokens(_base64(data)) == count


def test_a_large_image_counts_as_scaled_down() -> None:
    huge = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 15680, 1568) + bytes(9)
    assert tokens.image_tokens(_base64(huge)) == 1568 * 156 // 750
    assert tokens.image_tokens(None) == tokens.IMAGE_TOKENS


@given(data=st.binary(max_size=60), head=st.sampled_from([PNG[:8], GIF[:6], JPEG[:2], WEBP_LOSSY[:16], b""]))
def test_no_bytes_make_the_sizes_fail(data: bytes, head: bytes) -> None:
    assert 1 <= tokens.image_tokens(_base64(head + data)) <= tokens.IMAGE_TOKENS


def test_a_document_counts_by_text_or_pages() -> None:
    pdf = b"%PDF-1.7 /Type /Pages /Type /Page\n/Type/Page\n"
    assert tokens.document_tokens(Document(data=_base64(pdf))) == 2 * tokens.PAGE_TOKENS
    assert tokens.document_tokens(Document(data=_base64(bytes(70_000)))) == 2 * tokens.PAGE_TOKENS
    assert tokens.document_tokens(Document(text="hello world", title="x")) == 3
    assert tokens.document_tokens(Document(url="https://example.com/a.pdf")) == tokens.PAGE_TOKENS


def test_every_part_of_a_conversation_counts() -> None:
    empty = Conversation(model="m")
    parts = (Text(text="hello world"), Thinking(text="hello world"), Image(url="https://example.com/a.png"))
    call = ToolCall(id="1", name="hello", arguments="{}")
    result = ToolResult(call_id="1", content=(Text(text="hello world"),))
    full = msgspec.structs.replace(
        empty,
        system=(Text(text="hello world"),),
        turns=(
            Turn(role="user", parts=parts),
            Turn(role="assistant", parts=(call,)),
            Turn(role="user", parts=(result,)),
        ),
        tools=(Tool(name="hello", description="hello world", schema=msgspec.Raw(b"{}")),),
    )
    framing = 4 + 3 * 4 + 2 * 4 + 7 + 12
    words = 2 + 2 + 2 + 1 + 1 + 2 + 1 + 2 + 1
    assert tokens.count_conversation(empty) == 3
    assert tokens.count_conversation(full) == 3 + framing + words + tokens.IMAGE_TOKENS


def test_a_rough_count_is_never_zero_for_something() -> None:
    assert [tokens.rough_tokens(length) for length in (0, 1, 4, 5)] == [0, 1, 1, 2]
