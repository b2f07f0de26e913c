"""Stage 2, OpenAI's Chat Completions: POST /v1/chat/completions, spoken by clients and by most providers."""

from collections.abc import Sequence

import msgspec

from tenbin.codecs import openai_errors, splice
from tenbin.codecs.dialect import Dialect
from tenbin.codecs.openai_chat import request_reader, request_writer
from tenbin.codecs.openai_chat.answer_observer import Observer
from tenbin.codecs.openai_chat.answer_reader import AnswerReader
from tenbin.codecs.openai_chat.answer_writer import AnswerWriter
from tenbin.codecs.openai_chat.repairs import fitted, repaired
from tenbin.codecs.openai_chat.request_reader import read_embedding_head
from tenbin.core.ask import Head
from tenbin.core.conversation import Conversation
from tenbin.core.problems import Failure, Problem
from tenbin.core.sketch import Sketch
from tenbin.core.target import DialectName, Target

__all__ = ["OPENAI_CHAT", "OpenAIChat", "read_embedding_head"]


class OpenAIChat:
    """The dialect; it holds nothing."""

    name: DialectName = "openai_chat"

    def read_head(self, body: bytes) -> Head:
        """The few fields that every request is judged by. Raises Unreadable."""
        return request_reader.read_head(body)

    def sketch(self, body: bytes) -> Sketch:
        """Samples of the request's words, to weigh it by. Raises Unreadable for what is no JSON object."""
        # Imported here: a gateway that weighs nothing does not need it.
        from tenbin.codecs.openai_chat.sketch_reader import read_sketch

        return read_sketch(body)

    def without_model_tag(self, body: bytes) -> bytes:
        """The body without the sub-agent's model tag at the head of its prompt. Raises Unreadable."""
        from tenbin.codecs.model_tag import untagged

        return untagged(body, None, "messages")

    def read(self, body: bytes) -> Conversation:
        """The whole request. Raises Unreadable."""
        return request_reader.read(body)

    def write(self, conversation: Conversation, target: Target) -> bytes:
        """The request for a target. Raises Inexpressible."""
        return request_writer.write(conversation, target)

    def splice(self, body: bytes, head: Head, target: Target) -> bytes:
        """The client's own body under the target's model name, without what this model would refuse where another was
        meant (repairs); a stream is also made to tell its usage.
        """
        tells_usage = not head.stream or head.stream_usage or target.quirks.stream_usage != "option"
        meant = head.model == target.model and not target.stand_in
        if meant and tells_usage and not head.lowered:
            return body
        fields = splice.fields(body, checked=True)
        changes: dict[str, bytes | None] = {}
        if not meant:
            changes = repaired(fields, head, target)
        elif head.lowered:
            changes = fitted(fields, head, target)
        if head.model != target.model:
            changes["model"] = msgspec.json.encode(target.model)
        if not tells_usage:
            options = bytes(fields.get("stream_options", b"null"))
            changes["stream_options"] = (
                splice.splice(options, {"include_usage": b"true"}) if options[:1] == b"{" else b'{"include_usage":true}'
            )
        if not changes:
            return body
        if len(changes) == 1 and "model" in changes and len(body) <= splice.SMALL:
            return splice.replace_model(body, head.model, target.model)
        return splice.splice(body, changes, known=fields)

    def limited(self, body: bytes, head: Head, *, max_tokens: int | None, effort: str | None) -> tuple[bytes, Head]:
        """The body and its head, asking for no more than this."""
        # Imported here: a gateway that limits nothing does not need it.
        from tenbin.codecs.openai_chat import limits

        return limits.limited(body, head, max_tokens=max_tokens, effort=effort)

    def headers(
        self, headers: tuple[tuple[bytes, bytes], ...], head: Head, target: Target
    ) -> tuple[tuple[bytes, bytes], ...]:
        """The client's own headers: none of them is a model's."""
        return headers

    def reader(self, *, streamed: bool, target: Target) -> AnswerReader:
        """A reader for one answer."""
        return AnswerReader(streamed=streamed, target=target)

    def writer(self, *, streamed: bool, request_id: str, head: Head) -> AnswerWriter:
        """A writer for one answer."""
        return AnswerWriter(streamed=streamed, request_id=request_id, head=head)

    def observer(self, *, streamed: bool, head: Head, target: Target) -> Observer:
        """A watcher for one answer that passes through."""
        return Observer(streamed=streamed, head=head, target=target)

    def failure(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> Failure:
        """What a non-2xx answer means."""
        return openai_errors.failure(status, headers, body)

    def problem(self, problem: Problem, request_id: str) -> bytes:
        """The body of an error answer."""
        return openai_errors.envelope(openai_errors.error_object(problem))

    def problem_event(self, problem: Problem, request_id: str) -> bytes:
        """The same in the middle of a stream. ``[DONE]`` does not follow: the answer has not come to its end."""
        return b"data: " + openai_errors.envelope(openai_errors.error_object(problem)) + b"\n\n"


OPENAI_CHAT: Dialect = OpenAIChat()
