"""6. Which answers are kept: complete ones that end as they should, say something, decline nothing, hold no secret."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tenbin.core.answer import AnswerFinished, ArgumentsDelta, BlockStarted, Delta
from tenbin.core.features import TaskType
from tenbin.core.receipt import Receipt
from tenbin.decide.caching import ttl
from tenbin.decide.caching.sensitive import personal_or_security
from tenbin.discern.gates.gate import Answer, Question
from tenbin.discern.gates.refusal import refusal
from tenbin.execute.cache.cache import Cache
from tenbin.execute.cache.entry import Entry, is_whole, packed, words

if TYPE_CHECKING:
    from tenbin.execute.attempt import AttemptUnderWay
    from tenbin.execute.cache.consultation import Consultation

GOOD_ENDS = frozenset({"end_turn", "stop_sequence", "tool_use"})
"""Reasons to stop after which an answer is complete."""

LEAST_REFUSAL = 0.5
"""The refusal gate's score from which on an answer is none."""

PIECE, OVERLAP = 4_096, 256
"""Characters of a text that are looked through for secrets at once, and by how much the pieces overlap."""

MOST_READ = 262_144
"""Characters of a request and its answer that are looked through; a longer one is not kept."""


def entry_of(
    consultation: "Consultation", attempt: "AttemptUnderWay", receipt: Receipt | None, cache: Cache
) -> Entry | None:
    """The entry that an answer becomes; None where it is none to be given again."""
    asked = consultation.asked
    deltas = attempt.deltas()
    assert asked is not None
    if deltas is None or not is_good(deltas, asked.last_words):
        return None
    arguments = "".join(delta.json for delta in deltas if isinstance(delta, ArgumentsDelta))
    # Tools are the program's own words. Instructions of the Responses dialect are among the fields.
    fields = {name: value for name, value in asked.fields.items() if name != "tools"}
    texts = [*_texts([fields, asked.system, asked.turns]), words(deltas), arguments]
    if sum(map(len, texts)) > MOST_READ or any(_holds_secret(text) for text in texts):
        return None
    task, chance = _task(receipt)
    question = asked.last_words
    kind = ttl.freshness(question, task, chance)
    lookup, ask, life = consultation.lookup, consultation.ask, cache.settings.life
    seconds = lookup.ttl_seconds or ttl.seconds(kind, life)
    now = cache.clock.now_ms()
    # Thinking is marked on its way to the client: then the provider's own bytes are not what the client was given.
    thinks = any(isinstance(delta, BlockStarted) and "thinking" in delta.kind for delta in deltas)
    raw = b"".join(attempt.kept or ()) if attempt.passed_through and not thinks else b""
    entry = Entry(
        id=consultation.entry,
        scope=lookup.scope,
        model=ask.head.model,
        target=attempt.target.name,
        dialect=ask.dialect,
        streamed=ask.head.stream,
        created_ms=now,
        expires_ms=now + ttl.jittered(seconds, life, cache.clock.draw()),
        freshness=kind,
        task=task if task is not None else "",
        tags=lookup.tags,
        cost_nano=receipt.billed_nano if receipt is not None else None,
        total_ms=receipt.total_ms if receipt is not None else 0.0,
        source=ask.request_id,
        deltas=packed(deltas),
        raw=raw,
        question=consultation.question.text if consultation.question is not None else "",
        partition=consultation.base,
        fixed_life=lookup.ttl_seconds is not None,
    )
    return entry if entry.size <= cache.settings.entry_bytes else None


def is_good(deltas: Sequence[Delta], question: str) -> bool:
    """Whether an answer is complete, ended as it should, says or does something, and declines nothing."""
    if not is_whole(deltas):
        return False
    last = deltas[-1]
    assert isinstance(last, AnswerFinished)
    if last.stop_reason not in GOOD_ENDS:
        return False
    calls = any(isinstance(delta, BlockStarted) and delta.kind == "tool_call" for delta in deltas)
    if any(isinstance(delta, BlockStarted) and delta.kind in ("refusal", "opaque") for delta in deltas):
        return False
    text = words(deltas)
    if not calls and not text.strip():
        return False
    if calls:
        return any(isinstance(delta, ArgumentsDelta) for delta in deltas) or bool(text.strip())
    score = refusal(Question(prompt=question), Answer(text=text, stop_reason=last.stop_reason)).score
    return score is None or score > LEAST_REFUSAL


def _texts(value: Any) -> Iterator[str]:
    """All strings and whole numbers in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, int):
        yield str(value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _holds_secret(text: str) -> bool:
    """In pieces: other requests' turns come in between the patterns' runs, where this runs in a thread."""
    return any(
        personal_or_security(text[start : start + PIECE + OVERLAP]) for start in range(0, max(len(text), 1), PIECE)
    )


def _task(receipt: Receipt | None) -> tuple[TaskType | None, float]:
    weighing = receipt.weighing if receipt is not None else None
    if weighing is None or not weighing.features.learned:
        return None, 0.0
    return weighing.features.task, weighing.features.task_chance
