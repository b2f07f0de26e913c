"""6. One request's life: the decision's steps are performed, its answer relayed (``Relay``), and one receipt settled.

Whatever happens (an answer, a failure, a client that leaves, a bug), ``run`` settles exactly once.
"""

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

import msgspec

from tenbin.codecs.other_models import check_other_models
from tenbin.core.ask import Ask
from tenbin.core.problems import Failure, Unreadable
from tenbin.core.receipt import Attempt, Outcome, Receipt
from tenbin.core.steps import (
    Answered,
    Call,
    Consult,
    Failed,
    Hold,
    Judge,
    Lookup,
    Miss,
    Pause,
    Release,
    Resumed,
    StepOutcome,
    Verdict,
)
from tenbin.core.target import Target
from tenbin.decide.flow import decide
from tenbin.execute.attempt import AttemptUnderWay
from tenbin.execute.cache.consultation import Consultation
from tenbin.execute.clock import start_task
from tenbin.execute.deliberation import Deliberation
from tenbin.execute.hearing import with_signals
from tenbin.execute.owed import heard as heard_of
from tenbin.execute.owed import roughly, stated
from tenbin.execute.pacing import Place, admitted
from tenbin.execute.relay import Relay
from tenbin.execute.target_health import begun, ended, heard
from tenbin.execute.upstream.connection import UpstreamFailed
from tenbin.execute.world import Client, World

if TYPE_CHECKING:
    from tenbin.core.conversation import Conversation
    from tenbin.execute.holding import Holding

LOG = logging.getLogger("tenbin.execute")

ANSWERED = Answered()
RESUMED = Resumed()
START_SECONDS = 30.0
"""How long a request waits for a provider that Tenbin itself is starting; after that it meets it as it is."""


class Exchange:
    """A request between its client and the providers."""

    def __init__(self, world: World, ask: Ask, client: Client) -> None:
        self.world = world
        self.ask = ask
        self.relay = Relay(world, ask, client)
        self.receipt: Receipt | None = None
        self._attempts: list[Attempt] = []
        self._estimates: list[tuple[int, AttemptUnderWay]] = []
        self._current: AttemptUnderWay | None = None
        self._answering: AttemptUnderWay | None = None
        self._trace: list[Any] = [] if ask.landing is None else [ask.landing.trace]
        self._route = ""
        self._queue_ns = 0
        self._settled = False
        self._failed_at: list[tuple[Failure, AttemptUnderWay]] = []
        self._conversation: Conversation | None = None
        self._deliberation: Deliberation | None = None
        self._consultation: Consultation | None = None
        self._holding: Holding | None = None

    async def run(self) -> None:
        """Serve the request. Only cancellation (the client left) passes through."""
        outcome: Outcome = "failed"
        status = 500
        failure: Failure | None = None
        try:
            verdict = await self._follow()
            failure = verdict.failure
            if verdict.answered:
                outcome, status = "answered", 200
            elif self.relay.started:
                outcome, status = "cut", 200
            else:
                assert failure is not None
                # Not always the last attempt's: the decision tells the failure that helps the caller most.
                told_of = next((attempt for failed, attempt in self._failed_at if failed is failure), None)
                status = await self.relay.refuse(failure, told_of, self._route)
        except Unreadable as unreadable:
            failure = Failure(kind="refused", message=unreadable.problem.message, param=unreadable.problem.param)
            status = unreadable.problem.status
            await self.relay.problem(unreadable.problem, self._route)
        except asyncio.CancelledError:
            if self.relay.delivered and self._current is not None:
                outcome, status = "answered", 200
                self._trace.append(("call", self._current.target.name, outcome))
                self.ended(self._current, outcome, None)
                raise
            outcome, status = "cancelled", 499
            failure = Failure(kind="cancelled", message="the client closed the connection")
            self._abandon("cancelled", failure)
            raise
        except Exception:
            if self.relay.started:
                outcome, status = "cut", 200
            self._abandon(outcome, None)
            raise
        finally:
            self.settle(outcome, status, failure)
            if self._consultation is not None:
                self._consultation.ended(outcome, self._answering, self)

    async def _follow(self) -> Verdict:
        """Drive the decision."""
        world, ask, trace = self.world, self.ask, self._trace
        if world.policy.access is not None or world.budgets is not None:
            check_other_models(ask.body, ask.query)
        facts = world.facts(ask)
        plan = decide(ask, facts, world.policy, world.senses.known_for(ask.caller.key_id))
        outcome: StepOutcome
        try:
            step = next(plan)
            while True:
                if isinstance(step, Call):
                    self._route = step.route
                    outcome = await self._call(step)
                elif isinstance(step, Pause):
                    trace.append(("pause", step.ms))
                    await world.clock.pause(step.ms)
                    outcome = RESUMED
                elif isinstance(step, Lookup):
                    outcome = await self._look_up(step)
                elif isinstance(step, Consult | Release):
                    outcome = await self._of_held(step)
                else:
                    if self._deliberation is None:
                        self._deliberation = Deliberation(world, ask)
                    if isinstance(step, Judge):
                        self._queue_ns = world.clock.monotonic_ns()
                    outcome = await self._deliberation.perform(step, trace, self._attempts)
                step = plan.send(outcome)
        except StopIteration as stop:
            verdict: Verdict = stop.value
            return verdict

    # -- one step

    async def _look_up(self, lookup: Lookup) -> StepOutcome:
        """Look into the response cache; a hit is given to the client at once."""
        if self.world.cache is None:
            return Miss(why="the cache is not open")
        consultation = self._consultation = Consultation(self.world, self.ask, lookup, self.world.cache)
        return await consultation.perform(self.relay, self, self._trace)

    async def _call(self, call: Call) -> StepOutcome:
        world = self.world
        if call.target.provider in world.own:
            await self.awake(call.target)
        if call.tagged:
            self._without_tag()
        self._current = attempt = self.begun(call)
        if self._queue_ns == 0:
            self._queue_ns = attempt.started_ns
        if call.hold is not None:
            self._hold_back(attempt, call.hold)
        body = self._body_for(attempt)
        if isinstance(body, Failure):
            return self.ended(attempt, "failed", body)
        if call.hedge is not None:
            # Imported here: most gateways never hedge.
            from tenbin.execute.race import Race

            self._current = None  # until one of the two has begun, the race knows of it
            return await Race(self.relay, self).run(call, attempt, body)
        place = await self.placed(attempt) if world.lanes else None
        if isinstance(place, Failure):
            return self.ended(attempt, "failed", place)
        begun(world.health, call.target.name, world.clock.now_ms)
        holding = self._holding
        if holding is not None and call.hold is not None:
            self._current = None  # from here on the held answers know of it
            return await holding.hold(self, call, attempt, body, place)
        try:
            if holding is None:
                answer = await attempt.send(body, self._attempts)
            else:
                answer = await holding.sent(self, attempt, body)
            heard(world.exhausted, call.target, answer.headers, world.clock.now_ms)
            if not 200 <= answer.status < 300:
                return self.ended(attempt, "failed", await attempt.failure_of(answer))
            watch = attempt.begin(answer)
            if self.ask.head.stream:
                return await self.relay.stream(self, attempt, answer, watch)
            return await self.relay.whole(self, attempt, answer, watch)
        except UpstreamFailed as failed:
            return await self.relay.broken(self, attempt, failed.failure)
        finally:
            if attempt.answer is not None:
                world.upstream.release(attempt.answer)
            if place is not None:
                place.leave(attempt)

    def _body_for(self, attempt: AttemptUnderWay) -> bytes | Failure:
        """The request's body for this target, or why there is none. Raises Unreadable."""
        try:
            return attempt.body(None if attempt.passed_through else self.conversation())
        except Unreadable as unreadable:
            if not self._attempts:
                raise
            # Others were given it unread: what came of that is what counts.
            return Failure(kind="inexpressible", message=unreadable.problem.message, param=unreadable.problem.param)

    async def awake(self, target: Target) -> None:
        """Wait for a provider that Tenbin itself is starting."""
        own = self.world.own.get(target.provider)
        if own is not None and not own.ready:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(own.wait_ready(), START_SECONDS)

    def begun(self, call: Call) -> AttemptUnderWay:
        """Make an attempt."""
        attempt = AttemptUnderWay(self.world, self.ask, call)
        attempt.kept = [] if self._is_read_again() else None
        return attempt

    async def placed(self, attempt: AttemptUnderWay) -> Place | Failure | None:
        """Wait for a place at a provider that has limits."""
        world = self.world
        if self._holding is not None:
            self._holding.make_room(self, attempt.target.provider)
        granted = await admitted(world.lanes.get(attempt.target.provider), attempt, world.left_ms(self.ask))
        if not isinstance(granted, Failure) and not self._attempts:
            self._queue_ns = attempt.started_ns
        return granted

    def _is_read_again(self) -> bool:
        """Somebody wants the answer after the client has it: the cache, or a shadow evaluation."""
        if self._consultation is not None and self._consultation.keeps:
            return True
        return self.world.shadow is not None and self.world.shadow.samples(self.ask)

    def conversation(self) -> "Conversation":
        """The whole request, read once. Raises Unreadable."""
        if self._conversation is None:
            self._conversation = self.world.dialects(self.ask.dialect).read(self.ask.body)
        return self._conversation

    def _hold_back(self, attempt: AttemptUnderWay, hold: Hold) -> None:
        """This answer is to be judged before the client sees any of it."""
        if self._holding is None:
            # Imported here: most gateways never hold an answer back.
            from tenbin.execute.holding import Holding

            self._holding = Holding(self.relay)
        if hold.logprobs:
            # What cannot be read passes through as it is.
            with contextlib.suppress(Unreadable):
                attempt.ask_for_logprobs(self.conversation())

    async def _of_held(self, step: Consult | Release) -> StepOutcome:
        assert self._holding is not None
        if isinstance(step, Release):
            return await self._holding.release(self, step)
        return await self._holding.consult(self, step)

    def _without_tag(self) -> None:
        """Take the model tag out of the prompt: it was meant for Tenbin."""
        ask, codec = self.ask, self.world.dialects(self.ask.dialect)
        self.ask = msgspec.structs.replace(ask, body=codec.without_model_tag(ask.body))

    def ended(self, attempt: AttemptUnderWay, outcome: Outcome, failure: Failure | None) -> StepOutcome:
        """Record an attempt and fold its outcome into the target's health."""
        self._current = None
        self._write_down(attempt, outcome, failure, owed=attempt.owes_estimate(outcome, failure))
        world, name = self.world, attempt.target.name
        self._trace.append(("call", name, failure.kind if failure is not None else "answered"))
        if failure is None:
            self._answering = attempt
            ended(world.health, name, None, world.clock.now_ms, world.policy.cooldown)
            return ANSWERED
        self._failed_at.append((failure, attempt))
        if attempt.opened and not (attempt.hurried and failure.kind == "timeout"):
            ended(world.health, name, failure, world.clock.now_ms, world.policy.cooldown)
        return Failed(failure=failure, committed=self.relay.started, at_ms=world.clock.now_ms())

    def giving(self, attempt: AttemptUnderWay, *, as_kept: bool) -> None:
        """From now on this attempt's answer, which was held back, goes to the client."""
        self._current = attempt if attempt.watch is not None and not attempt.watch.ended else None
        self._answering = attempt if as_kept else None

    def under_way(self, attempt: AttemptUnderWay) -> None:
        """This attempt's answer goes to the client from now on."""
        self._current = attempt

    def _write_down(self, attempt: AttemptUnderWay, outcome: Outcome, failure: Failure | None, *, owed: bool) -> None:
        record = attempt.record(outcome, failure)
        if owed:
            self._estimates.append((len(self._attempts), attempt))
            record = roughly(attempt, record)
        self._attempts.append(record)

    def dropped(self, attempt: AttemptUnderWay, failure: Failure) -> None:
        """Record an attempt that nobody waits for any more."""
        self._current = attempt
        self._abandon("cancelled", failure)

    @property
    def attempts(self) -> list[Attempt]:
        """The records so far."""
        return self._attempts

    @property
    def trace(self) -> list[Any]:
        """Steps and outcomes so far."""
        return self._trace

    # -- the end

    def _abandon(self, outcome: Outcome, failure: Failure | None) -> None:
        """Record the attempt that is under way, if there is one: nobody waits for its end."""
        attempt, self._current = self._current, None
        if attempt is None:
            return
        self._write_down(attempt, outcome, failure, owed=attempt.owes_estimate("cancelled"))
        self._trace.append(("call", attempt.target.name, outcome))

    def settle(self, outcome: Outcome, status: int, failure: Failure | None) -> None:
        """Close the receipt, once. Where an estimate is owed, it is counted in a thread and settled then."""
        if self._settled:
            return
        self._settled = True
        if self._holding is not None:
            self._holding.drop_all(self, gone=outcome == "cancelled")
        ask, now = self.ask, self.world.clock.monotonic_ns()
        # By place: of more than 15 names Python makes a dictionary, five times as slow. A test holds each to its place.
        receipt = Receipt(
            ask.request_id,
            ask.arrived_at_ms,
            ask.caller.key_id,
            ask.dialect,
            ask.operation,
            ask.path,
            ask.head.model,
            ask.head.stream,
            self._route,
            outcome,
            status,
            self.world.policy.hash,
            tuple(self._attempts),
            ask.session,
            ask.client,
            failure.kind if failure is not None else None,
            (self._queue_ns - ask.arrived_ns) / 1e6 if self._queue_ns else 0.0,
            (self.relay.first_byte_ns - ask.arrived_ns) / 1e6 if self.relay.first_byte_ns else None,
            (now - ask.arrived_ns) / 1e6,
            tuple(self._trace),
            self._deliberation.weighing if self._deliberation is not None else None,
        )
        if ask.caller.team or ask.caller.user:
            receipt = msgspec.structs.replace(receipt, team=ask.caller.team, user=ask.caller.user)
        if self.world.listening is not None:
            heard = self._deliberation.signals if self._deliberation is not None else ()
            receipt = with_signals(receipt, heard, self.world.listening)
        if self._consultation is not None:
            receipt = msgspec.structs.replace(receipt, cached=self._consultation.cached)
        if self._deliberation is not None and self._deliberation.climb is not None:
            receipt = msgspec.structs.replace(receipt, climb=self._deliberation.climb)
        if ask.assigned is not None:
            part = ask.assigned
            receipt = msgspec.structs.replace(receipt, experiment=part.experiment, arm=part.arm, unit=part.unit)
        if self.world.shadow is not None and outcome == "answered" and self._answering is not None:
            self.world.shadow.consider(self.world, ask, receipt, self._answering)
        if not self._estimates:
            self.receipt = self.world.book.settle(receipt)
            return
        task = start_task(self._settle_estimated(receipt), name=f"settle {ask.request_id}")
        self.world.late.add(task)
        task.add_done_callback(self.world.late.discard)

    async def _settle_estimated(self, receipt: Receipt) -> None:
        # Imported here: the tokenizer behind it is large, and most gateways never need it.
        from tenbin.execute.estimate import completed

        attempts = list(receipt.attempts)
        codec = self.world.dialects(self.ask.dialect)
        for position, attempt in self._estimates:
            record = attempts[position]
            try:
                came = heard_of(attempt, record)
                usage = await asyncio.to_thread(completed, stated(attempt), self.ask, codec, came)
            except Exception:
                LOG.exception("the usage of request %s could not be estimated", receipt.request_id)
                usage = record.usage
            attempts[position] = msgspec.structs.replace(record, usage=usage)
        self.receipt = self.world.book.settle(msgspec.structs.replace(receipt, attempts=tuple(attempts)))
