"""2. What every dialect must be able to do: the seam between the wire and the words of core.

A codec never does I/O and keeps no state beyond the one answer it is reading or writing. Dialects don't know
each other: translation is ``b.write(a.read(body), target)`` and ``b``'s reader feeding ``a``'s writer.
"""

from collections.abc import Sequence
from typing import Protocol

from tenbin.core.answer import Delta
from tenbin.core.ask import Head
from tenbin.core.conversation import Conversation
from tenbin.core.problems import Failure, Problem
from tenbin.core.sketch import Sketch
from tenbin.core.target import DialectName, Target
from tenbin.core.usage import Usage


class AnswerReader(Protocol):
    """Reads a provider's answer, in any cutting of its bytes, into deltas (used when translating)."""

    @property
    def usage(self) -> Usage:
        """What is known of the usage so far (the last complete statement; zeros where nothing was said)."""
        ...

    def feed(self, data: bytes) -> list[Delta]:
        """The deltas that these bytes complete."""
        ...

    def finish(self) -> list[Delta]:
        """The body has ended: what is still to be said. An answer without its proper end becomes AnswerFailed(cut)."""
        ...


class AnswerWriter(Protocol):
    """Writes deltas in the client's dialect."""

    content_type: str

    def write(self, deltas: Sequence[Delta]) -> bytes:
        """Bytes for the client; always empty for an unstreamed answer. AnswerFailed becomes the error event."""
        ...

    def close(self) -> bytes:
        """The last bytes: closing events of a stream, or the whole body of an unstreamed answer."""
        ...

    def ping(self) -> bytes:
        """What keeps a silent stream alive in this dialect (an event or an SSE comment)."""
        ...


class Observer(Protocol):
    """Watches an answer that passes through untranslated, parsing no more than the lines that tell usage."""

    started: bool
    """Content (not only a head or a ping) has been seen."""
    ended: bool
    """The answer came to its proper end."""
    failure: Failure | None
    """An error event or error body seen in a 200 answer."""
    model: str | None
    """The model that the answer names."""
    stop_reason: str | None
    provider_cost: str | None
    """The provider's own statement of cost, USD as a decimal string."""
    service_tier: str | None
    usage: Usage
    """The provider's last statement."""

    def feed(self, data: bytes) -> bytes:
        """Bytes to forward now: the same object unless something must be left out."""
        ...

    def finish(self) -> bytes:
        """The body has ended; bytes held back, if any."""
        ...

    def produced(self) -> str:
        """All text, thinking and tool arguments seen so far, for an estimate when the answer broke off."""
        ...


class Dialect(Protocol):
    """One wire format, both ways."""

    name: DialectName

    def read_head(self, body: bytes) -> Head:
        """The few fields that every request is judged by. Raises Unreadable, naming the field and the fix."""
        ...

    def sketch(self, body: bytes) -> Sketch:
        """Samples of the request's words and what stands around them, to weigh it by. Raises Unreadable for what is no
        JSON object; of anything else it returns what can be read.
        """
        ...

    def without_model_tag(self, body: bytes) -> bytes:
        """The body without the sub-agent's model tag at the head of its prompt (Sketch.model_tag), all else unchanged.
        Raises Unreadable for what is no JSON object.
        """
        ...

    def read(self, body: bytes) -> Conversation:
        """The whole request. Raises Unreadable, naming the field and the fix."""
        ...

    def write(self, conversation: Conversation, target: Target) -> bytes:
        """The request for a target. Raises Inexpressible when it can't be said there and mustn't be dropped."""
        ...

    def splice(self, body: bytes, head: Head, target: Target) -> bytes:
        """The client's own body with only what must change for this target changed in its bytes."""
        ...

    def limited(self, body: bytes, head: Head, *, max_tokens: int | None, effort: str | None) -> tuple[bytes, Head]:
        """The body and its head with at most so many tokens of output and at most this effort (``none``, ``minimal``,
        ``low``, ``medium``, ``high``, ``xhigh``, ``max``), every other byte as it was. None: as it is.

        Nothing is raised. Where the client gave no output limit it gets this one; a budget of thinking tokens is kept
        below it. An effort that was not asked for is left to the model. The head's ``max_tokens`` tells what holds (of
        each choice, where several are asked for: they share the limit). Raises ValueError for a word that is no effort.
        """
        ...

    def headers(
        self, headers: tuple[tuple[bytes, bytes], ...], head: Head, target: Target
    ) -> tuple[tuple[bytes, bytes], ...]:
        """The client's own headers (names in lower case) with only what must change for this target changed."""
        ...

    def reader(self, *, streamed: bool, target: Target) -> AnswerReader:
        """A reader for one answer of this target."""
        ...

    def writer(self, *, streamed: bool, request_id: str, head: Head) -> AnswerWriter:
        """A writer for one answer to this client."""
        ...

    def observer(self, *, streamed: bool, head: Head, target: Target) -> Observer:
        """A watcher for one answer that passes through."""
        ...

    def failure(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> Failure:
        """What a non-2xx answer of a provider means: its kind from status and machine-readable code."""
        ...

    def problem(self, problem: Problem, request_id: str) -> bytes:
        """The body of an error answer."""
        ...

    def problem_event(self, problem: Problem, request_id: str) -> bytes:
        """The same in the middle of a stream."""
        ...
