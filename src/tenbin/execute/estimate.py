"""6. What an answer must have used when its provider did not say: counted by a real tokenizer, and marked.

Counting takes about 15 ms a million characters. For an answer that broke off it is done in a thread, after the client
has gone; for a translated one that came to its end it is done at once, since the client is told.
"""

import os
import re
from functools import cache

import msgspec

from tenbin.codecs.dialect import Dialect
from tenbin.codecs.tokens import count_conversation, count_text, rough_tokens, tables_file
from tenbin.core.ask import Ask
from tenbin.core.problems import Unreadable
from tenbin.core.usage import Usage
from tenbin.execute.memory import let_go_of_file
from tenbin.execute.owed import TOKENS_PER_SECOND, Heard

ENDING_BYTES, RESPONSE_ENDING_BYTES = 400, 1_200
"""What an unstreamed answer has behind its words: usage, why it stopped, and other facts; OpenAI's Responses more."""

_RESPONSE = re.compile(rb'"object"\s*:\s*"response"')
"""Responses say the request's own settings over again, instructions among them, before the first word."""

_WORDS = re.compile(
    rb'"(?:text|content|thinking|reasoning|reasoning_content|arguments|refusal)"\s*:\s*"((?:[^"\\]|\\.)*)("?)'
    rb'|"input"\s*:\s*(\{[^\0]*)'
)
"""In a torn answer: strings that are words of it, the last one perhaps without its end; a tool's input."""


def completed(stated: Usage, ask: Ask, dialect: Dialect, heard: Heard) -> Usage:
    """The provider's statement, with what it left out filled in.

    Of an answer that came to its end a stated output count is final; else what was produced may be more than the last
    statement says, and the larger of the two holds. It is an estimate even so.
    """
    usage = stated
    if usage.prompt == 0:
        usage = msgspec.structs.replace(usage, input=prompt_tokens(ask, dialect), input_estimated=True)
    if not (heard.ended and usage.output) and ask.operation != "embed":
        counted = _output_tokens(heard, ask)
        if counted > usage.output or not heard.ended:
            usage = msgspec.structs.replace(usage, output=max(counted, usage.output), output_estimated=True)
    _let_go_of_tables_file()
    return usage


def _output_tokens(heard: Heard, ask: Ask) -> int:
    """Tokens produced, as far as anybody can tell."""
    most = ask.head.max_tokens
    if heard.torn:
        counted = _torn_tokens(heard.torn, heard.announced_bytes, len(ask.body))
    elif heard.words:
        return count_text(heard.words)
    else:
        counted = int(heard.waited_s * TOKENS_PER_SECOND)
    return counted if most is None else min(counted, most)


def _torn_tokens(torn: bytes, announced: int, asked: int) -> int:
    """Tokens of an answer of which this much came, and which is ``announced`` bytes long: its provider had it whole.
    ``asked``: bytes of the request.
    """
    words, unended = [], False
    for found in _WORDS.finditer(torn):
        words.append(found[1] if found[3] is None else found[3])
        unended = not found[2]
    text = b"".join(words)
    counted = count_text(text.decode("utf-8", "replace")) if text else 0
    ending = ENDING_BYTES
    if _RESPONSE.search(torn):
        ending = RESPONSE_ENDING_BYTES if text else RESPONSE_ENDING_BYTES + asked
    rest = max(0, announced - len(torn) - ending)
    if text and unended:
        counted += rest * counted // len(text)
    elif not text:
        counted += rough_tokens(rest)
    return counted


def prompt_tokens(ask: Ask, dialect: Dialect) -> int:
    """An estimate of the prompt's tokens."""
    if ask.operation == "embed":
        return rough_tokens(len(ask.body))
    try:
        counted = count_conversation(dialect.read(ask.body))
    except Unreadable:
        return rough_tokens(len(ask.body))
    _let_go_of_tables_file()
    return counted


def _let_go_of_tables_file() -> None:
    """Behind the first count: the tokenizer's tables are built then, and their file is not looked at again."""
    file = tables_file()
    if file is not None:
        _let_go(file)


@cache
def _let_go(file: str) -> None:
    let_go_of_file(os.path.realpath(file))
