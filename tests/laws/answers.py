"""What an answer tells, apart from how it was cut; what each dialect cannot tell of it; and how the laws write and
read one.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from tenbin.codecs.registry import dialect
from tenbin.codecs.thinking import unmark
from tenbin.core.answer import (
    AnswerFailed,
    AnswerFinished,
    AnswerStarted,
    ArgumentsDelta,
    BlockStarted,
    BlockStopped,
    Delta,
    Ping,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
)
from tenbin.core.ask import Head
from tenbin.core.target import DialectName, Target
from tenbin.core.usage import Usage

DIALECTS: tuple[DialectName, ...] = ("anthropic", "openai_chat", "openai_responses", "ollama_chat")


def target_of(name: DialectName, **fields: Any) -> Target:
    """A provider that speaks this dialect."""
    return Target(provider="upstream", model="a-model", dialects=(name,), **fields)


class Told(NamedTuple):
    """What an answer tells."""

    text: str
    thinking: str
    signature: str
    calls: tuple[tuple[str, str, Any], ...]
    """Id, name and decoded arguments of each call."""
    ended: str
    """The stop reason, or ``failed: `` and the kind."""
    usage: Usage


def told(deltas: Iterable[Delta]) -> Told:
    """The sum of the deltas, which must be in their proper order."""
    text, thinking, signature, ended, usage = "", "", "", "", Usage()
    calls: dict[int, tuple[str, str, list[str]]] = {}
    for delta in in_order(deltas):
        match delta:
            case TextDelta():
                text += delta.text
            case ThinkingDelta():
                thinking += delta.text
            case SignatureDelta():
                signature += delta.signature
            case BlockStarted(kind="tool_call"):
                calls[delta.index] = (delta.id, delta.name, [])
            case ArgumentsDelta():
                calls[delta.index][2].append(delta.json)
            case AnswerFinished():
                ended, usage = delta.stop_reason, delta.usage
            case AnswerFailed():
                ended, usage = f"failed: {delta.failure.kind}", delta.usage
            case _:
                pass
    decoded = tuple((call_id, name, json.loads("".join(pieces) or "{}")) for call_id, name, pieces in calls.values())
    return Told(text, thinking, _bare(signature), decoded, ended, usage)


def _bare(signature: str) -> str:
    """A signature without what it bears when it crosses dialects: the model's name, a reasoning item's id."""
    before = None
    while signature != before:
        before = signature
        _, opaque = unmark(signature)
        signature = (opaque or "").rpartition("|")[2]
    return signature


def in_order(deltas: Iterable[Delta]) -> list[Delta]:
    """The same deltas, once it is sure that they keep the order that ``core.answer`` states."""
    checked = list(deltas)
    ends = [isinstance(delta, AnswerFinished | AnswerFailed) for delta in checked]
    assert sum(ends) == 1, f"an answer has one end: {checked}"
    assert ends[-1], f"the end is last: {checked}"
    started = False
    kinds: dict[int, str] = {}
    open_blocks: set[int] = set()
    for delta in checked:
        match delta:
            case AnswerStarted():
                assert not started, "an answer starts once"
                started = True
            case BlockStarted():
                assert started, "blocks come after AnswerStarted"
                assert delta.index not in kinds, "an index is used once"
                kinds[delta.index] = delta.kind
                open_blocks.add(delta.index)
            case BlockStopped():
                assert delta.index in open_blocks, "only an open block is stopped"
                open_blocks.remove(delta.index)
            case AnswerFinished():
                assert started, "an answer that finishes has started"
                assert not open_blocks, "an answer that finishes has stopped its blocks"
            case Ping() | AnswerFailed():
                pass
            case _:
                assert delta.index in open_blocks, f"content belongs to an open block: {delta}"
                wanted = {TextDelta: ("text", "refusal"), ThinkingDelta: ("thinking",), ArgumentsDelta: ("tool_call",)}
                assert kinds[delta.index] in wanted.get(type(delta), (kinds[delta.index],))
    return checked


def write_answer(name: DialectName, batches: Sequence[Sequence[Delta]], *, streamed: bool) -> bytes:
    """The bytes that a client of this dialect gets."""
    head = Head(model="a-model", stream=streamed, stream_usage=True)
    writer = dialect(name).writer(streamed=streamed, request_id="req_0123456789", head=head)
    written = [writer.write(batch) for batch in batches]
    assert streamed or not any(written), "an unstreamed answer comes whole, at the end"
    return b"".join(written) + writer.close()


def read_answer(name: DialectName, pieces: Iterable[bytes], *, streamed: bool) -> list[Delta]:
    """The deltas that a provider's bytes give."""
    reader = dialect(name).reader(streamed=streamed, target=target_of(name))
    deltas = [delta for piece in pieces for delta in reader.feed(piece)]
    return deltas + reader.finish()


# What each dialect cannot tell of an answer. Nothing else may be lost.


def _without_signature(answer: Told) -> Told:
    return answer._replace(signature="")


def _prompt_in_one(answer: Told) -> Told:
    usage = answer.usage
    return answer._replace(
        usage=Usage(
            input=usage.prompt,
            output=usage.output,
            input_estimated=usage.input_estimated,
            output_estimated=usage.output_estimated,
        )
    )


def _one_kind_of_cache_write(answer: Told) -> Told:
    usage = answer.usage
    both = usage.cache_write_5m + usage.cache_write_1h
    return answer._replace(usage=msgspec.structs.replace(usage, cache_write_5m=both, cache_write_1h=0))


def _refusal_as_end(answer: Told) -> Told:
    return answer._replace(ended="end_turn") if answer.ended in ("refusal", "content_filter") else answer


def _refusal_as_filter(answer: Told) -> Told:
    return answer._replace(ended="content_filter") if answer.ended == "refusal" else answer


def _filter_as_refusal(answer: Told) -> Told:
    return answer._replace(ended="refusal") if answer.ended == "content_filter" else answer


Loss = Callable[[Told], Told]

LOST_IN_ANSWERS: dict[DialectName, dict[str, Loss]] = {
    "anthropic": {
        "a filter's stop is a refusal": _filter_as_refusal,
    },
    "openai_chat": {
        "the signature of thinking has no field": _without_signature,
        "cache writes are one figure, whatever their life": _one_kind_of_cache_write,
        "a refusal by the model ends as content_filter": _refusal_as_filter,
    },
    "openai_responses": {
        "a refusal without words for it ends as content_filter": _refusal_as_filter,
    },
    "ollama_chat": {
        "the signature of thinking has no field": _without_signature,
        "one figure for the prompt, one for the output": _prompt_in_one,
        "there is no word for a refusal": _refusal_as_end,
    },
}


def sayable(name: DialectName, answer: Told) -> Told:
    """What is left of an answer once this dialect has told it."""
    for loss in LOST_IN_ANSWERS[name].values():
        answer = loss(answer)
    return answer
