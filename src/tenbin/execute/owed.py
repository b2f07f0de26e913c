"""6. What a call has used beyond what its provider stated: is an estimate owed, and of what can it be made?"""

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tenbin.codecs.tokens import rough_tokens
from tenbin.core.problems import Failure
from tenbin.core.receipt import Attempt, Outcome
from tenbin.core.usage import NOTHING, Usage
from tenbin.execute.upstream.client import NOT_CONNECTED

if TYPE_CHECKING:
    from tenbin.execute.attempt import AttemptUnderWay

_ANSWERS = (b"application/json", b"text/event-stream", b"application/x-ndjson")

TOKENS_PER_SECOND = 80
"""How fast models write: the middle of those in decide/abilities.json, for an answer of which nothing was seen."""


class Heard(NamedTuple):
    """What came of an answer."""

    words: str = ""
    """Text, thinking and tool arguments, as far as they were read."""
    ended: bool = False
    """It came to its end, so that a stated count is final."""
    torn: bytes = b""
    """Of an unstreamed answer that broke off or cannot be read: what came of it."""
    announced_bytes: int = 0
    """How long its head said that it is; 0: unknown."""
    waited_s: float = 0.0
    """Of an unstreamed answer that nobody waited for to the end: how long its provider has worked at it."""


def owes_estimate(attempt: "AttemptUnderWay", outcome: Outcome, failure: Failure | None) -> bool:
    """Whether the provider has produced something, and not stated all of what it used."""
    watch = attempt.watch
    if watch is None:
        # A call that was given up before any answer: the provider has probably read the prompt.
        given_up = outcome == "cancelled" or _hung_up(failure)
        return given_up and attempt.opened and (attempt.answer is None or attempt.answer.status == 200)
    if watch.failure is not None and not watch.started:
        # An error in place of an answer costs nothing. One behind a stated prompt may, and so does what came and
        # cannot be read: the provider has done its work.
        return watch.usage != NOTHING or (watch.failure.kind == "malformed" and _is_an_answer(attempt))
    usage = watch.usage
    if attempt.ask.operation == "embed":
        return usage.prompt == 0
    return not watch.ended or usage.prompt == 0 or (usage.output == 0 and watch.started)


def heard(attempt: "AttemptUnderWay", record: Attempt) -> Heard:
    """What there is to make an estimate of, once the attempt is over."""
    watch, answer, streamed = attempt.watch, attempt.answer, attempt.ask.head.stream
    if watch is None:
        waited = 0.0 if streamed or answer is not None else record.total_ms / 1_000
        return Heard(waited_s=waited if attempt.ask.operation == "generate" else 0.0)
    torn = _torn(attempt)
    announced = 0
    if torn and answer is not None and answer.header(b"content-encoding") is None:
        length = answer.header(b"content-length") or b""
        announced = int(length) if length.isdigit() else 0
    return Heard(watch.produced(), watch.ended, torn, announced)


def stated(attempt: "AttemptUnderWay") -> Usage:
    """What its provider has said that it used."""
    return attempt.watch.usage if attempt.watch is not None else NOTHING


def roughly(attempt: "AttemptUnderWay", record: Attempt) -> Attempt:
    """The record with an estimate by length, at once: it goes into the journal with the next attempt of its request,
    and stands if the gateway dies over that. It is counted properly when the request is settled.
    """
    usage, came = record.usage, heard(attempt, record)
    if usage.prompt == 0:
        usage = msgspec.structs.replace(usage, input=rough_tokens(len(attempt.ask.body)), input_estimated=True)
    if attempt.ask.operation == "generate" and not (came.ended and usage.output):
        bytes_of_words = len(came.words.encode()) or max(came.announced_bytes, len(came.torn))
        counted = rough_tokens(bytes_of_words) or int(came.waited_s * TOKENS_PER_SECOND)
        usage = msgspec.structs.replace(usage, output=max(usage.output, counted), output_estimated=True)
    return msgspec.structs.replace(record, usage=usage)


def _hung_up(failure: Failure | None) -> bool:
    """It was we who did not wait any longer, behind a request that had gone out."""
    return failure is not None and failure.kind == "timeout" and failure.code != NOT_CONNECTED


def _torn(attempt: "AttemptUnderWay") -> bytes:
    return attempt.torn or (attempt.answer.torn if attempt.answer is not None else b"")


def _is_an_answer(attempt: "AttemptUnderWay") -> bool:
    """What cannot be read is at least the beginning of an answer: no page of a proxy, and not nothing."""
    torn, answer = _torn(attempt), attempt.answer
    if torn:
        return torn.lstrip()[:1] == b"{"
    kind = (answer.header(b"content-type") or b"") if answer is not None else b""
    return attempt.received > 0 and kind.startswith(_ANSWERS)
