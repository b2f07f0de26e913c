"""6. A hedged call: a second target is asked when the first one is slow, and whoever begins first answers the client.

Until one of them has begun, the client has seen nothing. The other one is cancelled and recorded before the receipt is
settled; whatever becomes of the two, each attempt is recorded once.
"""

import asyncio
from typing import Any, Protocol

import msgspec

from tenbin.core.conversation import Conversation
from tenbin.core.problems import Failure, Unreadable
from tenbin.core.receipt import Attempt
from tenbin.core.steps import Call, Failed, Hedge, StepOutcome
from tenbin.core.target import Target
from tenbin.core.usage import NOTHING, Usage
from tenbin.execute.attempt import BYTES_PER_TOKEN, MOST_BODY_BYTES, AttemptUnderWay
from tenbin.execute.clock import start_task
from tenbin.execute.pacing import Place
from tenbin.execute.relay import CUT, Life, Relay
from tenbin.execute.target_health import begun, heard
from tenbin.execute.upstream.connection import UpstreamAnswer, UpstreamFailed

LOST = Failure(kind="cancelled", message="another target began to answer first")
GONE = Failure(kind="cancelled", message="the client closed the connection")


class RaceLife(Life, Protocol):
    """The life of a request, as far as a hedged call touches it."""

    @property
    def attempts(self) -> list[Attempt]:
        """The records so far."""
        ...

    @property
    def trace(self) -> list[Any]:
        """Steps and outcomes so far."""
        ...

    def begun(self, call: Call) -> AttemptUnderWay:
        """Make an attempt."""
        ...

    async def awake(self, target: Target) -> None:
        """Wait for a provider that Tenbin itself is starting."""
        ...

    async def placed(self, attempt: AttemptUnderWay) -> Place | Failure | None:
        """Wait for a place at a provider that has limits."""
        ...

    def conversation(self) -> Conversation:
        """The whole request, read. Raises Unreadable."""
        ...

    def dropped(self, attempt: AttemptUnderWay, failure: Failure) -> None:
        """Record an attempt that nobody waits for any more."""
        ...

    def under_way(self, attempt: AttemptUnderWay) -> None:
        """This attempt's answer goes to the client from now on."""
        ...


class Racer:
    """One of the two, until its answer begins."""

    __slots__ = ("attempt", "body", "failure", "held", "outcome", "place", "sent", "task")

    def __init__(self, attempt: AttemptUnderWay, sent: bytes) -> None:
        self.attempt = attempt
        self.sent = sent
        """The request's body."""
        self.task: asyncio.Task[None]
        self.place: Place | None = None
        self.held: list[bytes] = []
        """The beginning of a streamed answer, as it goes to the client."""
        self.body: bytes | None = None
        """An unstreamed answer, as it goes to the client."""
        self.failure: Failure | None = None
        self.outcome: StepOutcome | None = None
        """What its failure was told as."""


class Race:
    """The race of one call."""

    def __init__(self, relay: Relay, life: RaceLife) -> None:
        self._relay = relay
        self._world = relay.world
        self._life = life
        self._racers: list[Racer] = []
        """Those that have been asked."""
        self._recorded: set[Racer] = set()

    async def run(self, call: Call, attempt: AttemptUnderWay, body: bytes) -> StepOutcome:
        """Call a target, and another one when it is slow."""
        hedge = call.hedge
        assert hedge is not None
        first = self._start(attempt, body)
        try:
            await asyncio.wait({first.task}, timeout=hedge.after_ms / 1_000)
            if not first.task.done():
                self._ask_another(call, hedge, first)
            winner = await self._winner()
        except BaseException:
            for racer in self._racers:
                self._drop(racer, GONE)
            raise
        if winner is None:
            return self._failed()
        for racer in self._racers:
            if racer is not winner:
                self._drop(racer, LOST)
        return await self._give(winner)

    # -- who is asked

    def _start(self, attempt: AttemptUnderWay, body: bytes) -> Racer:
        racer = Racer(attempt, body)
        self._racers.append(racer)
        racer.task = start_task(self._go(racer), name=f"hedged answer {attempt.number}")
        return racer

    def _ask_another(self, call: Call, hedge: Hedge, first: Racer) -> None:
        """Ask the second target as well, where that may be afforded."""
        life, world = self._life, self._world
        name, ask = hedge.target.name, first.attempt.ask
        if world.hedging is None or not world.hedging.begin(ask, call.target, hedge.target, world.clock.now_ms()):
            life.trace.append(("hedge", name, "not afforded"))
            return
        attempt = life.begun(Call(target=hedge.target, attempt=hedge.attempt, route=call.route))
        try:
            body = attempt.body(None if attempt.passed_through else life.conversation())
        except Unreadable as unreadable:
            body = Failure(kind="inexpressible", message=unreadable.problem.message)
        if isinstance(body, Failure):
            # It was never asked: its number is the next attempt's, should there be one.
            life.trace.append(("hedge", name, body.kind))
            return
        life.trace.append(("hedge", name, hedge.after_ms))
        first.attempt.hedge, attempt.hedge = 1, 2
        self._start(attempt, body)

    # -- one of them

    async def _go(self, racer: Racer) -> None:
        """Until its answer begins, or it has failed."""
        attempt, life, world = racer.attempt, self._life, self._world
        try:
            await life.awake(attempt.target)
            if world.lanes:
                place = await life.placed(attempt)
                if isinstance(place, Failure):
                    racer.failure = place
                    return
                racer.place = place
            begun(world.health, attempt.target.name, world.clock.now_ms)
            answer = await attempt.send(racer.sent, [*life.attempts, *self._others(racer)])
            heard(world.exhausted, attempt.target, answer.headers, world.clock.now_ms)
            if not 200 <= answer.status < 300:
                racer.failure = await attempt.failure_of(answer)
            elif self._relay.ask.head.stream:
                await self._until_it_begins(racer, answer)
            else:
                watch = attempt.begin(answer)
                racer.body = attempt.take_whole(await answer.whole(MOST_BODY_BYTES))
                racer.failure = watch.failure
        except UpstreamFailed as failed:
            racer.failure = failed.failure

    async def _until_it_begins(self, racer: Racer, answer: UpstreamAnswer) -> None:
        """Read what comes before the first content; when a provider that has begun falls silent, that will do."""
        attempt = racer.attempt
        watch = attempt.begin(answer)
        answer.quiet_after = self._world.ping_seconds
        while (data := await answer.read()) is not None:
            if not data:
                if any(racer.held):
                    return
                continue
            attempt.received_bytes(len(data))
            if attempt.kept is not None:
                attempt.keep(data)
            racer.held.append(watch.feed(data))
            if watch.failure is not None:
                racer.failure = watch.failure
                return
            if watch.started or watch.ended:
                return
        watch.finish()
        racer.failure = watch.failure or CUT

    def _others(self, racer: Racer) -> list[Attempt]:
        """What the journal is to know of the other attempt under way, should the gateway die now."""
        found = []
        for other in self._racers:
            if other is racer or other in self._recorded or not other.attempt.opened:
                continue
            record = other.attempt.record("interrupted")
            if record.usage == NOTHING:
                tokens = len(other.sent) // BYTES_PER_TOKEN
                usage = Usage(input=tokens, input_estimated=True, output_estimated=True)
                record = msgspec.structs.replace(record, usage=usage)
            found.append(record)
        return found

    # -- how it ends

    async def _winner(self) -> Racer | None:
        """Whose answer has begun; of two at once the one that was asked first. None when all have failed."""
        while True:
            for racer in self._racers:
                if racer in self._recorded or not racer.task.done():
                    continue
                racer.task.result()
                if racer.failure is None:
                    return racer
                self._recorded.add(racer)
                racer.outcome = self._life.ended(racer.attempt, "failed", racer.failure)
                self._let_go(racer)
            waiting = {racer.task for racer in self._racers if racer not in self._recorded}
            if not waiting:
                return None
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)

    def _failed(self) -> StepOutcome:
        outcome = self._racers[0].outcome
        assert type(outcome) is Failed
        if len(self._racers) == 1:
            return outcome
        return msgspec.structs.replace(outcome, hedged=self._racers[1].failure, at_ms=self._world.clock.now_ms())

    def _drop(self, racer: Racer, why: Failure) -> None:
        """Nobody waits for it any more."""
        if racer in self._recorded:
            return
        self._recorded.add(racer)
        racer.task.cancel()
        self._life.dropped(racer.attempt, why)
        self._let_go(racer)

    async def _give(self, winner: Racer) -> StepOutcome:
        relay, life, attempt = self._relay, self._life, winner.attempt
        answer, watch = attempt.answer, attempt.watch
        assert answer is not None
        assert watch is not None
        self._recorded.add(winner)
        life.under_way(attempt)
        if len(self._racers) > 1:
            attempt.journal(life.attempts, len(winner.sent))
        try:
            if winner.body is not None:
                return await relay.answered(life, attempt, answer, winner.body)
            return await relay.stream(life, attempt, answer, watch, winner.held)
        except UpstreamFailed as failed:
            return await relay.broken(life, attempt, failed.failure)
        finally:
            self._let_go(winner)

    def _let_go(self, racer: Racer) -> None:
        if racer.attempt.answer is not None:
            self._world.upstream.release(racer.attempt.answer)
        if racer.place is not None:
            racer.place.leave(racer.attempt)
            racer.place = None
