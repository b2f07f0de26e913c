"""6. One request's life: the decision's steps are performed, its answer relayed, and one receipt settled.

Whatever happens (an answer, a failure, a client that leaves, a bug), ``run`` settles exactly once.
"""

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

import msgspec

from tenbin.core.ask import Ask
from tenbin.core.problems import Failure, Problem, Unreadable
from tenbin.core.receipt import Attempt, Outcome, Receipt
from tenbin.core.steps import Answered, Call, Failed, Judge, Pause, Resumed, StepOutcome, Verdict
from tenbin.decide.flow import decide
from tenbin.execute.answer_headers import named, problem_headers, receipt_headers
from tenbin.execute.attempt import MOST_BODY_BYTES, AttemptUnderWay, Watch
from tenbin.execute.clock import start_task
from tenbin.execute.deliberation import Deliberation
from tenbin.execute.pacing import Place, admitted
from tenbin.execute.problems import relayable, told
from tenbin.execute.target_health import begun, ended, heard
from tenbin.execute.upstream.address import forwarded_answer_headers
from tenbin.execute.upstream.connection import UpstreamAnswer, UpstreamFailed
from tenbin.execute.world import Client, World

if TYPE_CHECKING:
    from tenbin.core.conversation import Conversation

LOG = logging.getLogger("tenbin.execute")

ANSWERED = Answered()
RESUMED = Resumed()
EVENT_ENDS = (b"\n\n", b"\n\r\n", b"\r\r")
"""How a server-sent event ends: only after one of these may another be put into the stream."""
MOST_HELD_BYTES = 16_384
"""Of an event that is not complete yet: a longer one is forwarded as it comes."""
START_SECONDS = 30.0
"""How long a request waits for a provider that Tenbin itself is starting; after that it meets it as it is."""
CUT = Failure(kind="cut", message="the provider ended the stream before the answer was complete")


class Exchange:
    """A request between its client and the providers."""

    def __init__(self, world: World, ask: Ask, client: Client) -> None:
        self.world = world
        self.ask = ask
        self.client = client
        self.receipt: Receipt | None = None
        self._attempts: list[Attempt] = []
        self._estimates: list[tuple[int, AttemptUnderWay]] = []
        self._current: AttemptUnderWay | None = None
        self._trace: list[Any] = []
        self._route = ""
        self._started = False
        """The client has been given the head of an answer."""
        self._first_byte_ns = 0
        self._queue_ns = 0
        self._settled = False
        self._last_sent = EVENT_ENDS[0]
        self._half_event = b""
        self._delivered = False
        """The client has been given the last event of a streamed answer; it may leave before the provider hangs up."""
        self._failed_at: list[tuple[Failure, AttemptUnderWay]] = []
        self._conversation: Conversation | None = None
        self._deliberation: Deliberation | None = None

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
            elif self._started:
                outcome, status = "cut", 200
            else:
                assert failure is not None
                status = await self._refuse(failure)
        except Unreadable as unreadable:
            failure = Failure(kind="refused", message=unreadable.problem.message, param=unreadable.problem.param)
            status = unreadable.problem.status
            await self._respond_problem(unreadable.problem)
        except asyncio.CancelledError:
            if self._delivered and self._current is not None:
                outcome, status = "answered", 200
                self._trace.append(("call", self._current.target.name, outcome))
                self._ended(self._current, outcome, None)
                raise
            outcome, status = "cancelled", 499
            failure = Failure(kind="cancelled", message="the client closed the connection")
            self._abandon("cancelled", failure)
            raise
        except Exception:
            if self._started:
                outcome, status = "cut", 200
            self._abandon(outcome, None)
            raise
        finally:
            self._settle(outcome, status, failure)

    async def _follow(self) -> Verdict:
        """Drive the decision."""
        world, ask, trace = self.world, self.ask, self._trace
        facts = world.facts(ask)
        plan = decide(ask, facts, world.policy, world.senses.known)
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

    async def _call(self, call: Call) -> StepOutcome:
        world = self.world
        own = world.own.get(call.target.provider)
        if own is not None and not own.ready:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(own.wait_ready(), START_SECONDS)
        if call.tagged:
            self._without_tag()
        attempt = AttemptUnderWay(world, self.ask, call)
        self._current = attempt
        if self._queue_ns == 0:
            self._queue_ns = attempt.started_ns
        conversation = None
        if not attempt.passed_through:
            conversation = self._conversation
            if conversation is None:
                conversation = self._conversation = world.dialects(self.ask.dialect).read(self.ask.body)
        body = attempt.body(conversation)
        if isinstance(body, Failure):
            return self._ended(attempt, "failed", body)
        place: Place | None = None
        if world.lanes:
            granted = await admitted(world.lanes.get(call.target.provider), attempt, world.left_ms(self.ask))
            if isinstance(granted, Failure):
                return self._ended(attempt, "failed", granted)
            place = granted
            if not self._attempts:
                self._queue_ns = attempt.started_ns
        begun(world.health, call.target.name, world.clock.now_ms)
        try:
            answer = await attempt.send(body, self._attempts)
            heard(world.exhausted, call.target, answer.headers, world.clock.now_ms)
            if not 200 <= answer.status < 300:
                return self._ended(attempt, "failed", await attempt.failure_of(answer))
            watch = attempt.begin(answer)
            if self.ask.head.stream:
                return await self._relay_stream(attempt, answer, watch)
            return await self._relay_whole(attempt, answer, watch)
        except UpstreamFailed as failed:
            return await self._broken(attempt, failed.failure)
        finally:
            if attempt.answer is not None:
                world.upstream.release(attempt.answer)
            if place is not None:
                place.leave(attempt)

    def _without_tag(self) -> None:
        """Take the model tag out of the prompt: it was meant for Tenbin."""
        ask, codec = self.ask, self.world.dialects(self.ask.dialect)
        self.ask = msgspec.structs.replace(ask, body=codec.without_model_tag(ask.body))

    async def _relay_whole(self, attempt: AttemptUnderWay, answer: UpstreamAnswer, watch: Watch) -> StepOutcome:
        data = await answer.whole(MOST_BODY_BYTES)
        attempt.received_bytes(len(data))
        body = watch.feed(data)
        rest = watch.finish()
        body = body + rest if rest else body
        if watch.failure is not None:
            return self._ended(attempt, "failed", watch.failure)
        self._first_byte_ns = self.world.clock.monotonic_ns()
        outcome = self._ended(attempt, "answered", None)
        self._settle("answered", answer.status, None)
        headers = self._headers(attempt, answer)
        if self.receipt is not None:
            headers += receipt_headers(self.receipt)
        self._started = True
        await self.client.respond(answer.status, headers, body)
        return outcome

    async def _relay_stream(self, attempt: AttemptUnderWay, answer: UpstreamAnswer, watch: Watch) -> StepOutcome:
        """Forward what comes, at once; nothing before the first content, so that a failure can still move on."""
        client = self.client
        held: list[bytes] = []
        answer.quiet_after = self.world.ping_seconds
        while (data := await self._next_piece(answer, watch)) is not None:
            if data:
                attempt.received_bytes(len(data))
                out = watch.feed(data)
                if self._started:
                    if out := self._whole_events(out):
                        self._last_sent = out
                        await client.write(out)
                    self._delivered = watch.ended and not self._half_event
                    continue
                held.append(out)
                if watch.failure is not None:
                    return self._ended(attempt, "failed", watch.failure)
                if watch.started or watch.ended:
                    await self._commit(attempt, answer, held)
                    self._delivered = watch.ended and not self._half_event
            elif not self._started and any(held):
                await self._commit(attempt, answer, held)
            elif self._started and self._last_sent.endswith(EVENT_ENDS):
                await client.write(self._ping(watch))
        last = watch.finish()
        if watch.failure is None and not watch.ended:
            return await self._broken(attempt, CUT)
        if watch.failure is not None and not self._started:
            return self._ended(attempt, "failed", watch.failure)
        if not self._started:
            await self._commit(attempt, answer, held)
        outcome = self._ended(attempt, "cut" if watch.failure else "answered", watch.failure)
        self._settle("cut" if watch.failure else "answered", 200, watch.failure)
        await client.finish(self._half_event + last)
        return outcome

    @staticmethod
    async def _next_piece(answer: UpstreamAnswer, watch: Watch) -> bytes | None:
        """What has come; a connection that breaks behind a complete answer has done its work."""
        try:
            return await answer.read()
        except UpstreamFailed:
            if watch.ended and watch.failure is None:
                return None
            raise

    def _whole_events(self, data: bytes) -> bytes:
        """Of what is to be forwarded, the complete events; the beginning of another waits for its end, so that an
        error can be told at any time: a client does not survive half an event.
        """
        if self._half_event:
            data = self._half_event + data
            self._half_event = b""
        if data.endswith(EVENT_ENDS):
            return data
        cut = max(data.rfind(end) + len(end) if end in data else 0 for end in EVENT_ENDS)
        if len(data) - cut > MOST_HELD_BYTES:
            return data
        self._half_event = data[cut:]
        return data[:cut]

    async def _broken(self, attempt: AttemptUnderWay, failure: Failure) -> StepOutcome:
        """The wire broke. Before the first content that is a failure like any other; after it, the client is told."""
        if not self._started:
            return self._ended(attempt, "failed", failure)
        outcome = self._ended(attempt, "cut", failure)
        self._settle("cut", 200, failure)
        problem = told(failure, attempt.target.name)
        event = self.world.dialects(self.ask.dialect).problem_event(problem, self.ask.request_id)
        if not self._last_sent.endswith(EVENT_ENDS):
            event = b"\n\n" + event  # the provider's last event was cut in two: end it, or ours would be a part of it
        await self.client.finish(event)
        return outcome

    def _ended(self, attempt: AttemptUnderWay, outcome: Outcome, failure: Failure | None) -> StepOutcome:
        """Record an attempt and fold its outcome into the target's health."""
        self._current = None
        if attempt.owes_estimate(outcome):
            self._estimates.append((len(self._attempts), attempt))
        self._attempts.append(attempt.record(outcome, failure))
        world, name = self.world, attempt.target.name
        self._trace.append(("call", name, failure.kind if failure is not None else "answered"))
        if failure is None:
            ended(world.health, name, None, world.clock.now_ms, world.policy.cooldown)
            return ANSWERED
        self._failed_at.append((failure, attempt))
        if attempt.opened and not (attempt.hurried and failure.kind == "timeout"):
            ended(world.health, name, failure, world.clock.now_ms, world.policy.cooldown)
        return Failed(failure=failure, committed=self._started, at_ms=world.clock.now_ms())

    # -- towards the client

    async def _commit(self, attempt: AttemptUnderWay, answer: UpstreamAnswer, held: list[bytes]) -> None:
        self._started = True
        self._first_byte_ns = self.world.clock.monotonic_ns()
        await self.client.start(200, self._headers(attempt, answer))
        data = self._whole_events(b"".join(held))
        held.clear()
        if data:
            self._last_sent = data
            await self.client.write(data)

    def _headers(self, attempt: AttemptUnderWay, answer: UpstreamAnswer) -> list[tuple[bytes, bytes]]:
        if attempt.passed_through:
            headers = forwarded_answer_headers(answer.headers)
        else:
            content_type = getattr(attempt.watch, "content_type", "application/json")
            headers = [(b"content-type", content_type.encode())]
        return named(headers, self.ask, attempt.target, attempt.route)

    def _ping(self, watch: Watch) -> bytes:
        if self.ask.dialect == "anthropic":
            return b'event: ping\ndata: {"type": "ping"}\n\n'
        return b": ping\n\n"

    async def _refuse(self, failure: Failure) -> int:
        """Tell the client of the failure; the provider's own words when it speaks the client's dialect."""
        # Not always the last attempt's: the decision tells the failure that helps the caller most.
        attempt = next((attempt for failed, attempt in self._failed_at if failed is failure), None)
        problem = told(failure, attempt.target.name if attempt is not None else None)
        same = attempt is not None and attempt.dialect == self.ask.dialect
        if same and failure.status is not None and relayable(failure, self.ask.dialect):
            headers = forwarded_answer_headers(failure.headers)
            if not any(name == b"content-type" for name, _ in headers):
                headers.append((b"content-type", b"application/json"))
            headers = named(headers, self.ask, None, self._route)
            self._started = True
            await self.client.respond(failure.status, headers, failure.body)
            return failure.status
        await self._respond_problem(problem)
        return problem.status

    async def _respond_problem(self, problem: Problem) -> None:
        self._started = True
        body = self.world.dialects(self.ask.dialect).problem(problem, self.ask.request_id)
        headers = named(problem_headers(problem), self.ask, None, self._route)
        await self.client.respond(problem.status, headers, body)

    # -- the end

    def _abandon(self, outcome: Outcome, failure: Failure | None) -> None:
        """Record the attempt that is under way, if there is one: nobody waits for its end."""
        attempt, self._current = self._current, None
        if attempt is None:
            return
        if attempt.owes_estimate("cancelled"):
            self._estimates.append((len(self._attempts), attempt))
        self._attempts.append(attempt.record(outcome, failure))
        self._trace.append(("call", attempt.target.name, outcome))

    def _settle(self, outcome: Outcome, status: int, failure: Failure | None) -> None:
        """Close the receipt, once. Where an estimate is owed, it is counted in a thread and settled then."""
        if self._settled:
            return
        self._settled = True
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
            (self._first_byte_ns - ask.arrived_ns) / 1e6 if self._first_byte_ns else None,
            (now - ask.arrived_ns) / 1e6,
            tuple(self._trace),
            self._deliberation.weighing if self._deliberation is not None else None,
        )
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
            produced = attempt.watch.produced() if attempt.watch is not None else ""
            ended = attempt.watch is not None and attempt.watch.ended
            try:
                usage = await asyncio.to_thread(completed, record.usage, self.ask, codec, produced, ended=ended)
            except Exception:
                LOG.exception("the usage of request %s could not be estimated", receipt.request_id)
                usage = msgspec.structs.replace(record.usage, input_estimated=True, output_estimated=True)
            attempts[position] = msgspec.structs.replace(record, usage=usage)
        self.receipt = self.world.book.settle(msgspec.structs.replace(receipt, attempts=tuple(attempts)))
