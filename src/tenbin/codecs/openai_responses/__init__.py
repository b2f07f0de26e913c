"""Stage 2, OpenAI's Responses: POST /v1/responses, spoken by Codex and newer clients, and by few providers."""

from collections.abc import Sequence
from typing import Any

import msgspec

from tenbin.codecs import openai_errors, splice, sse
from tenbin.codecs.dialect import Dialect
from tenbin.codecs.openai_responses import repairs, request_reader, request_writer
from tenbin.codecs.openai_responses.answer_observer import Observer
from tenbin.codecs.openai_responses.answer_reader import AnswerReader
from tenbin.codecs.openai_responses.answer_writer import AnswerWriter
from tenbin.codecs.thinking import MARK
from tenbin.core.ask import Head
from tenbin.core.conversation import Conversation
from tenbin.core.problems import Failure, Problem
from tenbin.core.sketch import Sketch
from tenbin.core.target import DialectName, Target

__all__ = ["OPENAI_RESPONSES", "OpenAIResponses"]


class OpenAIResponses:
    """The dialect; it holds nothing."""

    name: DialectName = "openai_responses"

    def read_head(self, body: bytes) -> Head:
        """The few fields that every request is judged by. Raises Unreadable."""
        return request_reader.read_head(body)

    def sketch(self, body: bytes) -> Sketch:
        """Samples of the request's words, to weigh it by. Raises Unreadable for what is no JSON object."""
        # Imported here: a gateway that weighs nothing does not need it.
        from tenbin.codecs.openai_responses.sketch_reader import read_sketch

        return read_sketch(body)

    def without_model_tag(self, body: bytes) -> bytes:
        """The body without the sub-agent's model tag at the head of its prompt. Raises Unreadable."""
        from tenbin.codecs.model_tag import untagged

        return untagged(body, "instructions", "input")

    def read(self, body: bytes) -> Conversation:
        """The whole request. Raises Unreadable."""
        return request_reader.read(body)

    def write(self, conversation: Conversation, target: Target) -> bytes:
        """The request for a target. Raises Inexpressible."""
        return request_writer.write(conversation, target)

    def splice(self, body: bytes, head: Head, target: Target) -> bytes:
        """The client's own body under the target's model name, without the thinking of other models, and without what
        this model would refuse where another was meant (repairs).
        """
        meant = head.model == target.model and not target.stand_in
        if meant and MARK not in body and not head.lowered:
            return body
        fields = splice.fields(body, checked=True)
        changes: dict[str, bytes | None] = {}
        if not meant:
            changes = repairs.repaired(fields, head, target)
        elif head.lowered:
            changes = repairs.fitted(fields, target)
        if head.model != target.model:
            changes["model"] = msgspec.json.encode(target.model)
        before = after = bytes(fields.get("input", b""))
        if target.stand_in or MARK in after:
            after = repairs.own_reasoning(after, target)
        if after is not before:
            changes["input"] = after
        return splice.splice(body, changes, known=fields) if changes else body

    def limited(self, body: bytes, head: Head, *, max_tokens: int | None, effort: str | None) -> tuple[bytes, Head]:
        """The body and its head, asking for no more than this."""
        # Imported here: a gateway that limits nothing does not need it.
        from tenbin.codecs.openai_responses import limits

        return limits.limited(body, head, max_tokens=max_tokens, effort=effort)

    def headers(
        self, headers: tuple[tuple[bytes, bytes], ...], head: Head, target: Target
    ) -> tuple[tuple[bytes, bytes], ...]:
        """The client's own headers: none of them is a model's."""
        return headers

    def reader(self, *, streamed: bool, target: Target) -> AnswerReader:
        """A reader for one answer."""
        return AnswerReader(streamed=streamed)

    def writer(self, *, streamed: bool, request_id: str, head: Head) -> AnswerWriter:
        """A writer for one answer."""
        return AnswerWriter(streamed=streamed, request_id=request_id, head=head)

    def observer(self, *, streamed: bool, head: Head, target: Target) -> Observer:
        """A watcher for one answer that passes through."""
        if target.stand_in:
            # Imported here: it is not on the hot path.
            from tenbin.codecs.openai_responses.answer_marker import Marker

            return Marker(streamed=streamed, head=head, target=target)
        return Observer(streamed=streamed, head=head, target=target)

    def failure(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> Failure:
        """What a non-2xx answer means."""
        return openai_errors.failure(status, headers, body)

    def problem(self, problem: Problem, request_id: str) -> bytes:
        """The body of an error answer."""
        return openai_errors.envelope(openai_errors.error_object(problem))

    def problem_event(self, problem: Problem, request_id: str) -> bytes:
        """The same in the middle of a stream: the API's flat ``error`` event, with the object that the official client
        looks for beside it.
        """
        error = openai_errors.error_object(problem)
        value: dict[str, Any] = {"type": "error", **{key: error[key] for key in ("code", "message", "param")}}
        return sse.event(b"error", msgspec.json.encode({**value, "error": error, "sequence_number": 0}))


OPENAI_RESPONSES: Dialect = OpenAIResponses()
