"""Stage 2, Anthropic's Messages dialect: POST /v1/messages, both ways.

Request: head_reader, request_splicer and extensions (passed through), request_reader and request_writer (translated).
Answer: answer_observer and answer_marker (passed through), answer_reader and answer_writer (translated). errors.
"""

from collections.abc import Sequence

from tenbin.codecs.anthropic_messages import betas, errors, head_reader, request_reader, request_splicer, request_writer
from tenbin.codecs.anthropic_messages.answer_observer import BodyObserver, StreamObserver
from tenbin.codecs.anthropic_messages.answer_reader import BodyReader, StreamReader
from tenbin.codecs.anthropic_messages.answer_writer import BodyWriter, StreamWriter
from tenbin.codecs.dialect import AnswerReader, AnswerWriter, Observer
from tenbin.core.ask import Head, Operation
from tenbin.core.conversation import Conversation
from tenbin.core.problems import Failure, Problem
from tenbin.core.sketch import Sketch
from tenbin.core.target import DialectName, Target

__all__ = ["ANTHROPIC", "AnthropicMessages"]


class AnthropicMessages:
    """The dialect; it holds nothing."""

    name: DialectName = "anthropic"

    def read_head(self, body: bytes, operation: Operation = "generate") -> Head:
        """The few facts that a request is judged by. Raises Unreadable. Counting tokens needs no max_tokens."""
        return head_reader.read_head(body, operation)

    def sketch(self, body: bytes) -> Sketch:
        """Samples of the request's words, to weigh it by. Raises Unreadable for what is no JSON object."""
        # Imported here: a gateway that weighs nothing does not need it.
        from tenbin.codecs.anthropic_messages.sketch_reader import read_sketch

        return read_sketch(body)

    def without_model_tag(self, body: bytes) -> bytes:
        """The body without the sub-agent's model tag at the head of its prompt. Raises Unreadable."""
        from tenbin.codecs.model_tag import untagged

        return untagged(body, "system", "messages")

    def read(self, body: bytes) -> Conversation:
        """The whole request. Raises Unreadable."""
        return request_reader.read(body)

    def write(self, conversation: Conversation, target: Target) -> bytes:
        """The request for a target. Raises Inexpressible."""
        return request_writer.write(conversation, target)

    def splice(self, body: bytes, head: Head, target: Target) -> bytes:
        """The client's own body with only what must change for this target changed."""
        return request_splicer.spliced(body, head, target)

    def limited(self, body: bytes, head: Head, *, max_tokens: int | None, effort: str | None) -> tuple[bytes, Head]:
        """The body and its head, asking for no more than this."""
        # Imported here: a gateway that limits nothing does not need it.
        from tenbin.codecs.anthropic_messages import limits

        return limits.limited(body, head, max_tokens=max_tokens, effort=effort)

    def headers(
        self, headers: tuple[tuple[bytes, bytes], ...], head: Head, target: Target
    ) -> tuple[tuple[bytes, bytes], ...]:
        """The client's headers: for another model than the one meant, without betas that it has no use for."""
        if head.model == target.model and not target.stand_in:
            return headers
        given = [(name, betas.fitting(value, target) if name == betas.NAME else value) for name, value in headers]
        return tuple((name, value) for name, value in given if value or name != betas.NAME)

    def reader(self, *, streamed: bool, target: Target) -> AnswerReader:
        """A reader for one answer of this target."""
        return StreamReader(target.model) if streamed else BodyReader(target.model)

    def writer(self, *, streamed: bool, request_id: str, head: Head) -> AnswerWriter:
        """A writer for one answer to this client."""
        return StreamWriter(request_id, head.model) if streamed else BodyWriter(request_id, head.model)

    def observer(self, *, streamed: bool, head: Head, target: Target) -> Observer:
        """A watcher for one answer that passes through."""
        if target.stand_in:
            # Imported here: it is not on the hot path.
            from tenbin.codecs.anthropic_messages.answer_marker import BodyMarker, StreamMarker

            marker = StreamMarker if streamed else BodyMarker
            return marker(target.model, cache_1h=head.cache_1h)
        return StreamObserver(cache_1h=head.cache_1h) if streamed else BodyObserver(cache_1h=head.cache_1h)

    def failure(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> Failure:
        """What a non-2xx answer of a provider means."""
        return errors.failure(status, headers, body)

    def problem(self, problem: Problem, request_id: str) -> bytes:
        """The body of an error answer."""
        return errors.problem(problem, request_id)

    def problem_event(self, problem: Problem, request_id: str) -> bytes:
        """The same in the middle of a stream."""
        return errors.problem_event(problem, request_id)


ANTHROPIC = AnthropicMessages()
"""The one instance."""
