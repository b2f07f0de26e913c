"""Stage 2, an answer of Ollama's that passes through untranslated is watched, by reading it as a translator would."""

from tenbin.codecs.ollama_chat.answer_reader import AnswerReader
from tenbin.core.answer import (
    AnswerFailed,
    AnswerFinished,
    AnswerStarted,
    ArgumentsDelta,
    BlockStarted,
    Delta,
    TextDelta,
    ThinkingDelta,
)
from tenbin.core.problems import Failure
from tenbin.core.usage import NOTHING, Usage


class Observer:
    """What is known of the answer so far. Every byte is forwarded as it came."""

    def __init__(self, *, streamed: bool) -> None:
        self.started = False
        self.ended = False
        self.failure: Failure | None = None
        self.model: str | None = None
        self.stop_reason: str | None = None
        self.provider_cost: str | None = None
        self.service_tier: str | None = None
        self.usage: Usage = NOTHING
        self._reader = AnswerReader(streamed=streamed)
        self._produced: list[str] = []

    def feed(self, data: bytes) -> bytes:
        """The same bytes, to forward now."""
        self._watch(self._reader.feed(data))
        return data

    def finish(self) -> bytes:
        """Nothing is ever held back. An answer without its end is not a failure event: ``ended`` stays False."""
        deltas = self._reader.finish()
        cut = bool(deltas) and isinstance(deltas[-1], AnswerFailed) and deltas[-1].failure.kind == "cut"
        self._watch(deltas[:-1] if cut else deltas)
        return b""

    def produced(self) -> str:
        """All text, thinking and arguments seen so far."""
        return "".join(self._produced)

    def _watch(self, deltas: list[Delta]) -> None:
        for delta in deltas:
            match delta:
                case AnswerStarted():
                    self.model = delta.model or None
                case BlockStarted():
                    self.started = True
                    self._produced.append(delta.name)
                case TextDelta() | ThinkingDelta():
                    self._produced.append(delta.text)
                case ArgumentsDelta():
                    self._produced.append(delta.json)
                case AnswerFinished():
                    self.ended = True
                    self.stop_reason = delta.stop_reason
                    self.usage = delta.usage
                case AnswerFailed():
                    self.failure = delta.failure
                case _:
                    pass
