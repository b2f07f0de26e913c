"""A receipt holds what its ladder was decided by: the same code, told the recorded outcomes, takes the same steps."""

from collections import deque
from typing import Any

import pytest

from tenbin.core.facts import Facts
from tenbin.core.problems import Failure
from tenbin.core.receipt import Receipt
from tenbin.core.steps import (
    Answered,
    Call,
    Consult,
    Failed,
    Held,
    Note,
    Noted,
    Pause,
    Release,
    Resumed,
    Sense,
    Sensed,
    Step,
    StepOutcome,
)
from tenbin.decide.flow import decide
from tenbin.simulator import RunningSimulator
from tests.decide.plans import ask as an_ask
from tests.execute.conftest import Caller
from tests.execute.ladders import GOOD, LOW, TOP, TOP_SAYS, ask, ladder_caller, ladder_house  # noqa: F401 - fixtures
from tests.real.books import House


class Recorded:
    """The outcomes of a receipt's trace, in order."""

    def __init__(self, receipt: Receipt) -> None:
        self._entries = deque[Any](receipt.trace)
        self._climb = receipt.climb
        self._complete: set[int] = set()

    def outcome(self, step: Step) -> StepOutcome:
        if isinstance(step, Sense):
            assert self._climb is not None
            assert self._climb.features is not None
            return Sensed(features=self._climb.features)
        if isinstance(step, Note):
            assert self._entries.popleft()[0] == "climb"
            return Noted()
        if isinstance(step, Pause):
            assert self._entries.popleft() == ["pause", step.ms]
            return Resumed()
        if isinstance(step, Consult):
            assert self._entries.popleft()[:2] == [step.purpose, step.target.name]
            return self._held()
        if isinstance(step, Release):
            assert self._entries.popleft() == ["release", step.of]
            return Answered() if step.of in self._complete else self._ended()
        assert isinstance(step, Call)
        if step.hold is None or self._entries[0][0] == "held":
            return self._ended() if step.hold is None else self._held()
        ended = self._ended()
        if isinstance(ended, Failed):
            return ended
        self._complete.add(step.attempt)
        return self._held()

    def _held(self) -> Held:
        kind, number, why, score, accept, usable, at_ms = self._entries.popleft()
        assert kind == "held"
        return Held(of=number, why=why, score=score, accept=accept, usable=usable, at_ms=at_ms)

    def _ended(self) -> StepOutcome:
        kind, _, how = self._entries.popleft()
        assert kind == "call"
        return Answered() if how == "answered" else Failed(failure=Failure(kind=how, message=""))

    @property
    def rest(self) -> list[Any]:
        """What no step has asked for: answers that were dropped."""
        return [entry for entry in self._entries if entry[-1] != "cancelled"]


@pytest.mark.parametrize(
    ("model", "stream", "low", "top"),
    [
        ("up", False, {"text": GOOD}, {"text": TOP_SAYS}),
        ("up", True, {"text": ""}, {"text": TOP_SAYS}),
        ("up", True, {"text": "Paris is nice. " * 60}, {"status": 529}),
        ("up", False, {"status": 529}, {"text": TOP_SAYS}),
        ("late", True, {"text": GOOD * 3, "tick_ms": 60, "delay_ms": 300}, {"text": TOP_SAYS}),
        ("lateup", False, {"text": GOOD * 3, "tick_ms": 60, "delay_ms": 300}, {"text": TOP_SAYS}),
        ("asking", False, {"text": GOOD}, {"text": TOP_SAYS}),
    ],
)
def test_the_same_steps_follow_from_the_receipt(
    house: House, caller: Caller, simulator: RunningSimulator, model: str, stream: bool, low: Any, top: Any
) -> None:
    simulator.reset()
    simulator.script(LOW, low)
    simulator.script(TOP, top)
    ask(caller, "anthropic", stream, model)
    receipt = house.books.one()
    assert receipt.climb is not None
    world = house.running.gateway.world
    now = receipt.arrived_at_ms
    asked = an_ask(model, stream=stream)
    asked = type(asked)(**{**{name: getattr(asked, name) for name in asked.__struct_fields__}, "arrived_at_ms": now})
    facts = Facts(now_ms=now, draw=0.5, health={})
    plan = decide(asked, facts, world.policy, world.senses.known_for(receipt.key_id))
    recorded, calls, step = Recorded(receipt), [], next(plan)
    verdict = None
    while verdict is None:
        if isinstance(step, Note):
            assert step.climb == receipt.climb, "the plan follows from what is kept of the request"
        if isinstance(step, Call | Consult):
            calls.append((step.attempt, step.target.name, step.rung))
        try:
            step = plan.send(recorded.outcome(step))
        except StopIteration as end:
            verdict = end.value
    assert not recorded.rest
    assert verdict.answered == (receipt.outcome == "answered")
    assert calls == [(one.number, f"{one.provider}/{one.model}", one.rung) for one in receipt.attempts]
