"""2. An answer on its way from a provider's dialect to the client's: one reader feeding one writer.

Looks to the pipeline like an Observer of an answer that passes through, so that both are relayed by one path.
"""

from collections.abc import Callable, Mapping

import msgspec

from tenbin.codecs.dialect import AnswerReader, AnswerWriter
from tenbin.core.answer import (
    AnswerFailed,
    AnswerFinished,
    AnswerStarted,
    ArgumentsDelta,
    BlockStarted,
    Delta,
    LogprobsDelta,
    TextDelta,
    ThinkingDelta,
)
from tenbin.core.problems import Failure
from tenbin.core.usage import Usage


class Translation:
    """Feeds a reader's deltas to a writer, and keeps what a settlement wants to know.

    ``tool_names`` leads from the stand-ins that the request was written with back to the client's own names
    (``tenbin.codecs.tool_names.originals``). ``complete`` is given the stated usage and all that was produced when a
    finished answer's provider left usage out, and returns it filled in: a client that is told nothing cannot judge how
    full its context is. ``hides_logprobs``: the client has not asked for log-probabilities, Tenbin has.
    """

    def __init__(
        self,
        reader: AnswerReader,
        writer: AnswerWriter,
        tool_names: Mapping[str, str] | None = None,
        complete: Callable[[Usage, str], Usage] | None = None,
        *,
        hides_logprobs: bool = False,
    ) -> None:
        self._hides_logprobs = hides_logprobs
        self._reader = reader
        self._complete = complete
        self._completed: Usage | None = None
        self._tool_names = tool_names
        self._writer = writer
        self._produced: list[str] = []
        self.content_type = writer.content_type
        self.started = False
        self.ended = False
        self.failure: Failure | None = None
        self.model: str | None = None
        self.stop_reason: str | None = None
        self.provider_cost: str | None = None
        self.service_tier: str | None = None

    @property
    def usage(self) -> Usage:
        """The provider's last statement, filled in once the answer has ended."""
        return self._reader.usage if self._completed is None else self._completed

    def feed(self, data: bytes) -> bytes:
        """Bytes for the client."""
        deltas = self._reader.feed(data)
        if not deltas:
            return b""
        return self._writer.write(self._noted(deltas))

    def finish(self) -> bytes:
        """The provider's body has ended: the rest for the client (all of it, when unstreamed)."""
        rest = self._writer.write(self._noted(self._reader.finish()))
        return rest if self.failure is not None else rest + self._writer.close()

    def ping(self) -> bytes:
        """What keeps the client's stream alive."""
        return self._writer.ping()

    def produced(self) -> str:
        """All text, thinking and tool arguments so far."""
        return "".join(self._produced)

    @staticmethod
    def renamed(deltas: list[Delta], tool_names: Mapping[str, str]) -> list[Delta]:
        """The deltas with each tool's stand-in name changed to the client's own."""
        return [
            msgspec.structs.replace(delta, name=tool_names[delta.name])
            if isinstance(delta, BlockStarted) and delta.name in tool_names
            else delta
            for delta in deltas
        ]

    def _noted(self, deltas: list[Delta]) -> list[Delta]:
        """The deltas as the client is to have them, what they tell noted."""
        if self._tool_names:
            deltas = self.renamed(deltas, self._tool_names)
        if self._hides_logprobs:
            deltas = [delta for delta in deltas if not isinstance(delta, LogprobsDelta)]
        self._note(deltas)
        last = deltas[-1] if deltas else None
        if self._complete is not None and isinstance(last, AnswerFinished):
            usage = last.usage
            if usage.prompt == 0 or (usage.output == 0 and self._produced):
                self._completed = self._complete(usage, self.produced())
                deltas = [*deltas[:-1], msgspec.structs.replace(last, usage=self._completed)]
        return deltas

    def _note(self, deltas: list[Delta]) -> None:
        for delta in deltas:
            kind = type(delta)
            if kind is TextDelta or kind is ThinkingDelta:
                self._produced.append(delta.text)  # type: ignore[union-attr]
            elif kind is ArgumentsDelta:
                self._produced.append(delta.json)  # type: ignore[union-attr]
            elif kind is BlockStarted:
                self.started = True
                if delta.name:  # type: ignore[union-attr]
                    self._produced.append(delta.name)  # type: ignore[union-attr]
            elif isinstance(delta, AnswerStarted):
                self.model = delta.model
            elif isinstance(delta, AnswerFinished):
                self.ended = True
                self.stop_reason = delta.stop_reason
                self.provider_cost = delta.provider_cost
                self.service_tier = delta.service_tier
            elif isinstance(delta, AnswerFailed):
                self.failure = delta.failure
