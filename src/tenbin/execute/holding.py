"""6. Answers that are held back until they have been judged: kept whole or by their beginning, given or thrown away.

The client of a stream is sent pings meanwhile. Whatever becomes of an answer, its attempt is recorded once.
"""

import asyncio
from typing import Any, Protocol

import msgspec

from tenbin.core.conversation import Conversation
from tenbin.core.gating import Gating, Why
from tenbin.core.problems import Failure, Unreadable
from tenbin.core.receipt import Attempt, Outcome, Receipt
from tenbin.core.steps import Answered, Call, Consult, Failed, Held, Release, StepOutcome
from tenbin.discern.gates.gate import Question
from tenbin.execute import gating
from tenbin.execute.attempt import MOST_BODY_BYTES, MOST_KEPT_BYTES, AttemptUnderWay
from tenbin.execute.clock import start_task
from tenbin.execute.gating import Opinions
from tenbin.execute.held_answer import HeldAnswer
from tenbin.execute.pacing import Place
from tenbin.execute.relay import CUT, Relay
from tenbin.execute.target_health import heard
from tenbin.execute.upstream.connection import UpstreamAnswer, UpstreamFailed
from tenbin.execute.waiting import Waiting

TOO_LARGE = Failure(kind="malformed", message=f"the provider's answer is larger than {MOST_BODY_BYTES} bytes")
NOT_NEEDED = Failure(kind="cancelled", message="its answer was not needed any more")
MADE_ROOM = Failure(kind="overloaded", message="its provider takes so few calls at once that it made room for another")
UNREAD = Question(prompt="")
"""Nobody but the provider could read what was asked."""
GONE = Failure(kind="cancelled", message="the client closed the connection")


class HoldingLife(Protocol):
    """The life of a request, as far as holding its answers touches it."""

    receipt: Receipt | None

    @property
    def attempts(self) -> list[Attempt]:
        """The records so far."""
        ...

    @property
    def trace(self) -> list[Any]:
        """Steps and outcomes so far."""
        ...

    def ended(self, attempt: AttemptUnderWay, outcome: Outcome, failure: Failure | None) -> StepOutcome:
        """Record an attempt that has ended."""
        ...

    def dropped(self, attempt: AttemptUnderWay, failure: Failure) -> None:
        """Record an attempt that nobody waits for any more."""
        ...

    def giving(self, attempt: AttemptUnderWay, *, as_kept: bool) -> None:
        """From now on this attempt's answer goes to the client; ``as_kept``: as its provider sends it."""
        ...

    def settle(self, outcome: Outcome, status: int, failure: Failure | None) -> None:
        """Close the receipt."""
        ...

    def conversation(self) -> Conversation:
        """The whole request, read."""
        ...


class Holding:
    """The held answers of one request, by the number of their attempt."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._world = relay.world
        self._held: dict[int, HeldAnswer] = {}
        self._question: Question | None = None
        self._latest = 0
        """The attempt that was opened last."""
        self._waiting = Waiting(relay)

    def _before(self, life: HoldingLife, held: HeldAnswer | None) -> list[Attempt]:
        """What the journal is to know of the other attempts: those that have ended, and those still under way."""
        others = [one for one in self._held.values() if one is not held and one.position is None]
        return [*life.attempts, *(one.if_interrupted() for one in others if one.attempt.opened)]

    async def sent(self, life: HoldingLife, attempt: AttemptUnderWay, body: bytes) -> UpstreamAnswer:
        """Send what is not to be held back, with pings for the client, who may have had some before. Raises
        UpstreamFailed.
        """
        self._latest = attempt.number
        sending = start_task(attempt.send(body, self._before(life, None)), name=f"answer {attempt.number}")
        try:
            await self._waiting.done(sending, None, attempt.route)
        except asyncio.CancelledError:
            sending.cancel()
            raise
        answer: UpstreamAnswer = sending.result()
        return answer

    # -- holding back

    async def hold(
        self, life: HoldingLife, call: Call, attempt: AttemptUnderWay, body: bytes, place: Place | None
    ) -> StepOutcome:
        """Call a target and keep its answer back until it can be judged."""
        assert call.hold is not None
        held = self._held[attempt.number] = HeldAnswer(attempt, call.hold, place, body)
        left = self._waiting.seconds(call.hold.until_ms)
        if left is not None and left <= 0:
            return self._late(life, held)
        try:
            if not await self._waiting.done(self._sending(life, held), call.hold.until_ms, attempt.route):
                return self._late(life, held)
            failed = await self._begin(life, held)
            return failed or await self._read(life, held, call.hold.until_ms)
        except UpstreamFailed as broken:
            return self._failed(life, held, broken.failure)

    def _sending(self, life: HoldingLife, held: HeldAnswer) -> "asyncio.Task[UpstreamAnswer]":
        """Send the request, once."""
        if held.sending is None:
            attempt = held.attempt
            before = self._before(life, held)
            self._latest = attempt.number
            held.sending = start_task(attempt.send(held.body, before), name=f"held answer {attempt.number}")
        return held.sending

    async def _begin(self, life: HoldingLife, held: HeldAnswer) -> StepOutcome | None:
        """The head of the answer is there. Raises UpstreamFailed."""
        assert held.sending is not None
        attempt = held.attempt
        answer = held.answer = held.sending.result()
        heard(self._world.exhausted, attempt.target, answer.headers, self._world.clock.now_ms)
        if not 200 <= answer.status < 300:
            return self._failed(life, held, await attempt.failure_of(answer))
        held.watch = attempt.begin(answer)
        held.reader = attempt.reader()
        return None

    async def _read(self, life: HoldingLife, held: HeldAnswer, until_ms: int | None) -> StepOutcome:
        """Read until it can be judged, or its time is over. Raises UpstreamFailed."""
        watch = held.watch
        assert watch is not None
        while (data := await self._piece(held, until_ms)) is not None:
            if data is False:
                return self._late(life, held)
            assert isinstance(data, bytes)
            held.take(data)
            if watch.failure is not None:
                return self._failed(life, held, watch.failure)
            if held.released:
                if held.received > MOST_BODY_BYTES:
                    return self._failed(life, held, TOO_LARGE)
                continue
            if held.received > MOST_KEPT_BYTES:
                return self._late(life, held)
            if held.begun_enough:
                held.prefix_judged = True
                told = await self._judge(life, held, "prefix")
                if told is not None:
                    return told
        if rest := watch.finish():
            held.out.append(rest)
        if held.reader is not None:
            held.deltas += held.attempt.named_as_asked(held.reader.finish())
        failure = watch.failure or held.broken or (None if watch.ended else CUT)
        if failure is not None:
            return self._failed(life, held, failure)
        life.ended(held.attempt, "answered", None)
        held.position = len(life.attempts) - 1
        self._let_go(held)
        if held.released:
            return self._told(life, held, "whole")
        told = await self._judge(life, held, "whole")
        assert told is not None
        return told

    async def _piece(self, held: HeldAnswer, until_ms: int | None) -> bytes | bool | None:
        """What has come: None at the end, False when the time is over. Raises UpstreamFailed."""
        assert held.answer is not None
        assert held.watch is not None
        while True:
            await self._waiting.ping_when_due(held.attempt.route)
            seconds = self._waiting.seconds(until_ms)
            if seconds is not None and seconds <= 0:
                return False
            try:
                async with asyncio.timeout(self._waiting.patience(seconds)):
                    data = await held.answer.read()
            except TimeoutError:
                continue
            except UpstreamFailed:
                if held.watch.ended and held.watch.failure is None:
                    return None
                raise
            if data is None or data:
                return data

    async def _judge(self, life: HoldingLife, held: HeldAnswer, why: Why) -> StepOutcome | None:
        """Judge what there is of an answer; None when its beginning is refused only for what may still be mended."""
        if self._question is None:
            self._question = await self._asked(life, held)
        question, deltas, opinions = self._question, list(held.deltas), held.opinions
        hold = held.hold if question is not UNREAD else gating.by_itself(held.hold)
        told = await self._waiting.work(
            held.attempt.route, lambda: gating.judged(question, hold, deltas, why, opinions)
        )
        if why == "prefix" and not told.gating.passed and _may_be_mended(told.gating):
            return None
        held.gating, held.usable, held.repaired = told.gating, told.usable, told.repaired
        self._note(life, held)
        return self._told(life, held, why)

    async def _asked(self, life: HoldingLife, held: HeldAnswer) -> Question:
        """What gates look at of the request; ``UNREAD`` for one that passed through and only its provider can read."""
        try:
            conversation = life.conversation()
        except Unreadable:
            return UNREAD
        return await self._waiting.work(held.attempt.route, lambda: gating.asked(conversation, held.hold))

    def _told(self, life: HoldingLife, held: HeldAnswer, why: Why) -> Held:
        verdict, number, now_ms = held.gating, held.attempt.number, self._world.clock.now_ms()
        score, accept = (None, 1.0) if verdict is None else (verdict.score, verdict.accept)
        life.trace.append(("held", number, why, score, accept, held.usable, now_ms))
        return Held(of=number, why=why, score=score, accept=accept, usable=held.usable, at_ms=now_ms)

    def _late(self, life: HoldingLife, held: HeldAnswer) -> Held:
        """Its time is over; it goes on in the background until somebody decides."""
        held.gating = Gating(score=None, accept=held.hold.accept or 1.0, passed=False, why="late")
        held.usable = bool(gating.answer_of(held.deltas).text.strip())
        return self._told(life, held, "late")

    def _failed(self, life: HoldingLife, held: HeldAnswer, failure: Failure) -> StepOutcome:
        """No answer came of it; the client has seen nothing."""
        self._let_go(held)
        attempt = held.attempt
        del self._held[attempt.number]
        if attempt.passed_through and not attempt.ask.head.stream:
            attempt.torn = b"".join(held.out)  # whatever it is, its provider has written it
        return life.ended(attempt, "failed", failure)

    def _let_go(self, held: HeldAnswer) -> None:
        if held.attempt.answer is not None:
            self._world.upstream.release(held.attempt.answer)
        if held.place is not None:
            held.place.leave(held.attempt)
            held.place = None

    def _note(self, life: HoldingLife, held: HeldAnswer) -> None:
        """Put the verdict on the attempt's record, where there is one already; else it waits for it."""
        held.attempt.gating = held.gating
        if held.position is not None:
            record = life.attempts[held.position]
            life.attempts[held.position] = msgspec.structs.replace(record, gating=held.gating)

    # -- asking others

    async def consult(self, life: HoldingLife, step: Consult) -> StepOutcome:
        """Ask a model about a held answer, and judge it again."""
        # Imported here: most gateways never ask for an opinion.
        from tenbin.execute.opinions import Opinion

        held = self._held[step.of]
        if self._question is None:
            self._question = await self._asked(life, held)
        if self._question is UNREAD:
            life.trace.append((step.purpose, step.target.name, "the request cannot be read"))
            return self._told(life, held, "whole")
        text = gating.answer_of(held.repaired or held.deltas).text
        opinion = Opinion(self._world, held.attempt.ask, step, life.conversation(), self._question, text)
        self._latest = step.attempt
        asking = start_task(opinion.ask(self._before(life, None)), name="opinion")
        try:
            await self._waiting.done(asking, None, held.attempt.route)
        except asyncio.CancelledError:
            asking.cancel()
            if (record := opinion.abandoned()) is not None:
                life.attempts.append(record)
            raise
        reply = asking.result()
        if reply.attempt is not None:
            life.attempts.append(reply.attempt)
        life.trace.append((step.purpose, step.target.name, reply.fault or "answered"))
        others, marks = held.opinions
        if step.purpose == "agreement":
            others = (*others, reply.text) if not reply.fault else others
        else:
            marks = (*marks, (step.target.name, reply.mark, reply.fault))
        held.opinions = Opinions(others, marks)
        told = await self._judge(life, held, "whole")
        assert told is not None
        return told

    # -- giving

    async def release(self, life: HoldingLife, step: Release) -> StepOutcome:
        """Give the client a held answer, and what is still to come of it as it comes."""
        life.trace.append(("release", step.of))
        held = self._held.pop(step.of, None)
        if held is None:  # it had to make room
            return Failed(failure=MADE_ROOM, at_ms=self._world.clock.now_ms())
        outcome = await self._release(life, held)
        if isinstance(outcome, Failed) and not outcome.committed and held.gating is not None:
            # Its rest did not come, and the client has seen nothing of it.
            held.position = next(place for place, one in enumerate(life.attempts) if one.number == step.of)
            held.gating = msgspec.structs.replace(held.gating, given=False)
            self._note(life, held)
        return outcome

    async def _release(self, life: HoldingLife, held: HeldAnswer) -> StepOutcome:
        attempt = held.attempt
        held.gating = msgspec.structs.replace(held.gating, given=True) if held.gating is not None else None
        self._note(life, held)
        try:
            if held.position is None:
                started = await self._go_on(life, held)
                if started is not None:
                    return started
            if held.position is None:
                assert held.answer is not None
                assert held.watch is not None
                if held.refused:
                    attempt.kept = None  # not worth being given again or compared with
                life.giving(attempt, as_kept=not held.refused)
                if self._latest != attempt.number:
                    # The journal's word on this request is another attempt, which may be called after it.
                    attempt.journal(self._before(life, held), len(held.body))
                return await self._relay.stream(life, attempt, held.answer, held.watch, held.out)
        except UpstreamFailed as failed:
            self._held.pop(attempt.number, None)
            return await self._relay.broken(life, attempt, failed.failure)
        finally:
            self._let_go(held)
        await self._give(life, held)
        return Answered()

    async def _go_on(self, life: HoldingLife, held: HeldAnswer) -> StepOutcome | None:
        """An answer that is still under way: wait until it has begun; all of it, where it is not streamed."""
        self._held[held.attempt.number] = held  # until it is being relayed, it is dropped with the others
        held.released = True
        if held.watch is None:
            await self._waiting.done(self._sending(life, held), None, held.attempt.route)
            failed = await self._begin(life, held)
            if failed is not None:
                return failed
        if not self._relay.ask.head.stream:
            told = await self._read(life, held, None)
            if not isinstance(told, Held):
                return told
            self._note(life, held)
        self._held.pop(held.attempt.number, None)
        return None

    async def _give(self, life: HoldingLife, held: HeldAnswer) -> None:
        attempt = held.attempt
        assert attempt.answer is not None
        data, content_type = b"".join(held.out), None
        if held.repaired is not None:
            # Written anew in the client's dialect, with the usage that its provider stated.
            ask = self._relay.ask
            codec = self._world.dialects(ask.dialect)
            writer = codec.writer(streamed=ask.head.stream, request_id=ask.request_id, head=ask.head)
            data = writer.write(attempt.as_seen(held.repaired)) + writer.close()
            content_type = writer.content_type
        # What was written anew is not what was kept.
        life.giving(attempt, as_kept=held.repaired is None and not held.refused)
        await self._relay.give(life, attempt, attempt.answer, data, content_type)

    # -- the end

    def drop_all(self, life: HoldingLife, *, gone: bool) -> None:
        """Nobody waits for what is still under way; ``gone``: since the client is not there any more."""
        for held in list(self._held.values()):
            self._drop(life, held, GONE if gone else NOT_NEEDED)

    def make_room(self, life: HoldingLife, provider: str) -> None:
        """A call waits for a place at this provider: what is under way there may have the last one."""
        for held in list(self._held.values()):
            if held.place is not None and held.attempt.target.provider == provider:
                self._drop(life, held, NOT_NEEDED)

    def _drop(self, life: HoldingLife, held: HeldAnswer, why: Failure) -> None:
        del self._held[held.attempt.number]
        if held.position is None:
            sending = held.sending
            if sending is not None and not sending.done():
                sending.cancel()
            elif sending is not None and not sending.cancelled():
                sending.exception()  # looked at, so that nobody is told that it was not
            if held.attempt.opened:
                life.dropped(held.attempt, why)
        self._let_go(held)


def _may_be_mended(verdict: Gating) -> bool:
    """Whether a tool call speaks against it, which a repair could mend once the answer is whole."""
    return any(name == "tool_calls" and score is not None and score < 1 for name, score, _ in verdict.parts)
