"""6. How answers go to the client: whole or streamed, with pings while nothing comes, and what is told when one breaks.

A relay belongs to one request; ``Life`` is what it needs of that request's life, handed to it with each call (kept here
it would be a circle of references, and each request with its whole conversation would wait for the collector).
"""

from typing import Protocol

from tenbin.core.ask import Ask
from tenbin.core.problems import Failure, Problem
from tenbin.core.receipt import Outcome, Receipt
from tenbin.core.steps import StepOutcome
from tenbin.execute.answer_headers import named, problem_headers, receipt_headers, rung_headers
from tenbin.execute.attempt import MOST_BODY_BYTES, AttemptUnderWay, Watch
from tenbin.execute.problems import relayable, told
from tenbin.execute.upstream.address import forwarded_answer_headers
from tenbin.execute.upstream.connection import UpstreamAnswer, UpstreamFailed
from tenbin.execute.world import Client, World

EVENT_ENDS = (b"\n\n", b"\n\r\n", b"\r\r")
"""How a server-sent event ends: only after one of these may another be put into the stream."""
MOST_HELD_BYTES = 16_384
"""Of an event that is not complete yet: a longer one is forwarded as it comes."""
CUT = Failure(kind="cut", message="the provider ended the stream before the answer was complete")


class Life(Protocol):
    """The life of a request, as far as relaying its answer touches it."""

    receipt: Receipt | None
    """Once it is settled."""

    def ended(self, attempt: AttemptUnderWay, outcome: Outcome, failure: Failure | None) -> StepOutcome:
        """Record an attempt that has ended."""
        ...

    def settle(self, outcome: Outcome, status: int, failure: Failure | None) -> None:
        """Close the receipt, before the client has the last byte."""
        ...


class Relay:
    """The client's side of one request."""

    __slots__ = (
        "_half_event",
        "_last_sent",
        "ask",
        "cache_headers",
        "client",
        "delivered",
        "first_byte_ns",
        "headed",
        "started",
        "world",
    )

    def __init__(self, world: World, ask: Ask, client: Client) -> None:
        self.world = world
        self.ask = ask
        self.client = client
        self.started = False
        """The client has been given the beginning of an answer."""
        self.headed = False
        """It has been given a head and pings before that, while an answer was held back."""
        self.first_byte_ns = 0
        self.cache_headers: list[tuple[bytes, bytes]] | None = None
        """What the response cache did, where it was asked."""
        self.delivered = False
        """The client has been given the last event of a streamed answer; it may leave before the provider hangs up."""
        self._last_sent = EVENT_ENDS[0]
        self._half_event = b""

    async def whole(self, life: Life, attempt: AttemptUnderWay, answer: UpstreamAnswer, watch: Watch) -> StepOutcome:
        """Give the client an unstreamed answer, once it is complete. Raises UpstreamFailed."""
        body = attempt.take_whole(await answer.whole(MOST_BODY_BYTES))
        if watch.failure is not None:
            return life.ended(attempt, "failed", watch.failure)
        return await self.answered(life, attempt, answer, body)

    async def answered(self, life: Life, attempt: AttemptUnderWay, answer: UpstreamAnswer, body: bytes) -> StepOutcome:
        """Give the client an unstreamed answer that has come whole, as it is to have it."""
        self.first_byte_ns = self.world.clock.monotonic_ns()
        outcome = life.ended(attempt, "answered", None)
        life.settle("answered", answer.status, None)
        headers = self._headers(attempt, answer)
        if life.receipt is not None:
            headers += receipt_headers(life.receipt)
        self.started = True
        await self.client.respond(answer.status, headers, body)
        return outcome

    async def stream(
        self,
        life: Life,
        attempt: AttemptUnderWay,
        answer: UpstreamAnswer,
        watch: Watch,
        before: list[bytes] | None = None,
    ) -> StepOutcome:
        """Forward what comes, at once; nothing before the first content, so that a failure can still move on.
        ``before``: what came of it while it was held back. Raises UpstreamFailed.
        """
        client = self.client
        held: list[bytes] = before if before is not None else []
        if before and (watch.started or watch.ended):
            await self._commit(attempt, answer, held)
            self.delivered = watch.ended and not self._half_event
        answer.quiet_after = self.world.ping_seconds
        while (data := await self._next_piece(answer, watch)) is not None:
            if data:
                attempt.received_bytes(len(data))
                if attempt.kept is not None:
                    attempt.keep(data)
                out = watch.feed(data)
                if self.started:
                    if out := self._whole_events(out):
                        self._last_sent = out
                        await client.write(out)
                    self.delivered = watch.ended and not self._half_event
                    continue
                held.append(out)
                if watch.failure is not None:
                    return life.ended(attempt, "failed", watch.failure)
                if watch.started or watch.ended:
                    await self._commit(attempt, answer, held)
                    self.delivered = watch.ended and not self._half_event
            elif not self.started and any(held):
                await self._commit(attempt, answer, held)
            elif (self.started and self._last_sent.endswith(EVENT_ENDS)) or (self.headed and not self.started):
                await client.write(self._ping())
        last = watch.finish()
        if watch.failure is None and not watch.ended:
            return await self.broken(life, attempt, CUT)
        if watch.failure is not None and not self.started:
            return life.ended(attempt, "failed", watch.failure)
        if not self.started:
            await self._commit(attempt, answer, held)
        outcome = life.ended(attempt, "cut" if watch.failure else "answered", watch.failure)
        life.settle("cut" if watch.failure else "answered", 200, watch.failure)
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

    async def broken(self, life: Life, attempt: AttemptUnderWay, failure: Failure) -> StepOutcome:
        """The wire broke. Before the first content that is a failure like any other; after it, the client is told."""
        if not self.started:
            return life.ended(attempt, "failed", failure)
        outcome = life.ended(attempt, "cut", failure)
        life.settle("cut", 200, failure)
        problem = told(failure, attempt.target.name)
        event = self.world.dialects(self.ask.dialect).problem_event(problem, self.ask.request_id)
        if not self._last_sent.endswith(EVENT_ENDS):
            event = b"\n\n" + event  # the provider's last event was cut in two: end it, or ours would be a part of it
        await self.client.finish(event)
        return outcome

    async def keep_alive(self, route: str) -> None:
        """Tell the client of a stream that an answer is being made, while none of it can be shown yet."""
        if not self.headed:
            self.headed = True
            headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
            await self.client.start(200, named(headers, self.ask, None, route, self.cache_headers))
        await self.client.write(self._ping())

    async def give(
        self, life: Life, attempt: AttemptUnderWay, answer: UpstreamAnswer, data: bytes, content_type: str | None
    ) -> None:
        """Give the client an answer that was held back and is complete; ``content_type``: of one that was written
        anew.
        """
        self.first_byte_ns = self.world.clock.monotonic_ns()
        life.settle("answered", 200, None)
        headers = self._headers(attempt, answer, content_type)
        self.started = True
        if not self.ask.head.stream:
            if life.receipt is not None:
                headers += receipt_headers(life.receipt)
            await self.client.respond(200, headers, data)
            return
        if not self.headed:
            await self.client.start(200, headers)
        self.delivered = True
        await self.client.finish(data)

    async def _commit(self, attempt: AttemptUnderWay, answer: UpstreamAnswer, held: list[bytes]) -> None:
        self.started = True
        self.first_byte_ns = self.world.clock.monotonic_ns()
        if not self.headed:
            await self.client.start(200, self._headers(attempt, answer))
        data = self._whole_events(b"".join(held))
        held.clear()
        if data:
            self._last_sent = data
            await self.client.write(data)

    def _headers(
        self, attempt: AttemptUnderWay, answer: UpstreamAnswer, content_type: str | None = None
    ) -> list[tuple[bytes, bytes]]:
        if content_type is not None:
            headers = [(b"content-type", content_type.encode())]
        elif attempt.passed_through:
            headers = forwarded_answer_headers(answer.headers)
        else:
            content_type = getattr(attempt.watch, "content_type", "application/json")
            headers = [(b"content-type", content_type.encode())]
        if attempt.rung:
            headers += rung_headers(attempt.rung, attempt.gating)
        return named(headers, self.ask, attempt.target, attempt.route, self.cache_headers)

    def _ping(self) -> bytes:
        if self.ask.dialect == "anthropic":
            return b'event: ping\ndata: {"type": "ping"}\n\n'
        return b": ping\n\n"

    async def refuse(self, failure: Failure, attempt: AttemptUnderWay | None, route: str) -> int:
        """Tell the client of the failure (``attempt``'s, if of any); the provider's own words when it speaks the
        client's dialect. Returns the status that the client was given.
        """
        problem = told(failure, attempt.target.name if attempt is not None else None)
        if self.headed:
            await self._problem_in_stream(problem)
            return 200
        same = attempt is not None and attempt.dialect == self.ask.dialect
        if same and failure.status is not None and relayable(failure, self.ask.dialect):
            headers = forwarded_answer_headers(failure.headers)
            if not any(name == b"content-type" for name, _ in headers):
                headers.append((b"content-type", b"application/json"))
            headers = named(headers, self.ask, None, route, self.cache_headers, failed=True)
            self.started = True
            await self.client.respond(failure.status, headers, failure.body)
            return failure.status
        await self.problem(problem, route)
        return problem.status

    async def _problem_in_stream(self, problem: Problem) -> None:
        self.started = True
        await self.client.finish(self.world.dialects(self.ask.dialect).problem_event(problem, self.ask.request_id))

    async def problem(self, problem: Problem, route: str) -> None:
        """Tell the client of a problem of the request's own."""
        if self.headed:
            await self._problem_in_stream(problem)
            return
        self.started = True
        body = self.world.dialects(self.ask.dialect).problem(problem, self.ask.request_id)
        headers = named(problem_headers(problem), self.ask, None, route, self.cache_headers, failed=True)
        await self.client.respond(problem.status, headers, body)
