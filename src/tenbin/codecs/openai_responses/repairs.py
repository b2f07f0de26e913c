"""Stage 2, a Responses request made for one model goes to another: only what the other would refuse is changed.

Which model takes what: tenbin.config.quirks. Why so: docs/decisions/0007.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from tenbin.codecs import splice
from tenbin.codecs.lowering import nearest_effort
from tenbin.codecs.openai_responses.reasoning import unpacked
from tenbin.codecs.openai_responses.request_writer import LEAST_OUTPUT
from tenbin.codecs.thinking import same_model, unmark
from tenbin.core.ask import Head
from tenbin.core.target import Target

Changes = dict[str, bytes | None]
Fields = Mapping[str, msgspec.Raw]

_SAMPLING = ("temperature", "top_p")
_ENCRYPTED = "reasoning.encrypted_content"

_any_decoder = msgspec.json.Decoder()
_object_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


def repaired(fields: Fields, head: Head, target: Target) -> Changes:
    """Changes at the top of the body, but for those of its input."""
    quirks = target.quirks
    changes: Changes = {}
    most = target.max_output or quirks.most_output
    if head.max_tokens is not None and 0 < most < head.max_tokens:
        changes["max_output_tokens"] = str(max(most, LEAST_OUTPUT)).encode()
    if not quirks.sampling:
        changes |= {name: None for name in _SAMPLING if name in fields and _decoded(fields[name]) not in (None, 1)}
    if not quirks.parallel_tool_calls_field and "parallel_tool_calls" in fields:
        changes["parallel_tool_calls"] = None
    if quirks.efforts == ():  # it does not reason
        if "reasoning" in fields:
            changes["reasoning"] = None
        included = _decoded(fields.get("include"))
        if isinstance(included, list) and _ENCRYPTED in included:
            kept = [one for one in included if one != _ENCRYPTED]
            changes["include"] = msgspec.json.encode(kept) if kept else None
        return changes
    return changes | fitted(fields, target)


def fitted(fields: Fields, target: Target) -> Changes:
    """The effort, where the target takes another one."""
    reasoning = bytes(fields.get("reasoning", b""))
    effort = _effort(reasoning)
    if effort is None or (nearest := nearest_effort(effort, target.quirks)) == effort:
        return {}
    written = None if nearest is None else msgspec.json.encode(nearest)
    return {"reasoning": splice.splice(reasoning, {"effort": written})}


def own_reasoning(items: bytes, target: Target) -> bytes:
    """The input, all reasoning in it the target's own: marked reasoning is unmarked, or left out where another model
    wrote it, and so is what bears no mark where the target stands in for the model that the conversation was with.

    What was said after reasoning that is left out loses its id, by which the API would ask for that reasoning.
    """
    if items[:1] != b"[" or b'"reasoning"' not in items:
        return items
    changes: dict[int, bytes | None] = {}
    orphaned = False
    for at, raw in enumerate(splice.items(items)):
        item = _object(raw)
        kind, role = _decoded(item.get("type")), _decoded(item.get("role"))
        if kind == "reasoning":
            own = _own(raw, item, target)
            orphaned = orphaned or own is None
            if own != bytes(raw):
                changes[at] = own
        elif role in ("user", "system", "developer") or str(kind).endswith("_output"):
            orphaned = False
        elif orphaned and "id" in item:
            changes[at] = splice.splice(bytes(raw), {"id": None})
    return splice.splice_items(items, changes) if changes else items


def _own(raw: msgspec.Raw, item: dict[str, msgspec.Raw], target: Target) -> bytes | None:
    """A reasoning item as the target takes it; None for one that is not its own."""
    encrypted = _decoded(item.get("encrypted_content"))
    writer, opaque = unmark(encrypted) if isinstance(encrypted, str) else (None, None)
    if writer is None:
        return None if target.stand_in else bytes(raw)
    if not opaque or not same_model(writer, target.model):
        return None
    item_id, encrypted = unpacked(opaque)
    own: dict[str, bytes | None] = {"encrypted_content": msgspec.json.encode(encrypted)}
    return splice.splice(bytes(raw), own | {"id": msgspec.json.encode(item_id)} if item_id else own)


def _effort(reasoning: bytes) -> str | None:
    found = _decoded(_object(reasoning).get("effort")) if reasoning[:1] == b"{" else None
    return found if isinstance(found, str) else None


def _object(raw: msgspec.Raw | bytes) -> dict[str, msgspec.Raw]:
    try:
        return _object_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}


def _decoded(raw: msgspec.Raw | None) -> Any:
    """The value; None for one that is not there, and for what the provider will refuse anyway."""
    try:
        return _any_decoder.decode(raw) if raw is not None else None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
