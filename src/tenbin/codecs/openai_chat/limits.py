"""Stage 2, a Chat Completions request asks for less: a shorter answer, less thinking, a lower effort."""

import msgspec

from tenbin.codecs import splice
from tenbin.codecs.limits import Changes, alone, known, least, lower, most_budget, value_of, whole, with_effort
from tenbin.codecs.limits import decoded as value
from tenbin.core.ask import Head

NAMES = ("max_tokens", "max_completion_tokens")
_OTHER_NAMES = ("n_predict", "num_predict", "max_new_tokens", "max_output_tokens")
"""Names that single servers have for the limit beside the dialect's own; llama.cpp heeds its ``n_predict`` before
``max_tokens``. Below nought they stand for no limit."""
_BUDGETS = {"thinking": "budget_tokens", "reasoning": "max_tokens"}
"""Where services have a budget of thinking tokens (DeepSeek and Anthropic's own; OpenRouter)."""


def limited(body: bytes, head: Head, *, max_tokens: int | None, effort: str | None) -> tuple[bytes, Head]:
    """The request with at most so many tokens of output in all its choices together, at most this effort; the very same
    bytes where it asks for no more. Raises ValueError for a word that is no effort.
    """
    known(effort)
    share = None if max_tokens is None else max(max_tokens // head.dear.choices, 1)
    asked = head.max_tokens
    limit = least((asked, share))
    if limit == asked and effort is None and (share is None or alone(body, b'tokens"', b'_predict"')):
        return body, head
    fields = splice.fields(body, checked=True)
    changes: Changes = {}
    if share is not None:
        changes |= _limits(fields, share)
        changes |= _budgets(fields, share)
    if effort is not None:
        changes |= _efforts(fields, effort, changes)
    if not changes:
        return body, head
    less = splice.splice(body, changes, known=fields)
    if less == body:
        return body, head
    return less, msgspec.structs.replace(head, max_tokens=limit, lowered=True)


def _limits(fields: dict[str, msgspec.Raw], most: int) -> Changes:
    """Each limit that is given, under all of its names; one where none is given."""
    changes: Changes = {}
    for name in (*NAMES, *_OTHER_NAMES):
        if name in fields:
            given = whole(value(fields[name]))
            if given is not None:
                changes[name] = str(most if given > most or given < 0 else given).encode()
    if not any(name in changes for name in NAMES):
        name = next((name for name in reversed(NAMES) if name in fields), NAMES[1])
        changes[name] = str(most).encode()
    if "min_tokens" in fields and (whole(value(fields["min_tokens"])) or 0) > most:
        changes["min_tokens"] = str(most).encode()
    return changes


def _budgets(fields: dict[str, msgspec.Raw], most: int) -> Changes:
    changes: Changes = {}
    for field, name in _BUDGETS.items():
        raw = fields.get(field)
        budget = whole(value_of(raw, name))
        if raw is None or budget is None:
            continue
        fitting = most_budget(most)
        if fitting is None:
            changes[field] = None
        elif budget > fitting:
            changes[field] = splice.splice(bytes(raw), {name: str(fitting).encode()})
    return changes


def _efforts(fields: dict[str, msgspec.Raw], effort: str, changes: Changes) -> Changes:
    lowered: Changes = {}
    landing = lower(value(fields.get("reasoning_effort")), effort)
    if landing is not None:
        lowered["reasoning_effort"] = msgspec.json.encode(landing)
    if "reasoning" not in changes or changes["reasoning"] is not None:
        less = with_effort(changes.get("reasoning", fields.get("reasoning")), effort)
        if less is not None:
            lowered["reasoning"] = less
    return lowered
