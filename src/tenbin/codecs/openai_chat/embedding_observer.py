"""Stages 6 and 7, watches an answer of POST /v1/embeddings that passes through: what it used, and that it is one."""

import msgspec

from tenbin.codecs import openai_errors, openai_usage
from tenbin.core.problems import Failure
from tenbin.core.usage import NOTHING, Usage


class _Answer(msgspec.Struct):
    """Of a long answer only this is decoded: the vectors are not."""

    data: list[msgspec.Raw]
    model: str | None = None
    usage: msgspec.Raw = msgspec.Raw(b"null")


_decoder = msgspec.json.Decoder(_Answer)


class EmbeddingObserver:
    """Watches one answer. It is never streamed, and holds no words."""

    def __init__(self) -> None:
        self.started = False
        self.ended = False
        self.failure: Failure | None = None
        self.model: str | None = None
        self.stop_reason: str | None = None
        self.provider_cost: str | None = None
        self.service_tier: str | None = None
        self.usage: Usage = NOTHING
        self._body: list[bytes] = []

    def feed(self, data: bytes) -> bytes:
        """Bytes to forward: these."""
        self._body.append(data)
        return data

    def finish(self) -> bytes:
        """The body has ended."""
        body = b"".join(self._body)
        try:
            answer = _decoder.decode(body)
            usage = msgspec.json.decode(answer.usage)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.failure = _failure(body)
            return b""
        self.model = answer.model
        if isinstance(usage, dict):
            self.usage = openai_usage.from_stated(usage)
            if "cost" in usage:
                self.provider_cost = openai_usage.cost_in(body)
        self.started = self.ended = True
        return b""

    def produced(self) -> str:
        """No words."""
        return ""


def _failure(body: bytes) -> Failure:
    """A body that holds no vectors: an error under a good status, or something else."""
    try:
        error = openai_errors.error_in(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        error = None
    if error is not None:
        return openai_errors.from_object(error)
    return Failure(kind="malformed", message="The provider's answer holds no embeddings.")
