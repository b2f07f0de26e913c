"""6. One answer that is held back: what the client would have been sent of it, and what it says."""

import asyncio

import msgspec

from tenbin.codecs.dialect import AnswerReader
from tenbin.core.answer import AnswerFailed, ArgumentsDelta, BlockStarted, BlockStopped, Delta, TextDelta
from tenbin.core.gating import Gating
from tenbin.core.problems import Failure
from tenbin.core.receipt import Attempt
from tenbin.core.steps import Hold
from tenbin.core.usage import NOTHING, Usage
from tenbin.execute.attempt import BYTES_PER_TOKEN, AttemptUnderWay, Watch
from tenbin.execute.gating import Opinions
from tenbin.execute.pacing import Place
from tenbin.execute.upstream.connection import UpstreamAnswer


class HeldAnswer:
    """One answer that is held back."""

    def __init__(self, attempt: AttemptUnderWay, hold: Hold, place: Place | None, body: bytes) -> None:
        self.attempt = attempt
        self.hold = hold
        self.place = place
        self.body = body
        """Of the request."""
        self.released = False
        """It is for the client, whatever it is."""
        self.sending: asyncio.Task[UpstreamAnswer] | None = None
        self.answer: UpstreamAnswer | None = None
        self.watch: Watch | None = None
        self.reader: AnswerReader | None = None
        self.deltas: list[Delta] = []
        self.out: list[bytes] = []
        """What the client would have been sent."""
        self.received = 0
        self.position: int | None = None
        """Where its record stands among the request's attempts; None as long as it has not ended."""
        self.gating: Gating | None = None
        self.usable = False
        self.repaired: list[Delta] | None = None
        self.opinions = Opinions()
        self.prefix_judged = False

    def take(self, data: bytes) -> None:
        """A piece of the answer has come."""
        assert self.watch is not None
        attempt = self.attempt
        attempt.received_bytes(len(data))
        if attempt.kept is not None:
            attempt.keep(data)
        self.received += len(data)
        if out := self.watch.feed(data):
            self.out.append(out)
        if self.reader is not None:
            self.deltas += attempt.named_as_asked(self.reader.feed(data))

    @property
    def broken(self) -> Failure | None:
        """What its reader found wrong with it, where it would pass through unread."""
        last = self.deltas[-1] if self.deltas else None
        return last.failure if isinstance(last, AnswerFailed) and not self.released else None

    @property
    def refused(self) -> bool:
        """Its gates have spoken against it; where it is given all the same, nobody else is to be."""
        return self.gating is not None and not self.gating.passed and self.gating.why != "late"

    def if_interrupted(self) -> Attempt:
        """What the journal is to know of this attempt, which is still under way, should the gateway die now."""
        record = self.attempt.record("interrupted")
        if record.usage == NOTHING:
            tokens = len(self.body) // BYTES_PER_TOKEN
            usage = Usage(input=tokens, input_estimated=True, output_estimated=True)
            record = msgspec.structs.replace(record, usage=usage)
        return record

    @property
    def begun_enough(self) -> bool:
        """The beginning by which it is to be judged has come: a whole tool call, or so many tokens."""
        most = self.hold.prefix_tokens
        if not most or self.prefix_judged:
            return False
        calls, size = set[int](), 0
        for delta in self.deltas:
            if isinstance(delta, BlockStarted) and delta.kind == "tool_call":
                calls.add(delta.index)
            elif isinstance(delta, BlockStopped) and delta.index in calls:
                return True
            elif isinstance(delta, TextDelta):
                size += len(delta.text.encode())
            elif isinstance(delta, ArgumentsDelta):
                size += len(delta.json.encode())
        return not calls and size >= most * BYTES_PER_TOKEN
