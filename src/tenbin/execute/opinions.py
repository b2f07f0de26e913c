"""7. What another model says of a held answer: the same question answered again, or a mark by a rubric. One call each,
on the receipt like any attempt, never tried again.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from tenbin.core.ask import Ask
from tenbin.core.conversation import Conversation, Text, Thought, Turn
from tenbin.core.receipt import Attempt
from tenbin.core.steps import Consult
from tenbin.discern.gates.gate import Question
from tenbin.discern.gates.judge import RUBRIC, mark_of, marking
from tenbin.execute.background_call import BackgroundCall, Prepared, prepared
from tenbin.execute.world import World

DRAWN_AT = 0.4
"""Temperature of a further answer, where the request has none: at 0 it would be the same one (docs/gates.md)."""
MARK_TOKENS = 1_024
"""Of a judge's reply."""
SAMPLE_TOKENS = 4_096
"""Of a further answer, where the request does not say."""


class Said(NamedTuple):
    """What came of asking."""

    attempt: Attempt | None
    """Unpriced; None where nobody was called."""
    text: str = ""
    mark: float | None = None
    """0..1."""
    fault: str = ""
    """Why nothing came of it, in words."""


class Opinion:
    """One question to one model."""

    def __init__(
        self, world: World, ask: Ask, step: Consult, conversation: Conversation, question: Question, answer: str
    ) -> None:
        self._step = step
        self._seconds = step.timeout_ms / 1_000 if step.timeout_ms is not None else world.timeouts.first_byte
        self._nonce = f"{world.clock.bits():020x}"
        self._call: BackgroundCall | None = None
        found: Prepared | str
        if step.purpose == "agreement":
            sampling = conversation.sampling
            if not sampling.temperature:
                sampling = msgspec.structs.replace(sampling, temperature=DRAWN_AT)
            sampling = msgspec.structs.replace(sampling, seed=None, logprobs=None, top_logprobs=None)
            again = msgspec.structs.replace(conversation, sampling=sampling)
            found = prepared(world, again, step.target, conversation.max_tokens or SAMPLE_TOKENS)
        else:
            found = self._marking(world, question, answer)
        self._fault = found if isinstance(found, str) else ""
        if not isinstance(found, str):
            own = msgspec.structs.replace(ask, headers=(), query=b"", patience_ms=None)
            self._call = BackgroundCall(world, own, found, step.attempt, step.purpose)

    def _marking(self, world: World, question: Question, answer: str) -> Prepared | str:
        try:
            prompt = marking(question.prompt, answer, self._nonce, self._step.rubric or RUBRIC)
        except ValueError as error:
            return str(error)
        conversation = Conversation(
            model=self._step.target.model,
            system=(Text(text=prompt.system),),
            turns=(Turn(role="user", parts=(Text(text=prompt.user),)),),
            thought=Thought(mode="off"),
        )
        return prepared(world, conversation, self._step.target, MARK_TOKENS)

    async def ask(self, before: Sequence[Attempt]) -> Said:
        """Ask; whatever goes wrong, the request goes on. ``before``: the attempts that have ended."""
        if self._call is None:
            return Said(None, fault=self._fault)
        reply = await self._call.run(self._seconds, before)
        record = self._recorded(reply.attempt)
        if reply.failure is not None:
            return Said(record, fault=reply.failure.message[:200] or reply.failure.kind)
        if self._step.purpose == "agreement":
            return Said(record, text=reply.text, fault="" if reply.text else "it said nothing")
        mark = mark_of(reply.text, self._nonce)
        return Said(record, mark=mark, fault="" if mark is not None else "it gave no mark")

    def abandoned(self) -> Attempt | None:
        """The record of a call that was cut off here; None where nobody was called."""
        return self._recorded(self._call.abandoned()) if self._call is not None else None

    def _recorded(self, attempt: Attempt) -> Attempt:
        return msgspec.structs.replace(attempt, rung=self._step.rung, purpose=self._step.purpose)
