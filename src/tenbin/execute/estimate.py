"""6. What an answer must have used when its provider did not say: counted by a real tokenizer, and marked.

Counting takes about 15 ms a million characters. For an answer that broke off it is done in a thread, after the client
has gone; for a translated one that came to its end it is done at once, since the client is told.
"""

import os
from functools import cache

import msgspec

from tenbin.codecs.dialect import Dialect
from tenbin.codecs.tokens import count_conversation, count_text, rough_tokens, tables_file
from tenbin.core.ask import Ask
from tenbin.core.problems import Unreadable
from tenbin.core.usage import Usage
from tenbin.execute.memory import let_go_of_file


def completed(stated: Usage, ask: Ask, dialect: Dialect, produced: str, *, ended: bool) -> Usage:
    """The provider's statement, with what it left out filled in.

    ``ended``: the answer came to its end, so a stated output count is final; else what was produced may be more
    than the last statement says, and the larger of the two holds.
    """
    usage = stated
    if usage.prompt == 0:
        usage = msgspec.structs.replace(usage, input=prompt_tokens(ask, dialect), input_estimated=True)
    if produced and not (ended and usage.output):
        counted = count_text(produced)
        if counted > usage.output:
            usage = msgspec.structs.replace(usage, output=counted, output_estimated=True)
    _let_go_of_tables_file()
    return usage


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
