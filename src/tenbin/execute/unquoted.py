"""6. What a provider says of a failure, without what it repeats of the request: its words are kept in the ledger."""

import json
import re

SHORTEST = 32
"""Characters in a row that stand in the request: fewer may be a name, a type, a field's path."""
WINDOW = SHORTEST // 2
MOST_SEARCHED = 1_048_576
"""Bytes at the beginning and at the end of a request in which is looked; a failure is no reason to stop the loop."""
LEFT_OUT = "(…)"

_PLAIN = re.compile(r'[^"\\\x00-\x1f]+')
"""Stretches that JSON writes as they are."""


def unquoted(words: str, body: bytes, model: str = "") -> str:
    """The words, with each stretch of SHORTEST characters or more left out that stands in the body as well; ``model``,
    the name that was asked for, may stand.
    """
    if len(words) < SHORTEST:
        return words
    if len(body) > 2 * MOST_SEARCHED:
        body = body[:MOST_SEARCHED] + b"\0" + body[-MOST_SEARCHED:]
    return _PLAIN.sub(lambda found: _without(found[0], body, model), words)


def _without(text: str, body: bytes, model: str) -> str:
    kept: list[str] = []
    start = at = 0
    while at + WINDOW <= len(text):
        run = _run(text, at, start, body)
        if run is None:
            at += WINDOW
            continue
        begin, end = run
        if end - begin >= SHORTEST and text[begin:end] not in model:
            kept += (text[start:begin], LEFT_OUT)
            start = end
        at = max(end, at + WINDOW)
    return "".join([*kept, text[start:]])


def _run(text: str, at: int, start: int, body: bytes) -> tuple[int, int] | None:
    """The stretch around a window of the text that stands in the body; None where not even the window does."""
    for written in (str.encode, _escaped):
        window = written(text[at : at + WINDOW])
        found = body.find(window)
        if found < 0:
            continue
        begin, left = at, found
        while begin > start and body.endswith(piece := written(text[begin - 1]), 0, left):
            begin, left = begin - 1, left - len(piece)
        end, right = at + WINDOW, found + len(window)
        while end < len(text) and body.startswith(piece := written(text[end]), right):
            end, right = end + 1, right + len(piece)
        return begin, end
    return None


def _escaped(text: str) -> bytes:
    """As JSON writes it in ASCII."""
    return json.dumps(text)[1:-1].encode()
