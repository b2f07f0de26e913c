"""Stage 2, a Responses request asks for less: a shorter answer, a lower effort."""

import msgspec

from tenbin.codecs import splice
from tenbin.codecs.limits import Changes, alone, known, least, with_effort
from tenbin.codecs.openai_responses.request_writer import LEAST_OUTPUT
from tenbin.core.ask import Head


def limited(body: bytes, head: Head, *, max_tokens: int | None, effort: str | None) -> tuple[bytes, Head]:
    """The request with at most so many tokens of output (but no fewer than the API takes), at most this effort; the
    very same bytes where it asks for no more. Raises ValueError for a word that is no effort.
    """
    known(effort)
    asked = head.max_tokens
    limit = least((asked, None if max_tokens is None else max(max_tokens, LEAST_OUTPUT)))
    if limit == asked and effort is None and (max_tokens is None or alone(body, b'max_output_tokens"')):
        return body, head
    fields = splice.fields(body, checked=True)
    changes: Changes = {}
    if max_tokens is not None and limit is not None:
        changes["max_output_tokens"] = str(limit).encode()
    if effort is not None:
        less = with_effort(fields.get("reasoning"), effort)
        if less is not None:
            changes["reasoning"] = less
    less_body = splice.splice(body, changes, known=fields)
    if less_body == body:
        return body, head
    return less_body, msgspec.structs.replace(head, max_tokens=limit, lowered=True)
