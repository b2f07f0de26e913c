"""5. A decision without its deed: where a request would go, asked of the same code that decides live."""

from collections.abc import Generator
from typing import NamedTuple

from tenbin.codecs.registry import dialect
from tenbin.core.ask import Ask
from tenbin.core.facts import Facts
from tenbin.core.gating import Climb
from tenbin.core.steps import Judge, Judged, Note, Noted, Sense, Step, StepOutcome
from tenbin.core.weighing import Weighing
from tenbin.decide.candidates import Chain
from tenbin.decide.cascade import climber_of
from tenbin.decide.choice import KnownNow, chosen
from tenbin.decide.policy import Policy
from tenbin.execute.sensing import Senses


class Decided(NamedTuple):
    """What would be done."""

    chain: Chain
    """The targets in the order in which they would be tried."""
    weighing: Weighing | None
    """None when nothing was weighed."""
    climb: Climb | None = None
    """What was planned for a ladder, where it goes up one."""


async def decided(ask: Ask, policy: Policy, senses: Senses, draw: float = 0.0) -> Decided:
    """Decide on a request, and call nobody. Raises Unreadable for a request that would be refused."""
    plan = _plan(
        ask, Facts(now_ms=ask.arrived_at_ms, draw=draw, health={}), policy, senses.known_for(ask.caller.key_id)
    )
    sensing, weighing = None, None
    try:
        step = next(plan)
        while True:
            outcome: StepOutcome
            if isinstance(step, Note):
                weighing, outcome = step.weighing or weighing, Noted()
            elif isinstance(step, Judge):
                outcome = Judged(asked=False)
            else:
                assert isinstance(step, Sense)
                sensing = sensing or await senses.of(ask, dialect(ask.dialect), policy)
                outcome = sensing.perform(step)
            step = plan.send(outcome)
    except StopIteration as stop:
        chain, climb = stop.value
        return Decided(chain, weighing, climb)


def _plan(
    ask: Ask, facts: Facts, policy: Policy, known: KnownNow | None
) -> Generator[Step, StepOutcome, tuple[Chain, Climb | None]]:
    chain = yield from chosen(ask, facts, policy, known)
    if policy.cascades is None or not (chain.name or chain.weighing is not None):
        return chain, None
    climber = yield from climber_of(ask, facts, policy, known, chain)
    return chain, climber.climb if climber is not None else None
