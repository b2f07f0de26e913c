"""6. A call to a model that no client waits for: sent in the target's own dialect, read, recorded, never tried again.

Nothing of the client's headers goes with it.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from tenbin.core.answer import AnswerFailed, AnswerFinished, ArgumentsDelta, BlockStarted, Delta, TextDelta
from tenbin.core.ask import Ask, Caller, Head
from tenbin.core.conversation import Conversation
from tenbin.core.problems import ContextExceeded, Failure, Inexpressible, Unreadable
from tenbin.core.receipt import Attempt, Outcome
from tenbin.core.steps import Call
from tenbin.core.target import Target
from tenbin.execute.attempt import BYTES_PER_TOKEN, MOST_KEPT_BYTES, STREAM_TYPES, AttemptUnderWay
from tenbin.execute.bypass import past_middle_proxy
from tenbin.execute.target_health import begun, ended, heard
from tenbin.execute.upstream.address import PATHS, request_head
from tenbin.execute.upstream.connection import UpstreamFailed
from tenbin.execute.world import World


class Prepared(NamedTuple):
    """A call that could be made."""

    target: Target
    body: bytes
    max_tokens: int


class Reply(NamedTuple):
    """What came of a call."""

    attempt: Attempt
    """Unpriced."""
    text: str
    """The words, tool calls among them; thinking left out."""
    stop_reason: str
    failure: Failure | None


def prepared(world: World, conversation: Conversation, target: Target, max_tokens: int) -> Prepared | str:
    """A conversation as a request to a target, unstreamed, in no service tier that costs more, with at most so many
    tokens of answer; or why there is none.
    """
    asked = msgspec.structs.replace(
        conversation, model=target.model, stream=False, max_tokens=max_tokens, service_tier=None
    )
    try:
        return Prepared(target, world.dialects(target.dialects[0]).write(asked, target), max_tokens)
    except (Inexpressible, ContextExceeded) as lack:
        return str(lack)


def words_of(deltas: Sequence[Delta]) -> str:
    """What an answer says: its texts, and its tool calls as the name with the arguments behind it. No thinking."""
    parts: list[str] = []
    for delta in deltas:
        if isinstance(delta, TextDelta):
            parts.append(delta.text)
        elif isinstance(delta, ArgumentsDelta):
            parts.append(delta.json)
        elif isinstance(delta, BlockStarted) and parts:
            parts.append("\n")
        if isinstance(delta, BlockStarted) and delta.kind == "tool_call":
            parts.append(f"[tool call] {delta.name} ")
    return "".join(parts).strip()


def own_ask(world: World, request_id: str, model: str, key_id: str) -> Ask:
    """A request of Tenbin's own, as the ledger opens it."""
    clock = world.clock
    return Ask(
        request_id=request_id,
        dialect="anthropic",
        operation="shadow",
        path="",
        query=b"",
        headers=(),
        body=b"",
        head=Head(model=model),
        caller=Caller(key_id=key_id),
        arrived_at_ms=clock.now_ms(),
        arrived_ns=clock.monotonic_ns(),
    )


def _head(world: World, call: Prepared) -> Head:
    """What the request is judged by: the images and searches of a client's conversation are paid for here too."""
    try:
        return world.dialects(call.target.dialects[0]).read_head(call.body)
    except Unreadable:
        return Head(model=call.target.model, max_tokens=call.max_tokens)


class BackgroundCall:
    """One call on behalf of a request of Tenbin's own (``ask``). ``headers``: what its body rests on (betas)."""

    def __init__(
        self,
        world: World,
        ask: Ask,
        call: Prepared,
        number: int,
        route: str,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        dialect = call.target.dialects[0]
        sent = msgspec.structs.replace(
            ask,
            dialect=dialect,
            operation="generate",
            path=PATHS[(dialect, "generate")],
            body=call.body,
            head=_head(world, call),
        )
        self._world = world
        self._ask = ask
        self._headers = headers
        self._under_way = AttemptUnderWay(world, sent, Call(target=call.target, attempt=number, route=route))

    async def run(self, seconds: float, before: Sequence[Attempt]) -> Reply:
        """Make it. Raises asyncio.CancelledError; then ``abandoned`` is what there is to record."""
        world, name = self._world, self._under_way.target.name
        begun(world.health, name, world.clock.now_ms)
        text, stop, failure = "", "", None
        try:
            async with asyncio.timeout(seconds):
                text, stop, failure = await self._reply(seconds, before)
        except TimeoutError:
            failure = Failure(kind="timeout", message=f"it had not answered after {seconds:g} s")
        except UpstreamFailed as failed:
            failure = failed.failure
        finally:
            if self._under_way.answer is not None:
                world.upstream.release(self._under_way.answer)
        ended(world.health, name, failure, world.clock.now_ms, world.policy.cooldown)
        late = failure is not None and failure.kind == "timeout"
        return Reply(self._record("failed" if failure else "answered", failure, late), text, stop, failure)

    def abandoned(self) -> Attempt:
        """The record of a call that was cut off here."""
        return self._record("cancelled", Failure(kind="cancelled", message="the gateway stops"), True)

    async def _reply(self, seconds: float, before: Sequence[Attempt]) -> tuple[str, str, Failure | None]:
        world, attempt = self._world, self._under_way
        body, target = attempt.ask.body, attempt.target
        to = world.reaches[target.provider]
        of = partial(request_head, passed_through=bool(self._headers), headers=self._headers)
        head = of(to, attempt.ask, attempt.dialect, len(body))
        await attempt.afford(len(body))
        attempt.opened = True
        world.book.open(
            self._ask,
            target,
            number=attempt.number,
            dialect=attempt.dialect,
            started_at_ms=attempt.started_at_ms,
            input_tokens=len(body) // BYTES_PER_TOKEN,
            route=attempt.route,
            policy=world.policy.hash,
            attempts=tuple(before),
            reserved_nano=attempt.reserved_nano,
        )
        send = partial(world.upstream.send, first_byte=seconds, idle=seconds, total=seconds)
        if to.direct is None:
            answer = await send(to.origin, head, body)
        else:
            other = of(to.direct, attempt.ask, attempt.dialect, len(body))
            through, directly = partial(send, to.origin, head, body), partial(send, to.direct.origin, other, body)
            answer = await past_middle_proxy(world, target.provider, through, directly)
        attempt.answer = answer
        heard(world.exhausted, target, answer.headers, world.clock.now_ms)
        if not 200 <= answer.status < 300:
            return "", "", await attempt.failure_of(answer)
        watch = attempt.begin(answer)
        data = await answer.whole(MOST_KEPT_BYTES)
        attempt.received_bytes(len(data))
        watch.feed(data)
        watch.finish()
        if watch.failure is not None:
            return "", "", watch.failure
        streamed = (answer.header(b"content-type") or b"").startswith(STREAM_TYPES)
        reader = world.dialects(attempt.dialect).reader(streamed=streamed, target=target)
        deltas = [*reader.feed(data), *reader.finish()]
        last = deltas[-1] if deltas else None
        if isinstance(last, AnswerFailed):
            return "", "", last.failure
        return words_of(deltas), last.stop_reason if isinstance(last, AnswerFinished) else "", None

    def _record(self, outcome: Outcome, failure: Failure | None, cut_off: bool) -> Attempt:
        """As it is written down. What a provider has used and not stated is estimated by length: nobody is told."""
        attempt = self._under_way
        record = attempt.record(outcome, failure)
        if not attempt.owes_estimate("cancelled" if cut_off else outcome):
            return record
        watch, usage = attempt.watch, record.usage
        if usage.prompt == 0:
            read = len(attempt.ask.body) // BYTES_PER_TOKEN
            usage = msgspec.structs.replace(usage, input=read, input_estimated=True)
        if watch is None or not watch.ended or usage.output == 0:
            words = -(-len(watch.produced().encode()) // BYTES_PER_TOKEN) if watch is not None else 0
            usage = msgspec.structs.replace(usage, output=max(usage.output, words), output_estimated=True)
        return msgspec.structs.replace(record, usage=usage)
