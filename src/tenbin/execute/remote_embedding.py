"""6. Embedders at a provider: a call like any other, priced and written down, but on a receipt of its own.

Such a call outlasts the request that asked for it: what is paid for is waited for and kept, the client is not.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from tenbin.core import request_id
from tenbin.core.ask import Ask, Caller, Head
from tenbin.core.features import Language
from tenbin.core.problems import Failure
from tenbin.core.receipt import Attempt, Outcome, Receipt
from tenbin.core.steps import Call
from tenbin.core.target import Target
from tenbin.decide.candidates import resolve
from tenbin.discern.embedding.embedder import Vector
from tenbin.execute.attempt import AttemptUnderWay
from tenbin.execute.cache.availability import Availability, StoreUnavailable
from tenbin.execute.clock import Clock, start_task
from tenbin.execute.embedding import TOO_LONG, Embedded
from tenbin.execute.target_health import heard
from tenbin.execute.upstream.address import PATHS, request_head
from tenbin.execute.upstream.connection import UpstreamFailed

if TYPE_CHECKING:
    from tenbin.execute.world import World

ROUTE = "semantic_cache"
SECONDS = 10.0
"""For a call, however soon nobody waits for it any more."""
MOST_BYTES = 1_048_576
"""Of an answer with one vector; a longer one is cut off with its connection."""
CHARACTERS_PER_TOKEN = 3
"""ASCII characters that a token has at least, over a sentence or more; every other character counts as a token."""

EVERY: frozenset[Language] = frozenset({"en", "ja", "other"})
ENGLISH: frozenset[Language] = frozenset({"en"})


class Traits(NamedTuple):
    """What is peculiar about a model."""

    window: int = 512
    """Tokens. Servers cut what is longer without saying so, so that it is not sent."""
    languages: frozenset[Language] = EVERY
    prefix: str = ""
    """Before each text, as the model's card asks for one question to be compared with another."""


TRAITS: tuple[tuple[str, Traits], ...] = (
    ("nomic-embed-text-v2", Traits(512, EVERY, "search_query: ")),
    ("nomic-embed-text", Traits(2_048, ENGLISH, "search_query: ")),
    ("text-embedding-3", Traits(8_191)),
    ("text-embedding-ada", Traits(8_191)),
    ("bge-m3", Traits(8_192)),
    ("multilingual-e5", Traits(512, EVERY, "query: ")),
    ("embeddinggemma", Traits(2_048, EVERY, "task: sentence similarity | query: ")),
    ("mxbai-embed", Traits(512, ENGLISH)),
    ("all-minilm", Traits(256, ENGLISH)),
    ("snowflake-arctic-embed2", Traits(8_192, EVERY, "query: ")),
)
"""By the beginning of a model's name, without what stands before a slash; from the models' cards."""


class Payer(NamedTuple):
    """On whose account an embedder is asked."""

    world: "World"
    caller: Caller


class _Row(msgspec.Struct):
    embedding: list[float]


class _Answer(msgspec.Struct):
    data: list[_Row]


_decoder = msgspec.json.Decoder(_Answer)


class RemoteEmbedder:
    """A model at a configured provider that speaks OpenAI's dialect, or at an Ollama (at its ``/v1/embeddings``)."""

    def __init__(
        self,
        model: str,
        clock: Clock,
        tell: Callable[[str], None],
        languages: Sequence[Language] | None = None,
        seconds: float = SECONDS,
    ) -> None:
        """``model`` as a client would ask for it: ``provider/model``, or a name of the configuration."""
        self.model = model
        self._traits = traits(model)
        self.languages = frozenset(languages) if languages is not None else self._traits.languages
        self._seconds = seconds
        self._clock = clock
        self._availability = Availability(f"The embedder {model}", clock, tell)

    @property
    def id(self) -> str:
        """Under which vectors are kept here. That of a vector also has its dimension, which the provider may change."""
        return self.model

    def begin(self, text: str, spoken: Language, payer: Payer | None) -> "asyncio.Future[Embedded]":
        """Ask for a text's vector; what is returned ends by itself, with a reason where there is no vector."""
        work = start_task(self._embed(text, spoken, payer), name="remote embedding")
        if payer is not None:
            payer.world.late.add(work)
            work.add_done_callback(payer.world.late.discard)
        return work

    async def _embed(self, text: str, spoken: Language, payer: Payer | None) -> Embedded:
        nothing = Embedded(None, self.id, spoken)
        if payer is None:
            return nothing._replace(why="nobody is there to pay for a remote embedder")
        target = target_of(self.model, payer.world)
        if target is None:
            return nothing._replace(why=f"{self.model} is no configured embedder")
        if tokens_at_most(self._traits.prefix + text) > self._traits.window:
            return nothing._replace(why=TOO_LONG)
        try:
            self._availability.check()
        except StoreUnavailable as gone:
            return nothing._replace(why=str(gone))
        call = _OneCall(payer, target, self._traits.prefix + text)
        vector, failure = await call.run(self._seconds)
        if failure is not None:
            self._availability.failed(failure.message[:200] or failure.kind)
        else:
            self._availability.answered()
        if vector is None:
            return nothing._replace(why=f"the embedder failed: {failure.kind if failure is not None else 'malformed'}")
        return Embedded(vector, f"{self.id}:{vector.size}", spoken)


class _OneCall:
    """One call to a provider for one vector, on a receipt of its own."""

    def __init__(self, payer: Payer, target: Target, text: str) -> None:
        world, clock = payer.world, payer.world.clock
        dialect = next(name for name in target.dialects if (name, "embed") in PATHS)
        self._world = world
        self._text = text
        self._ask = Ask(
            request_id=request_id.new(clock.now_ms(), clock.bits()),
            dialect=dialect,
            operation="embed",
            path=PATHS[(dialect, "embed")],
            query=b"",
            headers=(),
            body=msgspec.json.encode({"model": target.model, "input": text}),
            head=Head(model=target.name),
            caller=payer.caller,
            arrived_at_ms=clock.now_ms(),
            arrived_ns=clock.monotonic_ns(),
        )
        self._attempt = AttemptUnderWay(world, self._ask, Call(target=target, attempt=1, route=ROUTE))

    async def run(self, seconds: float) -> tuple[Vector | None, Failure | None]:
        """Make it, and settle its receipt whatever happens."""
        vector, failure, cut_off = None, None, False
        try:
            async with asyncio.timeout(seconds):
                vector, failure = await self._vector(seconds)
        except TimeoutError:
            cut_off, failure = True, Failure(kind="timeout", message=f"it had not answered after {seconds:g} s")
        except UpstreamFailed as failed:
            failure = failed.failure
        except asyncio.CancelledError:
            self._settle("cancelled", Failure(kind="cancelled", message="the gateway stops"), cut_off=True)
            raise
        finally:
            if self._attempt.answer is not None:
                self._world.upstream.release(self._attempt.answer)
        self._settle("failed" if failure is not None else "answered", failure, cut_off=cut_off)
        return vector, failure

    async def _vector(self, seconds: float) -> tuple[Vector | None, Failure | None]:
        world, attempt, ask = self._world, self._attempt, self._ask
        target = attempt.target
        to = world.reaches[target.provider]
        head = request_head(to, ask, attempt.dialect, len(ask.body), passed_through=False)
        await attempt.afford(len(ask.body))
        attempt.opened = True
        world.book.open(
            ask,
            target,
            number=attempt.number,
            dialect=attempt.dialect,
            started_at_ms=attempt.started_at_ms,
            input_tokens=tokens_at_most(self._text),
            route=ROUTE,
            policy=world.policy.hash,
            reserved_nano=attempt.reserved_nano,
        )
        answer = attempt.answer = await world.upstream.send(
            to.origin, head, ask.body, first_byte=seconds, idle=seconds, total=seconds
        )
        heard(world.exhausted, target, answer.headers, world.clock.now_ms)
        if not 200 <= answer.status < 300:
            return None, await attempt.failure_of(answer)
        watch = attempt.begin(answer)
        data = await answer.whole(MOST_BYTES)
        attempt.received_bytes(len(data))
        watch.feed(data)
        watch.finish()
        if watch.failure is not None:
            return None, watch.failure
        vector = vector_in(data)
        if vector is None:
            return None, Failure(kind="malformed", message="the answer holds no vector of this text")
        return vector, None

    def _settle(self, outcome: Outcome, failure: Failure | None, *, cut_off: bool) -> None:
        """One receipt. What the provider used and did not state is estimated: its words are Tenbin's own to count."""
        ask, clock, attempt = self._ask, self._world.clock, self._attempt
        record = attempt.record(outcome, failure)
        if attempt.opened and attempt.owes_estimate("cancelled" if cut_off else outcome):
            usage = msgspec.structs.replace(record.usage, input=tokens_at_most(self._text), input_estimated=True)
            record = msgspec.structs.replace(record, usage=usage)
        attempts: tuple[Attempt, ...] = (record,)
        self._world.book.settle(
            Receipt(
                request_id=ask.request_id,
                arrived_at_ms=ask.arrived_at_ms,
                key_id=ask.caller.key_id,
                dialect=ask.dialect,
                operation=ask.operation,
                path=ask.path,
                requested_model=ask.head.model,
                stream=False,
                route=ROUTE,
                outcome=outcome,
                status=200 if failure is None else 502,
                policy=self._world.policy.hash,
                attempts=attempts,
                failure=failure.kind if failure is not None else None,
                total_ms=(clock.monotonic_ns() - ask.arrived_ns) / 1e6,
                team=ask.caller.team,
                user=ask.caller.user,
            )
        )


def traits(model: str) -> Traits:
    """What is known of a model by its name."""
    name = model.rpartition("/")[2]
    return next((known for beginning, known in TRAITS if name.startswith(beginning)), Traits())


def target_of(model: str, world: "World") -> Target | None:
    """Where a model is asked for vectors; None when no provider that has them is configured for it."""
    chain = resolve(model, world.policy)
    if chain.route != "provider" and not chain.route.startswith("model:"):
        return None  # a name that nobody configured stands for some chat model
    for target in chain.targets:
        if target.provider in world.reaches and any((name, "embed") in PATHS for name in target.dialects):
            return target
    return None


def tokens_at_most(text: str) -> int:
    """A generous estimate of a text's tokens."""
    ascii_characters = sum(map(str.isascii, text)) if not text.isascii() else len(text)
    return -(-ascii_characters // CHARACTERS_PER_TOKEN) + len(text) - ascii_characters


def vector_in(data: bytes) -> Vector | None:
    """The one vector of an answer of OpenAI's dialect, brought to length 1; None where there is none without fault."""
    try:
        rows = _decoder.decode(data).data
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if len(rows) != 1 or not rows[0].embedding:
        return None
    vector = np.array(rows[0].embedding, np.float64)
    largest = float(np.abs(vector).max())
    if not np.isfinite(largest) or largest == 0.0:
        return None
    vector /= largest
    unit: Vector = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit
