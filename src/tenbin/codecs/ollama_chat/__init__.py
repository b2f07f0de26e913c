"""Stage 2, Ollama's native dialect: POST /api/chat, lines of JSON. Spoken to providers only.

The native endpoint is used since it alone takes ``num_ctx`` and ``think``: behind its OpenAI-compatible one, Ollama
runs with a small context and cuts the conversation to fit, unsaid.
"""

from collections.abc import Sequence

import msgspec

from tenbin.codecs import splice
from tenbin.codecs.dialect import Dialect
from tenbin.codecs.ollama_chat import request_reader, request_writer, wire
from tenbin.codecs.ollama_chat.answer_observer import Observer
from tenbin.codecs.ollama_chat.answer_reader import AnswerReader
from tenbin.codecs.ollama_chat.answer_writer import AnswerWriter
from tenbin.core.ask import Head
from tenbin.core.conversation import Conversation
from tenbin.core.problems import Failure, Problem
from tenbin.core.sketch import Sketch
from tenbin.core.target import DialectName, Target

__all__ = ["OLLAMA_CHAT", "OllamaChat"]

_error_decoder = msgspec.json.Decoder(wire.Line)


class OllamaChat:
    """The dialect; it holds nothing."""

    name: DialectName = "ollama_chat"

    def read_head(self, body: bytes) -> Head:
        """The few fields that every request is judged by. Raises Unreadable."""
        return request_reader.read_head(body)

    def sketch(self, body: bytes) -> Sketch:
        """Samples of the request's words, to weigh it by. Raises Unreadable for what is no JSON object."""
        # Imported here: a gateway that weighs nothing does not need it.
        from tenbin.codecs.ollama_chat.sketch_reader import read_sketch

        return read_sketch(body)

    def without_model_tag(self, body: bytes) -> bytes:
        """The body without the sub-agent's model tag at the head of its prompt. Raises Unreadable."""
        from tenbin.codecs.model_tag import untagged

        return untagged(body, None, "messages")

    def read(self, body: bytes) -> Conversation:
        """The whole request. Raises Unreadable."""
        return request_reader.read(body)

    def write(self, conversation: Conversation, target: Target) -> bytes:
        """The request for a target. Raises Inexpressible, and ContextExceeded for a prompt that Ollama would cut."""
        return request_writer.write(conversation, target)

    def splice(self, body: bytes, head: Head, target: Target) -> bytes:
        """The client's own body under the target's model name; ``options`` are the client's to set."""
        return splice.splice(body, {"model": msgspec.json.encode(target.model)})

    def limited(self, body: bytes, head: Head, *, max_tokens: int | None, effort: str | None) -> tuple[bytes, Head]:
        """The body and its head, asking for no more than this."""
        # Imported here: a gateway that limits nothing does not need it.
        from tenbin.codecs.ollama_chat import limits

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
        return AnswerWriter(streamed=streamed, model=head.model)

    def observer(self, *, streamed: bool, head: Head, target: Target) -> Observer:
        """A watcher for one answer that passes through."""
        return Observer(streamed=streamed)

    def failure(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> Failure:
        """What a non-2xx answer means: ``{"error": "..."}`` with the status."""
        try:
            error = _error_decoder.decode(body).error
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            error = body[:500].decode("utf-8", "replace")
        return wire.failure(error or "", status, headers=headers, body=body)

    def problem(self, problem: Problem, request_id: str) -> bytes:
        """The body of an error answer."""
        return msgspec.json.encode({"error": problem.message})

    def problem_event(self, problem: Problem, request_id: str) -> bytes:
        """The same in the middle of a stream."""
        return self.problem(problem, request_id) + b"\n"


OLLAMA_CHAT: Dialect = OllamaChat()
