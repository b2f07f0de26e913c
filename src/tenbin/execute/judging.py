"""6. A judge is asked: one small call beside the request's own, on the same receipt as attempt 0, never tried again.

Whatever becomes of it, the request goes on; only a client that leaves ends both.
"""

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tenbin.core.answer import TextDelta
from tenbin.core.ask import Ask, Head
from tenbin.core.conversation import Conversation, Text, Thought, Turn
from tenbin.core.features import Tier
from tenbin.core.problems import ContextExceeded, Failure, Inexpressible
from tenbin.core.receipt import Attempt, Outcome
from tenbin.core.sketch import Sketch
from tenbin.core.steps import Call, Judge, Judged
from tenbin.core.target import Target
from tenbin.decide.judging import health_name
from tenbin.discern.judge import MOST_ANSWER_TOKENS, Question, question, said
from tenbin.execute.attempt import BYTES_PER_TOKEN, STREAM_TYPES, AttemptUnderWay
from tenbin.execute.target_health import begun, ended, heard
from tenbin.execute.upstream.address import PATHS, request_head
from tenbin.execute.upstream.connection import UpstreamAnswer, UpstreamFailed

if TYPE_CHECKING:
    from tenbin.execute.world import World

NUMBER = 0
"""The attempt's number within the request."""
ROUTE = "judge"
MOST_BYTES = 65_536
"""Of an answer: one word and what a provider puts around it. A longer one is cut off with its connection."""


SPARE_SECONDS = 5.0
"""The wire's own limits lie this far behind the judge's, which is the one that counts."""


class _Heard(NamedTuple):
    tier: Tier | None
    failure: Failure | None


async def ask_judge(world: "World", ask: Ask, step: Judge, sketch: Sketch, attempts: list[Attempt]) -> Judged:
    """Ask how hard a request is; what was done is added to ``attempts``, whatever came of it."""
    target, clock = step.target, world.clock
    own = world.own.get(target.provider)
    if own is not None and not own.ready:
        return Judged(asked=False, fault="its server is still starting")
    asked = question(sketch, ask.request_id)
    try:
        body = world.dialects(target.dialects[0]).write(_conversation(asked, target), target)
    except (Inexpressible, ContextExceeded) as lack:
        return Judged(asked=False, fault=str(lack))
    attempt = AttemptUnderWay(world, _own_ask(ask, target, body), Call(target=target, attempt=NUMBER, route=ROUTE))
    name = health_name(target.name)
    begun(world.health, name, clock.now_ms)
    tier, failure, late = None, None, False
    try:
        async with asyncio.timeout(step.timeout_ms / 1000):
            tier, failure = await _heard(world, ask, attempt, asked, step.timeout_ms / 1000 + SPARE_SECONDS)
    except TimeoutError:
        late, failure = True, Failure(kind="timeout", message=f"it had not answered after {step.timeout_ms} ms")
    except UpstreamFailed as failed:
        failure = failed.failure
    except asyncio.CancelledError:
        gone = Failure(kind="cancelled", message="the client closed the connection")
        attempts.append(_record(attempt, "cancelled", gone, asked, late=True))
        raise
    finally:
        if attempt.answer is not None:
            world.upstream.release(attempt.answer)
    attempts.append(_record(attempt, "failed" if failure is not None else "answered", failure, asked, late=late))
    ended(world.health, name, failure, clock.now_ms, world.policy.cooldown)
    if failure is not None:
        fault = failure.message[:200] or failure.kind
    else:
        fault = "" if tier is not None else "its answer was none of the four words"
    return Judged(said=tier or "", fault=fault, ms=(clock.monotonic_ns() - attempt.started_ns) // 1_000_000)


def _conversation(asked: Question, target: Target) -> Conversation:
    return Conversation(
        model=target.model,
        system=(Text(text=asked.system),),
        turns=(Turn(role="user", parts=(Text(text=asked.words),)),),
        max_tokens=MOST_ANSWER_TOKENS,
        thought=Thought(mode="off"),
    )


def _own_ask(ask: Ask, target: Target, body: bytes) -> Ask:
    """The judge's request as an ask: nothing of the client's goes with it."""
    dialect = target.dialects[0]
    return Ask(
        request_id=ask.request_id,
        dialect=dialect,
        operation="generate",
        path=PATHS[(dialect, "generate")],
        query=b"",
        headers=(),
        body=body,
        head=Head(model=target.model, max_tokens=MOST_ANSWER_TOKENS),
        caller=ask.caller,
        arrived_at_ms=ask.arrived_at_ms,
        arrived_ns=ask.arrived_ns,
    )


async def _heard(world: "World", ask: Ask, attempt: AttemptUnderWay, asked: Question, seconds: float) -> _Heard:
    """Send the question and read the answer; ``seconds``: the wire's limits. Raises UpstreamFailed."""
    target, codec, body = attempt.target, world.dialects(attempt.dialect), attempt.ask.body
    to = world.reaches[target.provider]
    head = request_head(to, attempt.ask, attempt.dialect, len(body), passed_through=False)
    await attempt.afford(len(body))
    attempt.opened = True
    world.book.open(
        ask,
        target,
        number=NUMBER,
        dialect=attempt.dialect,
        started_at_ms=attempt.started_at_ms,
        input_tokens=asked.tokens,
        route=ROUTE,
        policy=world.policy.hash,
        reserved_nano=attempt.reserved_nano,
    )
    answer = attempt.answer = await world.upstream.send(
        to.origin, head, body, first_byte=seconds, idle=seconds, total=seconds
    )
    heard(world.exhausted, target, answer.headers, world.clock.now_ms)
    if not 200 <= answer.status < 300:
        return _Heard(None, await attempt.failure_of(answer))
    watch = attempt.begin(answer)
    data = await answer.whole(MOST_BYTES)
    attempt.received_bytes(len(data))
    watch.feed(data)
    watch.finish()
    if watch.failure is not None:
        return _Heard(None, watch.failure)
    reader = codec.reader(streamed=_streamed(answer), target=target)
    deltas = [*reader.feed(data), *reader.finish()]
    return _Heard(said("".join(delta.text for delta in deltas if isinstance(delta, TextDelta))), None)


def _streamed(answer: UpstreamAnswer) -> bool:
    return (answer.header(b"content-type") or b"").startswith(STREAM_TYPES)


def _record(
    attempt: AttemptUnderWay, outcome: Outcome, failure: Failure | None, asked: Question, *, late: bool
) -> Attempt:
    """The attempt as it is written down. What a provider has used and not stated is estimated here: the prompt is
    Tenbin's own and its length known, so the receipt need not wait for a tokenizer. ``late``: it was cut off here.
    """
    record = attempt.record(outcome, failure)
    if not attempt.owes_estimate("cancelled" if late else outcome):
        return record
    watch, usage = attempt.watch, record.usage
    if usage.prompt == 0:
        usage = msgspec.structs.replace(usage, input=asked.tokens, input_estimated=True)
    words = -(-len(watch.produced().encode()) // BYTES_PER_TOKEN) if watch is not None else 0
    if watch is None or not watch.ended or usage.output == 0:
        usage = msgspec.structs.replace(usage, output=max(usage.output, words), output_estimated=True)
    return msgspec.structs.replace(record, usage=usage)
