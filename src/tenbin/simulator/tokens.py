"""Counts and cuts text in tokens with a real tokenizer (o200k), so that the simulator states figures to be relied on.

Every dialect of the simulator counts the same way: the same conversation has the same number of tokens in all of them.
"""

from __future__ import annotations

import re
import warnings
from base64 import b64decode
from collections.abc import Iterator
from functools import lru_cache

with warnings.catch_warnings():
    warnings.simplefilter(
        "ignore", DeprecationWarning
    )  # it opens its data by a deprecated call of the standard library
    import bpe_openai

    _ENCODING = bpe_openai.get_encoding("o200k_base")

REQUEST_OVERHEAD = 3
"""Tokens that every prompt costs beside its content."""
MESSAGE_OVERHEAD = 4
"""Tokens that every message (the system prompt is one) costs beside its content."""
TOOL_OVERHEAD = 8
"""Tokens that every offered tool costs beside its name, description and schema."""
IMAGE_TOKENS = 1600
"""Tokens of an image whose size cannot be read from its data."""


_AT_ONCE = 100_000
"""Characters handed to the tokenizer at once; it refuses more than 200 000 tokens."""
_WORD_START = re.compile(r"(?<=\S) (?=\S)")


@lru_cache(maxsize=4096)
def count(text: str) -> int:
    """Return the number of tokens in `text`."""
    return len(token_ids(text))


def token_ids(text: str) -> list[int]:
    """Return the token ids of `text`."""
    ids: list[int] = []
    start = 0
    while start < len(text):
        end = start + _AT_ONCE
        # A single space between two words always begins a token, so a cut before it changes no token.
        cut = _WORD_START.search(text, end) if end < len(text) else None
        end = cut.start() if cut and cut.start() < end + _AT_ONCE else end
        ids += _ENCODING.encode_ordinary(text[start:end])
        start = end
    return ids


def text_of(ids: list[int]) -> str:
    """Return the text of token ids; a character that is only half there is left out."""
    return b"".join(_ENCODING.decode_tokens_bytes(ids)).decode(errors="ignore")


def counted_pieces(text: str, tokens_per_piece: int) -> Iterator[tuple[str, int]]:
    """Cut `text` into pieces of `tokens_per_piece` tokens, each with its tokens; one grows where a cut would split a
    character.

    The pieces joined are `text` again.
    """
    pending, waiting = b"", 0
    ids = token_ids(text)
    step = max(1, tokens_per_piece)
    for start in range(0, len(ids), step):
        taken = ids[start : start + step]
        pending += b"".join(_ENCODING.decode_tokens_bytes(taken))
        waiting += len(taken)
        try:
            piece = pending.decode()
        except UnicodeDecodeError:
            continue
        yield piece, waiting
        pending, waiting = b"", 0
    if pending:
        yield pending.decode(errors="replace"), waiting


def pieces(text: str, tokens_per_piece: int) -> list[str]:
    """Return the pieces of `counted_pieces` alone."""
    return [piece for piece, _ in counted_pieces(text, tokens_per_piece)]


class Meter:
    """Counts the tokens of an answer as they are produced, piece by piece."""

    def __init__(self) -> None:
        self._counted = 0
        self.least = 0
        """What is produced in any case."""

    @property
    def produced(self) -> int:
        """Tokens until now."""
        return max(self._counted, self.least)

    def pieces(self, text: str, tokens_per_piece: int) -> Iterator[str]:
        """The pieces of `text`, each counted when it is taken."""
        for piece, size in counted_pieces(text, tokens_per_piece):
            self._counted += size
            yield piece

    def whole(self, text: str) -> None:
        """Count a text that is produced at once: a tool's name, thoughts that nobody is shown."""
        self._counted += count(text)


def first_tokens(text: str, limit: int) -> str:
    """Return the longest beginning of `text` that has at most `limit` tokens and ends between two "
    "characters."""
    ids = token_ids(text)
    if len(ids) <= limit:
        return text
    return text_of(ids[:limit])


def exact_text(tokens: int) -> str:
    """Return a text of exactly `tokens` tokens."""
    return " a" * tokens


def prompt_text(tokens: int) -> str:
    """Return the text which, as the only user message of a request, makes a prompt of exactly `tokens` tokens.

    Raises ValueError if `tokens` is smaller than what an empty message costs.
    """
    rest = tokens - REQUEST_OVERHEAD - MESSAGE_OVERHEAD
    if rest < 1:
        raise ValueError(f"a prompt has at least {REQUEST_OVERHEAD + MESSAGE_OVERHEAD + 1} tokens, not {tokens}")
    return exact_text(rest)


def image_tokens(data: str) -> int:
    """Return the tokens of a base64 image: width x height / 750 for a PNG, `IMAGE_TOKENS` for anything "
    "else."""
    try:
        head = b64decode(data[:64] + "=" * (-len(data[:64]) % 4))
    except ValueError:
        return IMAGE_TOKENS
    if head[:8] != b"\x89PNG\r\n\x1a\n" or len(head) < 24:
        return IMAGE_TOKENS
    width, height = int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    return min(IMAGE_TOKENS, max(1, width * height // 750))
