"""Stage 2, a request in Ollama's words asks for less: a shorter answer, a lower level of thinking."""

import msgspec

from tenbin.codecs import splice
from tenbin.codecs.limits import Changes, decoded, known, lower, value_of, whole
from tenbin.core.ask import Head


def limited(body: bytes, head: Head, *, max_tokens: int | None, effort: str | None) -> tuple[bytes, Head]:
    """The request with at most so many tokens of output, at most this level of thinking. ``num_predict`` of nought
    and below stands for no limit. Raises ValueError for a word that is no effort.
    """
    known(effort)
    fields = splice.fields(body, checked=True)
    changes: Changes = {}
    limit = head.max_tokens
    if max_tokens is not None:
        given = whole(value_of(fields.get("options"), "num_predict"))
        limit = max_tokens if given is None or given <= 0 else min(given, max_tokens)
        number = str(limit).encode()
        options = bytes(fields.get("options", b""))
        changes["options"] = (
            splice.splice(options, {"num_predict": number}) if options[:1] == b"{" else b'{"num_predict":%b}' % number
        )
    landing = lower(decoded(fields.get("think")), effort) if effort is not None else None
    if landing is not None:
        changes["think"] = msgspec.json.encode(landing)
    less = splice.splice(body, changes, known=fields)
    return (body, head) if less == body else (less, msgspec.structs.replace(head, max_tokens=limit))
