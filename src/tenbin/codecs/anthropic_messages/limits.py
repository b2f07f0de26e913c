"""Stage 2, a Messages request asks for less: a shorter answer, less thinking, a lower effort.

Thinking counts towards ``max_tokens`` and its budget must stay below it; where the least budget no longer fits, the
request goes without thinking, and without the clearing of it, which is refused then.
"""

import msgspec

from tenbin.codecs import splice
from tenbin.codecs.anthropic_messages.request_writer import BUDGETS
from tenbin.codecs.limits import Changes, alone, decoded, known, lower, most_budget, value_of, whole, with_effort
from tenbin.core.ask import Head


class _Message(msgspec.Struct):
    role: str = ""
    output_config: msgspec.Raw = msgspec.Raw(b"null")


_message_decoder = msgspec.json.Decoder(_Message)


def limited(body: bytes, head: Head, *, max_tokens: int | None, effort: str | None) -> tuple[bytes, Head]:
    """The request with at most so many tokens of output, at most this effort; the very same bytes where it asks for no
    more. Raises ValueError for a word that is no effort.
    """
    known(effort)
    asked = head.max_tokens
    limit = asked if max_tokens is None or (asked is not None and asked <= max_tokens) else max_tokens
    if limit == asked and effort is None and (max_tokens is None or alone(body, b'max_tokens"')):
        return body, head
    fields = splice.fields(body, checked=True)
    changes: Changes = {}
    if max_tokens is not None:
        changes["max_tokens"] = str(limit).encode()
    changes |= _thinking(fields, limit if limit != asked else None, effort)
    if effort is not None:
        changes |= _effort(fields, effort)
    changes = {name: value for name, value in changes.items() if name == "max_tokens" or _differs(fields, name, value)}
    if not changes:
        return body, head
    less = splice.splice(body, changes, known=fields)
    return less, head if limit == asked else msgspec.structs.replace(head, max_tokens=limit)


def _differs(fields: dict[str, msgspec.Raw], name: str, value: bytes | None) -> bool:
    return (bytes(fields[name]) if name in fields else None) != value


def _thinking(fields: dict[str, msgspec.Raw], limit: int | None, effort: str | None) -> Changes:
    """``limit``: the new output limit, where there is one. A budget is also what older models have for an effort."""
    raw = fields.get("thinking")
    budget = whole(value_of(raw, "budget_tokens"))
    if raw is None or budget is None or value_of(raw, "type") != "enabled":
        return {}
    most = budget
    if effort is not None:
        most = min(most, max(BUDGETS[effort], BUDGETS["low"]))
    if limit is not None:
        fitting = most_budget(limit)
        if fitting is None:
            return {"thinking": None, **_without_clearing(fields)}
        most = min(most, fitting)
    return {} if most >= budget else {"thinking": splice.splice(bytes(raw), {"budget_tokens": str(most).encode()})}


def _without_clearing(fields: dict[str, msgspec.Raw]) -> Changes:
    """Thinking is cleared only where there is any."""
    raw = fields.get("context_management")
    edits = value_of(raw, "edits")
    if raw is None or not isinstance(edits, list):
        return {}
    gone: dict[int, bytes | None] = {
        at: None
        for at, edit in enumerate(edits)
        if isinstance(edit, dict) and str(edit.get("type")).startswith("clear_thinking")
    }
    if not gone:
        return {}
    if len(gone) == len(edits):
        return {"context_management": None}
    kept = splice.splice_items(bytes(splice.fields(bytes(raw))["edits"]), gone)
    return {"context_management": splice.splice(bytes(raw), {"edits": kept})}


def _effort(fields: dict[str, msgspec.Raw], effort: str) -> Changes:
    """The effort of the request and of single turns. Where a model judges by itself how long to think and is given no
    effort, it takes a high one (Anthropic's documentation of the effort): then it is told one.
    """
    changes: Changes = {}
    config = fields.get("output_config")
    less = with_effort(config, effort)
    if less is not None:
        changes["output_config"] = less
    elif value_of(fields.get("thinking"), "type") == "adaptive" and value_of(config, "effort") is None:
        landing = lower("high", effort)
        if landing is not None:
            word = msgspec.json.encode(landing)
            told = isinstance(decoded(config), dict) and config is not None
            changes["output_config"] = (
                splice.splice(bytes(config), {"effort": word})
                if told and config is not None
                else b'{"effort":%b}' % word
            )
    messages = bytes(fields.get("messages", b""))
    if b'"output_config"' in messages and messages[:1] == b"[":
        turns: dict[int, bytes | None] = {}
        for at, raw in enumerate(splice.items(messages)):
            less = with_effort(_config_of(raw), effort) if b'"output_config"' in bytes(raw) else None
            if less is not None:
                turns[at] = splice.splice(bytes(raw), {"output_config": less})
        if turns:
            changes["messages"] = splice.splice_items(messages, turns)
    return changes


def _config_of(raw: msgspec.Raw) -> bytes:
    try:
        message = _message_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return b""
    return bytes(message.output_config) if message.role == "system" else b""
