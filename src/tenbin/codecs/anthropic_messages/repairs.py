"""Stage 2, a Messages request made for one model goes to another: what the other would refuse is changed, nothing else.

Every change is a function of the request and the target alone, and of a message and those before it, so that each turn
begins with the same bytes as the turn before it: the provider's prompt cache goes on to hit, and the thinking that the
target signed over them stays valid. Which model takes what: tenbin.config.quirks. Why so: docs/decisions/0007.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from tenbin.codecs import splice
from tenbin.codecs.anthropic_messages.request_writer import BUDGETS, LEAST_BUDGET, effort_of_budget
from tenbin.codecs.lowering import nearest_effort, reminder, schema_in_words
from tenbin.core.ask import Head
from tenbin.core.target import Quirks, Target

Fields = Mapping[str, msgspec.Raw]
Changes = dict[str, bytes | None]

_SAMPLING = ("temperature", "top_p", "top_k")
_THINKS = ("enabled", "adaptive")
_DISPLAYS = ("omitted", "summarized")
"""What older models know of ``display``."""
_NULL = b"null"

_any_decoder = msgspec.json.Decoder()
_object_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


class _Message(msgspec.Struct):
    role: str = ""
    content: msgspec.Raw = msgspec.Raw(b"null")
    output_config: msgspec.Raw = msgspec.Raw(b"null")


_message_decoder = msgspec.json.Decoder(_Message)


class _Wish(NamedTuple):
    """How much thinking is asked for."""

    thinking: Any
    """The field's value; None where it is not there."""
    effort: str | None


def repaired(fields: Fields, messages: bytes, head: Head, target: Target) -> Changes:
    """Changes at the top of the body; ``messages`` are those that go out."""
    quirks = target.quirks
    changes: Changes = {}
    most, limit = target.max_output or quirks.most_output, head.max_tokens
    if limit is not None and 0 < most < limit:
        changes["max_tokens"], limit = str(most).encode(), most
    if not quirks.safeguards and quirks.reasoning_request != "thinking":
        return changes  # who copies the dialect passes over what it does not know
    thinking = _decoded(fields.get("thinking"))
    config = _object(fields.get("output_config"))
    effort = _decoded(config.get("effort"))
    asked = _Wish(thinking, effort if isinstance(effort, str) else None)
    choice = bytes(fields.get("tool_choice", b""))
    forced = b'"any"' in choice or b'"tool"' in choice
    given = _fitted(asked, quirks, limit)
    kind = _kind(given.thinking)
    if kind == "enabled" and (forced or _loop_without_thinking(messages)):
        # A budget goes with no forced tool, and wants a loop's own thinking before its calls: the turn goes without.
        given, kind = _Wish(None, given.effort), ""
    if given.thinking != thinking:
        changes["thinking"] = None if given.thinking is None else msgspec.json.encode(given.thinking)
    if given.effort != asked.effort:
        config = {name: raw for name, raw in config.items() if name != "effort"}
        if given.effort is not None:
            config["effort"] = msgspec.Raw(msgspec.json.encode(given.effort))
        changes["output_config"] = msgspec.json.encode(config) if config else None
    if not quirks.json_schema:
        changes.update(_format_in_words(fields, config))
    changes.update(_context_management(fields, kind, quirks))
    changes.update(_sampling(fields, kind in _THINKS, quirks))
    return changes


def _fitted(asked: _Wish, quirks: Quirks, limit: int | None) -> _Wish:
    """The thinking and the effort that the model takes and that are nearest to what was asked."""
    kind, effort = _kind(asked.thinking), asked.effort
    given = asked.thinking
    if quirks.reasoning_request == "none":
        given = None
    elif kind == "enabled" and not quirks.thinking_budget:
        budget = asked.thinking.get("budget_tokens")
        effort = effort or (effort_of_budget(budget) if isinstance(budget, int) else None)
        given = {name: value for name, value in asked.thinking.items() if name != "budget_tokens"} | {
            "type": "adaptive"
        }
    elif kind == "adaptive" and not quirks.adaptive_thinking:
        shown = {"display": asked.thinking["display"]} if asked.thinking.get("display") in _DISPLAYS else {}
        given = {"type": "enabled", "budget_tokens": BUDGETS.get(effort or "medium", BUDGETS["medium"]), **shown}
    elif kind in ("disabled", "between_tools"):
        least = "between_tools" if quirks.thinking_between_tools else "disabled" if quirks.thinking_off else None
        given = asked.thinking if kind == least else {"type": least} if least else None
        if least is None:
            effort = effort or "low"
        elif effort in ("xhigh", "max") and not quirks.thinking_off_effort:
            effort = "high"
    if _kind(given) == "enabled" and limit is not None and isinstance(given.get("budget_tokens"), int):
        if limit <= LEAST_BUDGET:
            given = None
        elif given["budget_tokens"] >= limit:
            given = {**given, "budget_tokens": limit - 1}
    return _Wish(given, nearest_effort(effort, quirks))


def _loop_without_thinking(messages: bytes) -> bool:
    """Results are given to an assistant's turn that does not begin with thinking."""
    loop = False
    for raw in reversed(splice.items(messages) if messages[:1] == b"[" else []):
        message = _message(raw)
        if message.role == "user":
            if b'"tool_result"' not in bytes(message.content):
                return False
            loop = True
        elif message.role == "assistant":
            content = bytes(message.content)
            first = next(iter(splice.items(content)), None) if content[:1] == b"[" else None
            return loop and (first is None or not _kind(_decoded(first)).endswith("thinking"))
    return False


def _format_in_words(fields: Fields, config: dict[str, msgspec.Raw]) -> Changes:
    """The answer's schema as an instruction at the end of the system prompt."""
    asked = _object(config.get("format"))
    if "schema" not in asked:
        return {}
    kept = {name: raw for name, raw in config.items() if name != "format"}
    block = msgspec.json.encode({"type": "text", "text": schema_in_words(bytes(asked["schema"]))})
    system = bytes(fields.get("system", _NULL))
    if system[:1] == b'"':
        system = b'[{"type":"text","text":' + system + b"}]"
    inner = system.strip()[1:-1].strip() if system[:1] == b"[" else b""
    words = b"[" + inner + b"," + block + b"]" if inner else b"[" + block + b"]"
    return {"output_config": msgspec.json.encode(kept) if kept else None, "system": words}


def _context_management(fields: Fields, kind: str, quirks: Quirks) -> Changes:
    """Thinking is cleared only where there is any: without it the edit is refused."""
    raw = fields.get("context_management")
    if raw is None or kind in _THINKS:
        return {}
    if quirks.reasoning_request == "none":
        return {"context_management": None}
    management = _object(raw)
    edits = bytes(management.get("edits", b""))
    if b'"clear_thinking' not in edits or edits[:1] != b"[":
        return {}
    items = splice.items(edits)
    gone: dict[int, bytes | None] = {
        at: None for at, item in enumerate(items) if _kind(_decoded(item)).startswith("clear_thinking")
    }
    if len(gone) == len(items):
        return {"context_management": None}
    return {"context_management": splice.splice(bytes(raw), {"edits": splice.splice_items(edits, gone)})}


def _sampling(fields: Fields, thinks: bool, quirks: Quirks) -> Changes:
    """Sampling away from the defaults goes with no thinking, and not at all with newer models."""
    given = {name: bytes(fields[name]) for name in _SAMPLING if name in fields and bytes(fields[name]) != _NULL}
    if not given:
        return {}
    if thinks or not quirks.sampling:
        return {name: None for name, raw in given.items() if name == "top_k" or _decoded(raw) != 1}
    if not quirks.sampling_pair and {"temperature", "top_p"} <= given.keys():
        return {"top_p": None}
    return {}


# -- messages


def repaired_messages(messages: bytes, quirks: Quirks) -> bytes:
    """The messages with those of the role system as the target takes them: as reminders of the user's where it takes
    none there, and without an effort of their own where it takes none.
    """
    if (quirks.middle_system and quirks.turn_effort) or b'"system"' not in messages or messages[:1] != b"[":
        return messages
    raws = splice.items(messages)
    changes: dict[int, bytes | None] = {}
    for at, raw in enumerate(raws):
        message = _message(raw) if b'"system"' in bytes(raw) else _Message()
        if message.role != "system":
            continue
        changed = _without_effort(raw, message) if quirks.middle_system else _reminder(raw, message)
        if changed is None or quirks.middle_system or not _between_call_and_result(raws, at):
            changes[at] = changed
        else:
            # The results of a call come first in what the user says: the reminder stands behind them.
            changes[at], changes[at + 1] = bytes(raws[at + 1]), changed
    return splice.splice_items(messages, changes) if changes else messages


def _between_call_and_result(raws: list[msgspec.Raw], at: int) -> bool:
    if at == 0 or at + 1 >= len(raws):
        return False
    before, behind = _message(raws[at - 1]), _message(raws[at + 1])
    return before.role == "assistant" and b'"tool_use"' in bytes(before.content) and behind.role == "user"


def _without_effort(raw: msgspec.Raw, message: _Message) -> bytes | None:
    """A system message that only sets the effort is left out whole."""
    if not _decoded(message.content):
        return None
    return splice.splice(bytes(raw), {"output_config": None}) if bytes(message.output_config) != _NULL else bytes(raw)


def _reminder(raw: msgspec.Raw, message: _Message) -> bytes | None:
    """A system message in the form in which Claude Code itself puts one into a user message."""
    content = bytes(message.content)
    if content[:1] == b'"':
        text = _decoded(content)
        if not text.strip():
            return None
        content = msgspec.json.encode(reminder(text))
    elif content[:1] == b"[":
        blocks = {at: _block_reminder(bytes(block)) for at, block in enumerate(splice.items(content))}
        if not any(blocks.values()):
            return None
        content = splice.splice_items(content, blocks)
    return splice.splice(bytes(raw), {"role": b'"user"', "content": content, "output_config": None})


def _block_reminder(block: bytes) -> bytes | None:
    value = _decoded(block)
    text = value.get("text") if isinstance(value, dict) else None
    if not isinstance(text, str):
        return block
    return splice.splice(block, {"text": msgspec.json.encode(reminder(text))}) if text.strip() else None


def _message(raw: msgspec.Raw) -> _Message:
    """A message's few fields that matter here; an empty one for what the provider will refuse anyway."""
    try:
        return _message_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _Message()


def _kind(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) else ""


def _object(raw: msgspec.Raw | None) -> dict[str, msgspec.Raw]:
    try:
        return _object_decoder.decode(raw) if raw is not None else {}
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}


def _decoded(raw: msgspec.Raw | bytes | None) -> Any:
    """The value; None for one that is not there, and for what the provider will refuse anyway."""
    try:
        return _any_decoder.decode(raw) if raw is not None else None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
