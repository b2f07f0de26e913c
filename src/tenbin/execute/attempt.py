"""6. One call to one provider: its request written, sent, and its answer relayed while it is observed."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from tenbin.codecs.dialect import Dialect
from tenbin.codecs.tool_names import originals
from tenbin.codecs.translation import Translation
from tenbin.core.answer import LogprobsDelta
from tenbin.core.ask import Ask
from tenbin.core.gating import Gating
from tenbin.core.money import nano_from_usd
from tenbin.core.problems import ContextExceeded, Failure, Inexpressible
from tenbin.core.receipt import Attempt, Outcome
from tenbin.core.steps import Call
from tenbin.core.usage import NOTHING, Usage
from tenbin.execute.bypass import past_middle_proxy
from tenbin.execute.flight_recorder import Seen
from tenbin.execute.owed import Heard, owes_estimate
from tenbin.execute.prompt_caching import Marks
from tenbin.execute.unquoted import unquoted
from tenbin.execute.upstream.address import PATHS, request_head
from tenbin.execute.upstream.connection import UpstreamAnswer, UpstreamFailed
from tenbin.execute.world import World

if TYPE_CHECKING:
    from tenbin.codecs.dialect import AnswerReader
    from tenbin.core.answer import Delta
    from tenbin.core.conversation import Conversation

MOST_ERROR_BYTES = 1_048_576
"""An error body larger than this is cut off with its connection."""

MOST_BODY_BYTES = 256 * 1024 * 1024
"""An unstreamed answer larger than this is not buffered."""

PROGRESS_NS = 1_000_000_000
"""A long answer's progress is journalled about this often."""

MOST_NANO_USD = 10**15
"""A million USD: what a provider states beyond that, or below nothing, is no cost of one call and is not believed."""

BYTES_PER_TOKEN = 4
"""Of a request's body, for the estimate that only a crash makes use of: OpenAI's rule of thumb for English."""

SHORTEST_WAIT_SECONDS = 0.05
"""For a call that has been begun, however little time its client has left."""

MOST_KEPT_BYTES = 4 * 1024 * 1024
"""Of an answer's raw bytes, where somebody wants to read it again; of a longer one nothing is kept."""

STREAM_TYPES = (b"text/event-stream", b"application/x-ndjson")


def _completed(ask: Ask, codec: Dialect, stated: Usage, produced: str) -> Usage:
    """What the provider of a finished answer has used and not stated, counted: the client is to be told.

    A function and no method: a watch that knew its attempt would be a circle of references, and each request with its
    whole conversation would wait for the collector.
    """
    # Imported here: the tokenizer behind it is large, and most gateways never need it.
    from tenbin.execute.estimate import completed

    return completed(stated, ask, codec, Heard(produced, ended=True))


class Watch(Protocol):
    """What relays an answer: an Observer of one that passes through, or a Translation."""

    started: bool
    ended: bool
    failure: Failure | None
    model: str | None
    stop_reason: str | None
    provider_cost: str | None
    service_tier: str | None

    @property
    def usage(self) -> Usage:
        """The provider's last statement."""
        ...

    def feed(self, data: bytes) -> bytes:
        """Bytes to forward."""
        ...

    def finish(self) -> bytes:
        """The last bytes to forward."""
        ...

    def produced(self) -> str:
        """All that was produced, as text."""
        ...


class AttemptUnderWay:
    """An attempt from its first byte to its record. Synchronous but for ``send``."""

    def __init__(self, world: World, ask: Ask, call: Call) -> None:
        self.world = world
        self.ask = ask
        self.target = call.target
        self.number = call.attempt
        self.route = call.route
        self.dialect = call.target.dialect_for(ask.dialect)
        self.passed_through = self.dialect == ask.dialect or ask.operation == "embed"
        self.rung = call.rung
        self.hedge: Literal[0, 1, 2] = 0
        """Of a hedged pair: the slow one, or the one that was asked beside it."""
        self.gating: Gating | None = None
        """How the answer was judged, once it was."""
        self.hides_logprobs = False
        """It asks for log-probabilities, which the client has not done and is not to see."""
        self.answer: UpstreamAnswer | None = None
        self.watch: Watch | None = None
        self.started_ns = world.clock.monotonic_ns()
        self.started_at_ms = world.clock.now_ms()
        self.first_byte_ns = 0
        self.received = 0
        self.opened = False
        self.hurried = False
        """The client waits less long than the configuration would: that its time is up says nothing of the target."""
        self.kept: list[bytes] | None = None
        """The answer as the provider sent it, where somebody wants to read it again (``deltas``); None: nobody does, or
        it is longer than MOST_KEPT_BYTES."""
        self.reserved_nano: int | None = None
        """What budgets have set aside for it."""
        self.torn = b""
        """An unstreamed answer that cannot be read."""
        self._kept_bytes = 0
        self._noted_ns = 0
        self._words_share = 0.0
        self._tool_names: Mapping[str, str] | None = None
        self._marks: Marks | None = None
        self._sent = b""
        """The body as it went to the provider, where its prompt cache is looked after."""

    # -- before the answer

    def begin_anew(self) -> None:
        """It has waited for its turn: from now on the provider's time counts."""
        self.started_ns = self.world.clock.monotonic_ns()
        self.started_at_ms = self.world.clock.now_ms()

    def ask_for_logprobs(self, conversation: "Conversation") -> None:
        """Ask for log-probabilities too, where this target can be asked; the client gets the answer without them."""
        if conversation.sampling.logprobs or not self.target.quirks.logprobs:
            return
        if "openai_chat" in self.target.dialects:
            self.dialect = "openai_chat"
            self.passed_through = False
            self.hides_logprobs = True

    def body(self, conversation: "Conversation | None") -> bytes | Failure:
        """The request's body for this target, or why there is none."""
        if self.ask.operation == "embed" and (self.dialect, "embed") not in PATHS:
            return Failure(kind="inexpressible", message=f"{self.target.name} has no embeddings", code="embeddings")
        try:
            caching = self.world.prompt_caching
            if conversation is None:
                codec = self.world.dialects(self.ask.dialect)
                body = codec.splice(self.ask.body, self.ask.head, self.target)
                if caching is not None and caching.everywhere and self.ask.operation == "generate":
                    body, self._marks = caching.in_bytes(body, self.ask, self.target, codec, self.started_at_ms)
                return body
            self._tool_names = originals(conversation.tools)
            if self.hides_logprobs:
                sampling = msgspec.structs.replace(conversation.sampling, logprobs=True)
                conversation = msgspec.structs.replace(conversation, sampling=sampling)
            if caching is not None:
                conversation, self._marks = caching.place(
                    conversation, self.target, self.started_at_ms, len(self.ask.body)
                )
            return self.world.dialects(self.dialect).write(conversation, self.target)
        except Inexpressible as lack:
            return Failure(kind="inexpressible", message=lack.message, code=lack.feature)
        except ContextExceeded as exceeded:
            return Failure(kind="context_exceeded", message=str(exceeded))

    async def afford(self, body_bytes: int) -> None:
        """Set aside what the call may cost, before it is made. Raises UpstreamFailed where a budget has no room."""
        budgets = self.world.budgets
        if budgets is not None and (failure := await budgets.reserve(self, body_bytes)) is not None:
            raise UpstreamFailed(failure)

    async def send(self, body: bytes, ended: Sequence[Attempt]) -> UpstreamAnswer:
        """Journal the attempt (``ended`` came before it), then call the provider. Raises UpstreamFailed."""
        world, ask, target = self.world, self.ask, self.target
        if world.budgets is not None:
            await self.afford(len(body))
        to = world.reaches[target.provider]
        headers = world.dialects(self.dialect).headers(ask.headers, ask.head, target) if self.passed_through else ()
        head = request_head(to, ask, self.dialect, len(body), passed_through=self.passed_through, headers=headers)
        self.opened = True
        if ask.session is not None and (world.recorder is not None or world.keep_alive is not None):
            self._sent = body
        self.journal(ended, len(body))
        limits = world.timeouts
        first_byte, total = limits.first_byte, limits.total
        if ask.patience_ms is not None:
            left = max((world.left_ms(ask) or 0) / 1_000, SHORTEST_WAIT_SECONDS)
            self.hurried = left < first_byte
            first_byte, total = min(first_byte, left), total if ask.head.stream else min(total, left)
        send = partial(world.upstream.send, first_byte=first_byte, idle=limits.idle, total=total)
        if to.direct is None:
            self.answer = await send(to.origin, head, body)
        else:
            passed, of = self.passed_through, self.dialect
            other = request_head(to.direct, ask, of, len(body), passed_through=passed, headers=headers)
            self.answer = await past_middle_proxy(
                world,
                target.provider,
                partial(send, to.origin, head, body),
                partial(send, to.direct.origin, other, body),
            )
        return self.answer

    def journal(self, ended: Sequence[Attempt], body_bytes: int) -> None:
        """Write down that this attempt is under way, and that ``ended`` came before it."""
        world = self.world
        world.book.open(
            self.ask,
            self.target,
            number=self.number,
            dialect=self.dialect,
            started_at_ms=self.started_at_ms,
            input_tokens=body_bytes // BYTES_PER_TOKEN,
            route=self.route,
            policy=world.policy.hash,
            attempts=tuple(ended),
            reserved_nano=self.reserved_nano,
        )

    async def failure_of(self, answer: UpstreamAnswer) -> Failure:
        """What an answer with an error status means."""
        try:
            body = await answer.whole(MOST_ERROR_BYTES)
        except UpstreamFailed:
            body = b""
        body = self.world.reaches[self.target.provider].hide_key(body)
        return self.world.dialects(self.dialect).failure(answer.status, answer.headers, body)

    # -- during the answer

    def begin(self, answer: UpstreamAnswer) -> Watch:
        """Make what watches this answer."""
        streamed = self._streamed(answer)
        provider_codec = self.world.dialects(self.dialect)
        watch: Watch
        if self.ask.operation == "embed":
            # Imported here: most gateways never embed.
            from tenbin.codecs.openai_chat.embedding_observer import EmbeddingObserver

            watch = EmbeddingObserver()
        elif self.passed_through:
            codec = self.world.dialects(self.ask.dialect)
            watch = codec.observer(streamed=streamed, head=self.ask.head, target=self.target)
        else:
            writer = self.world.dialects(self.ask.dialect).writer(
                streamed=self.ask.head.stream, request_id=self.ask.request_id, head=self.ask.head
            )
            reader = provider_codec.reader(streamed=streamed, target=self.target)
            complete = partial(_completed, self.ask, self.world.dialects(self.ask.dialect))
            watch = Translation(reader, writer, self._tool_names, complete, hides_logprobs=self.hides_logprobs)
        self.watch = watch
        return watch

    def received_bytes(self, count: int) -> None:
        """Note that more of the answer has come; journals the progress of a long one."""
        self.received += count
        now = self.world.clock.monotonic_ns()
        if self.first_byte_ns == 0:
            self.first_byte_ns = self._noted_ns = now
        elif now - self._noted_ns > PROGRESS_NS:
            self._noted_ns = now
            self._note_progress()

    def take_whole(self, data: bytes) -> bytes:
        """The whole of an unstreamed answer has come; what the client is to have of it. Its failure is the watch's."""
        assert self.watch is not None
        self.received_bytes(len(data))
        if self.kept is not None:
            self.keep(data)
        body = self.watch.feed(data)
        rest = self.watch.finish()
        if self.watch.failure is not None and self.watch.failure.kind == "malformed":
            self.torn = data
        return body + rest if rest else body

    def keep(self, data: bytes) -> None:
        """Keep a piece of the answer; to be called only while ``kept`` is a list."""
        assert self.kept is not None
        self._kept_bytes += len(data)
        if self._kept_bytes > MOST_KEPT_BYTES:
            self.kept = None
        else:
            self.kept.append(data)

    def reader(self) -> "AnswerReader":
        """A reader of this answer as its provider sends it, whatever the client is given."""
        assert self.answer is not None
        return self.world.dialects(self.dialect).reader(streamed=self._streamed(self.answer), target=self.target)

    def _streamed(self, answer: UpstreamAnswer) -> bool:
        kind = answer.header(b"content-type") or b""
        return kind.startswith(STREAM_TYPES) or (not kind and self.ask.head.stream)

    def deltas(self) -> "list[Delta] | None":
        """What was kept of the answer, read as the client may see it: tools by the names that it gave them. None: it
        was not kept.
        """
        if self.kept is None:
            return None
        reader = self.reader()
        read = [*(delta for data in self.kept for delta in reader.feed(data)), *reader.finish()]
        return self.as_seen(self.named_as_asked(read))

    def as_seen(self, deltas: "list[Delta]") -> "list[Delta]":
        """The deltas without what the client did not ask for and is not to see."""
        if not self.hides_logprobs:
            return deltas
        return [delta for delta in deltas if not isinstance(delta, LogprobsDelta)]

    def named_as_asked(self, deltas: "list[Delta]") -> "list[Delta]":
        """The deltas with the tools' names that the client gave them."""
        names = self._tool_names
        return Translation.renamed(deltas, names) if names else deltas

    def _note_progress(self) -> None:
        watch = self.watch
        if watch is None:
            return
        if self._words_share == 0.0:
            # Reading out the words is dear: done once; from then on the share of framing is taken as constant.
            self._words_share = max(len(watch.produced().encode()) / self.received, 1e-6)
        words = int(self.received * self._words_share)
        self.world.book.progress(self.ask.request_id, self.number, words, watch.usage)

    # -- after the answer

    def record(self, outcome: Outcome, failure: Failure | None = None) -> Attempt:
        """The attempt as it is written down, unpriced."""
        watch, answer = self.watch, self.answer
        now = self.world.clock.monotonic_ns()
        stated_cost = watch.provider_cost if watch is not None else None
        cost = nano_from_usd(stated_cost) if stated_cost is not None else None
        model = watch.model if watch is not None else None
        upstream_id = None
        if answer is not None:
            stated_id = answer.header(b"request-id") or answer.header(b"x-request-id")
            upstream_id = stated_id.decode("latin-1") if stated_id else None
        target = self.target
        if watch is not None and outcome == "answered":
            self._tell_of_cache(watch.usage)
        elif self.reserved_nano is not None and outcome == "failed" and self._cost_nothing(failure):
            assert self.world.budgets is not None
            self.world.budgets.not_charged(self)
        # By place: of more than 15 names Python makes a dictionary, five times as slow. A test holds each to its place.
        return Attempt(
            self.number,
            target.provider,
            target.model,
            self.dialect,
            self.started_at_ms,
            outcome,
            failure.kind if failure is not None else None,
            answer.status if answer is not None and answer.status else (failure.status if failure else None),
            unquoted(failure.message, self.ask.body, self.ask.head.model)[:500] if failure is not None else "",
            watch.usage if watch is not None else NOTHING,
            None,  # what it costs, and by which price: for the settlement to say
            "",
            cost if cost is not None and 0 <= cost <= MOST_NANO_USD else None,
            watch.service_tier if watch is not None else None,
            (self.first_byte_ns - self.started_ns) / 1e6 if self.first_byte_ns else None,
            (now - self.started_ns) / 1e6,
            upstream_id,
            model if model != target.model else None,
            watch.stop_reason if watch is not None else None,
            self.rung,
            self.gating,
            "",
            self.hedge,
            self.reserved_nano if outcome == "interrupted" else None,
        )

    def _tell_of_cache(self, usage: Usage) -> None:
        """What the provider's prompt cache did is learned from."""
        world = self.world
        if self._marks is not None and world.prompt_caching is not None:
            world.prompt_caching.settle(self._marks, self.target, usage, self.started_at_ms)
        if self._sent:
            seen = Seen(
                self.ask,
                self.target,
                world.dialects(self.ask.dialect),
                world.dialects(self.dialect),
                self._sent,
                self.passed_through,
                usage,
                self.started_at_ms,
            )
            if world.recorder is not None:
                world.recorder.note(seen)
            if world.keep_alive is not None:
                world.keep_alive.note(world, seen)

    def _cost_nothing(self, failure: Failure | None) -> bool:
        """It has failed, and nobody charges for it."""
        watch = self.watch
        used = watch is not None and (watch.usage != NOTHING or watch.provider_cost is not None)
        return not used and not self.owes_estimate("failed", failure)

    def owes_estimate(self, outcome: Outcome, failure: Failure | None = None) -> bool:
        """The provider produced something but did not state all of what it used."""
        return owes_estimate(self, outcome, failure)
